// Decoding to 1/2, 1/4 or 1/8 of the size: blocks become fewer samples in the inverse DCT, as with libjpeg's
// scale_denom. A "reduction" is 1, 2, 4 or 8, the pixels of the image for a pixel of the result in each
// direction.
#pragma once

#include <algorithm>

#include "hd.hpp"
#include "image/geometry.hpp"
#include "jpeg/layout.hpp"

namespace fastload::jpeg {

inline constexpr int kLargestReduction = 8;

// Pixels of the result.
FL_HD inline int reduced(int pixels, int reduction) { return (pixels + reduction - 1) / reduction; }

// The pixels of the image that `crop` of the result lies over.
inline image::Rect source_of(const image::Rect& crop, int reduction, const Layout& layout) {
  const int x = crop.x * reduction, y = crop.y * reduction;
  return {x, y, std::min(crop.width * reduction, layout.width - x),
          std::min(crop.height * reduction, layout.height - y)};
}

// Samples a side that a block of component `c` becomes: more than others' where the component has fewer of
// them and that saves upsampling (jdmaster.c).
FL_HD inline int block_side(const Layout& layout, int c, int reduction) {
  const int least = 8 / reduction;
  if (layout.components == 1) return least;
  int side = least;
  while (side < 8 && layout.max_h() * least % (layout.h[c] * side * 2) == 0 &&
         layout.max_v() * least % (layout.v[c] * side * 2) == 0) {
    side *= 2;
  }
  return side;
}

// Samples that `pixels` pixels of the image have, in a direction of these sampling factors, where a block
// becomes `side` of them.
FL_HD inline int samples_of(int pixels, int factor, int largest, int side = 8) {
  return (pixels * factor * side + 8 * largest - 1) / (8 * largest);
}

}  // namespace fastload::jpeg
