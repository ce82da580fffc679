// A crop's pixels out of a shard: reads and decodes only the rows and segments that it lies in.
#pragma once

#include <vector>

#include "jpeg/decoder.hpp"
#include "shard/reader.hpp"

namespace fastload::pipeline {

// The grid of a stored JPEG, from its record.
jpeg::Layout layout_of(const shard::Record& record);

// One per thread: owns the memory between reading and pixels.
class CropReader {
 public:
  // Step one: the bytes of the rows that the crop lies in, or of the whole JPEG where rows cannot be read
  // alone. The crop is one of the image reduced by `reduction` (see jpeg/reduction.hpp). Error(checksum,
  // shard, io), Error(value) for a crop outside the image.
  void read(const shard::Shard& shard, const shard::Record& record, const image::Rect& crop,
            int reduction = 1);

  // Step two: the pixels of that crop, which stay valid (and may be written to) until the next decode().
  jpeg::Pixels& decode();

  [[nodiscard]] size_t bytes_read() const { return bytes_.size(); }
  [[nodiscard]] bool by_rows() const { return by_rows_; }  // false: the image had to be read whole
  [[nodiscard]] jpeg::Fallback fallback() const { return fallback_; }  // of the last decode()

 private:
  void find_segments(const shard::Shard& shard, const shard::Record& record);

  image::Rect crop_;
  int reduction_ = 1;
  jpeg::Layout layout_;
  jpeg::SplicePlan plan_;
  jpeg::EntryGrid grid_;  // of the rows that were read; into points_ and row_offsets_
  std::vector<jpeg::EntryPoint> points_;
  std::vector<uint32_t> row_offsets_;
  bool by_rows_ = false;
  jpeg::Fallback fallback_ = jpeg::Fallback::none;
  size_t header_bytes_ = 0;
  std::vector<uint8_t> bytes_;
  jpeg::Decoder decoder_;
  jpeg::Pixels pixels_;
};

}  // namespace fastload::pipeline
