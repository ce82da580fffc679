#include "pipeline/crop_jpeg.hpp"

#include "jpeg/libjpeg_decoder.hpp"
#include "jpeg/splice.hpp"
#include "pipeline/crop_reader.hpp"

namespace fastload::pipeline {

CropJpeg read_crop_jpeg(const shard::Shard& shard, const shard::Record& record, const image::Rect& crop) {
  jpeg::require_inside(crop, record.width, record.height);
  CropJpeg result;
  const jpeg::Layout layout = layout_of(record);
  if (record.row_count == 0 || record.entry_interval > 0 || !layout.rows_are_segments()) {
    shard.read_jpeg(record, result.bytes);
    result.covered = {0, 0, record.width, record.height};
    return result;
  }
  const jpeg::SplicePlan plan = jpeg::plan_splice(layout, layout.restart_interval, crop);
  std::vector<uint8_t> stored;
  const size_t header_bytes = shard.read_rows(record, plan.row_begin, plan.row_end, stored);
  const jpeg::Bytes bytes(stored);
  const jpeg::Bytes header = bytes.first(header_bytes);
  jpeg::splice(layout, plan, header, jpeg::read_header(header).size_offset, bytes.subspan(header_bytes),
               result.bytes);
  result.covered = plan.covered;
  return result;
}

}  // namespace fastload::pipeline
