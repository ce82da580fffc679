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

// What the registers of x86-64 hold: two lanes take 1.08 times as long, four 1.09 times.
constexpr size_t kMostLanes = 3;
// One fewer than 56 bits allow, so that a block's DC coefficient rarely needs a refill before and after it.
constexpr int kStepsPerRefill = 56 / kAcBits - 1;
constexpr int kMostSlots = 10;  // T.81, B.2.3

// Where a slot's next block lies, and what it is coded with.
struct Cursor {
  int16_t* block;
  uint8_t* last;
  ptrdiff_t stride;  // blocks
  const DcTable* dc;
  const AcTable* ac;
  uint32_t* prediction;
  Cursor* next;  // of the block that is coded next
};

// What a lane needs at the end of a block only.
struct Place {
  Cursor cursors[kMostSlots];
  uint32_t predictions[kMostComponents];
  Cursor* cursor;
  int blocks_left;
  const uint8_t* end;
  Stream* stream;
};

// The streams that are decoded at a time, and those that wait for a place.
struct Work {
  Work(const Scan& scan_of_all, Stream* begin, Stream* end)
      : scan(scan_of_all), queue(begin), queue_end(end) {}
  const Scan& scan;
  Stream *queue, *queue_end;
  bool damaged = false;
  Place* active[kMostLanes] = {};
  Place places[kMostLanes];
};

// The bits that kStepsPerRefill - 1 steps take are there afterwards. False if the data are damaged.
HWY_INLINE bool BeginBlock(const Cursor& cursor, Lane& lane) {
  lane.block = cursor.block;
  lane.entries = cursor.ac->entries;
  lane.k = 0;
  const hn::ScalableTag<int16_t> d;
  for (size_t i = 0; i < 64; i += hn::Lanes(d)) hn::StoreU(hn::Zero(d), d, lane.block + i);
  uint32_t difference;
  if (HWY_UNLIKELY(!take_dc(lane, *cursor.dc, difference))) return false;
  if (HWY_UNLIKELY(trailing_zeros(lane.bits) > 56 - (kStepsPerRefill - 1) * kAcBits)) refill(lane);
  lane.block[0] = static_cast<int16_t>(*cursor.prediction += difference);
  return true;
}

// Puts the next stream into a place. False if there is none, which leaves the place empty, or if it is
// damaged.
HWY_NOINLINE bool NextStream(Work& work, Place*& active, Lane& lane) {
  if (work.queue == work.queue_end) {
    active = nullptr;
    return false;
  }
  Place& place = *active;
  Stream& stream = *work.queue++;
  const size_t slots = static_cast<size_t>(work.scan.slots_end - work.scan.slots);
  for (size_t i = 0; i < slots; ++i) {
    const Slot& slot = work.scan.slots[i];
    const int c = slot.component;
    place.cursors[i] = {stream.blocks[c] + 64 * slot.offset,
                        stream.lasts[c] + slot.offset,
                        work.scan.components[c].across,
                        slot.dc,
                        slot.ac,
                        &place.predictions[c],
                        &place.cursors[i + 1 < slots ? i + 1 : 0]};
  }
  std::copy_n(stream.predictions, kMostComponents, place.predictions);
  place.cursor = place.cursors;
  place.blocks_left = stream.mcus * static_cast<int>(slots);
  place.end = stream.end;
  place.stream = &stream;
  lane = stream.lane;
  work.damaged = !BeginBlock(*place.cursor, lane);
  return !work.damaged;
}

// Lets the next stream follow the one that is finished.
HWY_NOINLINE bool EndStream(Work& work, Place*& active, Lane& lane) {
  const Place& place = *active;
  std::copy_n(place.predictions, kMostComponents, place.stream->predictions);
  place.stream->lane = lane;
  work.damaged = trailing_zeros(lane.bits) > 8 * (place.end - lane.at);
  return !work.damaged && NextStream(work, active, lane);
}

// What a step leaves to be done when it brings k beyond 62. What BeginBlock() says of bits is true
// afterwards. False if the place is empty then, or if data are damaged.
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
  const bool beyond_block = lane.k > 63 && lane.k < kEndOfBlock;
  work.damaged = beyond_block || lane.at > place.end;
  if (HWY_UNLIKELY(work.damaged)) return false;
  cursor.block += 64 * cursor.stride;
  cursor.last += cursor.stride;
  place.cursor = cursor.next;
  if (HWY_UNLIKELY(--place.blocks_left == 0)) {
    Lane copy = lane;  // so that the lane itself stays in registers
    const bool placed = EndStream(work, active, copy);
    lane = copy;
    return placed;
  }
  work.damaged = !BeginBlock(*cursor.next, lane);
  return !work.damaged;
}

// Decodes sizeof...(I) streams until one is finished and no other takes its place, or until one is damaged.
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
        if (work.active[i] == nullptr) continue;  // close the gap
        lanes[count] = lanes[i];
        work.active[count++] = work.active[i];
      }
    }
    RunAll<kLanes - 1>(work, lanes, count);
  }
}

bool Decode(const Scan& scan, Stream* streams, int count) {
  Work work(scan, streams, streams + count);
  Lane lanes[kMostLanes];
  size_t active = 0;
  for (; active < kMostLanes && work.queue < work.queue_end; ++active) {
    work.active[active] = &work.places[active];
    if (!NextStream(work, work.active[active], lanes[active])) return false;
  }
  RunAll<kMostLanes>(work, lanes, active);
  return !work.damaged;
}

}  // namespace fastload::jpeg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
FL_SIMD_STAGE_PER_TARGET()

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
FL_SIMD_STAGE("lockstep")
#endif
