#include "jpeg/idct.hpp"

#include <algorithm>
#include <cstring>

#include "image/simd.hpp"
#include "image/simd_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "jpeg/idct.cpp"
#include <hwy/foreach_target.h>  // compiles the rest of this file once per target
#include <hwy/highway.h>

#include "image/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastload::jpeg::HWY_NAMESPACE {
using namespace fastload::image::HWY_NAMESPACE;

#if FL_LANES

// Each 16-byte part of a vector belongs to one block; all steps but loads and stores keep to these parts.
constexpr int kGroup = hn::MaxLanes(D16()) / 8;  // blocks

// A 16-byte row of each block.
template <typename D>
HWY_INLINE hn::Vec<D> LoadRows(D d, const int16_t* row) {
  constexpr size_t kCount = hn::MaxLanes(d) / 8;
  if constexpr (kCount == 1) {
    return hn::LoadU(d, row);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, LoadRows(half, row + kCount / 2 * 64), LoadRows(half, row));
  }
}

// Two factors for pairs of numbers.
HWY_INLINE V16 Factors(int first, int second) {
  const uint32_t both = static_cast<uint16_t>(first) | static_cast<uint32_t>(static_cast<uint16_t>(second))
                                                           << 16;
  return hn::BitCast(D16(), hn::Set(D32(), static_cast<int32_t>(both)));
}

// 32-bit sums for 8 numbers of each part: the first four, the last four.
struct Wide {
  V32 lower, upper;

  // Written out, because GCC compiles a default constructor of its own without the target's options.
  HWY_INLINE Wide() {}
  HWY_INLINE Wide(V32 lower, V32 upper) : lower(lower), upper(upper) {}
};

// The pairs (a[i], b[i]), in the order of Wide.
struct Pairs {
  V16 lower, upper;
  HWY_INLINE Pairs(V16 a, V16 b)
      : lower(hn::InterleaveLower(D16(), a, b)), upper(hn::InterleaveUpper(D16(), a, b)) {}
};

HWY_INLINE Wide AddProducts(Wide sum, const Pairs& pairs, V16 factors) {
  return {AddPairProducts(sum.lower, pairs.lower, factors), AddPairProducts(sum.upper, pairs.upper, factors)};
}

HWY_INLINE Wide Products(const Pairs& pairs, V16 factors) {
  V32 unused = hn::Zero(D32());
#if HWY_ARCH_X86
  return {hn::ReorderWidenMulAccumulate(D32(), pairs.lower, factors, hn::Zero(D32()), unused),
          hn::ReorderWidenMulAccumulate(D32(), pairs.upper, factors, hn::Zero(D32()), unused)};
#else
  return AddProducts({unused, unused}, pairs, factors);
#endif
}

HWY_INLINE Wide operator+(const Wide& a, const Wide& b) {
  return {hn::Add(a.lower, b.lower), hn::Add(a.upper, b.upper)};
}
HWY_INLINE Wide operator-(const Wide& a, const Wide& b) {
  return {hn::Sub(a.lower, b.lower), hn::Sub(a.upper, b.upper)};
}

// idct_8, plus a rounding term. kFew: the last four inputs are zero and not looked at.
template <int kRounding, bool kFew>
HWY_INLINE void Transform(const V16* in, Wide (&out)[8]) {
  Wide even[4], odd[4];
  constexpr int kOne = 1 << kConstBits;
  const Wide rounding{hn::Set(D32(), kRounding), hn::Set(D32(), kRounding)};
  if constexpr (kFew) {
    const Pairs in02(in[0], in[2]), in13(in[1], in[3]);
    even[0] = AddProducts(rounding, in02, Factors(kOne, kF0541 + kF0765));
    even[1] = AddProducts(rounding, in02, Factors(kOne, kF0541));
    even[2] = AddProducts(rounding, in02, Factors(kOne, -kF0541));
    even[3] = AddProducts(rounding, in02, Factors(kOne, -kF0541 - kF0765));
    odd[0] = Products(in13, Factors(kF1501 - kF0899 + kF1175 - kF0390, kF1175));
    odd[1] = Products(in13, Factors(kF1175, kF3072 - kF2562 + kF1175 - kF1961));
    odd[2] = Products(in13, Factors(kF1175 - kF0390, kF1175 - kF2562));
    odd[3] = Products(in13, Factors(kF1175 - kF0899, kF1175 - kF1961));
  } else {
    const Pairs in04(hn::Add(in[0], in[4]), hn::Sub(in[0], in[4]));
    const Wide sum = AddProducts(rounding, in04, Factors(kOne, 0));
    const Wide difference = AddProducts(rounding, in04, Factors(0, kOne));
    const Pairs in26(in[2], in[6]), in71(in[7], in[1]), in53(in[5], in[3]);
    const Wide even2 = Products(in26, Factors(kF0541, kF0541 - kF1847));
    const Wide even3 = Products(in26, Factors(kF0541 + kF0765, kF0541));
    even[0] = sum + even3;
    even[1] = difference + even2;
    even[2] = difference - even2;
    even[3] = sum - even3;
    const Pairs z34(hn::Add(in[7], in[3]), hn::Add(in[5], in[1]));
    const Wide odd3 = Products(z34, Factors(kF1175 - kF1961, kF1175));
    const Wide odd4 = Products(z34, Factors(kF1175, kF1175 - kF0390));
    odd[0] = AddProducts(odd4, in71, Factors(-kF0899, kF1501 - kF0899));
    odd[1] = AddProducts(odd3, in53, Factors(-kF2562, kF3072 - kF2562));
    odd[2] = AddProducts(odd4, in53, Factors(kF2053 - kF2562, -kF2562));
    odd[3] = AddProducts(odd3, in71, Factors(kF0298 - kF0899, -kF0899));
  }
  for (int k = 0; k < 4; ++k) {
    out[k] = even[k] + odd[k];
    out[7 - k] = even[k] - odd[k];
  }
}

// Interleaving the first half of some vectors with the second half takes a bit of the lanes' numbers into the
// vectors' numbers and the other way round. Three times transpose.
template <typename D, int kCount>
HWY_INLINE void Transpose(D d, hn::Vec<D> (&v)[kCount]) {
  for (int step = 0; step < 3; ++step) {
    hn::Vec<D> next[kCount];
    for (int k = 0; k < kCount / 2; ++k) {
      next[2 * k] = hn::InterleaveLower(d, v[k], v[k + kCount / 2]);
      next[2 * k + 1] = hn::InterleaveUpper(d, v[k], v[k + kCount / 2]);
    }
    std::copy(next, next + kCount, v);
  }
}

// Clamped to -128..127: in each part, those of a, then those of b.
HWY_INLINE V8 PackSigned(V16 a, V16 b) {
#if !HWY_ARCH_X86
  return V8(vreinterpretq_u8_s8(vqmovn_high_s16(vqmovn_s16(a.raw), b.raw)));
#elif HWY_MAX_BYTES == 64
  return V8{_mm512_packs_epi16(a.raw, b.raw)};
#elif HWY_MAX_BYTES == 32
  return V8{_mm256_packs_epi16(a.raw, b.raw)};
#else
  return V8{_mm_packs_epi16(a.raw, b.raw)};
#endif
}

// Each part holds 8 bytes of row `upper` of its block, then 8 of row `lower`.
HWY_INLINE void StoreRows(V8 rows, uint8_t* upper, uint8_t* lower) {
  const D8 d8;
  if constexpr (kGroup > 1) {
    alignas(64) static constexpr int32_t kOrder2[8] = {0, 1, 4, 5, 2, 3, 6, 7};
    alignas(64) static constexpr int32_t kOrder4[16] = {0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15};
    const auto order = hn::SetTableIndices(D32(), kGroup == 2 ? kOrder2 : kOrder4);
    rows = hn::BitCast(d8, hn::TableLookupLanes(hn::BitCast(D32(), rows), order));
  }
  const hn::Half<D8> half;
  hn::StoreU(hn::LowerHalf(half, rows), half, upper);
  hn::StoreU(hn::UpperHalf(half, rows), half, lower);
}

// The second pass on columns whose lanes are rows, and the way to bytes.
template <bool kFew>
HWY_INLINE void RowPass(const V16* columns, uint8_t* dst, ptrdiff_t stride) {
  Wide out[8];
  Transform<0, kFew>(columns, out);
  V16 samples[8];  // of a column; the rows in the order 0, 4, 1, 5, 2, 6, 3, 7
  for (int k = 0; k < 8; ++k) {
    const V16 high =
        hn::OddEven(hn::BitCast(D16(), out[k].upper), hn::BitCast(D16(), hn::ShiftRight<16>(out[k].lower)));
    constexpr int kRest = kPass2Shift - 16;
    samples[k] = hn::MulFixedPoint15(high, hn::Set(D16(), 1 << (15 - kRest)));  // shifts and rounds
  }
  V8 bytes[4];
  for (int k = 0; k < 4; ++k) bytes[k] = PackSigned(samples[2 * k], samples[2 * k + 1]);
  Transpose(D8(), bytes);
  for (int k = 0; k < 4; ++k) {
    StoreRows(hn::Xor(bytes[k], hn::Set(D8(), 128)), dst + k * stride, dst + (k + 4) * stride);
  }
}

HWY_INLINE V16 Dequantise(const int16_t* blocks, const uint16_t* quantisers, int row) {
  const V16 factors = hn::BitCast(D16(), hn::LoadDup128(hn::ScalableTag<uint16_t>(), quantisers + 8 * row));
  return hn::Mul(LoadRows(D16(), blocks + 8 * row), factors);
}

// Whether the first row leaves room for the first pass's two bits: else libjpeg-turbo's short cut for blocks
// without other rows gives something else than its long way, and scalar code cares for both.
HWY_INLINE bool IsTame(V16 first_row) {
  const auto high_bits = hn::And(hn::Add(first_row, hn::Set(D16(), 8192)), hn::Set(D16(), int16_t{-16384}));
  return hn::AllTrue(D16(), hn::Eq(high_bits, hn::Zero(D16())));
}

// Returns whether it did: no for a group that is not tame.
HWY_NOINLINE bool FullGroup(const int16_t* blocks, const uint16_t* quantisers, uint8_t* dst,
                            ptrdiff_t stride) {
  V16 rows[8];
  for (int k = 0; k < 8; ++k) rows[k] = Dequantise(blocks, quantisers, k);
  if (HWY_UNLIKELY(!IsTame(rows[0]))) return false;
  Wide out[8];
  Transform<1 << (kPass1Shift - 1), false>(rows, out);
  for (int k = 0; k < 8; ++k) {
    rows[k] = hn::ReorderDemote2To(D16(), hn::ShiftRight<kPass1Shift>(out[k].lower),
                                   hn::ShiftRight<kPass1Shift>(out[k].upper));
  }
  Transpose(D16(), rows);
  RowPass<false>(rows, dst, stride);
  return true;
}

// For blocks whose coefficients outside of the first four rows and columns are zero.
HWY_NOINLINE bool CornerGroup(const int16_t* blocks, const uint16_t* quantisers, uint8_t* dst,
                              ptrdiff_t stride) {
  V16 rows[4];
  for (int k = 0; k < 4; ++k) rows[k] = Dequantise(blocks, quantisers, k);
  if (HWY_UNLIKELY(!IsTame(rows[0]))) return false;
  Wide out[8];
  Transform<1 << (kPass1Shift - 1), true>(rows, out);
  for (int k = 0; k < 4; ++k) {
    rows[k] = hn::ReorderDemote2To(D16(), hn::ShiftRight<kPass1Shift>(out[2 * k].lower),
                                   hn::ShiftRight<kPass1Shift>(out[2 * k + 1].lower));
  }
  Transpose(D16(), rows);  // of two half rows each
  RowPass<true>(rows, dst, stride);
  return true;
}

#endif  // FL_LANES

// Blocks without other coefficients than the first.
template <int kCount>
HWY_INLINE void FlatBlocks(const int16_t* blocks, uint16_t quantiser, uint8_t* dst, ptrdiff_t stride) {
  uint64_t row[kCount];
  for (int k = 0; k < kCount; ++k) {
    const auto first = static_cast<int16_t>(blocks[64 * k] * quantiser);
    const auto between = static_cast<int16_t>(first * (1 << kPass1Bits));
    constexpr int kShift = kPass2Shift - kConstBits;
    const int sample = clamp_to((between + (1 << (kShift - 1))) >> kShift, -128, 127) + 128;
    row[k] = static_cast<uint64_t>(sample) * 0x0101010101010101;
  }
  for (int y = 0; y < 8; ++y, dst += stride) std::memcpy(dst, row, sizeof(row));
}

HWY_INLINE void OneByOne(const int16_t* blocks, const uint8_t* last, int count, const uint16_t* quantisers,
                         uint8_t* dst, ptrdiff_t stride) {
  for (int k = 0; k < count; ++k, blocks += 64, dst += 8) {
    if (last[k] == 0) {
      FlatBlocks<1>(blocks, quantisers[0], dst, stride);
    } else {
      idct_block(blocks, quantisers, dst, stride);
    }
  }
}

void IdctBlocks(const int16_t* blocks, const uint8_t* last, int count, const uint16_t* quantisers,
                uint8_t* dst, ptrdiff_t stride) {
#if FL_LANES
  const auto group = [=](const int16_t* from, const uint8_t* ends, uint8_t* to, ptrdiff_t to_stride)
                         HWY_ATTR {
                           constexpr int kCornerEnd = 9;  // the zigzag's fourth diagonal ends here
                           const int end = *std::max_element(ends, ends + kGroup);
                           if (end == 0) return FlatBlocks<kGroup>(from, quantisers[0], to, to_stride);
                           const bool done = end <= kCornerEnd ? CornerGroup(from, quantisers, to, to_stride)
                                                               : FullGroup(from, quantisers, to, to_stride);
                           if (!done) OneByOne(from, ends, kGroup, quantisers, to, to_stride);
                         };
  if (HWY_LIKELY(count >= kGroup)) {
    for (int k = 0; k < count; k += kGroup) {
      const int at = std::min(k, count - kGroup);  // the last group overlaps the one before
      group(blocks + 64 * at, last + at, dst + 8 * at, stride);
    }
    return;
  }
  int16_t some[kGroup * 64] = {};
  uint8_t ends[kGroup] = {}, samples[kGroup * 64];
  std::copy(blocks, blocks + 64 * count, some);
  std::copy(last, last + count, ends);
  group(some, ends, samples, 8 * kGroup);
  for (int y = 0; y < 8; ++y)
    std::memcpy(dst + y * stride, samples + y * 8 * kGroup, static_cast<size_t>(8 * count));
#else
  OneByOne(blocks, last, count, quantisers, dst, stride);
#endif
}

}  // namespace fastload::jpeg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
FL_SIMD_STAGE_PER_TARGET()

#if HWY_ONCE
namespace fastload::jpeg {

HWY_EXPORT(IdctBlocks);

void idct_blocks(const int16_t* blocks, const uint8_t* last, int count, const uint16_t* quantisers,
                 uint8_t* dst, ptrdiff_t stride) {
  HWY_DYNAMIC_DISPATCH(IdctBlocks)(blocks, last, count, quantisers, dst, stride);
}

}  // namespace fastload::jpeg
FL_SIMD_STAGE("idct")
#endif
