#include "pipeline/crop_reader.hpp"

#include <algorithm>

#include "error.hpp"

namespace fastload::pipeline {
namespace {

jpeg::Layout layout_of(const shard::Record& record) {
  jpeg::Layout layout;
  layout.width = record.width;
  layout.height = record.height;
  layout.components = std::min<int>(record.components, std::size(record.sampling));
  for (int c = 0; c < layout.components; ++c) {
    layout.h[c] = record.sampling[c] >> 4;
    layout.v[c] = record.sampling[c] & 15;
  }
  layout.restart_interval = record.restart_interval;
  return layout;
}

}  // namespace

void CropReader::read(const shard::Shard& shard, const shard::Record& record, const image::Rect& crop) {
  if (crop.x < 0 || crop.y < 0 || crop.width < 1 || crop.height < 1 || crop.x > record.width - crop.width ||
      crop.y > record.height - crop.height) {
    throw Error(ErrorKind::value, "crop " + to_string(crop) + " does not lie inside the image of " +
                                      std::to_string(record.width) + " x " + std::to_string(record.height));
  }
  crop_ = crop;
  layout_ = layout_of(record);
  by_rows_ = record.row_count > 0 && layout_.rows_are_segments();
  if (by_rows_) {
    plan_ = jpeg::plan_splice(layout_, crop);
    header_bytes_ = shard.read_rows(record, plan_.row_begin, plan_.row_end, bytes_);
  } else {
    shard.read_jpeg(record, bytes_);
  }
}

jpeg::Pixels& CropReader::decode() {
  const jpeg::Bytes bytes(bytes_);
  const uint64_t fast = decoder_.counts().fast;
  if (by_rows_) {
    decoder_.decode_rows(layout_, plan_, bytes.first(header_bytes_), bytes.subspan(header_bytes_), crop_,
                         pixels_);
  } else {
    decoder_.decode(bytes, crop_, pixels_);
  }
  by_libjpeg_ = decoder_.counts().fast == fast;
  return pixels_;
}

}  // namespace fastload::pipeline
