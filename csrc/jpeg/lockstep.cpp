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

namespace hn = hwy::HWY_NAMESPACE;

#ifndef LANES
#define LANES 3
#endif
constexpr size_t kMostLanes = LANES;
#ifndef STEPS
#define STEPS 5
#endif
constexpr int kStepsPerRefill = STEPS;

struct Cursor {  // of a slot
  int16_t* block;
  uint8_t* last;
  ptrdiff_t stride;
  const DcTable* dc;
  const AcTable* ac;
  uint32_t* prediction;
  Cursor* next;
};

struct Place {
  Cursor cursors[10];
  uint32_t predictions[kMostComponents];
  Cursor* cursor;
  int left;  // blocks
  const uint8_t* end;
  Stream* stream = nullptr;
};

// The streams that are decoded at a time, and those that wait for a place.
struct Work {
  const Scan& scan;
  Stream *queue, *queue_end;
  bool damaged = false;
  Place* active[kMostLanes] = {};
  Place places[kMostLanes];
};

HWY_INLINE bool BeginBlock(Place& place, Lane& lane) {
  Cursor& cursor = *place.cursor;
  lane.block = cursor.block;
  lane.entries = cursor.ac->entries;
  lane.k = 0;
  const hn::ScalableTag<int16_t> d;
  for (size_t i = 0; i < 64; i += hn::Lanes(d)) hn::StoreU(hn::Zero(d), d, lane.block + i);
  uint32_t difference;
  if (HWY_UNLIKELY(!take_dc(lane, *cursor.dc, difference))) return false;
  if (STEPS == 5 || HWY_UNLIKELY(trailing_zeros(lane.bits) > 56 - 3 * kAcBits)) refill(lane);
  lane.block[0] = static_cast<int16_t>(*cursor.prediction += difference);
  return true;
}

// Puts the next stream into a place. False if there is none, or if it is damaged.
HWY_NOINLINE bool NextStream(Work& work, Place*& active, Lane& lane) {
  Place& place = *active;
  if (work.queue == work.queue_end) { active = nullptr; return false; }
  Stream& stream = *work.queue++;
  place.stream = &stream;
  place.end = stream.end;
  const size_t slots = static_cast<size_t>(work.scan.slots_end - work.scan.slots);
  place.left = stream.mcus * static_cast<int>(slots);
  for (size_t i = 0; i < slots; ++i) {
    const Slot& slot = work.scan.slots[i];
    const int c = slot.component;
    place.cursors[i] = {stream.blocks[c] + 64 * slot.offset, stream.lasts[c] + slot.offset, work.scan.components[c].across, slot.dc, slot.ac, &place.predictions[c], &place.cursors[i + 1 < slots ? i + 1 : 0]};
  }
  std::copy(stream.predictions, stream.predictions + kMostComponents, place.predictions);
  place.cursor = place.cursors;
  lane = stream.lane;
  work.damaged = !BeginBlock(place, lane);
  return !work.damaged;
}

HWY_NOINLINE bool EndStream(Work& work, Place*& active, Lane& lane) {
  Place& place = *active;
  Stream& stream = *place.stream;
  stream.lane = lane;
  std::copy(place.predictions, place.predictions + kMostComponents, stream.predictions);
  if (trailing_zeros(lane.bits) > 8 * (place.end - lane.at)) {
    work.damaged = true;
    return false;
  }
  return NextStream(work, active, lane);
}

// What a step leaves to be done when it brings k beyond 62. False if
// the place is empty then, or if data are damaged.
HWY_INLINE bool Attend(Work& work, Place*& active, Lane& lane) {
  Place& place = *active;
  Cursor& cursor = *place.cursor;
  if (HWY_UNLIKELY(lane.k >= kSlow)) {
    work.damaged = !finish_slow(lane, cursor.ac->code);
    if (HWY_UNLIKELY(work.damaged)) return false;
    refill(lane);
    if (HWY_LIKELY(lane.k < 63)) return true;
  }
  *cursor.last = static_cast<uint8_t>(lane.k & (kEndOfBlock - 1));
  if (HWY_UNLIKELY(lane.k - 64 < kEndOfBlock - 64 || lane.at > place.end)) {  // a run that leaves the block
    work.damaged = true;
    return false;
  }
  cursor.block += 64 * cursor.stride;
  cursor.last += cursor.stride;
  place.cursor = cursor.next;
  if (HWY_UNLIKELY(--place.left == 0)) {
    Lane copy = lane;
    const bool more = EndStream(work, active, copy);
    lane = copy;
    return more;
  }
  if (HWY_UNLIKELY(!BeginBlock(place, lane))) {
    work.damaged = true;
    return false;
  }
  return true;
}

template <size_t... I>
HWY_INLINE void Run(Work& work, Lane* saved, std::index_sequence<I...> /*places*/) {
  Lane lanes[] = {saved[I]...};
  for (;;) {
    (refill(lanes[I]), ...);
    for (int n = 0; n < kStepsPerRefill; ++n) {
      if (!((step(lanes[I]), HWY_LIKELY(lanes[I].k < 63) || Attend(work, work.active[I], lanes[I])) && ...)) {
        ((saved[I] = lanes[I]), ...);
        return;
      }
    }
  }
}

template <size_t kLanes>
void RunAll(Work& work, Lane* lanes, size_t count) {
  if constexpr (kLanes > 0) {
    if (count == kLanes) {
      Run(work, lanes, std::make_index_sequence<kLanes>());
      if (work.damaged) return;
      count = 0;
      for (size_t i = 0; i < kLanes; ++i) {
        if (work.active[i] == nullptr) continue;
        lanes[count] = lanes[i];
        work.active[count++] = work.active[i];
      }
    }
    RunAll<kLanes - 1>(work, lanes, count);
  }
}

bool Decode(const Scan& scan, Stream* streams, int count) {
  Work work{scan, streams, streams + count};
  Lane lanes[kMostLanes];
  size_t active = 0;
  while (active < kMostLanes && work.queue < work.queue_end) {
    work.active[active] = &work.places[active];
    if (!NextStream(work, work.active[active], lanes[active])) return false;
    ++active;
  }
  RunAll<kMostLanes>(work, lanes, active);
  return !work.damaged;
}

}  // namespace fastload::jpeg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastload::jpeg {

void place(const Scan& scan, Stream& stream, int row, int column, int mcus) {
  stream.mcus = mcus;
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
#endif
