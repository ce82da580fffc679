// Passes over blocks without storing a coefficient.
#pragma once

#include <cstdint>

#include "jpeg/skip_table.hpp"
#include "jpeg/tables.hpp"

namespace fastload::jpeg {

// Where a pass is. Unlike a Lane, it knows how many bits are there, so that the next word can be loaded
// before the last symbol is known.
struct SkipCursor {
  uint64_t bits = 0;              // what comes next, from the top
  const uint8_t* next = nullptr;  // of the first byte of which `count` counts no bit
  uint32_t count = 0;             // at most 63

  [[nodiscard]] int64_t position(const uint8_t* begin) const { return 8 * (next - begin) - count; }
};

struct SkipSlot {  // one block of an MCU
  const DcTable* dc;
  const SkipTable* ac;
  int component;
};

struct SkipScan {
  const SkipSlot *slots, *slots_end;       // an MCU
  const uint8_t* end = nullptr;            // of the segment; kOverread bytes behind it may be read
  uint32_t predictors[kMostComponents]{};  // modulo 2^32
};

// Passes over `mcus` MCUs. False if they are damaged, or end beyond the segment.
bool skip_mcus(SkipScan& scan, SkipCursor& cursor, int mcus);

}  // namespace fastload::jpeg
