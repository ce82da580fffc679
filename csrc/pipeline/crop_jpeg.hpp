// A crop as a JPEG, for decoders other than ours: an ordinary file, as small as the stored one allows.
#pragma once

#include <vector>

#include "image/geometry.hpp"
#include "shard/reader.hpp"

namespace fastload::pipeline {

struct CropJpeg {
  std::vector<uint8_t> bytes;
  image::Rect covered;  // the pixels of the stored image that it shows; the crop lies inside
};

// Spliced where MCU rows consist of whole restart segments, and then only their bytes are read; else the
// stored JPEG whole. Decoders that upsample chroma as libjpeg does get the pixels that the whole image has.
// Error(checksum, shard, io, jpeg), Error(value) for a crop outside the image.
CropJpeg read_crop_jpeg(const shard::Shard& shard, const shard::Record& record, const image::Rect& crop);

}  // namespace fastload::pipeline
