// The quantised coefficients of one MCU row, as the entropy stage leaves them and the pixel stage takes them.
#pragma once

#include <cstdint>

namespace fastload::jpeg {

struct BlockRow {         // of one component
  const int16_t* blocks;  // [v][blocks_across][64], quantised values in natural (row-major) order, NOT zigzag
  const uint8_t* last;    // [v][blocks_across], zigzag index of the last non-zero coefficient: 0 = DC only
  int blocks_across;      // blocks a line in the decoded range (MCU columns * h)
  int v;                  // block lines in an MCU row
};

struct Component {
  int h, v;
  const uint16_t* quantisers;  // 64, natural order
};

}  // namespace fastload::jpeg
