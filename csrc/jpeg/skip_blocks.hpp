// Passes over blocks without storing a coefficient.
#pragma once

#include <cstdint>

#include "jpeg/skip_cursor.hpp"
#include "jpeg/skip_table.hpp"
#include "jpeg/tables.hpp"

namespace fastload::jpeg {

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
