// Resizing, bit for bit as Pillow 13's Image.resize: two passes with rounding to bytes in between.
#pragma once

#include <vector>

#include "image/geometry.hpp"
#include "image/paired_weights.hpp"
#include "image/weights.hpp"

namespace fastload::image {

// One per thread: owns scratch memory and the tables of the last sizes.
class Resampler {
 public:
  // The part of an image that `window` of its resize to out_w x out_h depends on. `in_x` and `in_y` are what
  // the resize takes of the image: its width and height, or Pillow's box.
  static Rect source_region(const Extent& in_x, const Extent& in_y, int out_w, int out_h, Filter filter,
                            const Rect& window);

  // Resizes this of an image, of which `src` holds only `region` (source_region or more), to out_w x out_h
  // and stores `window` of the result into the first rows and columns of dst. Throws Error(value) where a
  // size is not positive, the box is not inside the image, the window not inside the result, or src, region
  // or dst are too small for it.
  void resize(const ConstImage& src, const Rect& region, const Extent& in_x, const Extent& in_y, int out_w,
              int out_h, Filter filter, const Rect& window, const Image& dst);

 private:
  // `src` begins at the window's source region, whose top is row `origin` of the image; [begin, end) are rows
  // of the pass's result, stored at dst and below.
  void copy(const ConstImage& src, const Rect& need, const Image& dst) const;
  void copy_tail(const ConstImage& src);
  void horizontal(const ConstImage& src, int begin, int end, uint8_t* dst, ptrdiff_t dst_stride) const;
  void vertical(const ConstImage& src, int origin, int begin, int end, uint8_t* dst,
                ptrdiff_t dst_stride) const;
  void horizontal_then_vertical(const ConstImage& src, int origin, const Image& dst);
  void vertical_then_horizontal(const ConstImage& src, int origin, const Image& dst);

  Weights columns_, rows_;
  PairedWeights pairs_;  // columns_, for the vector kernels
  std::vector<uint8_t> between_, tail_;
  int tail_rows_ = 0;
};

}  // namespace fastload::image
