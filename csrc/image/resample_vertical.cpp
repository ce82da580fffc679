#include "image/resample_kernels.hpp"
#include "image/simd.hpp"
#include "image/simd_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "image/resample_vertical.cpp"
#include <hwy/foreach_target.h>  // compiles the rest of this file once per target
#include <hwy/highway.h>

#include "image/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastload::image::HWY_NAMESPACE {

#if FL_LANES

// Byte i of the output depends on byte i of the source rows only.
template <int kPairs>  // 0: any number
void Column(const uint8_t* HWY_RESTRICT src, ptrdiff_t stride, const int32_t* weights, int taps, size_t bytes,
            uint8_t* HWY_RESTRICT dst) {
  const D8 d8;
  const size_t step = hn::Lanes(d8);
  const V8 zero = hn::Zero(d8);
  const int pairs = kPairs ? kPairs : (taps + 1) / 2;
  const auto weights_of = [&](int p) {
    return pair_of(weights[2 * p], 2 * p + 1 < taps ? weights[2 * p + 1] : 0);
  };
  V32 high[kPairs ? kPairs : 1], low[kPairs ? kPairs : 1];
  for (int p = 0; p < kPairs; ++p) {
    high[p] = hn::Set(D32(), weights_of(p).high);
    low[p] = hn::Set(D32(), weights_of(p).low);
  }
  for (size_t x = 0; x < bytes; x += step) {
    const size_t at = HWY_MIN(x, bytes - step);  // the last vector overlaps the one before
    Sums sums[4];
    for (int p = 0; p < pairs; ++p) {
      if constexpr (kPairs == 0) {
        const WeightPair pair = weights_of(p);
        high[0] = hn::Set(D32(), pair.high);
        low[0] = hn::Set(D32(), pair.low);
      }
      const int w = kPairs ? p : 0;
      const uint8_t* row = src + 2 * p * stride + at;
      const V8 a = hn::LoadU(d8, row);
      const V8 b = 2 * p + 1 < taps ? hn::LoadU(d8, row + stride) : zero;
      // Interleaving and packing both keep to 16-byte blocks, so the bytes come back in order.
      const V8 lower = hn::InterleaveLower(d8, a, b), upper = hn::InterleaveUpper(d8, a, b);
      sums[0].Add(hn::BitCast(D16(), hn::InterleaveLower(d8, lower, zero)), high[w], low[w]);
      sums[1].Add(hn::BitCast(D16(), hn::InterleaveUpper(d8, lower, zero)), high[w], low[w]);
      sums[2].Add(hn::BitCast(D16(), hn::InterleaveLower(d8, upper, zero)), high[w], low[w]);
      sums[3].Add(hn::BitCast(D16(), hn::InterleaveUpper(d8, upper, zero)), high[w], low[w]);
    }
    hn::StoreU(Clip8(sums), d8, dst + at);
  }
}

#endif  // FL_LANES

static void ResizeColumn(const uint8_t* src, ptrdiff_t src_stride, const int32_t* weights, int taps,
                         size_t bytes, uint8_t* dst) {
#if FL_LANES
  if (bytes >= hn::Lanes(D8())) {
    if (taps <= 2) return Column<1>(src, src_stride, weights, taps, bytes, dst);
    if (taps <= 4) return Column<2>(src, src_stride, weights, taps, bytes, dst);
    if (taps <= 6) return Column<3>(src, src_stride, weights, taps, bytes, dst);
    return Column<0>(src, src_stride, weights, taps, bytes, dst);
  }
#endif
  for (size_t x = 0; x < bytes; ++x) {
    int32_t sum = kRounding;
    for (int t = 0; t < taps; ++t) sum += src[t * src_stride + static_cast<ptrdiff_t>(x)] * weights[t];
    dst[x] = clip8(sum);
  }
}

}  // namespace fastload::image::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
FL_SIMD_STAGE_PER_TARGET()

#if HWY_ONCE
namespace fastload::image {

HWY_EXPORT(ResizeColumn);

void resize_column(const uint8_t* src, ptrdiff_t src_stride, const int32_t* weights, int taps, size_t bytes,
                   uint8_t* dst) {
  HWY_DYNAMIC_DISPATCH(ResizeColumn)(src, src_stride, weights, taps, bytes, dst);
}

}  // namespace fastload::image
FL_SIMD_STAGE("resample_vertical")
#endif
