#include "image/resample_kernels.hpp"

#include <cstring>

#include "image/simd.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "image/resample_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles the rest of this file once per target
#include <hwy/highway.h>

#include "image/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fastload::image::HWY_NAMESPACE {

#if FL_LANES

// The two sums of one lane: see paired_weights.hpp.
struct Sum {
  V32 high, low;

  HWY_INLINE Sum() : high(hn::Zero(D32())), low(hn::Set(D32(), kRounding)) {}
  HWY_INLINE void Add(V16 bytes, V32 high_weights, V32 low_weights) {
    high = AddPairProducts(high, bytes, hn::BitCast(D16(), high_weights));
    low = AddPairProducts(low, bytes, hn::BitCast(D16(), low_weights));
  }
  [[nodiscard]] HWY_INLINE V32 Value() const {
    return hn::ShiftRight<kWeightBits>(hn::Add(hn::ShiftLeft<16>(high), low));
  }
};

// ---- Vertical pass: byte i of the output depends on byte i of the source rows only.

template <int kPairs>  // 0: any number
void Column(const uint8_t* HWY_RESTRICT src, ptrdiff_t stride, const int32_t* weights, int taps, size_t bytes,
            uint8_t* HWY_RESTRICT dst) {
  const D8 d8;
  const size_t step = hn::Lanes(d8);
  const V8 zero = hn::Zero(d8);
  const auto words = [](V8 v) { return hn::BitCast(D16(), v); };
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
    Sum sums[4];
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
      const V8 lower = hn::InterleaveLower(d8, a, b), upper = hn::InterleaveUpper(d8, a, b);
      sums[0].Add(words(hn::InterleaveLower(d8, lower, zero)), high[w], low[w]);
      sums[1].Add(words(hn::InterleaveUpper(d8, lower, zero)), high[w], low[w]);
      sums[2].Add(words(hn::InterleaveLower(d8, upper, zero)), high[w], low[w]);
      sums[3].Add(words(hn::InterleaveUpper(d8, upper, zero)), high[w], low[w]);
    }
    // Interleaving and packing both keep to 16-byte blocks, so the bytes come back in order.
    const V16 lower = hn::ReorderDemote2To(D16(), sums[0].Value(), sums[1].Value());
    const V16 upper = hn::ReorderDemote2To(D16(), sums[2].Value(), sums[3].Value());
    hn::StoreU(PackBytes(lower, upper), d8, dst + at);
  }
}

// ---- Horizontal pass: groups of four output pixels, each with weights and shuffles in registers, go down
// the rows.

using D8x16 = hn::Full128<uint8_t>;
constexpr int kGroup = PairedWeights::kGroup;
constexpr int kBlocks = hn::MaxLanes(D32()) / 4;  // pixels in a vector
constexpr int kVectors = kGroup / kBlocks;        // vectors in a group

// One 16-byte block for each pixel of vector v of a group: pixels v, v + kVectors, ...; packing undoes that
// order.
template <typename Address>
HWY_INLINE V8 Blocks(int v, Address address) {
  const D8x16 d;
  const auto block = [&](int b) {
    return hn::LoadU(d, reinterpret_cast<const uint8_t*>(address(v + b * kVectors)));
  };
  if constexpr (kBlocks == 1) {
    return block(0);
  } else if constexpr (kBlocks == 2) {
    return hn::Combine(D8(), block(1), block(0));
  } else {
    const hn::Half<D8> half;
    return hn::Combine(D8(), hn::Combine(half, block(3), block(2)), hn::Combine(half, block(1), block(0)));
  }
}

// Twelve bytes of the group, then four to be ignored.
template <int kCount>
HWY_INLINE hn::Vec<D8x16> PackGroup(const V32 (&sums)[kCount]) {
  alignas(16) static constexpr uint8_t kDropFourth[16] = {0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 0, 0, 0, 0};
  const D8x16 d;
  hn::Vec<D8x16> bytes;
  if constexpr (kCount == 1) {
    bytes = hn::DemoteTo(d, sums[0]);
  } else if constexpr (kCount == 2) {
    bytes = hn::DemoteTo(d, hn::ReorderDemote2To(D16(), sums[0], sums[1]));
  } else {
    bytes = PackBytes(hn::ReorderDemote2To(D16(), sums[0], sums[1]),
                      hn::ReorderDemote2To(D16(), sums[2], sums[3]));
  }
  return hn::TableLookupBytes(bytes, hn::Load(d, kDropFourth));
}

// Where a group's bytes lie: each pixel's taps in a 16-byte load of its own.
struct BlockFetch {
  const int32_t* offsets;
  V8 shuffle[2];

  explicit BlockFetch(const int32_t* group_offsets) : offsets(group_offsets) {
    constexpr uint8_t z = 0x80;  // zero
    alignas(16) static constexpr uint8_t kFirst[16] = {0, z, 3, z, 1, z, 4, z, 2, z, 5, z, z, z, z, z};
    alignas(16) static constexpr uint8_t kSecond[16] = {6, z, 9, z, 7, z, 10, z, 8, z, 11, z, z, z, z, z};
    shuffle[0] = hn::LoadDup128(D8(), kFirst);
    shuffle[1] = hn::LoadDup128(D8(), kSecond);
  }
  // Loads four taps, of which Words() gives two, as 16-bit numbers.
  HWY_INLINE V8 Load(int v, const uint8_t* row) const {
    return Blocks(v, [&](int pixel) { return row + offsets[pixel]; });
  }
  HWY_INLINE V16 Words(V8 loaded, int half) const {
    return hn::BitCast(D16(), hn::TableLookupBytesOr0(loaded, shuffle[half]));
  }
};

#if FL_PERMUTE64
// The same with one load for the whole group, where its taps lie within 64 bytes.
struct PermuteFetch {
  const int32_t base;
  V8 indices[2];

  static bool Fits(const int32_t* offsets) { return offsets[kGroup - 1] - offsets[0] + 12 <= 64; }

  explicit PermuteFetch(const int32_t* offsets) : base(offsets[0]) {
    alignas(64) int32_t index[16];
    for (int lane = 0; lane < 16; ++lane) {
      const int byte = offsets[lane / 4] - base + lane % 4;  // lane 3 of a pixel is of no account
      index[lane] = byte | (byte + 3) << 16;
    }
    indices[0] = hn::BitCast(D8(), hn::Load(D32(), index));
    indices[1] = hn::Add(indices[0], hn::Set(D8(), 6));
  }
  HWY_INLINE V8 Load(int /*v*/, const uint8_t* row) const { return hn::LoadU(D8(), row + base); }
  HWY_INLINE V16 Words(V8 loaded, int half) const {
    constexpr __mmask64 kEvenBytes = 0x5555555555555555;
    return V16{_mm512_maskz_permutexvar_epi8(kEvenBytes, indices[half].raw, loaded.raw)};
  }
};
#endif

template <int kPairs, typename Fetch>  // 0: any number
void Group(const Fetch& fetch, const PairedWeights& table, int first, const uint8_t* HWY_RESTRICT src,
           ptrdiff_t src_stride, int rows, uint8_t* HWY_RESTRICT dst, ptrdiff_t dst_stride, size_t room) {
  const auto weights_of = [&](const std::vector<int32_t>& digits, int pair, int v) {
    const int32_t* at = digits.data() + pair * table.lanes + size_t(first) * 4;
    return hn::BitCast(D32(), Blocks(v, [&](int pixel) { return at + pixel * 4; }));
  };
  V32 high[kPairs ? kPairs : 1][kVectors], low[kPairs ? kPairs : 1][kVectors];
  for (int p = 0; p < kPairs; ++p) {
    for (int v = 0; v < kVectors; ++v) {
      high[p][v] = weights_of(table.high, p, v);
      low[p][v] = weights_of(table.low, p, v);
    }
  }
  const int pairs = kPairs ? kPairs : table.pairs;
  for (int y = 0; y < rows; ++y, src += src_stride, dst += dst_stride) {
    V32 values[kVectors];
    for (int v = 0; v < kVectors; ++v) {
      Sum sum;
      for (int p = 0; p < pairs; p += 2) {
        const V8 loaded = fetch.Load(v, src + p * 6);
        for (int half = 0; half < 2 && p + half < pairs; ++half) {
          const V16 words = fetch.Words(loaded, half);
          if constexpr (kPairs != 0) {
            sum.Add(words, high[p + half][v], low[p + half][v]);
          } else {
            sum.Add(words, weights_of(table.high, p + half, v), weights_of(table.low, p + half, v));
          }
        }
      }
      values[v] = sum.Value();
    }
    if (HWY_LIKELY(room >= 16)) {
      hn::StoreU(PackGroup(values), D8x16(), dst);
    } else {
      alignas(16) uint8_t bytes[16];
      hn::Store(PackGroup(values), D8x16(), bytes);
      std::memcpy(dst, bytes, HWY_MIN(room, size_t{kGroup * kChannels}));
    }
  }
}

void ResizeRows(const Weights& weights, const PairedWeights& table, const uint8_t* src, ptrdiff_t src_stride,
                int rows, uint8_t* dst, ptrdiff_t dst_stride) {
  const size_t row_bytes = size_t(weights.size()) * kChannels;
  for (int first = 0; first < weights.size(); first += kGroup) {
    const size_t at = size_t(first) * kChannels;
    const auto run = [&](const auto& fetch) {
      const auto group = [&](auto pairs) {
        Group<decltype(pairs)::value>(fetch, table, first, src, src_stride, rows, dst + at, dst_stride,
                                      row_bytes - at);
      };
      if (table.pairs == 1) return group(std::integral_constant<int, 1>());
      if (table.pairs == 2) return group(std::integral_constant<int, 2>());
      group(std::integral_constant<int, 0>());
    };
    const int32_t* offsets = table.offsets.data() + first;
#if FL_PERMUTE64
    if (PermuteFetch::Fits(offsets)) {
      run(PermuteFetch(offsets));
      continue;
    }
#endif
    run(BlockFetch(offsets));
  }
}

#else  // FL_LANES

void ResizeRows(const Weights& weights, const PairedWeights& table, const uint8_t* src, ptrdiff_t src_stride,
                int rows, uint8_t* dst, ptrdiff_t dst_stride) {
  for (int y = 0; y < rows; ++y, src += src_stride, dst += dst_stride) {
    uint8_t* to = dst;
    for (int x = 0; x < weights.size(); ++x) {
      const Span span = weights.span(x);
      const uint8_t* from = src + table.offsets[x];
      int32_t sums[kChannels] = {kRounding, kRounding, kRounding};
      for (int t = 0; t < span.count; ++t) {
        for (int c = 0; c < kChannels; ++c) sums[c] += *from++ * weights.taps(x)[t];
      }
      for (const int32_t sum : sums) *to++ = clip8(sum);
    }
  }
}

#endif  // FL_LANES

void ResizeColumn(const uint8_t* src, ptrdiff_t src_stride, const int32_t* weights, int taps, size_t bytes,
                  uint8_t* dst) {
#if FL_LANES
  if (bytes >= hn::Lanes(D8())) {
    if (taps <= 2) return Column<1>(src, src_stride, weights, taps, bytes, dst);
    if (taps <= 4) return Column<2>(src, src_stride, weights, taps, bytes, dst);
    return Column<0>(src, src_stride, weights, taps, bytes, dst);
  }
#endif
  for (size_t x = 0; x < bytes; ++x) {
    int32_t sum = kRounding;
    for (int t = 0; t < taps; ++t) sum += src[t * src_stride + ptrdiff_t(x)] * weights[t];
    dst[x] = clip8(sum);
  }
}

}  // namespace fastload::image::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fastload::image {

HWY_EXPORT(ResizeRows);
HWY_EXPORT(ResizeColumn);

void resize_rows(const Weights& weights, const PairedWeights& table, const uint8_t* src, ptrdiff_t src_stride,
                 int rows, uint8_t* dst, ptrdiff_t dst_stride) {
  HWY_DYNAMIC_DISPATCH(ResizeRows)(weights, table, src, src_stride, rows, dst, dst_stride);
}

void resize_column(const uint8_t* src, ptrdiff_t src_stride, const int32_t* weights, int taps, size_t bytes,
                   uint8_t* dst) {
  HWY_DYNAMIC_DISPATCH(ResizeColumn)(src, src_stride, weights, taps, bytes, dst);
}

}  // namespace fastload::image
#endif
