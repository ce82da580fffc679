// Reads one shard: exactly the bytes that are asked for, each checked against the index.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shard/file.hpp"
#include "shard/index.hpp"

namespace fastload::shard {

// An index and the JPEGs that it is of. Thread-safe; opening costs the same whatever the number of samples.
class Shard {
 public:
  // `path` is a tar, with its index as a member or beside it (NAME.tar.fastload_index), or the
  // .fastload_index of a folder of images. Error(shard) where there is no index, or one of another archive;
  // Error(io), Error(version), Error(checksum).
  explicit Shard(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const Index& index() const { return *index_; }

  // See Index.
  [[nodiscard]] uint64_t size() const { return index_->size(); }
  [[nodiscard]] const Record& record(uint64_t sample) const { return index_->record(sample); }
  [[nodiscard]] std::span<const RowEntry> rows(const Record& record) const { return index_->rows(record); }
  [[nodiscard]] std::span<const EntryPoint> entry_points(const Record& record) const {
    return index_->entry_points(record);
  }
  [[nodiscard]] std::string_view key(const Record& record) const { return index_->key(record); }

  // The file that holds the sample's JPEG: the archive, or one of its own.
  [[nodiscard]] std::string file_of(const Record& record) const;

  // The whole JPEG as stored. Error(checksum) if it was changed.
  void read_jpeg(const Record& record, std::vector<uint8_t>& out) const;

  // Two stretches of a stored JPEG, each checked: its header, and MCU rows [row_begin, row_end). They lie one
  // after the other in `out`; returns where the rows begin. With entry points, kSharedBytes more follow the
  // rows (fewer where the JPEG ends).
  size_t read_rows(const Record& record, int row_begin, int row_end, std::vector<uint8_t>& out) const;

  // Everything that is stored of a sample: record, JPEG, its rows, and what the writer puts around it in an
  // archive with an index of its own (both tar headers, the .cls member).
  void verify(uint64_t sample) const;

 private:
  class Source;

  void open_archive();
  void open_folder();
  void verify_members(const Record& record) const;
  [[noreturn]] void fail_checksum(const std::string& what, uint64_t offset, const Record& record) const;

  std::string path_;
  std::string folder_;             // of a folder's files, else empty
  std::unique_ptr<File> archive_;  // else
  std::unique_ptr<Index> index_;
};

}  // namespace fastload::shard
