// Pixels by libjpeg-turbo: for JPEGs that the own decoder does not take, and as its reference.
#pragma once

#include <vector>

#include "jpeg/decoder.hpp"
#include "jpeg/libjpeg.hpp"

namespace fastload::jpeg {

// Error(value) for a crop that does not lie inside the image.
void require_inside(const image::Rect& crop, int width, int height);

// One per thread: keeps its memory from one image to the next.
class LibjpegDecoder {
 public:
  // `crop` out of a JPEG of one or three components, reduced by `reduction`. What libjpeg decodes with a
  // warning is decoded. Error(jpeg).
  void decode(Bytes jpeg, const image::Rect& crop, Pixels& out, int reduction = 1);

 private:
  Decompressor decompressor_;
  std::vector<uint8_t> line_;  // for rows above the crop, and for rows that are wider than it
};

}  // namespace fastload::jpeg
