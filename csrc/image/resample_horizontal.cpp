#include <cstring>
#include <type_traits>

#include "image/resample_kernels.hpp"
#include "image/simd.hpp"
#include "image/simd_target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "image/resample_horizontal.cpp"
#include <hwy/foreach_target.h>  // compiles the rest of this file once per target
#include <hwy/highway.h>

#include "image/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastload::image::HWY_NAMESPACE {

#if FL_LANES

// A group is 16 lanes of the table: four pixels of 4 lanes, or 16 bytes of dense ones. It goes down the rows
// with its weights and shuffles in registers, kBlocks rows at a time: those fill four vectors, numbered row
// by row.
constexpr int kGroup = 16;
constexpr int kBlocks = hn::MaxLanes(D32()) / 4;  // of 16 bytes, in a vector; also rows at a time
constexpr int kVectors = 4 / kBlocks;             // per row

// A 16-byte block from each pixel's own place.
template <typename D>
HWY_INLINE hn::Vec<D> LoadBlocks(D d, const uint8_t* row, const int32_t* offsets) {
  constexpr size_t kCount = hn::MaxLanes(d) / 16;
  if constexpr (kCount == 1) {
    return hn::LoadU(d, row + offsets[0]);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, LoadBlocks(half, row, offsets + kCount / 2 * 4), LoadBlocks(half, row, offsets));
  }
}

// Where the taps of a group are: in a 16-byte load for each pixel. For tables of spread 4.
class BlockTaps {
 public:
  static constexpr size_t kBytes = 12;

  HWY_INLINE BlockTaps(const int32_t* offsets, int first) : offsets_(offsets + first) {
    constexpr uint8_t z = 0x80;  // zero
    alignas(16) static constexpr uint8_t kFirst[16] = {0, z, 3, z, 1, z, 4, z, 2, z, 5, z, z, z, z, z};
    alignas(16) static constexpr uint8_t kSecond[16] = {6, z, 9, z, 7, z, 10, z, 8, z, 11, z, z, z, z, z};
    alignas(16) static constexpr uint8_t kDropFourth[16] = {0,  1,  2,  4,  5, 6, 8, 9,
                                                            10, 12, 13, 14, z, z, z, z};
    first_ = hn::LoadDup128(D8(), kFirst);
    second_ = hn::LoadDup128(D8(), kSecond);
    drop_fourth_ = hn::LoadDup128(D8(), kDropFourth);
  }
  // Two pairs of taps for vector v of a row, to be had from Words() as 16-bit numbers.
  HWY_INLINE V8 Load(const uint8_t* row, int v) const {
    return LoadBlocks(D8(), row, offsets_ + v * kBlocks * 4);
  }
  HWY_INLINE V16 Words(V8 loaded, int pair) const {
    return hn::BitCast(D16(), hn::TableLookupBytesOr0(loaded, pair ? second_ : first_));
  }
  HWY_INLINE V8 Finish(V8 rows) const { return hn::TableLookupBytes(rows, drop_fourth_); }

 private:
  const int32_t* offsets_;
  V8 first_, second_, drop_fourth_;
};

#if FL_AVX512_DL
// In one 64-byte load for the whole group. For dense tables.
class PermutedTaps {
 public:
  static constexpr size_t kBytes = 16;

  HWY_INLINE PermutedTaps(const int32_t* offsets, int first) : base_(offsets[first] - first % kChannels) {
    const V32 byte = hn::Sub(hn::LoadU(D32(), offsets + first), hn::Set(D32(), base_));
    const V32 pair = hn::Or(byte, hn::ShiftLeft<16>(hn::Add(byte, hn::Set(D32(), kChannels))));
    first_ = hn::BitCast(D8(), pair);
    second_ = hn::Add(first_, hn::Set(D8(), 2 * kChannels));
  }
  HWY_INLINE V8 Load(const uint8_t* row, int /*v*/) const { return hn::LoadU(D8(), row + base_); }
  HWY_INLINE V16 Words(V8 loaded, int pair) const {
    constexpr __mmask64 kEvenBytes = 0x5555555555555555;
    return V16{_mm512_maskz_permutexvar_epi8(kEvenBytes, pair ? second_.raw : first_.raw, loaded.raw)};
  }
  HWY_INLINE V8 Finish(V8 rows) const { return rows; }

 private:
  int32_t base_;
  V8 first_, second_;
};
#endif

// Four packed vectors hold block b of vector i at 32-bit lane b * 4 + i: makes it i * kBlocks + b, rows in
// blocks.
HWY_INLINE V8 SortLanes(V8 packed) {
  if constexpr (kBlocks == 1) return packed;
  alignas(64) static constexpr int32_t kOrder2[8] = {0, 4, 1, 5, 2, 6, 3, 7};
  alignas(64) static constexpr int32_t kOrder4[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  const auto order = hn::SetTableIndices(D32(), kBlocks == 2 ? kOrder2 : kOrder4);
  return hn::BitCast(D8(), hn::TableLookupLanes(hn::BitCast(D32(), packed), order));
}

// Block r to row r.
template <typename V>
HWY_INLINE void StoreBlocks(V v, uint8_t* dst, ptrdiff_t stride) {
  const hn::DFromV<V> d;
  constexpr ptrdiff_t kCount = hn::MaxLanes(d) / 16;
  if constexpr (kCount == 1) {
    hn::StoreU(v, d, dst);
  } else {
    const hn::Half<decltype(d)> half;
    StoreBlocks(hn::LowerHalf(half, v), dst, stride);
    StoreBlocks(hn::UpperHalf(half, v), dst + kCount / 2 * stride, stride);
  }
}

template <int kPairs, typename Taps>  // 0: any number
void Groups(const Weights& weights, const PairedWeights& table, const uint8_t* src, ptrdiff_t src_stride,
            int rows, uint8_t* dst, ptrdiff_t dst_stride) {
  const D32 d32;
  size_t room = static_cast<size_t>(weights.size()) *
                kChannels;  // bytes from the group's first one to the end of the row
  for (int first = 0;; first += kGroup, dst += Taps::kBytes, room -= Taps::kBytes) {
    const Taps taps(table.offsets(), first);
    constexpr int kHeld = kPairs ? kPairs : 1;
    V32 high[kHeld][kVectors], low[kHeld][kVectors];
    const auto load_weights = [&](int held, int p) HWY_ATTR {
      for (int v = 0; v < kVectors; ++v) {
        high[held][v] = hn::LoadU(d32, table.high(p) + first + v * 4 * kBlocks);
        low[held][v] = hn::LoadU(d32, table.low(p) + first + v * 4 * kBlocks);
      }
    };
    for (int p = 0; p < kPairs; ++p) load_weights(p, p);
    const uint8_t* from = src;
    uint8_t* to = dst;
    for (int y = 0; y < rows; y += kBlocks, from += kBlocks * src_stride, to += kBlocks * dst_stride) {
      const int valid = HWY_MIN(kBlocks, rows - y);
      Sums sums[4];
      V8 loaded[4];
      for (int p = 0; p < (kPairs ? kPairs : table.pairs()); ++p) {
        const int w = kPairs ? p : 0;
        if constexpr (kPairs == 0) load_weights(0, p);
        for (int i = 0; i < 4; ++i) {
          const int v = i % kVectors, r = i / kVectors;
          if (p % 2 == 0)
            loaded[i] = taps.Load(from + (r < valid ? r : 0) * src_stride + 2 * p * kChannels, v);
          sums[i].Add(taps.Words(loaded[i], p % 2), high[w][v], low[w][v]);
        }
      }
      const V8 result = taps.Finish(SortLanes(Clip8(sums)));
      if (HWY_LIKELY(valid == kBlocks &&
                     room >= 16)) {  // what is more than kBytes, the next group overwrites
        StoreBlocks(result, to, dst_stride);
      } else {
        alignas(64) uint8_t blocks[kBlocks * 16];
        hn::Store(result, D8(), blocks);
        for (int r = 0; r < valid; ++r)
          std::memcpy(to + r * dst_stride, blocks + r * 16, HWY_MIN(room, Taps::kBytes));
      }
    }
    if (room <= Taps::kBytes) return;
  }
}

static int RowSpread(const Weights& weights) {
#if FL_AVX512_DL
  // Dense tables, where every 16 bytes of the output have their taps in one load. They touch at most 7
  // pixels.
  const auto fits = [&](int i) {
    const int last = HWY_MIN(i + 6, weights.size() - 1);
    return (weights.span(last).first - weights.span(i).first + 4) * kChannels <= 64;
  };
  int i = 0;
  while (i < weights.size() && fits(i)) ++i;
  if (i == weights.size()) return kChannels;
#endif
  (void)weights;
  return 4;
}

static void ResizeRows(const Weights& weights, const PairedWeights& table, const uint8_t* src,
                       ptrdiff_t src_stride, int rows, uint8_t* dst, ptrdiff_t dst_stride) {
#if FL_AVX512_DL
  using Dense = PermutedTaps;
#else
  using Dense = BlockTaps;
#endif
  const auto run = [&](auto pairs) {
    constexpr int kPairs = decltype(pairs)::value;
    const auto groups = table.spread() == kChannels ? Groups<kPairs, Dense> : Groups<kPairs, BlockTaps>;
    groups(weights, table, src, src_stride, rows, dst, dst_stride);
  };
  switch (table.pairs()) {
    case 1:
      return run(std::integral_constant<int, 1>());
    case 2:
      return run(std::integral_constant<int, 2>());
    case 3:
      return run(std::integral_constant<int, 3>());
    case 4:
      return run(std::integral_constant<int, 4>());
    default:
      return run(std::integral_constant<int, 0>());
  }
}

#else  // FL_LANES

static int RowSpread(const Weights& /*weights*/) { return kChannels; }

static void ResizeRows(const Weights& weights, const PairedWeights& table, const uint8_t* src,
                       ptrdiff_t src_stride, int rows, uint8_t* dst, ptrdiff_t dst_stride) {
  for (int y = 0; y < rows; ++y, src += src_stride, dst += dst_stride) {
    uint8_t* to = dst;
    for (int x = 0; x < weights.size(); ++x) {
      const uint8_t* from = src + table.offsets()[static_cast<size_t>(x) * kChannels];
      int32_t sums[kChannels] = {kRounding, kRounding, kRounding};
      for (int t = 0; t < weights.span(x).count; ++t) {
        for (int32_t& sum : sums) sum += *from++ * weights.taps(x)[t];
      }
      for (const int32_t sum : sums) *to++ = clip8(sum);
    }
  }
}

#endif  // FL_LANES

}  // namespace fastload::image::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
FL_SIMD_STAGE_PER_TARGET()

#if HWY_ONCE
namespace fastload::image {

HWY_EXPORT(RowSpread);
HWY_EXPORT(ResizeRows);

int row_spread(const Weights& weights) { return HWY_DYNAMIC_DISPATCH(RowSpread)(weights); }

void resize_rows(const Weights& weights, const PairedWeights& table, const uint8_t* src, ptrdiff_t src_stride,
                 int rows, uint8_t* dst, ptrdiff_t dst_stride) {
  HWY_DYNAMIC_DISPATCH(ResizeRows)(weights, table, src, src_stride, rows, dst, dst_stride);
}

}  // namespace fastload::image
FL_SIMD_STAGE("resample_horizontal")
#endif
