// Reads one shard: a memory-mapped index, and exactly the bytes that are asked for.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shard/file.hpp"
#include "shard/format.hpp"

namespace fastload::shard {

// Thread-safe. Opening costs the same whatever the number of samples: the index is mapped, not parsed.
// Therefore checksums are checked where something is read: a record's each time, a piece's with the piece.
class Shard {
 public:
  explicit Shard(const std::string& path);

  [[nodiscard]] const std::string& path() const { return file_.path(); }
  [[nodiscard]] uint64_t size() const { return sample_count_; }

  // Error(index) outside [0, size()), Error(checksum) if the record was changed.
  [[nodiscard]] const Record& record(uint64_t sample) const;
  // What the record points to. Valid for a record that record() returned.
  [[nodiscard]] std::span<const RowEntry> rows(const Record& record) const;
  [[nodiscard]] std::span<const EntryPoint> entry_points(const Record& record) const;
  [[nodiscard]] std::string_view key(const Record& record) const;

  // The whole JPEG as stored. Error(checksum) if it was changed.
  void read_jpeg(const Record& record, std::vector<uint8_t>& out) const;

  // Two stretches of a stored JPEG, each checked: its header, and MCU rows [row_begin, row_end). They lie one
  // after the other in `out`; returns where the rows begin.
  size_t read_rows(const Record& record, int row_begin, int row_end, std::vector<uint8_t>& out) const;

  // Everything that the archive holds of a sample: record, JPEG, its rows, both tar headers, the .cls member.
  void verify(uint64_t sample) const;
  // The index as a whole: the checksum of each section.
  void verify_index() const;

 private:
  void read_sections(uint32_t count);
  [[nodiscard]] std::span<const uint8_t> section(SectionId id) const;
  std::span<const uint8_t> slice(std::span<const uint8_t> section, uint64_t first, uint64_t count,
                                 uint64_t entry_bytes, const char* what) const;
  void expect(uint64_t offset, const std::string& bytes, const char* what, const Record& record) const;
  [[noreturn]] void fail_checksum(const std::string& what, uint64_t offset, const Record& record) const;

  File file_;
  uint64_t sample_count_ = 0;
  std::unique_ptr<Mapping> index_;
  std::vector<Section> sections_;
  std::span<const uint8_t> records_, rows_, keys_, entry_points_;
  uint64_t members_end_ = 0;  // where the index member begins
};

}  // namespace fastload::shard
