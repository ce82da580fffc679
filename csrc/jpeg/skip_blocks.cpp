#include "jpeg/skip_blocks.hpp"

#include "image/simd.hpp"
#include "image/simd_target.hpp"

// Scalar code, but compiled per target for the sake of BMI2's shifts.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "jpeg/skip_blocks.cpp"
#include <hwy/foreach_target.h>  // NOLINT(llvm-include-order): compiles the rest of this file once per target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastload::jpeg::HWY_NAMESPACE {

// One symbol, of any length, in place of the step that an entry is of no use for. False if no code word
// begins so, or if it leaves the block.
HWY_NOINLINE bool TakeSymbol(SkipCursor& cursor, const CanonicalCode& code, uint32_t& k) {
  cursor.refill();
  const uint32_t word = code.find(static_cast<uint32_t>(cursor.bits >> 48));
  if (word == 0) return false;
  const uint32_t run = word >> 4 & 15, size = word & 15;
  cursor.take((word >> 8) + size);
  if (size == 0 && run != 15) {
    k = kEndOfBlock;
    return true;
  }
  k += size == 0 ? 16 : run + 1;
  return k <= kLastInBlock;
}

// The AC coefficients of a block. False if they are damaged.
HWY_INLINE bool SkipAc(SkipCursor& cursor, const SkipTable& table) {
  static_assert(2 * kMostSkippedBits <= 56);
  uint32_t k = 0;
  for (;;) {
    cursor.refill();
    for (int n = 0; n < 2; ++n) {
      const uint32_t entry = table.entries[cursor.bits >> (64 - kSkipBits)];
      const uint32_t after = k + (entry >> 8);
      if (HWY_LIKELY(after < kLastInBlock)) {
        cursor.take(entry & 0xFF);
        k = after;
        continue;
      }
      if (HWY_LIKELY(after == kLastInBlock || after - kEndOfBlock < kLastInBlock)) {
        cursor.take(entry & 0xFF);
        return true;
      }
      SkipCursor copy = cursor;  // so that `cursor` and k have no address, and stay in registers
      uint32_t k_copy = k;
      if (!TakeSymbol(copy, table.code, k_copy)) return false;
      cursor = copy;
      k = k_copy;
      if (k >= kLastInBlock) return true;
      break;
    }
  }
}

bool SkipMcus(SkipScan& scan, SkipCursor& from, int mcus) {
  SkipCursor cursor = from;
  for (; mcus > 0; --mcus) {
    for (const SkipSlot* slot = scan.slots; slot < scan.slots_end; ++slot) {
      if (!take_dc(cursor, *slot->dc, scan.predictors[slot->component])) return false;
      if (!SkipAc(cursor, *slot->ac)) return false;
    }
    if (cursor.position(scan.end) > 0) return false;
  }
  from = cursor;
  return true;
}

}  // namespace fastload::jpeg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
FL_SIMD_STAGE_PER_TARGET()

#if HWY_ONCE
namespace fastload::jpeg {

HWY_EXPORT(SkipMcus);

bool skip_mcus(SkipScan& scan, SkipCursor& cursor, int mcus) {
  return HWY_DYNAMIC_DISPATCH(SkipMcus)(scan, cursor, mcus);
}

}  // namespace fastload::jpeg
FL_SIMD_STAGE("skip_blocks")
#endif
