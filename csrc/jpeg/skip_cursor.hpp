// Where a pass over entropy-coded data is.
#pragma once

#include <cstdint>

#include "jpeg/huffman.hpp"

namespace fastload::jpeg {

// Unlike a Lane, it knows how many bits are there, so that the next word can be loaded before the last symbol
// is known.
struct SkipCursor {
  uint64_t bits = 0;              // what comes next, from the top
  const uint8_t* next = nullptr;  // of the first byte of which `count` counts no bit
  uint32_t count = 0;             // at most 63

  [[nodiscard]] int64_t position(const uint8_t* begin) const { return 8 * (next - begin) - count; }

  // At least 56 bits are there afterwards. Reads 8 bytes.
  void refill() {
    bits |= load_big_endian(next) >> count;
    next += (63 - count) >> 3;
    count |= 56;
  }

  void take(uint32_t taken) {
    bits <<= taken;
    count -= taken;
  }
};

// Adds a block's DC difference to `prediction`. False if no code word begins so. Inlined by force: as a call
// it would be compiled for the baseline, without BMI2.
[[gnu::always_inline]] inline bool take_dc(SkipCursor& cursor, const DcTable& table, uint32_t& prediction) {
  cursor.refill();
  uint32_t word = table.entries[cursor.bits >> (64 - kDcBits)];
  if (word == 0) [[unlikely]] {
    word = table.code.find(static_cast<uint32_t>(cursor.bits >> 48));
    if (word == 0) return false;
  }
  uint64_t value = cursor.bits << (word >> 8);
  cursor.take((word >> 8) + (word & 15));
  prediction += take_value(value, word & 15);
  return true;
}

}  // namespace fastload::jpeg
