// Entropy-coded blocks become tokens without becoming coefficients between.
#pragma once

#include <vector>

#include "jpeg/skip_cursor.hpp"
#include "jpeg/token_table.hpp"

namespace fastload::jpeg {

// One block of an MCU.
struct TokenSlot {
  const DcTable* dc;
  const TokenTable* ac;
  Table dc_output, ac_output;
  int component;
  int across, x,
      blocks_across;         // block x of `across` in the MCU's row of them; of `blocks_across` in the image
  int down, y, blocks_down;  // likewise
};

struct TokenScan {
  std::vector<TokenSlot> slots;                 // an MCU
  const uint8_t* end = nullptr;                 // of the segment; kOverread bytes behind it may be read
  uint32_t predictors[kMostComponents]{};       // of the data, modulo 2^32
  int new_predictors[kMostComponents]{};        // of the tokens
  int restart_interval = 0, until_restart = 0;  // of the tokens, MCUs
  Token* at = nullptr;                          // has room for 64 tokens a block and kMostTokens more
  std::vector<const Token*> segment_ends;
};

// Appends the tokens of `mcus` MCUs from `column` on, as tokenize() would make them of the coefficients.
// False if they are damaged, or end beyond the segment.
bool retokenize_mcus(TokenScan& scan, SkipCursor& cursor, int row, int column, int mcus);

}  // namespace fastload::jpeg
