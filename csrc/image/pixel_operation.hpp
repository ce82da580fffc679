// One photometric or geometric operation on an RGB8 image of fixed size, with everything random about it
// drawn.
#pragma once

#include <cstdint>

#include "image/filter.hpp"
#include "image/geometry.hpp"

namespace fastload::image {

// The operations of Pillow's ImageEnhance, ImageOps and Image.transform; how each computes is in
// color_operations.hpp and affine.hpp.
struct PixelOperation {
  enum class Kind : uint8_t {
    identity,
    mirror,        // left and right
    brightness,    // `value`: ImageEnhance's factor, as float
    contrast,      // the same
    saturation,    // the same
    sharpness,     // the same
    hue,           // `value`: steps of 1/255 of the circle, 0 .. 255
    grayscale,     // luma in all channels
    invert,        //
    posterize,     // `value`: bits to keep, 1 .. 8
    solarize,      // `value`: the threshold from which values are inverted
    autocontrast,  // per channel
    equalize,      // per channel
    affine,        // `matrix`, `filter` (nearest, bilinear, bicubic), `fill` for what lies outside
  };
  Kind kind = Kind::identity;
  Filter filter = Filter::nearest;
  uint8_t fill[kChannels] = {0, 0, 0};
  double value = 0;
  // Output pixel (x, y) shows the input at (m0 (x + 1/2) + m1 (y + 1/2) + m2, m3 ... + m5).
  double matrix[6] = {1, 0, 0, 0, 1, 0};
};

}  // namespace fastload::image
