#include "jpeg/lockstep.hpp"

#include <algorithm>
#include <utility>

#include "image/simd.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "jpeg/lockstep.cpp"
#include <hwy/foreach_target.h>  // compiles the rest of this file once per target: BMI2 halves the shifts
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastload::jpeg::HWY_NAMESPACE {

#ifndef FL_STREAMS
#define FL_STREAMS 2
#endif
namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kMostLanes = FL_STREAMS;
constexpr int kStepsPerRefill = 56 / kAcBits;

struct Scan {
  const Slot* slots;
  int slot_count;
};

void Clear(int16_t* block) {
  const hn::ScalableTag<int16_t> d;
  for (size_t i = 0; i < 64; i += hn::Lanes(d)) hn::StoreU(hn::Zero(d), d, block + i);
}

HWY_INLINE bool BeginBlock(const Scan& scan, Stream& stream) {
  const Slot& slot = scan.slots[stream.slot];
  const ptrdiff_t block = stream.row * slot.down + stream.column * slot.across;
  Lane& lane = stream.lane;
  stream.last = slot.last + block;
  lane.block = slot.blocks + 64 * block;
  lane.entries = slot.ac->entries;
  lane.k = 0;
  Clear(lane.block);
  int difference;
  if (!take_dc(lane, *slot.dc, difference)) return false;
  uint32_t& prediction = stream.predictions[slot.component];
  prediction += static_cast<uint32_t>(difference);
  lane.block[0] = static_cast<int16_t>(prediction);
  refill(lane);
  return true;
}

bool overran(const Stream& stream) {
  const ptrdiff_t left = 8 * (stream.end - stream.lane.at);
  return trailing_zeros(stream.lane.bits) > left;
}

enum class Next : uint8_t { step, finished, damaged };

// What a step leaves to be done when it brings k beyond 62. At least 56 bits are there afterwards.
HWY_NOINLINE Next Attend(const Scan& scan, Stream& stream) {
  Lane& lane = stream.lane;
  if (lane.k >= kSlow) {
    if (!finish_slow(lane, *scan.slots[stream.slot].ac)) return Next::damaged;
    if (lane.k < 63) {
      refill(lane);
      return Next::step;
    }
  }
  if (lane.k != 63 && lane.k < kEndOfBlock) return Next::damaged;  // a run that leaves the block
  *stream.last = static_cast<uint8_t>(lane.k & (kEndOfBlock - 1));
  if (lane.at > stream.end) return Next::damaged;
  if (++stream.slot == scan.slot_count) {
    stream.slot = 0;
    ++stream.column;
    if (--stream.mcus == 0) return overran(stream) ? Next::damaged : Next::finished;
  }
  return BeginBlock(scan, stream) ? Next::step : Next::damaged;
}

// The streams that are decoded at a time, and those that wait for a place.
struct Work {
  Scan scan;
  Stream* active[kMostLanes];
  Stream *queue, *queue_end;
  bool damaged = false;
};

// False if there is none left for place `i`, or if the data are damaged.
HWY_NOINLINE bool NextStream(Work& work, size_t i) {
  if (work.queue == work.queue_end) {
    work.active[i] = nullptr;
    return false;
  }
  work.active[i] = work.queue++;
  work.damaged = !BeginBlock(work.scan, *work.active[i]);
  return !work.damaged;
}

// Attend() for a lane whose state is in registers. False if its place is empty afterwards, or if data are damaged.
HWY_INLINE bool AttendTo(Work& work, size_t i, Lane& lane) {
  work.active[i]->lane = lane;
  const Next next = Attend(work.scan, *work.active[i]);
  if (HWY_UNLIKELY(next == Next::damaged)) work.damaged = true;
  if (HWY_UNLIKELY(next != Next::step) && (next == Next::damaged || !NextStream(work, i))) return false;
  lane = work.active[i]->lane;
  return true;
}

// Decodes sizeof...(I) streams until one is finished and no other takes its place, or until one is damaged.
template <size_t... I>
HWY_INLINE void Run(Work& work, std::index_sequence<I...> /*places*/) {
  Lane lanes[] = {work.active[I]->lane...};
  for (;;) {
    (refill(lanes[I]), ...);
#pragma GCC unroll 8
    for (int n = 0; n < kStepsPerRefill; ++n) {
      if (!((step(lanes[I]), HWY_LIKELY(lanes[I].k < 63) || AttendTo(work, I, lanes[I])) && ...)) {
        ((work.active[I] ? static_cast<void>(work.active[I]->lane = lanes[I]) : static_cast<void>(0)), ...);
        return;
      }
    }
  }
}

template <size_t kLanes>
void RunAll(Work& work, size_t lanes) {
  if constexpr (kLanes > 0) {
    if (lanes == kLanes) {
      Run(work, std::make_index_sequence<kLanes>());
      if (work.damaged) return;
      lanes = static_cast<size_t>(std::remove(work.active, work.active + lanes, nullptr) - work.active);
    }
    RunAll<kLanes - 1>(work, lanes);
  }
}

bool Decode(const Slot* slots, int slot_count, Stream* streams, int count) {
  Work work{{slots, slot_count}, {}, streams, streams + count};
  size_t lanes = 0;
  while (lanes < kMostLanes && work.queue < work.queue_end) {
    if (!NextStream(work, lanes++)) return false;
  }
  RunAll<kMostLanes>(work, lanes);
  return !work.damaged;
}

}  // namespace fastload::jpeg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastload::jpeg {

Stream make_stream(const uint8_t* data, const uint8_t* end, int row, int column, int mcus) {
  Stream stream;
  stream.end = end;
  stream.row = row;
  stream.column = column;
  stream.mcus = mcus;
  start(stream.lane, data, 0);
  return stream;
}

HWY_EXPORT(Decode);

bool decode(const Slot* slots, int slot_count, Stream* streams, int count) {
  return HWY_DYNAMIC_DISPATCH(Decode)(slots, slot_count, streams, count);
}

}  // namespace fastload::jpeg
#endif
