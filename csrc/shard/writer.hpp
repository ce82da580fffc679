// Writes one shard: a tar of KEY.jpg and KEY.cls members, then the index as its last member.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shard/file.hpp"
#include "shard/index_builder.hpp"
#include "shard/tar.hpp"

namespace fastload::shard {

// Not thread-safe. A writer that is dropped before close() leaves a file without an index.
class Writer {
 public:
  explicit Writer(const std::string& path);  // creates or empties the file

  // Keys have no dot: WebDataset ends the key at the first one. Error(value) for what a shard cannot hold.
  void add(const SampleInfo& sample);
  void close();  // index, end of archive, fsync; once

  [[nodiscard]] uint64_t sample_count() const { return index_.sample_count(); }
  [[nodiscard]] uint64_t bytes() const { return position_; }  // members so far

 private:
  void put(std::span<const uint8_t> bytes);
  void put_member(const TarHeader& header, std::span<const uint8_t> bytes);
  void flush();

  File file_;
  uint64_t position_ = 0;
  bool closed_ = false;
  std::vector<uint8_t> buffer_;
  IndexBuilder index_;
};

}  // namespace fastload::shard
