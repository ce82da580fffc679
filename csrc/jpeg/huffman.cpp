#include "jpeg/huffman.hpp"

#include <algorithm>
#include <numeric>

namespace fastload::jpeg {

// T.81, C.2. No code word may consist of ones only.
bool assign(const HuffmanSpec& code, CanonicalCode& canonical) {
  uint32_t word = 0;
  int index = 0;
  for (size_t length = 1; length <= 16; ++length) {
    canonical.offset[length] = index - static_cast<int>(word);
    word += code.counts[length];
    index += code.counts[length];
    if (code.counts[length] > 0 && word >= 1U << length) return false;
    canonical.limit[length] = word << (16 - length);
    word <<= 1;
  }
  std::copy(code.symbols.begin(), code.symbols.end(), canonical.symbols);
  return true;
}

namespace {

uint32_t ac_entry(int bits, size_t addend, int value) {
  return static_cast<uint32_t>(value) << 16 | static_cast<uint32_t>(addend << 8) |
         static_cast<uint32_t>(bits);
}

// The entries that one code word of `length` bits leads to.
void fill_ac(int symbol, int length, uint32_t* entries) {
  const int run = symbol >> 4, size = symbol & 15;
  const int behind = kAcBits - length;  // bits of the index after the code word
  if (size == 0) {
    std::fill_n(entries, 1 << behind, ac_entry(length, run == 15 ? 16 : kEndOfBlock, 0));
  } else if (size > behind) {
    std::fill_n(entries, 1 << behind, ac_entry(0, kSlow, length << 8 | symbol));
  } else {
    const int half = 1 << (size - 1), each = 1 << (behind - size);
    for (int bits = 0; bits < 2 * half; ++bits, entries += each) {
      const int value = bits < half ? bits - 2 * half + 1 : bits;
      std::fill_n(entries, each, ac_entry(length + size, static_cast<size_t>(run) + 1, value));
    }
  }
}

}  // namespace

bool build(const HuffmanSpec& code, AcTable& table) {
  if (!assign(code, table.code)) return false;
  uint32_t* entries = table.entries;
  const uint8_t* symbol = code.symbols.data();
  for (int length = 1; length <= kAcBits; ++length) {
    for (int i = 0; i < code.counts[static_cast<size_t>(length)]; ++i) {
      fill_ac(*symbol++, length, entries);
      entries += 1 << (kAcBits - length);
    }
  }
  std::fill(entries, std::end(table.entries), ac_entry(0, kSlow, 0));
  return true;
}

bool has_dc_sizes(const HuffmanSpec& code) {
  constexpr uint8_t kLargestSize = 15;
  const int total = std::accumulate(code.counts.begin() + 1, code.counts.end(), 0);
  return std::all_of(code.symbols.begin(), code.symbols.begin() + total,
                     [](uint8_t size) { return size <= kLargestSize; });
}

bool build(const HuffmanSpec& code, DcTable& table) {
  if (!assign(code, table.code) || !has_dc_sizes(code)) return false;
  uint16_t* entries = table.entries;
  const uint8_t* symbol = code.symbols.data();
  for (int length = 1; length <= kDcBits; ++length) {
    for (int i = 0; i < code.counts[static_cast<size_t>(length)]; ++i, ++symbol) {
      entries = std::fill_n(entries, 1 << (kDcBits - length), static_cast<uint16_t>(length << 8 | *symbol));
    }
  }
  std::fill(entries, std::end(table.entries), uint16_t{0});
  return true;
}

}  // namespace fastload::jpeg
