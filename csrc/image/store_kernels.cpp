#include "image/store_kernels.hpp"

#include "image/simd.hpp"
#include "image/simd_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "image/store_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles the rest of this file once per target
#include <hwy/highway.h>

#include "image/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastload::image::HWY_NAMESPACE {

#if FL_LANES
using DF = hn::ScalableTag<float>;
using VF = hn::Vec<DF>;

// Correctly rounded where fused multiply-adds are, but for overflow and the like.
HWY_INLINE VF Divide(VF a, VF b, VF reciprocal, VF correction) {
  const VF quotient = hn::Mul(a, reciprocal);
  return hn::MulAdd(hn::NegMulAdd(quotient, b, a), correction, quotient);
}

// To 16 bits, rounded to nearest even.
template <DType kDType>
HWY_INLINE hn::Vec<hn::Rebind<uint16_t, DF>> Narrow(VF v) {
  if constexpr (kDType == DType::f16) {
    return hn::BitCast(hn::Rebind<uint16_t, DF>(), hn::DemoteTo(hn::Rebind<hwy::float16_t, DF>(), v));
  } else {
    const hn::RebindToUnsigned<DF> d;
    const auto bits = hn::BitCast(d, v);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1));
    const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(d, 0x7fff))));
    return hn::TruncateTo(hn::Rebind<uint16_t, DF>(), rounded);
  }
}

// `T` fills a vector: with one vector of floats, or two that were narrowed.
template <DType kDType, typename T>
bool ConvertTo(const Affine& affine, const uint8_t* HWY_RESTRICT bytes, size_t count, T* HWY_RESTRICT to) {
  const DF df;
  const hn::ScalableTag<T> dt;
  const size_t step = hn::Lanes(dt);
  if (count < step) return false;
  const VF divisor = hn::Set(df, affine.divisor), reciprocal = hn::Set(df, affine.reciprocal);
  const VF correction = hn::Set(df, affine.correction);
  const auto floats = [&](size_t at) HWY_ATTR {
    const size_t channel = at % 3;
    const hn::Rebind<uint8_t, DF> d8;
    const VF byte = hn::ConvertTo(df, hn::PromoteTo(D32(), hn::LoadU(d8, bytes + at)));
    const VF scaled = Divide(byte, divisor, reciprocal, correction);
    const VF centred = hn::Sub(scaled, hn::LoadU(df, affine.mean + channel));
    const VF reciprocal_std = hn::LoadU(df, affine.reciprocal_std + channel);
    return Divide(centred, hn::LoadU(df, affine.std + channel), reciprocal_std, reciprocal_std);
  };
  const auto values = [&](size_t at) HWY_ATTR {
    if constexpr (kDType == DType::f32) {
      return floats(at);
    } else {
      const size_t half = step / 2;
      return hn::Combine(dt, Narrow<kDType>(floats(at + half)), Narrow<kDType>(floats(at)));
    }
  };
  const size_t whole = count / step * step;
  for (size_t at = 0; at < whole; at += step) hn::StoreU(values(at), dt, to + at);
  if (whole < count) hn::StoreU(values(count - step), dt, to + count - step);
  return true;
}
#endif  // FL_LANES

static bool Convert(const Affine& affine, DType dtype, const uint8_t* bytes, size_t count, void* to) {
#if FL_LANES
  switch (dtype) {
    case DType::f32:
      return ConvertTo<DType::f32>(affine, bytes, count, static_cast<float*>(to));
    case DType::f16:
      return ConvertTo<DType::f16>(affine, bytes, count, static_cast<uint16_t*>(to));
    case DType::bf16:
      return ConvertTo<DType::bf16>(affine, bytes, count, static_cast<uint16_t*>(to));
    default:
      return false;
  }
#else
  (void)affine, (void)dtype, (void)bytes, (void)count, (void)to;
  return false;
#endif
}

static void SplitPixels(const uint8_t* rgb, size_t count, bool mirror, uint8_t* red, uint8_t* green,
                        uint8_t* blue) {
  size_t i = 0;
#if FL_LANES
  const D8 d;
  const size_t step = hn::Lanes(d);
  if (count >= step) {
    for (; i < count; i += step) {
      const size_t at = HWY_MIN(i, count - step);  // the last vector overlaps the one before
      V8 r, g, b;
      if (mirror) {
        hn::LoadInterleaved3(d, rgb + 3 * (count - step - at), r, g, b);
        r = ReverseBytes(r), g = ReverseBytes(g), b = ReverseBytes(b);
      } else {
        hn::LoadInterleaved3(d, rgb + 3 * at, r, g, b);
      }
      hn::StoreU(r, d, red + at);
      hn::StoreU(g, d, green + at);
      hn::StoreU(b, d, blue + at);
    }
  }
#endif
  for (; i < count; ++i) {
    const uint8_t* pixel = rgb + 3 * (mirror ? count - 1 - i : i);
    red[i] = pixel[0], green[i] = pixel[1], blue[i] = pixel[2];
  }
}

static void MirrorPixels(const uint8_t* rgb, size_t count, uint8_t* to) {
#if FL_LANES
  constexpr size_t kPixels = 5;  // in a vector, behind one byte of the pixel before them
  const hn::FixedTag<uint8_t, 16> d;
  alignas(16) static constexpr uint8_t kOrder[16] = {13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, 0};
  const auto order = hn::Load(d, kOrder);
  for (; count > kPixels; count -= kPixels, to += 3 * kPixels) {
    hn::StoreU(hn::TableLookupBytes(hn::LoadU(d, rgb + 3 * (count - kPixels) - 1), order), d, to);
  }
#endif
  for (; count > 0; --count, to += 3) {
    for (int c = 0; c < 3; ++c) to[c] = rgb[3 * (count - 1) + c];
  }
}

}  // namespace fastload::image::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
FL_SIMD_STAGE_PER_TARGET()

#if HWY_ONCE
namespace fastload::image {

HWY_EXPORT(Convert);
HWY_EXPORT(SplitPixels);
HWY_EXPORT(MirrorPixels);

bool convert(const Affine& affine, DType dtype, const uint8_t* bytes, size_t count, void* to) {
  return HWY_DYNAMIC_DISPATCH(Convert)(affine, dtype, bytes, count, to);
}

void split_pixels(const uint8_t* rgb, size_t count, bool mirror, uint8_t* red, uint8_t* green,
                  uint8_t* blue) {
  HWY_DYNAMIC_DISPATCH(SplitPixels)(rgb, count, mirror, red, green, blue);
}

void mirror_pixels(const uint8_t* rgb, size_t count, uint8_t* to) {
  HWY_DYNAMIC_DISPATCH(MirrorPixels)(rgb, count, to);
}

}  // namespace fastload::image
FL_SIMD_STAGE("store_kernels")
#endif
