// What the inverse DCTs of idct.cpp and idct_reduced.cpp share. Compiled once per SIMD target; included after
// hwy/highway.h inside its own target namespace's file.
#if defined(FASTLOAD_JPEG_IDCT_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef FASTLOAD_JPEG_IDCT_INL_HPP_
#undef FASTLOAD_JPEG_IDCT_INL_HPP_
#else
#define FASTLOAD_JPEG_IDCT_INL_HPP_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

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

// Calls group(blocks, last, dst, stride) for kGroup blocks at a time, which become kSide x kSide samples
// each.
template <int kSide, typename Group>
HWY_INLINE void EachGroup(const Group& group, const int16_t* blocks, const uint8_t* last, int count,
                          uint8_t* dst, ptrdiff_t stride) {
  if (HWY_LIKELY(count >= kGroup)) {
    for (int k = 0; k < count; k += kGroup) {
      const int at = std::min(k, count - kGroup);  // the last group overlaps the one before
      group(blocks + 64 * at, last + at, dst + kSide * at, stride);
    }
    return;
  }
  int16_t some[kGroup * 64] = {};
  uint8_t ends[kGroup] = {}, samples[kGroup * kSide * kSide];
  std::copy(blocks, blocks + 64 * count, some);
  std::copy(last, last + count, ends);
  group(some, ends, samples, kSide * kGroup);
  for (int y = 0; y < kSide; ++y)
    std::memcpy(dst + y * stride, samples + y * kSide * kGroup, static_cast<size_t>(kSide * count));
}

#endif  // FL_LANES

}  // namespace fastload::jpeg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
