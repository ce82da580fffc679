// Random erasing: a rectangle of a stored image gets other values.
#pragma once

#include <array>
#include <cstdint>

#include "hd.hpp"
#include "image/geometry.hpp"
#include "image/store.hpp"
#include "normal_quantile.hpp"
#include "philox4x32.hpp"

namespace fastload::image {

struct Erasure {
  Rect rect;  // inside the image
  bool noise = false;
  float value[kChannels] = {0, 0, 0};  // without noise; rounded to the dtype
  uint64_t key = 0;                    // of the noise
};

// The noise of values 4 * block to 4 * block + 3, as bits of standard normal quantiles. Values are counted
// channel by channel, row by row through the rectangle.
FL_HD inline std::array<uint32_t, 4> noise_bits(const Erasure& erasure, uint32_t block) {
  return philox({block, 0, 0, 0}, erasure.key);
}

// `slot`: an image of width x height as Store leaves it for `spec`. uint8 takes whole values in 0 .. 255, and
// no noise.
void erase(const StoreSpec& spec, const Erasure& erasure, int width, int height, void* slot);

}  // namespace fastload::image
