#include "jpeg/upsample.hpp"

#include <cstring>

namespace fastload::jpeg {

Upsampling choose_upsampling(const Layout& layout, int c, int width) {
  if (layout.components == 1) return Upsampling::none;
  // Narrower components have no neighbours to speak of (jdsample.c); the rule is about columns alone.
  constexpr int kNarrow = 2;
  const int across = layout.max_h() / layout.h[c], down = layout.max_v() / layout.v[c];
  const bool wide = samples_of(width, layout.h[c], layout.max_h()) > kNarrow;
  if (across == 1 && down == 1) return Upsampling::none;
  if (across == 2 && down == 1 && wide) return Upsampling::h2v1;
  if (across == 1 && down == 2) return Upsampling::h1v2;
  if (across == 2 && down == 2 && wide) return Upsampling::h2v2;
  return Upsampling::replicate;
}

void upsample_h2v1(const uint8_t* samples, int count, uint8_t* pixels) {
  for (int k = 0; k < count; ++k) {
    pixels[2 * k] = h2v1_left(samples[k - 1], samples[k]);
    pixels[2 * k + 1] = h2v1_right(samples[k], samples[k + 1]);
  }
}

void upsample_h2v2(const uint8_t* nearer, const uint8_t* farther, int count, uint8_t* pixels) {
  for (int k = 0; k < count; ++k) {
    const int here = column_sum(nearer[k], farther[k]);
    pixels[2 * k] = h2v2_left(column_sum(nearer[k - 1], farther[k - 1]), here);
    pixels[2 * k + 1] = h2v2_right(here, column_sum(nearer[k + 1], farther[k + 1]));
  }
}

void upsample_h1v2(const uint8_t* nearer, const uint8_t* farther, bool lower, int count, uint8_t* pixels) {
  for (int k = 0; k < count; ++k) pixels[k] = h1v2_pixel(nearer[k], farther[k], lower);
}

void replicate(const uint8_t* samples, int count, int times, uint8_t* pixels) {
  for (int k = 0; k < count; ++k, pixels += times)
    std::memset(pixels, samples[k], static_cast<size_t>(times));
}

}  // namespace fastload::jpeg
