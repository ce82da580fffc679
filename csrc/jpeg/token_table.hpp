// Huffman decoding into the symbols that an encoder takes, several of them a look-up.
#pragma once

#include <cstdint>

#include "jpeg/huffman.hpp"
#include "jpeg/tokens.hpp"

namespace fastload::jpeg {

// Measured on ImageNet's files, which have a code each, time of a whole transcoding against 10 bits: 9 bits
// +2%, 11 bits +4%, 12 bits +6%.
inline constexpr int kTokenBits = 10;
inline constexpr int kMostTokens = 3;

// The code of the AC coefficients of one component. An entry covers the symbols whose code words lie in
// kTokenBits bits, and the values of all but the last one, whose value may reach beyond them.
struct TokenTable {
  struct Known {
    Token before[kMostTokens - 1];  // those before the last one
    Token last;                     // without its value
    uint32_t mask;                  // of the value: as many ones as it has bits
  };

  // Addend to k << 8 | tokens << 6 | bits. The addend is as in SkipTable. What the next step waits for is
  // kept apart from the rest, in half of a first-level cache.
  uint16_t steps[1 << kTokenBits];
  Known known[1 << kTokenBits];
  CanonicalCode code;
};
inline constexpr uint32_t kMostTokenBits = kTokenBits + 15;

// The token of an AC symbol, without its value. All words for the end of a block become one.
constexpr Token ac_token(Table table, uint32_t symbol) {
  const bool ends = (symbol & 15) == 0 && symbol != 0xF0;
  return static_cast<Token>(table) << 24 | (ends ? 0 : symbol) << 16;
}

// Tokens will belong to `output`. False if libjpeg would reject the code.
bool build(const HuffmanSpec& code, Table output, TokenTable& table);

}  // namespace fastload::jpeg
