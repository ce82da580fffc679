// The symbols that a JPEG scan is made of, before they have code words: what the encoder counts, then writes.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include "jpeg/coefficients.hpp"

namespace fastload::jpeg {

// Huffman tables: component 0 has one pair, the others share the second.
enum Table : uint8_t { kDcFirst, kAcFirst, kDcOther, kAcOther, kTables };

// A code word and the bits that follow it (T.81, F.1.2): table << 24 | symbol << 16 | bits.
using Token = uint32_t;

// Of a coefficient that is not zero, behind `run` zeros, or of a DC difference.
inline Token make_token(int table, int run, int value) {
  const int sign = value >> 31;
  const auto magnitude = static_cast<uint32_t>((value ^ sign) - sign);
  const auto size = std::min<Token>(static_cast<Token>(std::bit_width(magnitude)), 15);
  const Token bits = static_cast<Token>(value + sign) & ((Token{1} << size) - 1);
  return static_cast<Token>(table) << 24 | static_cast<Token>(run) << 20 | size << 16 | bits;
}

// DC differences beyond count as this, which has a size that fits_baseline() finds.
inline constexpr int kLargestDifference = 0x7FFF;

// Coefficients that baseline can hold (T.81, tables F.1 and F.2).
inline constexpr size_t kLargestDcSize = 11;
inline constexpr size_t kLargestAcSize = 10;

struct Tokens {
  std::unique_ptr<Token[]> tokens;   // not initialised beyond the last segment
  std::vector<size_t> segment_ends;  // index behind the last token of each restart segment
  std::array<std::array<uint32_t, 256>, kTables> frequencies{};

  // Room for all tokens of an image, and some more.
  void allocate(const Layout& layout);

  // Whether every symbol is one of baseline's. If not, some bits do not say what the coefficients are.
  [[nodiscard]] bool fit_baseline() const;
};

// One pass over the coefficients, in the order of a single scan: interleaved, or block by block for one
// component. Blocks that only pad the image to whole MCUs repeat the DC before them, which is the cheapest.
Tokens tokenize(const Coefficients& image);

}  // namespace fastload::jpeg
