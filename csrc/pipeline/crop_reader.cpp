#include "pipeline/crop_reader.hpp"

#include <algorithm>

#include "jpeg/libjpeg_decoder.hpp"
#include "jpeg/reduction.hpp"

namespace fastload::pipeline {

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

static_assert(jpeg::kSharedBytes == shard::kSharedBytes);
static_assert(sizeof(jpeg::EntryPoint) == sizeof(shard::EntryPoint));

// What the index says of the plan's rows.
void CropReader::find_segments(const shard::Shard& shard, const shard::Record& record) {
  const int per_row = jpeg::points_in_row(layout_.mcu_columns(), record.entry_interval);
  points_.clear();
  const auto all = shard.entry_points(record);
  for (size_t k = static_cast<size_t>(plan_.row_begin * per_row);
       k < static_cast<size_t>(plan_.row_end * per_row); ++k) {
    points_.emplace_back(all[k]);
  }
  row_offsets_.clear();
  const auto rows = shard.rows(record);
  for (int row = plan_.row_begin; row <= plan_.row_end; ++row) {
    row_offsets_.push_back(rows[static_cast<size_t>(row)].end -
                           rows[static_cast<size_t>(plan_.row_begin)].end);
  }
  grid_ = {record.entry_interval, points_, row_offsets_};
}

void CropReader::read(const shard::Shard& shard, const shard::Record& record, const image::Rect& crop,
                      int reduction) {
  jpeg::require_inside(crop, jpeg::reduced(record.width, reduction), jpeg::reduced(record.height, reduction));
  crop_ = crop;
  reduction_ = reduction;
  layout_ = layout_of(record);
  grid_ = {};
  const int interval = record.entry_interval > 0     ? record.entry_interval
                       : layout_.rows_are_segments() ? layout_.restart_interval
                                                     : 0;
  by_rows_ = record.row_count > 0 && interval > 0;
  if (by_rows_) {
    plan_ = jpeg::plan_splice(layout_, interval, crop, reduction);
    header_bytes_ = shard.read_rows(record, plan_.row_begin, plan_.row_end, bytes_);
    if (record.entry_interval > 0) find_segments(shard, record);
  } else {
    shard.read_jpeg(record, bytes_);
  }
}

jpeg::Pixels& CropReader::decode() {
  const jpeg::Bytes bytes(bytes_);
  fallback_ = by_rows_ ? decoder_.decode_rows(layout_, plan_, bytes.first(header_bytes_),
                                              bytes.subspan(header_bytes_), grid_, crop_, pixels_, reduction_)
                       : decoder_.decode(bytes, crop_, pixels_, reduction_);
  return pixels_;
}

}  // namespace fastload::pipeline
