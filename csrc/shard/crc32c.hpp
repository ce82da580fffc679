// CRC-32C (Castagnoli; RFC 3720, B.4), which processors compute in hardware.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace fastload::shard {

// Continues from `crc` (0 to begin): crc32c(b, crc32c(a)) is the checksum of a followed by b.
uint32_t crc32c(std::span<const uint8_t> bytes, uint32_t crc = 0);

}  // namespace fastload::shard
