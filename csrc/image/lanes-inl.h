// What the pixel kernels need beyond Highway's portable operations. Compiled once per SIMD target; included
// after hwy/highway.h by each kernel source, inside its own target namespace's file. FL_LANES is 1 where
// vectors are used: elsewhere (Highway's scalar and emulated targets, other architectures) kernels are plain
// loops.
#if defined(FASTLOAD_IMAGE_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FASTLOAD_IMAGE_LANES_INL_H_
#undef FASTLOAD_IMAGE_LANES_INL_H_
#else
#define FASTLOAD_IMAGE_LANES_INL_H_
#endif

#include <hwy/highway.h>

#include "image/filter.hpp"

#undef FL_LANES
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128 && (HWY_ARCH_X86 || HWY_ARCH_ARM_A64)
#define FL_LANES 1
#else
#define FL_LANES 0
#endif

// AVX-512 with VNNI (multiply and accumulate) and VBMI (any permutation of 64 bytes).
#undef FL_AVX512_DL
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
#define FL_AVX512_DL 1
#else
#define FL_AVX512_DL 0
#endif

HWY_BEFORE_NAMESPACE();
namespace fastload::image::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if FL_LANES

using D8 = hn::ScalableTag<uint8_t>;
using D16 = hn::ScalableTag<int16_t>;
using D32 = hn::ScalableTag<int32_t>;
using V8 = hn::Vec<D8>;
using V16 = hn::Vec<D16>;
using V32 = hn::Vec<D32>;

// sum + a[2i] * b[2i] + a[2i+1] * b[2i+1] in each 32-bit lane i.
HWY_INLINE V32 AddPairProducts(V32 sum, V16 a, V16 b) {
#if FL_AVX512_DL
  // The target implies VNNI, but Highway 1.0's list of compiler options lacks it; hence no intrinsic.
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
  return sum;
#elif HWY_ARCH_X86
  V32 unused = hn::Zero(D32());
  return hn::ReorderWidenMulAccumulate(D32(), a, b, sum, unused);  // pmaddwd: adds neighbours, all into `sum`
#else
  const int32x4_t lower = vmull_s16(vget_low_s16(a.raw), vget_low_s16(b.raw));
  const int32x4_t upper = vmull_high_s16(a.raw, b.raw);
  return V32(vaddq_s32(sum.raw, vpaddq_s32(lower, upper)));
#endif
}

// Bytes clamped to 0..255: in each 16-byte block, those of a, then those of b.
HWY_INLINE V8 PackBytes(V16 a, V16 b) {
#if !HWY_ARCH_X86
  return V8(vqmovun_high_s16(vqmovun_s16(a.raw), b.raw));
#elif HWY_MAX_BYTES == 64
  return V8{_mm512_packus_epi16(a.raw, b.raw)};
#elif HWY_MAX_BYTES == 32
  return V8{_mm256_packus_epi16(a.raw, b.raw)};
#else
  return V8{_mm_packus_epi16(a.raw, b.raw)};
#endif
}

// Last byte first.
HWY_INLINE V8 ReverseBytes(V8 v) {
  const D8 d;
  alignas(16) static constexpr uint8_t kReverse[16] = {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
  return hn::ReverseBlocks(d, hn::TableLookupBytes(v, hn::LoadDup128(d, kReverse)));
}

// The weighted sums of one vector of 32-bit lanes, in two digits: see paired_weights.hpp.
struct Sums {
  V32 high, low;

  HWY_INLINE Sums() : high(hn::Zero(D32())), low(hn::Set(D32(), kRounding)) {}
  HWY_INLINE void Add(V16 bytes, V32 high_weights, V32 low_weights) {
    high = AddPairProducts(high, bytes, hn::BitCast(D16(), high_weights));
    low = AddPairProducts(low, bytes, hn::BitCast(D16(), low_weights));
  }
};

// clip8 of four vectors of sums: in each 16-byte block, that block's lanes of each of the four. Rounding down
// may be done in two steps, so the last bits go after the narrowing, which saturates far outside of 0..255.
HWY_INLINE V8 Clip8(const Sums (&sums)[4]) {
  const auto value = [](const Sums& s) HWY_ATTR { return hn::Add(s.high, hn::ShiftRight<16>(s.low)); };
  const V16 first = hn::ReorderDemote2To(D16(), value(sums[0]), value(sums[1]));
  const V16 second = hn::ReorderDemote2To(D16(), value(sums[2]), value(sums[3]));
  return PackBytes(hn::ShiftRight<kWeightBits - 16>(first), hn::ShiftRight<kWeightBits - 16>(second));
}

#endif  // FL_LANES

}  // namespace fastload::image::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
