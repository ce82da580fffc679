#include "shard/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "error.hpp"

namespace fastload::shard {

void throw_errno(const std::string& doing, const std::string& path) {
  const int code = errno;
  std::string message = "cannot " + doing + " '" + path + "': " + std::generic_category().message(code);
  if (code == EMFILE) message += " (raise the limit with `ulimit -n`)";
  throw Error(ErrorKind::io, message);
}

File::File(const std::string& path, Mode mode)
    : path_(path),
      descriptor_(::open(path.c_str(),
                         mode == Mode::read ? O_RDONLY | O_CLOEXEC : O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                         0644)) {
  if (descriptor_ < 0) throw_errno(mode == Mode::read ? "open" : "create", path_);
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

uint64_t File::size() const {
  struct stat info;
  if (::fstat(descriptor_, &info) != 0) throw_errno("examine", path_);
  return static_cast<uint64_t>(info.st_size);
}

void File::read_at(uint64_t offset, std::span<uint8_t> out) const {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got =
        ::pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno("read", path_);
    if (got == 0) {
      throw Error(ErrorKind::shard, "'" + path_ + "' ends at byte " + std::to_string(offset + done) +
                                        ", but bytes " + std::to_string(offset) + " to " +
                                        std::to_string(offset + out.size()) +
                                        " were to be read: the file has been cut short");
    }
    done += static_cast<size_t>(got);
  }
}

void File::write(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_errno("write", path_);
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
}

void File::sync() {
  if (::fsync(descriptor_) != 0) throw_errno("flush", path_);
}

void File::close() {
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (descriptor >= 0 && ::close(descriptor) != 0) throw_errno("close", path_);
}

Mapping::Mapping(const File& file, uint64_t offset, uint64_t size) {
  static const uint64_t page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const uint64_t before = offset % page;
  length_ = before + size;
  base_ =
      ::mmap(nullptr, length_, PROT_READ, MAP_SHARED, file.descriptor(), static_cast<off_t>(offset - before));
  if (base_ == MAP_FAILED) throw_errno("map", file.path());
  bytes_ = {static_cast<const uint8_t*>(base_) + before, size};
}

Mapping::~Mapping() { ::munmap(base_, length_); }

}  // namespace fastload::shard
