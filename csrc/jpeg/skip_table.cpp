#include "jpeg/skip_table.hpp"

#include <algorithm>

namespace fastload::jpeg {
namespace {

constexpr uint16_t kNothing = 0;             // no code word is known in full
constexpr uint16_t kOutside = 0xFF << 8;     // brings any k out of the block
constexpr int kLongestRest = kSkipBits - 2;  // longer only behind 16 zeros in a word of one bit
constexpr int kEnd = static_cast<int>(kEndOfBlock);

constexpr uint16_t make_entry(int bits, int addend) { return static_cast<uint16_t>(addend << 8 | bits); }

// What `bits` known bits lead to, for every value of these: symbols whose code words lie in them. Where some
// bits are left behind the first symbol, they lead to what as many bits lead to elsewhere: `shorter[n]`.
void fill(const HuffmanSpec& code, int bits, const uint16_t* const* shorter, uint16_t* entries) {
  uint16_t* const end = entries + (1 << bits);
  const uint8_t* symbol = code.symbols.data();
  for (int length = 1; length <= bits; ++length) {
    for (int i = 0; i < code.counts[static_cast<size_t>(length)]; ++i, ++symbol) {
      const int run = *symbol >> 4, size = *symbol & 15;
      const int rest = bits - length - size;
      const bool ends = size == 0 && run != 15;
      const int covered = size == 0 ? 16 : run + 1;
      const uint16_t first = make_entry(length + size, ends ? kEnd : covered);
      if (ends || rest <= 0 || rest > kLongestRest) {
        entries = std::fill_n(entries, 1 << (bits - length), first);
        continue;
      }
      const uint16_t* const others = shorter[rest];
      const uint16_t* const all_values = entries + (1 << (bits - length));
      uint16_t* const one_value = entries;
      for (int k = 0; k < 1 << rest; ++k) {
        const int sum = first + others[k];
        // More than a block's coefficients would be taken for EOB, or for less.
        const int total = (sum >> 8) & (kEnd - 1);
        *entries++ = total > static_cast<int>(kLastInBlock) ? first : static_cast<uint16_t>(sum);
      }
      while (entries < all_values) entries = std::copy_n(one_value, 1 << rest, entries);
    }
  }
  std::fill(entries, end, kNothing);
}

}  // namespace

bool build(const HuffmanSpec& code, SkipTable& table) {
  if (!assign(code, table.code)) return false;
  uint16_t storage[2 << kLongestRest];
  const uint16_t* shorter[kLongestRest + 1];
  uint16_t* at = storage;
  for (int bits = 0; bits <= kLongestRest; ++bits) {
    fill(code, bits, shorter, at);
    shorter[bits] = at;
    at += 1 << bits;
  }
  fill(code, kSkipBits, shorter, table.entries);
  std::replace(std::begin(table.entries), std::end(table.entries), kNothing, kOutside);
  return true;
}

}  // namespace fastload::jpeg
