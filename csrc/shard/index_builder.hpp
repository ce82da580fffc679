// Collects what an index says of its samples, and lays it out.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shard/format.hpp"

namespace fastload::shard {

// What the index records of a sample, besides where it lies.
struct SampleInfo {
  std::string_view key;
  int32_t label = 0;
  std::span<const uint8_t> jpeg;
  std::span<const uint32_t> row_offsets;  // see jpeg::StoredJpeg; may be empty
  int entry_interval = 0;                 // see jpeg::EntryPoints; 0: there are none
  std::span<const EntryPoint> entry_points;
  int width = 0, height = 0;
  int components = 0;
  const uint8_t* h = nullptr;  // sampling factors, `components` of them
  const uint8_t* v = nullptr;
  int restart_interval = 0;
  int orientation = 1;
  uint8_t flags = 0;  // RecordFlags
};

// Not thread-safe. Holds the tables in memory: 64 bytes a sample, 8 a row and an entry point, and the keys.
class IndexBuilder {
 public:
  // `jpeg_offset` is where the JPEG lies in its file. Error(value) for what does not fit; then nothing was
  // added.
  void add(const SampleInfo& sample, uint64_t jpeg_offset);

  // Sections 5 and 6 of docs/shard-format.md; left out while empty.
  std::string classes, notes;

  [[nodiscard]] uint64_t sample_count() const { return records_.size(); }
  [[nodiscard]] uint64_t bytes() const;  // of the index, a multiple of 512

  // Where the index will lie, and what it is of.
  struct Place {
    IndexKind kind = IndexKind::member;
    uint64_t index_offset = 0;   // in its file
    uint64_t archive_bytes = 0;  // of a side-car's archive
  };
  // Hands out the bytes of the index from first to last, in pieces.
  void write(const Place& place, const std::function<void(std::span<const uint8_t>)>& put) const;

 private:
  struct Table {
    SectionId id;
    uint32_t entry_bytes;
    std::span<const uint8_t> bytes;
  };
  [[nodiscard]] std::vector<Table> tables() const;

  std::vector<Record> records_;
  std::vector<RowEntry> rows_;
  std::vector<EntryPoint> entry_points_;
  std::string keys_;
};

}  // namespace fastload::shard
