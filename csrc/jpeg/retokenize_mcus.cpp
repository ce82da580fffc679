#include "jpeg/retokenize_mcus.hpp"

#include <algorithm>
#include <cstring>

#include "image/simd.hpp"
#include "image/simd_target.hpp"
#include "jpeg/skip_table.hpp"

// Scalar code, but compiled per target for the sake of BMI2's shifts.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "jpeg/retokenize_mcus.cpp"
#include <hwy/foreach_target.h>  // NOLINT(llvm-include-order): compiles the rest of this file once per target
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fastload::jpeg::HWY_NAMESPACE {

constexpr uint32_t kZeros16 = 0xF0;  // ZRL

// One symbol, of any length, in place of the step that an entry is of no use for. False if no code word
// begins so, or if it leaves the block.
HWY_NOINLINE bool TakeSymbol(SkipCursor& cursor, const TokenSlot& slot, uint32_t& k, Token* at) {
  cursor.refill();
  const uint32_t word = slot.ac->code.find(static_cast<uint32_t>(cursor.bits >> 48));
  if (word == 0) return false;
  const uint32_t symbol = word & 0xFF, run = symbol >> 4, size = symbol & 15, length = (word >> 8) + size;
  *at = ac_token(slot.ac_output, symbol) |
        static_cast<Token>(cursor.bits >> (64 - length) & ((1U << size) - 1));
  cursor.take(length);
  if (size == 0 && run != 15) {
    k = kEndOfBlock;
    return true;
  }
  k += size == 0 ? 16 : run + 1;
  return k <= kLastInBlock;
}

// Appends the tokens of a block's AC coefficients. Returns their end, or nothing if they are damaged.
HWY_INLINE Token* TakeAc(SkipCursor& cursor, const TokenSlot& slot, Token* at) {
  static_assert(2 * kMostTokenBits <= 56);
  const TokenTable& table = *slot.ac;
  uint32_t k = 0;
  for (;;) {
    cursor.refill();
    for (int n = 0; n < 2; ++n) {
      const size_t index = cursor.bits >> (64 - kTokenBits);
      const uint32_t step = table.steps[index], bits = step & 63, tokens = step >> 6 & 3;
      const TokenTable::Known& known = table.known[index];
      std::memcpy(at, known.before, sizeof(known.before));
      const uint32_t after = k + (step >> 8);
      const Token last = known.last | (static_cast<uint32_t>(cursor.bits >> (-bits & 63)) & known.mask);
      if (HWY_LIKELY(after < kLastInBlock)) {
        at[tokens - 1] = last;
        at += tokens;
        cursor.take(bits);
        k = after;
        continue;
      }
      if (HWY_LIKELY(after == kLastInBlock || after - kEndOfBlock < kLastInBlock)) {
        at[tokens - 1] = last;
        cursor.take(bits);
        k = after;
        at += tokens;
      } else {
        SkipCursor copy = cursor;  // so that `cursor` and k have no address, and stay in registers
        uint32_t k_copy = k;
        if (!TakeSymbol(copy, slot, k_copy, at)) return nullptr;
        cursor = copy;
        k = k_copy;
        ++at;
        if (k < kLastInBlock) break;
      }
      // Zeros at the end go without saying.
      const Token end = ac_token(slot.ac_output, 0), zeros = ac_token(slot.ac_output, kZeros16);
      Token* coded = k == kLastInBlock ? at : at - 1;
      if (HWY_UNLIKELY(coded[-1] == zeros)) {
        while (coded[-1] == zeros) --coded;
        *coded++ = end;
        return coded;
      }
      return at;
    }
  }
}

// Appends the tokens of a block. Returns their end, or nothing if it is damaged.
HWY_INLINE Token* TakeBlock(TokenScan& scan, SkipCursor& cursor, const TokenSlot& slot, bool padding,
                            Token* at) {
  uint32_t& prediction = scan.predictors[slot.component];
  if (!take_dc(cursor, *slot.dc, prediction)) return nullptr;
  int& before = scan.new_predictors[slot.component];
  const int dc = padding ? before : static_cast<int16_t>(prediction);
  *at++ = make_token(slot.dc_output, 0, std::clamp(dc - before, -kLargestDifference, kLargestDifference));
  before = dc;
  Token* const end = TakeAc(cursor, slot, at);
  if (HWY_LIKELY(!padding || end == nullptr)) return end;
  *at++ = ac_token(slot.ac_output, 0);
  return at;
}

bool RetokenizeMcus(TokenScan& scan, SkipCursor& from, int row, int column, int mcus) {
  SkipCursor cursor = from;
  Token* at = scan.at;
  for (const int end = column + mcus; column < end; ++column) {
    for (const TokenSlot& slot : scan.slots) {
      const bool padding =
          column * slot.across + slot.x >= slot.blocks_across || row * slot.down + slot.y >= slot.blocks_down;
      at = TakeBlock(scan, cursor, slot, padding, at);
      if (HWY_UNLIKELY(at == nullptr)) return false;
    }
    if (cursor.position(scan.end) > 0) return false;
    if (--scan.until_restart == 0) {
      scan.segment_ends.push_back(at);
      std::fill(std::begin(scan.new_predictors), std::end(scan.new_predictors), 0);
      scan.until_restart = scan.restart_interval;
    }
  }
  scan.at = at;
  from = cursor;
  return true;
}

}  // namespace fastload::jpeg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
FL_SIMD_STAGE_PER_TARGET()

#if HWY_ONCE
namespace fastload::jpeg {

HWY_EXPORT(RetokenizeMcus);

bool retokenize_mcus(TokenScan& scan, SkipCursor& cursor, int row, int column, int mcus) {
  return HWY_DYNAMIC_DISPATCH(RetokenizeMcus)(scan, cursor, row, column, mcus);
}

}  // namespace fastload::jpeg
FL_SIMD_STAGE("retokenize_mcus")
#endif
