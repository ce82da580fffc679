// Reads plain bytes (without stuffing) bit by bit. Unlike the host's lanes (jpeg/huffman.hpp) it is refilled
// by whole aligned words, which a GPU loads at once, and says at any time how many bits were taken.
#pragma once

#include "cuda/memory.hpp"
#include "jpeg/huffman.hpp"

namespace fastload::cuda {

class BitReader {
 public:
  // A code word and a value have at most 16 + 15 bits.
  static constexpr int kLeast = 33;

  // `bytes` is a multiple of 4; reads up to 8 bytes beyond what is asked for.
  FL_HD BitReader(const uint8_t* bytes, uint32_t bit) : base_(bytes), next_(bytes + 4 * (bit >> 5)) {
    refill();
    skip(static_cast<int>(bit & 31));
    refill();
  }

  // At least kLeast bits are there afterwards.
  FL_HD void refill() {
    if (left_ >= kLeast) return;
    bits_ |= static_cast<uint64_t>(swap_bytes(load_word(next_))) << (32 - left_);
    next_ += 4;
    left_ += 32;
  }

  [[nodiscard]] FL_HD uint32_t peek(int count) const { return static_cast<uint32_t>(bits_ >> (64 - count)); }
  FL_HD void skip(int count) {
    bits_ <<= count;
    left_ -= count;
  }
  FL_HD int32_t take_value(int size) {
    left_ -= size;
    return static_cast<int32_t>(jpeg::take_value(bits_, static_cast<uint32_t>(size)));
  }
  // Bits before the next one.
  [[nodiscard]] FL_HD uint32_t position() const {
    return 8 * static_cast<uint32_t>(next_ - base_) - static_cast<uint32_t>(left_);
  }

 private:
  const uint8_t *base_, *next_;
  uint64_t bits_ = 0;  // from the top
  int left_ = 0;
};

// What the next bits say, for code words of at most kBits bits: length << 8 | symbol, or 0. Unlike the
// host's, entries hold no values: tables are half as large, a block fills them by itself, and threads that
// decode side by side take the same way. (With values, one step of a warp in five has a thread whose value
// lies beyond the table; a code word does so in one of 34. Counted on prepared ImageNet crops.)
template <int kBits>
struct SymbolTable {
  uint16_t entries[1 << kBits];

  // The entries from `first` on, every `step`-th.
  FL_HD void fill(const jpeg::CanonicalCode& code, int first, int step) {
    uint32_t limits[kBits];
    for (int k = 0; k < kBits; ++k) limits[k] = code.limit[k + 1];
    for (int i = first; i < 1 << kBits; i += step) {
      const uint32_t prefix = static_cast<uint32_t>(i) << (16 - kBits);
      int length = 1;
      for (int k = 0; k < kBits; ++k) length += prefix >= limits[k] ? 1 : 0;
      uint32_t word = 0;
      if (length <= kBits) {
        const int index = static_cast<int>(prefix >> (16 - length)) + code.offset[length];
        word = static_cast<uint32_t>(length) << 8 | code.symbols[index];
      }
      entries[i] = static_cast<uint16_t>(word);
    }
  }

  // Takes a code word. False if none begins so. `reader` was refilled.
  FL_HD bool take(BitReader& reader, const jpeg::CanonicalCode& code, uint32_t& symbol) const {
    uint32_t word = entries[reader.peek(kBits)];
    if (word == 0) word = code.find(reader.peek(16));
    reader.skip(static_cast<int>(word >> 8));
    symbol = word & 0xFF;
    return word != 0;
  }
};

}  // namespace fastload::cuda
