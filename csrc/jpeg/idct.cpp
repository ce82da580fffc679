#include "jpeg/idct.hpp"

#include <algorithm>
#include <cstring>

#include "image/simd.hpp"
#include "image/simd_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "jpeg/idct.cpp"
#include <hwy/foreach_target.h>  // compiles the rest of this file once per target
#include <hwy/highway.h>

#include "jpeg/idct-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace fastload::jpeg::HWY_NAMESPACE {
using namespace fastload::image::HWY_NAMESPACE;

#if FL_LANES

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
  EachGroup<8>(group, blocks, last, count, dst, stride);
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
