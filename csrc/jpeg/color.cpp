#include "jpeg/color.hpp"

namespace fastload::jpeg {

void ycbcr_to_rgb(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int count, uint8_t* rgb) {
  for (int x = 0; x < count; ++x) ycbcr_pixel(y[x], cb[x], cr[x], rgb + 3 * x);
}

void interleave_rgb(const uint8_t* r, const uint8_t* g, const uint8_t* b, int count, uint8_t* rgb) {
  for (int x = 0; x < count; ++x) {
    rgb[3 * x] = r[x];
    rgb[3 * x + 1] = g[x];
    rgb[3 * x + 2] = b[x];
  }
}

}  // namespace fastload::jpeg
