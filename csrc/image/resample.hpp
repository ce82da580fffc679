// Resizing, bit for bit as Pillow's Image.resize: a horizontal pass, bytes, a vertical pass.
#pragma once

#include <vector>

#include "image/geometry.hpp"
#include "image/weights.hpp"

namespace fastload::image {

// One per thread: owns scratch memory and the tables of the last sizes.
class Resampler {
 public:
  // The part of an in_w x in_h image that `window` of its resize to out_w x out_h depends on.
  static Rect source_region(int in_w, int in_h, int out_w, int out_h, Filter filter, const Rect& window);

  // Resizes an in_w x in_h image, of which `src` holds only `region` (source_region or more), to out_w x
  // out_h and stores `window` of the result into the first rows and columns of dst. Throws Error(value) where
  // a size is not positive, the window is not inside the result, or src, region or dst are too small for it.
  void resize(const ConstImage& src, const Rect& region, int in_w, int in_h, int out_w, int out_h,
              Filter filter, const Rect& window, const Image& dst);

 private:
  Weights columns_, rows_;
  std::vector<uint8_t> scratch_;
};

}  // namespace fastload::image
