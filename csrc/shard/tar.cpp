#include "shard/tar.hpp"

#include <cstdio>
#include <cstring>

#include "error.hpp"

namespace fastload::shard {
namespace {

// Field offsets and widths of the ustar header block.
constexpr size_t kName = 0, kNameBytes = 100;
constexpr size_t kMode = 100, kUid = 108, kGid = 116, kSize = 124, kTime = 136, kChecksum = 148, kType = 156;
constexpr size_t kMagic = 257, kPrefix = 345, kPrefixBytes = 155;
constexpr uint64_t kLargest = (uint64_t{1} << 33) - 1;  // 11 octal digits

void put_octal(TarHeader& header, size_t at, int digits, uint64_t value) {
  for (int k = digits - 1; k >= 0; --k, value >>= 3) header[at + k] = static_cast<uint8_t>('0' + (value & 7));
}

void put_name(TarHeader& header, std::string_view name) {
  if (name.size() <= kNameBytes) {
    std::memcpy(header.data() + kName, name.data(), name.size());
    return;
  }
  const size_t slash = name.rfind('/', kPrefixBytes);
  if (slash == std::string_view::npos || slash == 0 || name.size() - slash - 1 > kNameBytes) {
    throw Error(ErrorKind::value, "the name '" + std::string(name) + "' is too long for a tar member");
  }
  std::memcpy(header.data() + kPrefix, name.data(), slash);
  std::memcpy(header.data() + kName, name.data() + slash + 1, name.size() - slash - 1);
}

}  // namespace

TarHeader make_tar_header(std::string_view name, uint64_t size) {
  if (size > kLargest) throw Error(ErrorKind::value, "a tar member is limited to 8 GiB");
  TarHeader header{};
  put_name(header, name);
  put_octal(header, kMode, 7, 0644);
  put_octal(header, kUid, 7, 0);
  put_octal(header, kGid, 7, 0);
  put_octal(header, kSize, 11, size);
  put_octal(header, kTime, 11, 0);
  header[kType] = '0';
  std::memcpy(header.data() + kMagic, "ustar\00000", 8);
  std::memset(header.data() + kChecksum, ' ', 8);
  uint64_t sum = 0;
  for (const uint8_t byte : header) sum += byte;
  put_octal(header, kChecksum, 6, sum);
  header[kChecksum + 6] = '\0';
  return header;
}

}  // namespace fastload::shard
