#include "jpeg/emit.hpp"

#include <bit>
#include <cstring>

#include "image/simd.hpp"
#include "image/simd_target.hpp"
#include "jpeg/markers.hpp"

// Scalar code, but compiled per target for the sake of BMI2's shifts.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "jpeg/emit.cpp"
#include <hwy/foreach_target.h>  // NOLINT(llvm-include-order): compiles the rest of this file once per target
#include <hwy/highway.h>

#ifndef FASTLOAD_JPEG_EMIT_ONCE
#define FASTLOAD_JPEG_EMIT_ONCE
namespace fastload::jpeg {

// By table and symbol: the code word, shifted left to make room for the bits that follow, << 5 | length of
// both.
using EmitTable = std::array<uint32_t, 256 * kTables>;
inline constexpr int kLengthBits = 5;

}  // namespace fastload::jpeg
#endif

HWY_BEFORE_NAMESPACE();
namespace fastload::jpeg::HWY_NAMESPACE {

class BitWriter {
 public:
  explicit BitWriter(uint8_t* to) : to_(to) {}

  // At most 57 bits, and not none.
  HWY_INLINE void put(uint64_t bits, unsigned length) {
    pending_ = pending_ << length | bits;
    count_ += length;
    const uint64_t aligned = pending_ << (64 - count_);
    // A byte is FF where its top bit is lost by adding one; exact for "is there one", as without one nothing
    // carries.
    constexpr uint64_t kOnes = 0x0101010101010101;
    if (HWY_UNLIKELY((aligned & ~(aligned + kOnes) & (kOnes << 7)) != 0)) {
      to_ = stuff(to_, aligned, count_ / 8);
    } else {
      const uint64_t big_endian = __builtin_bswap64(aligned);
      std::memcpy(to_, &big_endian, sizeof(big_endian));
      to_ += count_ / 8;
    }
    count_ %= 8;
  }

  void pad_with_ones() {
    const unsigned missing = (8 - count_) % 8;
    if (missing > 0) put((1U << missing) - 1, missing);
  }

  void put_marker(int marker) {
    *to_++ = 0xFF;
    *to_++ = static_cast<uint8_t>(marker);
  }

  [[nodiscard]] uint8_t* end() const { return to_; }

 private:
  // Out of line and without `this`, which keeps the members in registers.
  HWY_NOINLINE static uint8_t* stuff(uint8_t* to, uint64_t aligned, unsigned bytes) {
    for (unsigned k = 0; k < bytes; ++k, aligned <<= 8) {
      const auto byte = static_cast<uint8_t>(aligned >> 56);
      *to++ = byte;
      if (byte == 0xFF) *to++ = 0;
    }
    return to;
  }

  uint8_t* to_;
  uint64_t pending_ = 0;  // the last count_ bits are not written yet, the others are old
  unsigned count_ = 0;    // below 8 between calls
};

// Returns the end. `to` has room for twice the bits, a marker a segment, and 8 bytes.
uint8_t* Emit(const Tokens& tokens, const EmitTable& table, uint8_t* to, std::vector<uint32_t>& offsets) {
  constexpr uint32_t kLengthMask = (1 << kLengthBits) - 1;
  const uint8_t* const begin = to;
  BitWriter writer(to);
  const Token* at = tokens.tokens.get();
  for (size_t segment = 0; segment < tokens.segment_ends.size(); ++segment) {
    if (segment > 0) writer.put_marker(kRST0 + static_cast<int>((segment - 1) & 7));
    offsets.push_back(static_cast<uint32_t>(writer.end() - begin));
    const Token* const end = tokens.tokens.get() + tokens.segment_ends[segment];
    // Two at a time: a token has at most 16 + 11 bits.
    for (; at + 2 <= end; at += 2) {
      const uint32_t first = table[at[0] >> 16], second = table[at[1] >> 16];
      const uint64_t first_bits = (first >> kLengthBits) | (at[0] & 0xFFFF);
      const uint64_t second_bits = (second >> kLengthBits) | (at[1] & 0xFFFF);
      writer.put(first_bits << (second & kLengthMask) | second_bits,
                 (first & kLengthMask) + (second & kLengthMask));
    }
    if (at < end) {
      const uint32_t last = table[*at >> 16];
      writer.put((last >> kLengthBits) | (*at & 0xFFFF), last & kLengthMask);
      ++at;
    }
    writer.pad_with_ones();
  }
  offsets.push_back(static_cast<uint32_t>(writer.end() - begin));
  return writer.end();
}

}  // namespace fastload::jpeg::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
FL_SIMD_STAGE_PER_TARGET()

#if HWY_ONCE
namespace fastload::jpeg {

HWY_EXPORT(Emit);

std::vector<uint32_t> emit(const Tokens& tokens, const std::array<HuffmanCode, kTables>& codes,
                           std::vector<uint8_t>& bytes) {
  EmitTable table{};
  uint64_t bits = 0;
  for (size_t k = 0; k < table.size(); ++k) {
    const size_t symbol = k % 256;
    const unsigned size = symbol & 15, length = codes[k / 256].lengths[symbol];
    table[k] = static_cast<uint32_t>(codes[k / 256].words[symbol]) << size << kLengthBits | (length + size);
    bits += uint64_t{tokens.frequencies[k / 256][symbol]} * (length + size);
  }
  const size_t segments = tokens.segment_ends.size();
  const size_t most = 2 * (bits / 8) + 4 * segments + 2 * sizeof(uint64_t);
  const auto buffer = std::make_unique_for_overwrite<uint8_t[]>(most);
  std::vector<uint32_t> offsets;
  offsets.reserve(segments + 1);
  const uint8_t* const end = HWY_DYNAMIC_DISPATCH(Emit)(tokens, table, buffer.get(), offsets);
  const auto start = static_cast<uint32_t>(bytes.size());
  for (uint32_t& offset : offsets) offset += start;
  bytes.insert(bytes.end(), static_cast<const uint8_t*>(buffer.get()), end);
  return offsets;
}

}  // namespace fastload::jpeg
FL_SIMD_STAGE("emit")
#endif
