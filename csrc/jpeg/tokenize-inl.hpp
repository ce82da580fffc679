// The two vector stages of tokenize(), included once per SIMD target. Neither branches on a coefficient.
//
//   collect: coefficients --permute--> zigzag order --compress--> those that are coded, and their places
//   convert: run = position - previous position - 1, size and bits, for as many as a vector holds --> tokens

#if defined(FASTLOAD_JPEG_TOKENIZE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef FASTLOAD_JPEG_TOKENIZE_INL
#undef FASTLOAD_JPEG_TOKENIZE_INL
#else
#define FASTLOAD_JPEG_TOKENIZE_INL
#endif

#include <algorithm>
#include <utility>
#include <vector>

#include <hwy/highway.h>

#include "jpeg/tokens.hpp"

HWY_BEFORE_NAMESPACE();
namespace fastload::jpeg::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline constexpr size_t kOverrun = 64;  // results are stored as whole vectors
inline constexpr int kPosition = 63;    // mask of a place: table << 8 | position in zigzag order
inline constexpr int kPlaceTable = 8;   // shift

// What is coded of some blocks, in order. The first coefficient (as a DC difference) and the last are there
// always, the last as EOB if it is zero; of the others those that are not zero.
class Coded {
 public:
  explicit Coded(size_t most_blocks)
      : values_(kBlockSize * most_blocks + kOverrun), places_(values_.size() + 1) {}

  HWY_INLINE void add_block(const int16_t* block, int difference, int dc_table) {
    int16_t* const values = values_.data() + count_;
    count_ += collect(block, (dc_table + 1) << kPlaceTable, values, places() + count_);
    set_dc(values, difference, dc_table);
  }

  void add_padding(int dc_table) {
    int16_t* const values = values_.data() + count_;
    values[1] = 0;
    places()[count_ + 1] = static_cast<int16_t>((dc_table + 1) << kPlaceTable | kPosition);
    count_ += 2;
    set_dc(values, 0, dc_table);
  }

  // Writes the tokens of all that was added, and up to kOverrun beyond; returns their end. Then it is empty.
  Token* convert(Token* at);

 private:
  int16_t* places() { return places_.data() + 1; }  // so that the first has one before it

  void set_dc(int16_t* values, int difference, int dc_table) {
    values[0] = static_cast<int16_t>(std::clamp(difference, -kLargestDifference, kLargestDifference));
    places()[values - values_.data()] = static_cast<int16_t>(dc_table << kPlaceTable);
  }

  static size_t collect(const int16_t* block, int ac_table, int16_t* values, int16_t* places);

  std::vector<int16_t> values_, places_;
  size_t count_ = 0;
};

// One at a time, with a ZRL for every 16 zeros of a run (F.1.2.2.1).
inline Token* ConvertPlain(const int16_t* values, const int16_t* places, size_t count, Token* at) {
  constexpr int kLongestRun = 15;
  for (size_t k = 0; k < count; ++k) {
    const int position = places[k] & kPosition, table = places[k] >> kPlaceTable;
    int run = position == 0 || values[k] == 0 ? 0 : position - (places[k - 1] & kPosition) - 1;
    for (; run > kLongestRun; run -= kLongestRun + 1) *at++ = make_token(table, kLongestRun, 0);
    *at++ = make_token(table, run, values[k]);
  }
  return at;
}

#if HWY_TARGET == HWY_SCALAR

inline size_t Coded::collect(const int16_t* block, int ac_table, int16_t* values, int16_t* places) {
  size_t count = 0;
  for (int k = 0; k < kBlockSize; ++k) {
    const int16_t value = block[kZigzag[k]];
    if (value == 0 && k != 0 && k != kBlockSize - 1) continue;
    values[count] = value;
    places[count++] = static_cast<int16_t>(ac_table | k);
  }
  return count;
}

inline Token* Coded::convert(Token* at) {
  at = ConvertPlain(values_.data(), places(), count_, at);
  count_ = 0;
  return at;
}

#else

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
// Half a block in a vector; a permutation of both halves is one instruction.
using Lane = hn::FixedTag<int16_t, 32>;
using Vector = hn::Vec<Lane>;

template <class Use>
HWY_INLINE void ForZigzag(const int16_t* block, const Use& use) {
  alignas(64) static constexpr auto kIndices = [] {
    std::array<int16_t, kBlockSize> indices{};
    for (size_t k = 0; k < kBlockSize; ++k) indices[k] = kZigzag[k];
    return indices;
  }();
  const Lane d;
  const Vector low = hn::LoadU(d, block), high = hn::LoadU(d, block + 32);
  for (size_t k = 0; k < kBlockSize; k += 32) {
    use(k, Vector{_mm512_permutex2var_epi16(low.raw, hn::Load(d, kIndices.data() + k).raw, high.raw)});
  }
}
#else
// A row of the block in a vector. Eight coefficients in zigzag order come from three to six rows.
using Lane = hn::FixedTag<int16_t, 8>;
using Vector = hn::Vec<Lane>;

struct RowShuffle {
  uint8_t bytes[16];
  bool used;
};

// Takes out of `row` what belongs to zigzag positions 8 * `group` and up; 0x80 gives zero.
constexpr RowShuffle row_shuffle(size_t group, size_t row) {
  RowShuffle shuffle{};
  for (size_t lane = 0; lane < 8; ++lane) {
    const size_t from = kZigzag[8 * group + lane];
    const bool here = from / 8 == row;
    shuffle.used |= here;
    for (size_t half = 0; half < 2; ++half) {
      shuffle.bytes[2 * lane + half] = here ? static_cast<uint8_t>(2 * (from % 8) + half) : 0x80;
    }
  }
  return shuffle;
}

template <size_t kGroup, size_t kRow>
HWY_INLINE Vector Gather(const Vector* rows, Vector gathered) {
  alignas(16) static constexpr RowShuffle kShuffle = row_shuffle(kGroup, kRow);
  if constexpr (kShuffle.used) {
    const hn::Repartition<uint8_t, Lane> bytes;
    const auto taken =
        hn::TableLookupBytesOr0(hn::BitCast(bytes, rows[kRow]), hn::Load(bytes, kShuffle.bytes));
    gathered = hn::Or(gathered, hn::BitCast(Lane(), taken));
  }
  if constexpr (kRow < 7) return Gather<kGroup, kRow + 1>(rows, gathered);
  return gathered;
}

template <class Use>
HWY_INLINE void ForZigzag(const int16_t* block, const Use& use) {
  const Lane d;
  Vector rows[8];
  for (size_t r = 0; r < 8; ++r) rows[r] = hn::LoadU(d, block + 8 * r);
  [&]<size_t... kGroup>(std::index_sequence<kGroup...>) HWY_ATTR {
    (use(8 * kGroup, Gather<kGroup, 0>(rows, hn::Zero(d))), ...);
  }(std::make_index_sequence<8>());
}
#endif

HWY_INLINE size_t Coded::collect(const int16_t* block, int ac_table, int16_t* values, int16_t* places) {
  alignas(64) static constexpr auto kAlways = [] {
    std::array<int16_t, kBlockSize> always{};
    always.front() = always.back() = -1;
    return always;
  }();
  const Lane d;
  size_t count = 0;
  ForZigzag(block, [&](size_t k, Vector value) HWY_ATTR {
    const Vector place = hn::Iota(d, static_cast<int16_t>(ac_table + static_cast<int>(k)));
    const auto chosen = hn::Ne(hn::Or(value, hn::Load(d, kAlways.data() + k)), hn::Zero(d));
    // Compressed in a register: the form that compresses into memory is microcode on Zen 4.
    hn::StoreU(hn::Compress(value, chosen), d, values + count);
    hn::StoreU(hn::Compress(place, chosen), d, places + count);
    count += hn::CountTrue(d, chosen);
  });
  return count;
}

inline Token* Coded::convert(Token* at) {
  const hn::ScalableTag<int16_t> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const auto zero = hn::Zero(d), position_mask = hn::Set(d, kPosition);
  for (size_t k = 0; k < count_; k += hn::Lanes(d)) {
    const size_t lanes = std::min(hn::Lanes(d), count_ - k);
    const auto value = hn::LoadU(d, values_.data() + k), place = hn::LoadU(d, places() + k);
    const auto position = hn::And(place, position_mask);
    const auto before = hn::And(hn::LoadU(d, places() + k - 1), position_mask);
    const auto has_run = hn::And(hn::Ne(position, zero), hn::Ne(value, zero));
    const auto run = hn::IfThenElseZero(has_run, hn::Sub(hn::Sub(position, before), hn::Set(d, 1)));
    if (HWY_UNLIKELY(!hn::AllFalse(d, hn::Gt(run, hn::Set(d, 15))))) {
      at = ConvertPlain(values_.data() + k, places() + k, lanes, at);
      continue;
    }
    // Saturating, so that -32768 has a size that a symbol can say.
    const auto magnitude = hn::BitCast(du, hn::Max(value, hn::SaturatedSub(zero, value)));
    auto ones = hn::Or(magnitude, hn::ShiftRight<1>(magnitude));
    ones = hn::Or(ones, hn::ShiftRight<2>(ones));
    ones = hn::Or(ones, hn::ShiftRight<4>(ones));
    ones = hn::Or(ones, hn::ShiftRight<8>(ones));
    // Negative values are sent as their magnitude's complement (F.1.2.1.1).
    const auto negative = hn::BitCast(du, hn::ShiftRight<15>(value));
    const auto bits = hn::Xor(magnitude, hn::And(ones, negative));
    const auto table = hn::BitCast(du, hn::Sub(place, position));
    const auto symbol = hn::Or(hn::ShiftLeft<4>(hn::BitCast(du, run)), hn::PopulationCount(ones));
    hn::StoreInterleaved2(bits, hn::Or(symbol, table), du, reinterpret_cast<uint16_t*>(at));
    at += lanes;
  }
  count_ = 0;
  return at;
}

#endif  // HWY_SCALAR

}  // namespace fastload::jpeg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
