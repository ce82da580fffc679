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

#undef FL_LANES
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128 && (HWY_ARCH_X86 || HWY_ARCH_ARM_A64)
#define FL_LANES 1
#else
#define FL_LANES 0
#endif

// VBMI's permutation of any bytes of a 64-byte vector.
#undef FL_PERMUTE64
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL
#define FL_PERMUTE64 1
#else
#define FL_PERMUTE64 0
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
#if HWY_ARCH_X86
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

#endif  // FL_LANES

}  // namespace fastload::image::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
