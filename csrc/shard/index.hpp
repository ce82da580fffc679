// An index, mapped: what is known of each sample, and where its JPEG lies.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shard/file.hpp"
#include "shard/format.hpp"

namespace fastload::shard {

// Thread-safe. Opening checks trailer, header and section table, and costs the same whatever the number of
// samples; a record's checksum is checked each time it is read. Nothing that `record()` returned leads
// outside the index.
class Index {
 public:
  // The index that ends at byte `end` of the file, which may be closed afterwards. Error(shard) if none ends
  // there, Error(version), Error(checksum).
  Index(const File& file, uint64_t end);

  // Whether one ends there, whole or damaged.
  static bool ends_at(const File& file, uint64_t end);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] uint64_t size() const { return header_.sample_count; }
  [[nodiscard]] IndexKind kind() const { return header_.kind; }
  [[nodiscard]] uint64_t archive_bytes() const { return header_.archive_bytes; }
  [[nodiscard]] uint64_t offset() const { return offset_; }  // in its file

  // Error(index) outside [0, size()), Error(checksum) if the record was changed.
  [[nodiscard]] const Record& record(uint64_t sample) const;
  // What a record points to.
  [[nodiscard]] std::span<const RowEntry> rows(const Record& record) const;
  [[nodiscard]] std::string_view key(const Record& record) const;
  // ceil(MCU columns / entry_interval) for each row of the image: Error(shard) if they are not as many.
  [[nodiscard]] std::span<const EntryPoint> entry_points(const Record& record) const;

  // A section as it is stored; empty where the index has none of this id.
  [[nodiscard]] std::span<const uint8_t> section(SectionId id) const;
  // Every section's checksum, or Error(checksum).
  void verify() const;

 private:
  std::span<const uint8_t> slice(std::span<const uint8_t> section, uint64_t first, uint64_t count,
                                 uint64_t entry_bytes, const char* what) const;
  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void fail_checksum(const std::string& what) const;

  std::string path_;
  uint64_t offset_ = 0;
  IndexHeader header_{};
  std::unique_ptr<Mapping> mapping_;
  std::vector<Section> sections_;
  std::span<const uint8_t> records_, rows_, keys_, entry_points_;
};

// The record's own checksum: see Record::crc.
uint32_t record_crc(const Record& record, std::span<const uint8_t> rows,
                    std::span<const uint8_t> entry_points, std::span<const uint8_t> key);

}  // namespace fastload::shard
