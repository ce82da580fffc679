#include "jpeg/color.hpp"

#include <algorithm>
#include <cstring>

#include "image/simd.hpp"
#include "image/simd_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "jpeg/color.cpp"
#include <hwy/foreach_target.h>  // compiles the rest of this file once per target
#include <hwy/highway.h>

#include "image/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastload::jpeg::HWY_NAMESPACE {
using namespace fastload::image::HWY_NAMESPACE;

#if FL_LANES

// Twice the chroma of 8 pixels in each 16 bytes, and what it adds to red, green and blue. Red's and blue's
// factors have 14 fractional bits only: for 8-bit chroma that gives the same as libjpeg's 16 (see
// test_color.py). Green is rounded after its sum.
struct Offsets {
  V16 red, green, blue;

  HWY_INLINE Offsets(V16 cb, V16 cr) {
    const D16 d16;
    red = hn::MulFixedPoint15(cr, hn::Set(d16, (kRedOfCr + 2) / 4));
    blue = hn::MulFixedPoint15(cb, hn::Set(d16, (kBlueOfCb + 2) / 4));
    constexpr uint32_t kFactors = static_cast<uint16_t>(kGreenOfCb / 2) |
                                  static_cast<uint32_t>(static_cast<uint16_t>(kGreenOfCr / 2)) << 16;
    const V16 factors = hn::BitCast(d16, hn::Set(D32(), static_cast<int32_t>(kFactors)));
    const V32 half = hn::Set(D32(), kColorHalf);
    const V32 lower = AddPairProducts(half, hn::InterleaveLower(d16, cb, cr), factors);
    const V32 upper = AddPairProducts(half, hn::InterleaveUpper(d16, cb, cr), factors);
    green = hn::ReorderDemote2To(d16, hn::ShiftRight<16>(lower), hn::ShiftRight<16>(upper));
  }
};

// 2 * (chroma - 128) of the lower and the upper 8 in each 16 bytes.
struct Chroma {
  V16 lower, upper;

  HWY_INLINE explicit Chroma(const uint8_t* samples) {
    const D8 d8;
    const V8 centred = hn::Xor(hn::LoadU(d8, samples), hn::Set(d8, 128));
    lower = hn::ShiftRight<7>(hn::BitCast(D16(), hn::InterleaveLower(d8, hn::Zero(d8), centred)));
    upper = hn::ShiftRight<7>(hn::BitCast(D16(), hn::InterleaveUpper(d8, hn::Zero(d8), centred)));
  }
};

HWY_INLINE void StoreRgb(V8 r, V8 g, V8 b, uint8_t* rgb) {
#if FL_AVX512_DL
  // Where byte i of each 64 comes from: from r and g by one permutation of both, from b by another.
  struct Tables {
    alignas(64) uint8_t red_green[3][64], blue[3][64];
    uint64_t is_blue[3];
    constexpr Tables() : red_green(), blue(), is_blue() {
      for (int i = 0; i < 192; ++i) {
        const int k = i / 64, at = i % 64;
        if (i % 3 == 2) {
          blue[k][at] = static_cast<uint8_t>(i / 3);
          is_blue[k] |= uint64_t{1} << at;
        } else {
          red_green[k][at] = static_cast<uint8_t>(i % 3 * 64 + i / 3);
        }
      }
    }
  };
  static constexpr Tables kTables;
  for (int k = 0; k < 3; ++k) {
    const __m512i both = _mm512_permutex2var_epi8(r.raw, hn::Load(D8(), kTables.red_green[k]).raw, g.raw);
    const __m512i all =
        _mm512_mask_permutexvar_epi8(both, kTables.is_blue[k], hn::Load(D8(), kTables.blue[k]).raw, b.raw);
    hn::StoreU(V8{all}, D8(), rgb + 64 * k);
  }
#else
  hn::StoreInterleaved3(r, g, b, D8(), rgb);
#endif
}

// One vector of pixels.
HWY_INLINE void ConvertVector(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, uint8_t* rgb) {
  const D8 d8;
  const D16 d16;
  const Chroma blue(cb), red(cr);
  const Offsets lower(blue.lower, red.lower), upper(blue.upper, red.upper);
  const V8 luma = hn::LoadU(d8, y);
  const V16 y_lower = hn::BitCast(d16, hn::InterleaveLower(d8, luma, hn::Zero(d8)));
  const V16 y_upper = hn::BitCast(d16, hn::InterleaveUpper(d8, luma, hn::Zero(d8)));
  StoreRgb(PackBytes(hn::Add(y_lower, lower.red), hn::Add(y_upper, upper.red)),
           PackBytes(hn::Add(y_lower, lower.green), hn::Add(y_upper, upper.green)),
           PackBytes(hn::Add(y_lower, lower.blue), hn::Add(y_upper, upper.blue)), rgb);
}

HWY_INLINE void InterleaveVector(const uint8_t* r, const uint8_t* g, const uint8_t* b, uint8_t* rgb) {
  StoreRgb(hn::LoadU(D8(), r), hn::LoadU(D8(), g), hn::LoadU(D8(), b), rgb);
}

// A row vector by vector; the last one overlaps the one before.
template <typename Vector>
HWY_INLINE void Row(const Vector& vector, const uint8_t* a, const uint8_t* b, const uint8_t* c, int count,
                    uint8_t* rgb) {
  constexpr int kStep = hn::MaxLanes(D8());
  if (HWY_LIKELY(count >= kStep)) {
    for (int x = 0; x < count; x += kStep) {
      const int at = std::min(x, count - kStep);
      vector(a + at, b + at, c + at, rgb + 3 * at);
    }
  } else {
    uint8_t some[3 * kStep];
    vector(a, b, c, some);
    std::memcpy(rgb, some, static_cast<size_t>(3 * count));
  }
}

#endif  // FL_LANES

void YcbcrToRgb(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int count, uint8_t* rgb) {
#if FL_LANES
  Row([](auto... row) HWY_ATTR { ConvertVector(row...); }, y, cb, cr, count, rgb);
#else
  for (int x = 0; x < count; ++x) ycbcr_pixel(y[x], cb[x], cr[x], rgb + 3 * x);
#endif
}

void InterleaveRgb(const uint8_t* r, const uint8_t* g, const uint8_t* b, int count, uint8_t* rgb) {
#if FL_LANES
  Row([](auto... row) HWY_ATTR { InterleaveVector(row...); }, r, g, b, count, rgb);
#else
  for (int x = 0; x < count; ++x, rgb += 3) {
    rgb[0] = r[x];
    rgb[1] = g[x];
    rgb[2] = b[x];
  }
#endif
}

}  // namespace fastload::jpeg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
FL_SIMD_STAGE_PER_TARGET()

#if HWY_ONCE
namespace fastload::jpeg {

HWY_EXPORT(YcbcrToRgb);
HWY_EXPORT(InterleaveRgb);

void ycbcr_to_rgb(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int count, uint8_t* rgb) {
  HWY_DYNAMIC_DISPATCH(YcbcrToRgb)(y, cb, cr, count, rgb);
}

void interleave_rgb(const uint8_t* r, const uint8_t* g, const uint8_t* b, int count, uint8_t* rgb) {
  HWY_DYNAMIC_DISPATCH(InterleaveRgb)(r, g, b, count, rgb);
}

}  // namespace fastload::jpeg
FL_SIMD_STAGE("color")
#endif
