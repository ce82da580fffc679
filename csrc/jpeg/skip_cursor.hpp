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

}  // namespace fastload::jpeg
