// USTAR member headers (POSIX.1-1988, as in IEEE Std 1003.1 "ustar Interchange Format").
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace fastload::shard {

inline constexpr uint64_t kTarBlock = 512;

using TarHeader = std::array<uint8_t, kTarBlock>;

// A regular file, mode 0644, owner and time 0, so that equal input gives equal bytes. Names beyond 100 bytes
// are split at a slash into USTAR's prefix; Error(value) for a name that does not fit.
TarHeader make_tar_header(std::string_view name, uint64_t size);

// Bytes that fill a member of `size` bytes up to the next block.
constexpr uint64_t tar_padding(uint64_t size) { return (kTarBlock - size % kTarBlock) % kTarBlock; }

}  // namespace fastload::shard
