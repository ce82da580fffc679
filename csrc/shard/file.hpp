// Files by descriptor: whole reads and writes, mappings, and errors that name the path.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace fastload::shard {

// Throws Error(io) for "cannot open 'path': No such file or directory" and the like.
[[noreturn]] void throw_errno(const std::string& doing, const std::string& path);

class File {
 public:
  enum class Mode { read, create };
  File(const std::string& path, Mode mode);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] uint64_t size() const;
  // All of `out`, or Error(shard) if the file ends before. Thread-safe (pread).
  void read_at(uint64_t offset, std::span<uint8_t> out) const;
  void write(std::span<const uint8_t> bytes);
  void sync();
  void close();  // reports what the system reports late

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  std::string path_;
  int descriptor_;
};

// Read-only pages of a file; `bytes()` begins at the asked offset.
class Mapping {
 public:
  Mapping(const File& file, uint64_t offset, uint64_t size);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] std::span<const uint8_t> bytes() const { return bytes_; }

 private:
  void* base_;
  uint64_t length_;
  std::span<const uint8_t> bytes_;
};

}  // namespace fastload::shard
