// Decodes several restart segments at a time, a step of each in turn: a step waits for a table load, and the waits of
// independent segments overlap.
#pragma once

#include "jpeg/huffman.hpp"

namespace fastload::jpeg {

// A stream is stopped where a block ends beyond its data. Until then it may read this many bytes more.
inline constexpr size_t kOverread = 320;

// One block of an MCU: where it goes, and what it is coded with.
struct Slot {
  int16_t* blocks;     // of the MCU in row 0, column 0
  uint8_t* last;       // one a block, likewise: no coefficient behind this one (in zigzag order) is non-zero
  ptrdiff_t across;    // blocks between two MCUs of a row
  ptrdiff_t down;      // blocks between two rows of MCUs
  int component;
  const DcTable* dc;
  const AcTable* ac;
};

// A run of MCUs in one row, and the bytes (without stuffing) that they are coded in.
struct Stream {
  Lane lane;
  const uint8_t* end = nullptr;
  int row = 0, column = 0;  // of the next MCU
  int mcus = 0;             // still to decode
  uint32_t predictions[kMostComponents] = {};  // modulo 2^32, as libjpeg's wrap in practice
  int slot = 0;
  uint8_t* last = nullptr;
};

// A stream of `mcus` MCUs that starts at bit `offset` of `data`.
Stream make_stream(const uint8_t* data, const uint8_t* end, int row, int column, int mcus);

// Decodes each stream to the end of its run. A stream whose row, column and mcus are then set anew goes on where it
// stopped. False if the data are damaged.
bool decode(const Slot* slots, int slot_count, Stream* streams, int count);

}  // namespace fastload::jpeg
