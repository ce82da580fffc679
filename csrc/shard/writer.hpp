// Writes one shard: a tar of KEY.jpg and KEY.cls members, then the index as its last member.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shard/file.hpp"
#include "shard/format.hpp"

namespace fastload::shard {

// What the index records of a sample, besides where it lies.
struct SampleInfo {
  std::string_view key;  // without a dot: WebDataset ends the key at the first one
  int32_t label = 0;
  std::span<const uint8_t> jpeg;
  std::span<const uint32_t> row_offsets;  // see jpeg::StoredJpeg; may be empty
  int width = 0, height = 0;
  int components = 0;
  const uint8_t* h = nullptr;  // sampling factors, `components` of them
  const uint8_t* v = nullptr;
  int restart_interval = 0;
  int orientation = 1;
  uint8_t flags = 0;  // RecordFlags
};

// Not thread-safe. A writer that is dropped before close() leaves a file without an index.
class Writer {
 public:
  explicit Writer(const std::string& path);  // creates or empties the file

  void add(const SampleInfo& sample);
  void close();  // index, end of archive, fsync; once

  [[nodiscard]] uint64_t sample_count() const { return records_.size(); }
  [[nodiscard]] uint64_t bytes() const { return position_; }  // members so far

 private:
  void put(std::span<const uint8_t> bytes);
  void put_member(std::string_view name, std::span<const uint8_t> bytes);
  void flush();
  std::vector<uint8_t> build_index(uint64_t index_offset);

  File file_;
  uint64_t position_ = 0;
  bool closed_ = false;
  std::vector<uint8_t> buffer_;
  std::vector<Record> records_;
  std::vector<RowEntry> rows_;
  std::string keys_;
};

// The record's own checksum: see Record::crc.
uint32_t record_crc(const Record& record, std::span<const uint8_t> rows,
                    std::span<const uint8_t> entry_points, std::span<const uint8_t> key);

}  // namespace fastload::shard
