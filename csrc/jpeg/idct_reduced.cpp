#include "jpeg/idct_reduced.hpp"

#include "image/simd.hpp"
#include "image/simd_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "jpeg/idct_reduced.cpp"
#include <hwy/foreach_target.h>  // compiles the rest of this file once per target
#include <hwy/highway.h>

#include "jpeg/idct-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fastload::jpeg::HWY_NAMESPACE {

#if FL_LANES

// idct_4 with a rounding term, in each 32-bit lane; pairs[k] holds inputs k and k + 4.
template <int kShift>
HWY_INLINE void Transform4(const V16 (&pairs)[4], V32 (&out)[4]) {
  const V32 zero = hn::Zero(D32());
  const V32 base =
      AddPairProducts(hn::Set(D32(), 1 << (kShift - 1)), pairs[0], Factors(1 << (kConstBits + 1), 0));
  const V32 even = AddPairProducts(zero, pairs[2], Factors(kF1847, -kF0765));
  const V32 inner = AddPairProducts(AddPairProducts(zero, pairs[1], Factors(kF1061, kF1451)), pairs[3],
                                    Factors(-kF2172, -kF0211));
  const V32 outer = AddPairProducts(AddPairProducts(zero, pairs[1], Factors(kF2562, -kF0601)), pairs[3],
                                    Factors(kF0899, -kF0509));
  const V32 sum = hn::Add(base, even), difference = hn::Sub(base, even);
  out[0] = hn::ShiftRight<kShift>(hn::Add(sum, outer));
  out[1] = hn::ShiftRight<kShift>(hn::Add(difference, inner));
  out[2] = hn::ShiftRight<kShift>(hn::Sub(difference, inner));
  out[3] = hn::ShiftRight<kShift>(hn::Sub(sum, outer));
}

// Returns whether it did: no for a group that is not tame.
HWY_INLINE bool Group4(const int16_t* blocks, const uint16_t* quantisers, uint8_t* dst, ptrdiff_t stride) {
  const D16 d16;
  const V16 first = Dequantise(blocks, quantisers, 0);
  if (HWY_UNLIKELY(!IsTame(first))) return false;
  V16 lower[4], upper[4];  // columns
  for (int k = 0; k < 4; ++k) {
    const V16 a = k == 0 ? first : Dequantise(blocks, quantisers, k);
    const V16 b = k == 0 ? hn::Zero(d16) : Dequantise(blocks, quantisers, k + 4);
    lower[k] = hn::InterleaveLower(d16, a, b);
    upper[k] = hn::InterleaveUpper(d16, a, b);
  }
  V32 left[4], right[4];
  Transform4<kPass1Shift4>(lower, left);
  Transform4<kPass1Shift4>(upper, right);
  V16 rows[4];
  for (int k = 0; k < 4; ++k) rows[k] = hn::ReorderDemote2To(d16, left[k], right[k]);
  Transpose(d16, rows);  // to columns k and k + 4, in pairs
  V32 columns[4];
  Transform4<kPass2Shift4>(rows, columns);
  const V8 bytes = PackSigned(hn::ReorderDemote2To(d16, columns[0], columns[1]),
                              hn::ReorderDemote2To(d16, columns[2], columns[3]));
  alignas(16) static constexpr uint8_t kTranspose[16] = {0, 4, 8,  12, 1, 5, 9,  13,
                                                         2, 6, 10, 14, 3, 7, 11, 15};
  V8 samples = hn::TableLookupBytes(bytes, hn::LoadDup128(D8(), kTranspose));
  samples = hn::Xor(samples, hn::Set(D8(), 128));
  alignas(64) uint8_t stored[16 * kGroup];
  hn::Store(samples, D8(), stored);
  for (int k = 0; k < kGroup; ++k) {
    for (int y = 0; y < 4; ++y) std::memcpy(dst + y * stride + 4 * k, stored + 16 * k + 4 * y, 4);
  }
  return true;
}

HWY_INLINE void Group2(const int16_t* blocks, const uint16_t* quantisers, uint8_t* dst, ptrdiff_t stride) {
  const D16 d16;
  const D32 d32;
  const V16 zero = hn::Zero(d16), first = Dequantise(blocks, quantisers, 0);
  const Pairs in13(Dequantise(blocks, quantisers, 1), Dequantise(blocks, quantisers, 3));
  const Pairs in57(Dequantise(blocks, quantisers, 5), Dequantise(blocks, quantisers, 7));
  const Wide odd = AddProducts(Products(in13, Factors(kF3624, -kF1272)), in57, Factors(kF0850, -kF0720));
  constexpr int kDown = 16 - kConstBits - 2;  // from the upper half of 32 bits
  const V32 rounding = hn::Set(d32, 1 << (kPass1Shift2 - 1));
  const auto even = [&](V16 halves) HWY_ATTR {
    return hn::Add(hn::ShiftRight<kDown>(hn::BitCast(d32, halves)), rounding);
  };
  const Wide base{even(hn::InterleaveLower(d16, zero, first)), even(hn::InterleaveUpper(d16, zero, first))};
  const auto descaled = [](const Wide& sums) HWY_ATTR {
    return Wide{hn::ShiftRight<kPass1Shift2>(sums.lower), hn::ShiftRight<kPass1Shift2>(sums.upper)};
  };
  const Wide rows[2] = {descaled(base + odd), descaled(base - odd)};

  // In each part: the odd columns' products of both rows, added up; the even ones are zero.
  alignas(16) static constexpr int16_t kFactors[8] = {0, kF3624, 0, -kF1272, 0, kF0850, 0, -kF0720};
  const V16 factors = hn::LoadDup128(d16, kFactors);
  V32 products[2];
  for (int k = 0; k < 2; ++k) {
    products[k] =
        AddPairProducts(hn::Zero(d32), hn::ReorderDemote2To(d16, rows[k].lower, rows[k].upper), factors);
  }
  const V32 halves = hn::Add(hn::InterleaveLower(d32, products[0], products[1]),
                             hn::InterleaveUpper(d32, products[0], products[1]));
  const V32 sums = hn::Add(halves, hn::Shuffle1032(halves));  // row 0, row 1, row 0, row 1
  const V32 firsts = hn::ShiftLeft<kConstBits + 2>(hn::InterleaveLower(d32, rows[0].lower, rows[1].lower));
  const V32 centre = hn::Add(firsts, hn::Set(d32, 1 << (kPass2Shift2 - 1)));
  const V32 samples =
      hn::ShiftRight<kPass2Shift2>(hn::InterleaveLower(d32, hn::Add(centre, sums), hn::Sub(centre, sums)));
  const hn::Rebind<int8_t, D32> signed_bytes;
  const hn::Rebind<uint8_t, D32> bytes;
  uint8_t stored[4 * kGroup];
  hn::StoreU(hn::Xor(hn::BitCast(bytes, hn::DemoteTo(signed_bytes, samples)), hn::Set(bytes, 128)), bytes,
             stored);
  for (int k = 0; k < kGroup; ++k) {
    std::memcpy(dst + 2 * k, stored + 4 * k, 2);
    std::memcpy(dst + stride + 2 * k, stored + 4 * k + 2, 2);
  }
}

#endif  // FL_LANES

HWY_INLINE void OneByOne4(const int16_t* blocks, int count, const uint16_t* quantisers, uint8_t* dst,
                          ptrdiff_t stride) {
  for (int k = 0; k < count; ++k) idct_block_4(blocks + 64 * k, quantisers, dst + 4 * k, stride);
}

void IdctBlocks4(const int16_t* blocks, [[maybe_unused]] const uint8_t* last, int count,
                 const uint16_t* quantisers, uint8_t* dst, ptrdiff_t stride) {
#if FL_LANES
  const auto group = [=](const int16_t* from, const uint8_t*, uint8_t* to, ptrdiff_t to_stride) HWY_ATTR {
    if (!Group4(from, quantisers, to, to_stride)) OneByOne4(from, kGroup, quantisers, to, to_stride);
  };
  EachGroup<4>(group, blocks, last, count, dst, stride);
#else
  OneByOne4(blocks, count, quantisers, dst, stride);
#endif
}

void IdctBlocks2(const int16_t* blocks, [[maybe_unused]] const uint8_t* last, int count,
                 const uint16_t* quantisers, uint8_t* dst, ptrdiff_t stride) {
#if FL_LANES
  const auto group = [=](const int16_t* from, const uint8_t*, uint8_t* to, ptrdiff_t to_stride)
                         HWY_ATTR { Group2(from, quantisers, to, to_stride); };
  EachGroup<2>(group, blocks, last, count, dst, stride);
#else
  for (int k = 0; k < count; ++k) idct_block_2(blocks + 64 * k, quantisers, dst + 2 * k, stride);
#endif
}

}  // namespace fastload::jpeg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
FL_SIMD_STAGE_PER_TARGET()

#if HWY_ONCE
namespace fastload::jpeg {

HWY_EXPORT(IdctBlocks4);
HWY_EXPORT(IdctBlocks2);

void idct_blocks_4(const int16_t* blocks, const uint8_t* last, int count, const uint16_t* quantisers,
                   uint8_t* dst, ptrdiff_t stride) {
  HWY_DYNAMIC_DISPATCH(IdctBlocks4)(blocks, last, count, quantisers, dst, stride);
}

void idct_blocks_2(const int16_t* blocks, const uint8_t* last, int count, const uint16_t* quantisers,
                   uint8_t* dst, ptrdiff_t stride) {
  HWY_DYNAMIC_DISPATCH(IdctBlocks2)(blocks, last, count, quantisers, dst, stride);
}

void idct_blocks_1(const int16_t* blocks, const uint8_t* /*last*/, int count, const uint16_t* quantisers,
                   uint8_t* dst, ptrdiff_t /*stride*/) {
  for (int k = 0; k < count; ++k) dst[k] = idct_block_1(blocks + 64 * k, quantisers);
}

}  // namespace fastload::jpeg
FL_SIMD_STAGE("idct_reduced")
#endif
