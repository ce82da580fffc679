// The symbols that a JPEG scan is made of, before they have code words: what the encoder counts, then writes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "jpeg/coefficients.hpp"

namespace fastload::jpeg {

// Huffman tables: component 0 has one pair, the others share the second.
enum Table : uint8_t { kDcFirst, kAcFirst, kDcOther, kAcOther, kTables };

// A code word and the bits that follow it (T.81, F.1.2): table << 24 | symbol << 16 | bits.
using Token = uint32_t;

// Coefficients that baseline can hold (T.81, tables F.1 and F.2).
inline constexpr size_t kLargestDcSize = 11;
inline constexpr size_t kLargestAcSize = 10;

struct Tokens {
  std::unique_ptr<Token[]> tokens;   // not initialised beyond the last segment
  std::vector<size_t> segment_ends;  // index behind the last token of each restart segment
  std::array<std::array<uint32_t, 256>, kTables> frequencies{};

  // Whether every symbol is one of baseline's. If not, some bits do not say what the coefficients are.
  [[nodiscard]] bool fit_baseline() const;
};

// One pass over the coefficients, in the order of a single scan: interleaved, or block by block for one
// component. Blocks that only pad the image to whole MCUs repeat the DC before them, which is the cheapest.
Tokens tokenize(const Coefficients& image);

}  // namespace fastload::jpeg
