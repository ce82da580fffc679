// One block of coefficients becomes tokens, without a branch per coefficient. Included once per SIMD target.
//
//   coefficients --permute--> zigzag order --compress--> the non-zero ones and their positions
//     --> run = position - previous position - 1, size and bits of every value, a vector at a time --> tokens

#if defined(FASTLOAD_JPEG_TOKENIZE_BLOCK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef FASTLOAD_JPEG_TOKENIZE_BLOCK_INL
#undef FASTLOAD_JPEG_TOKENIZE_BLOCK_INL
#else
#define FASTLOAD_JPEG_TOKENIZE_BLOCK_INL
#endif

#include <algorithm>
#include <bit>
#include <utility>

#include <hwy/highway.h>

#include "jpeg/tokens.hpp"

HWY_BEFORE_NAMESPACE();
namespace fastload::jpeg::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sizes beyond what a symbol can say become 15, which baseline has not either.
inline Token make_token(int table, int run, int value) {
  const int sign = value >> 31;
  const auto magnitude = static_cast<uint32_t>((value ^ sign) - sign);
  const auto size = std::min<Token>(static_cast<Token>(std::bit_width(magnitude)), 15);
  const Token bits = static_cast<Token>(value + sign) & ((Token{1} << size) - 1);
  return static_cast<Token>(table) << 24 | static_cast<Token>(run) << 20 | size << 16 | bits;
}

#if HWY_TARGET == HWY_SCALAR
// The obvious form, for processors without any of the vectors below, and as their twin in tests.
class BlockTokenizer {
 public:
  Token* tokenize(const int16_t* block, int dc, int& predictor, Token* at) {
    *at++ = make_token(dc, 0, block[0] - predictor);
    predictor = block[0];
    int run = 0;
    for (int k = 1; k < kBlockSize; ++k) {
      const int value = block[kZigzag[k]];
      if (value == 0) {
        ++run;
        continue;
      }
      for (; run > 15; run -= 16) *at++ = make_token(dc + 1, 15, 0);
      *at++ = make_token(dc + 1, run, value);
      run = 0;
    }
    if (run > 0) *at++ = make_token(dc + 1, 0, 0);
    return at;
  }
};
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
    const auto taken = hn::TableLookupBytesOr0(hn::BitCast(bytes, rows[kRow]), hn::Load(bytes, kShuffle.bytes));
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
  [&]<size_t... kGroup>(std::index_sequence<kGroup...>) {
    (use(8 * kGroup, Gather<kGroup, 0>(rows, hn::Zero(d))), ...);
  }(std::make_index_sequence<8>());
}
#endif

class BlockTokenizer {
 public:
  // Writes the tokens of a block for the DC table `dc` and the AC table after it; returns their end. Stores whole
  // vectors, up to 64 tokens beyond it.
  HWY_INLINE Token* tokenize(const int16_t* block, int dc, int& predictor, Token* at) {
    *at++ = make_token(dc, 0, block[0] - predictor);
    predictor = block[0];
    const size_t count = collect(block);
    const Token ac = static_cast<Token>(dc + 1) << 24;
    const bool long_runs = write(count, ac, at);
    at = HWY_UNLIKELY(long_runs) ? expand_runs(at, count, ac) : at + count;
    // EOB, unless the last coefficient is not zero.
    *at = ac;
    return at + (positions_[kGuard + count - 1] != kBlockSize - 1);
  }

 private:
  // Gathers the AC coefficients that are not zero, and their positions.
  HWY_INLINE size_t collect(const int16_t* block) {
    const Lane d;
    size_t count = 0;
    ForZigzag(block, [&](size_t k, Vector values) HWY_ATTR {
      const Vector positions = hn::Iota(d, static_cast<int16_t>(k));
      const auto not_dc = hn::Ne(positions, hn::Zero(d));
      const auto chosen = hn::And(hn::Ne(values, hn::Zero(d)), not_dc);
      // Compressed in a register: the form that compresses into memory is microcode on Zen 4.
      hn::StoreU(hn::Compress(values, chosen), d, values_ + count);
      hn::StoreU(hn::Compress(positions, chosen), d, positions_ + kGuard + count);
      count += hn::CountTrue(d, chosen);
    });
    return count;
  }

  // Returns whether a run is longer than a symbol can say (15); such a run's upper bits spill into the table's.
  HWY_INLINE bool write(size_t count, Token ac, Token* at) {
    const hn::ScalableTag<int16_t> d;
    const hn::RebindToUnsigned<decltype(d)> du;
    const auto table = hn::Set(du, static_cast<uint16_t>(ac >> 16));
    const auto longest = hn::Set(d, 15);
    auto any = hn::Zero(d);
    for (size_t k = 0; k < count; k += hn::Lanes(d)) {
      const auto value = hn::LoadU(d, values_ + k);
      const auto position = hn::LoadU(d, positions_ + kGuard + k);
      const auto run = hn::Sub(hn::Sub(position, hn::LoadU(d, positions_ + kGuard + k - 1)), hn::Set(d, 1));
      // Saturating, so that -32768 has a size that a symbol can say.
      const auto magnitude = hn::BitCast(du, hn::Max(value, hn::SaturatedSub(hn::Zero(d), value)));
      auto ones = hn::Or(magnitude, hn::ShiftRight<1>(magnitude));
      ones = hn::Or(ones, hn::ShiftRight<2>(ones));
      ones = hn::Or(ones, hn::ShiftRight<4>(ones));
      ones = hn::Or(ones, hn::ShiftRight<8>(ones));
      // Negative values are sent as their magnitude's complement (F.1.2.1.1).
      const auto negative = hn::BitCast(du, hn::ShiftRight<15>(value));
      const auto bits = hn::Xor(magnitude, hn::And(ones, negative));
      const auto symbol = hn::Or(hn::ShiftLeft<4>(hn::BitCast(du, run)), hn::PopulationCount(ones));
      const auto in_block = hn::FirstN(d, count - k);
      any = hn::Or(any, hn::IfThenElseZero(in_block, run));
      hn::StoreInterleaved2(bits, hn::Add(symbol, table), du, reinterpret_cast<uint16_t*>(at + k));
    }
    return !hn::AllFalse(d, hn::Gt(any, longest));
  }

  // Puts a ZRL before each token for every 16 zeros of its run (F.1.2.2.1).
  HWY_NOINLINE static Token* expand_runs(Token* at, size_t count, Token ac) {
    constexpr Token kSixteenZeros = 0xF0 << 16;
    Token tokens[kBlockSize];
    std::copy_n(at, count, tokens);
    for (size_t k = 0; k < count; ++k) {
      const Token token = tokens[k] - ac;
      at = std::fill_n(at, token >> 24, ac | kSixteenZeros);
      *at++ = ac | (token & 0xFFFFFF);
    }
    return at;
  }

  // positions_[kGuard - 1] is the DC's, before the first AC coefficient.
  static constexpr size_t kGuard = 32, kOverrun = 32;
  alignas(64) int16_t values_[kBlockSize + kOverrun] = {};
  alignas(64) int16_t positions_[kGuard + kBlockSize + kOverrun] = {};
};
#endif  // HWY_SCALAR

}  // namespace fastload::jpeg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // include guard
