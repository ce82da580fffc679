#include "jpeg/idct.hpp"

namespace fastload::jpeg {

void idct_blocks(const int16_t* blocks, const uint8_t* /*last*/, int count, const uint16_t* quantisers,
                 uint8_t* dst, ptrdiff_t stride) {
  for (int k = 0; k < count; ++k) idct_block(blocks + 64 * k, quantisers, dst + 8 * k, stride);
}

}  // namespace fastload::jpeg
