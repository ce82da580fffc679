// From symbol frequencies to the best Huffman code whose words are not longer than a limit.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace fastload::jpeg {

inline constexpr int kLongestCode = 16;  // T.81, B.2.4.2

// A canonical code as T.81, annex C builds it from a DHT segment. No word consists of ones only.
struct HuffmanCode {
  std::array<uint8_t, kLongestCode + 1> counts{};  // words by length
  std::array<uint8_t, 256> symbols{};              // by length, then by value; the first sum(counts) are used
  std::array<uint8_t, 256> lengths{};              // by symbol; 0: has no word
  std::array<uint16_t, 256> words{};               // by symbol
  [[nodiscard]] int size() const;                  // symbols that have a word
};

// Minimises sum(frequency * length) over all codes of at most `max_length` bits, by the package-merge
// algorithm (Larmore & Hirschberg, J. ACM 37(3), 1990). Symbols of frequency 0 get no word. Throws
// Error(value) if `max_length` is outside 1..16 or too small for that many symbols.
HuffmanCode make_huffman_code(std::span<const uint32_t, 256> frequencies, int max_length);

}  // namespace fastload::jpeg
