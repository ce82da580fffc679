// Huffman decoding that only wants to know where the next block begins: a look-up passes over several symbols
// at a time.
#pragma once

#include <cstdint>

#include "jpeg/huffman.hpp"

namespace fastload::jpeg {

// 4096 entries for luma and as many for chroma fill half of a first-level cache. Measured on ImageNet's
// files, which have a code each: 11 bits and 13 bits +5% time.
inline constexpr int kSkipBits = 12;

// An entry covers as many AC symbols as have their code words in kSkipBits bits; the value of the last one
// may reach beyond them. It says how many bits they take, and how many coefficients they cover.
struct SkipTable {
  // addend to k << 8 | bits. The symbols are passed over if k is then kLastInBlock or less, or, where the
  // block ends with EOB, from kEndOfBlock to kEndOfBlock + kLastInBlock - 1. Otherwise the entry leaves the
  // block, or has no symbol.
  uint16_t entries[1 << kSkipBits];
  CanonicalCode code;
};
inline constexpr uint32_t kLastInBlock = 63;
inline constexpr uint32_t kMostSkippedBits = kSkipBits + 15;

// False if libjpeg would reject the code.
bool build(const HuffmanSpec& code, SkipTable& table);

}  // namespace fastload::jpeg
