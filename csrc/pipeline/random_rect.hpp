// What random rectangles have in common, for crops and for erasing: torchvision's rounding and order of
// draws.
#pragma once

#include <cmath>
#include <cstdint>

#include "image/geometry.hpp"
#include "pipeline/philox.hpp"

namespace fastload::pipeline {

// Python's round(): halves to even, which is the default rounding mode.
inline int round_half_even(double value) { return static_cast<int>(std::nearbyint(value)); }

// A rectangle of this size at a uniform place in an image that it fits into; its row is drawn first.
inline image::Rect random_place(int width, int height, int image_width, int image_height,
                                RandomStream& random) {
  const int y = static_cast<int>(random.below(static_cast<uint32_t>(image_height - height + 1)));
  const int x = static_cast<int>(random.below(static_cast<uint32_t>(image_width - width + 1)));
  return {x, y, width, height};
}

}  // namespace fastload::pipeline
