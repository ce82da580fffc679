// Decodes several restart segments at a time, a step of each in turn: a step waits for a table load, and the
// waits of independent segments overlap.
#pragma once

#include "jpeg/huffman.hpp"

namespace fastload::jpeg {

// A stream is stopped where a block, if not an MCU, ends beyond its data. Until then it may read this many
// bytes more: no block takes more than 64 times 31 bits.
inline constexpr size_t kOverread = 10 * 64 * 31 / 8 + 16;

// One component's blocks of a band of MCU rows.
struct Blocks {
  int16_t* blocks;
  uint8_t* last;           // one a block: no coefficient behind this one (in zigzag order) is non-zero
  ptrdiff_t across, down;  // from an MCU to the next one, and to the one below it, in blocks
};

// One block of an MCU: where it lies behind the first one of its component, and what it is coded with.
struct Slot {
  ptrdiff_t offset;  // blocks
  int component;
  const DcTable* dc;
  const AcTable* ac;
};

struct Scan {
  Blocks components[kMostComponents];
  int component_count = 0;
  const Slot *slots = nullptr, *slots_end = nullptr;
};

// A run of MCUs in one row, and the bytes (without stuffing) that they are coded in.
struct Stream {
  Lane lane;
  const uint8_t* end = nullptr;
  int mcus = 0;
  int16_t* blocks[kMostComponents] = {};  // of the first MCU
  uint8_t* lasts[kMostComponents] = {};
  uint32_t predictions[kMostComponents] = {};  // modulo 2^32, as libjpeg's wrap in practice
};

// Places the next `mcus` MCUs of the stream.
void place(const Scan& scan, Stream& stream, int row, int column, int mcus);

// Decodes each stream to the end of its run. A stream that is then placed anew goes on where it stopped.
// False if the data are damaged.
bool decode(const Scan& scan, Stream* streams, int count);

}  // namespace fastload::jpeg
