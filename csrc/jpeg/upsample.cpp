#include "jpeg/upsample.hpp"

#include <cstring>

#include "image/simd.hpp"
#include "image/simd_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "jpeg/upsample.cpp"
#include <hwy/foreach_target.h>  // compiles the rest of this file once per target
#include <hwy/highway.h>

#include "image/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastload::jpeg::HWY_NAMESPACE {
using namespace fastload::image::HWY_NAMESPACE;

#if FL_LANES

// (a + b) / 2, rounded down; AverageRound rounds up.
HWY_INLINE V8 AverageDown(V8 a, V8 b) {
  const V8 odd = hn::And(hn::Xor(a, b), hn::Set(D8(), 1));
  return hn::Sub(hn::AverageRound(a, b), odd);
}

// (3 * nearer + farther + 1) / 4 and (... + 2) / 4, rounded down: an average of averages loses the right bits
// if one is rounded up and the other down.
HWY_INLINE V8 QuarterDown(V8 nearer, V8 farther) {
  return AverageDown(nearer, hn::AverageRound(nearer, farther));
}
HWY_INLINE V8 QuarterUp(V8 nearer, V8 farther) {
  return hn::AverageRound(nearer, AverageDown(nearer, farther));
}

// column_sum of as many columns as there are 16-bit lanes.
HWY_INLINE V16 ColumnSum(const uint8_t* nearer, const uint8_t* farther) {
  const D16 d16;
  const hn::Half<D8> half;
  const V16 near = hn::PromoteTo(d16, hn::LoadU(half, nearer)),
            far = hn::PromoteTo(d16, hn::LoadU(half, farther));
  return hn::Add(hn::Add(near, near), hn::Add(near, far));
}

#endif  // FL_LANES

void H2V1(const uint8_t* samples, int count, uint8_t* pixels) {
#if FL_LANES
  const D8 d8;
  constexpr int kStep = hn::MaxLanes(d8);
  for (int k = 0; k < count; k += kStep) {
    const V8 here = hn::LoadU(d8, samples + k);
    const V8 left = QuarterDown(here, hn::LoadU(d8, samples + k - 1));
    const V8 right = QuarterUp(here, hn::LoadU(d8, samples + k + 1));
    hn::StoreInterleaved2(left, right, d8, pixels + 2 * k);
  }
#else
  for (int k = 0; k < count; ++k) {
    pixels[2 * k] = h2v1_left(samples[k - 1], samples[k]);
    pixels[2 * k + 1] = h2v1_right(samples[k], samples[k + 1]);
  }
#endif
}

void H2V2(const uint8_t* nearer, const uint8_t* farther, int count, uint8_t* pixels) {
#if FL_LANES
  const D16 d16;
  constexpr int kStep = hn::MaxLanes(d16);
  for (int k = 0; k < count; k += kStep) {
    const V16 here = ColumnSum(nearer + k, farther + k);
    const V16 triple = hn::Add(hn::Add(here, here), here);
    const V16 left = hn::Add(triple, ColumnSum(nearer + k - 1, farther + k - 1));
    const V16 right = hn::Add(triple, ColumnSum(nearer + k + 1, farther + k + 1));
    // Both pixels of a sample to their bytes of its 16 bits.
    const V16 first = hn::ShiftRight<4>(hn::Add(left, hn::Set(d16, 8)));
    const V16 second = hn::ShiftLeft<8>(hn::ShiftRight<4>(hn::Add(right, hn::Set(d16, 7))));
    hn::StoreU(hn::BitCast(D8(), hn::Or(first, second)), D8(), pixels + 2 * k);
  }
#else
  for (int k = 0; k < count; ++k) {
    const int here = column_sum(nearer[k], farther[k]);
    pixels[2 * k] = h2v2_left(column_sum(nearer[k - 1], farther[k - 1]), here);
    pixels[2 * k + 1] = h2v2_right(here, column_sum(nearer[k + 1], farther[k + 1]));
  }
#endif
}

void H1V2(const uint8_t* nearer, const uint8_t* farther, bool lower, int count, uint8_t* pixels) {
#if FL_LANES
  const D8 d8;
  constexpr int kStep = hn::MaxLanes(d8);
  for (int k = 0; k < count; k += kStep) {
    const V8 near = hn::LoadU(d8, nearer + k), far = hn::LoadU(d8, farther + k);
    hn::StoreU(lower ? QuarterUp(near, far) : QuarterDown(near, far), d8, pixels + k);
  }
#else
  for (int k = 0; k < count; ++k) pixels[k] = h1v2_pixel(nearer[k], farther[k], lower);
#endif
}

}  // namespace fastload::jpeg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
FL_SIMD_STAGE_PER_TARGET()

#if HWY_ONCE
namespace fastload::jpeg {

HWY_EXPORT(H2V1);
HWY_EXPORT(H2V2);
HWY_EXPORT(H1V2);

void upsample_h2v1(const uint8_t* samples, int count, uint8_t* pixels) {
  HWY_DYNAMIC_DISPATCH(H2V1)(samples, count, pixels);
}

void upsample_h2v2(const uint8_t* nearer, const uint8_t* farther, int count, uint8_t* pixels) {
  HWY_DYNAMIC_DISPATCH(H2V2)(nearer, farther, count, pixels);
}

void upsample_h1v2(const uint8_t* nearer, const uint8_t* farther, bool lower, int count, uint8_t* pixels) {
  HWY_DYNAMIC_DISPATCH(H1V2)(nearer, farther, lower, count, pixels);
}

void replicate(const uint8_t* samples, int count, int times, uint8_t* pixels) {
  for (int k = 0; k < count; ++k, pixels += times)
    std::memset(pixels, samples[k], static_cast<size_t>(times));
}

Upsampling choose_upsampling(const Layout& layout, int c, int width, int reduction) {
  if (layout.components == 1) return Upsampling::none;
  const int least = 8 / reduction, side = block_side(layout, c, reduction);
  // Narrower components have no neighbours to speak of (jdsample.c); the rule is about columns alone.
  constexpr int kNarrow = 2;
  const int across = layout.max_h() * least / (layout.h[c] * side);
  const int down = layout.max_v() * least / (layout.v[c] * side);
  const bool wide = samples_of(width, layout.h[c], layout.max_h(), side) > kNarrow;
  if (across == 1 && down == 1) return Upsampling::none;
  if (least == 1) return Upsampling::replicate;  // jdsample.c: no triangles where blocks are one sample
  if (across == 2 && down == 1 && wide) return Upsampling::h2v1;
  if (across == 1 && down == 2) return Upsampling::h1v2;
  if (across == 2 && down == 2 && wide) return Upsampling::h2v2;
  return Upsampling::replicate;
}

}  // namespace fastload::jpeg
FL_SIMD_STAGE("upsample")
#endif
