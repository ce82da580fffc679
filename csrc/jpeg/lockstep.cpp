#include "jpeg/lockstep.hpp"

#include <algorithm>
#include <utility>

#include "image/simd.hpp"
#include "image/simd_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "jpeg/lockstep.cpp"
#include <hwy/foreach_target.h>  // compiles the rest of this file once per target: BMI2 halves the shifts
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastload::jpeg::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// What the registers of x86-64 hold: two lanes take 1.08 times as long, four 1.14 times.
constexpr size_t kMostLanes = 3;
constexpr int kStepsPerRefill = 56 / kAcBits;

// The streams that are decoded at a time, and those that wait for a place.
struct Work {
  const Scan& scan;
  Stream *queue, *queue_end;
  Stream* active[kMostLanes] = {};
  bool damaged = false;
};

HWY_INLINE bool BeginBlock(Stream& stream, Lane& lane) {
  const Slot& slot = *stream.slot;
  lane.block = stream.blocks[slot.component] + 64 * slot.offset;
  stream.last = stream.lasts[slot.component] + slot.offset;
  lane.entries = slot.ac->entries;
  lane.k = 0;
  const hn::ScalableTag<int16_t> d;
  for (size_t i = 0; i < 64; i += hn::Lanes(d)) hn::StoreU(hn::Zero(d), d, lane.block + i);
  uint32_t difference;
  if (HWY_UNLIKELY(!take_dc(lane, *slot.dc, difference))) return false;
  refill(lane);
  lane.block[0] = static_cast<int16_t>(stream.predictions[slot.component] += difference);
  return true;
}

// False if the data end within the MCU.
HWY_INLINE bool EndMcu(const Scan& scan, Stream& stream, const Lane& lane) {
  stream.slot = scan.slots;
  --stream.mcus;
  for (int c = 0; c < scan.component_count; ++c) {
    stream.blocks[c] += 64 * scan.components[c].across;
    stream.lasts[c] += scan.components[c].across;
  }
  return trailing_zeros(lane.bits) <= 8 * (stream.end - lane.at);
}

// Puts the next stream into a place. False if there is none, or if it is damaged.
HWY_NOINLINE bool NextStream(Work& work, size_t place) {
  work.active[place] = nullptr;
  if (work.queue == work.queue_end) return false;
  Stream& stream = *work.queue++;
  work.active[place] = &stream;
  work.damaged = !BeginBlock(stream, stream.lane);
  return !work.damaged;
}

// What a step leaves to be done when it brings k beyond 62. At least 56 bits are there afterwards. False if
// the place is empty then, or if data are damaged.
HWY_INLINE bool Attend(Work& work, size_t place, Lane& lane) {
  Stream& stream = *work.active[place];
  if (lane.k >= kSlow) {
    work.damaged = !finish_slow(lane, stream.slot->ac->code);
    if (HWY_UNLIKELY(work.damaged)) return false;
    refill(lane);
    if (HWY_LIKELY(lane.k < 63)) return true;
  }
  work.damaged = lane.k != 63 && lane.k < kEndOfBlock;  // a run that leaves the block
  *stream.last = static_cast<uint8_t>(lane.k & (kEndOfBlock - 1));
  if (++stream.slot == work.scan.slots_end) {
    work.damaged |= !EndMcu(work.scan, stream, lane);
    if (stream.mcus == 0) {
      stream.lane = lane;
      if (work.damaged || !NextStream(work, place)) return false;
      lane = work.active[place]->lane;
      return true;
    }
  }
  if (HWY_UNLIKELY(work.damaged)) return false;
  work.damaged = !BeginBlock(stream, lane);
  return !work.damaged;
}

// Decodes sizeof...(I) streams until one is finished and no other takes its place, or until one is damaged.
template <size_t... I>
HWY_INLINE void Run(Work& work, std::index_sequence<I...> /*places*/) {
  Lane lanes[] = {work.active[I]->lane...};
  for (;;) {
    (refill(lanes[I]), ...);
    for (int n = 0; n < kStepsPerRefill; ++n) {
      if (!((step(lanes[I]), HWY_LIKELY(lanes[I].k < 63) || Attend(work, I, lanes[I])) && ...)) {
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

bool Decode(const Scan& scan, Stream* streams, int count) {
  Work work{scan, streams, streams + count};
  size_t lanes = 0;
  while (lanes < kMostLanes && work.queue < work.queue_end) {
    if (!NextStream(work, lanes++)) return false;
  }
  RunAll<kMostLanes>(work, lanes);
  return !work.damaged;
}

}  // namespace fastload::jpeg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
FL_SIMD_STAGE_PER_TARGET()

#if HWY_ONCE
namespace fastload::jpeg {

void place(const Scan& scan, Stream& stream, int row, int column, int mcus) {
  stream.mcus = mcus;
  stream.slot = scan.slots;
  for (int c = 0; c < scan.component_count; ++c) {
    const Blocks& component = scan.components[c];
    const ptrdiff_t first = row * component.down + column * component.across;
    stream.blocks[c] = component.blocks + 64 * first;
    stream.lasts[c] = component.last + first;
  }
}

HWY_EXPORT(Decode);

bool decode(const Scan& scan, Stream* streams, int count) {
  return HWY_DYNAMIC_DISPATCH(Decode)(scan, streams, count);
}

}  // namespace fastload::jpeg
FL_SIMD_STAGE("lockstep")
#endif
