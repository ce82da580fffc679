#include "jpeg/token_table.hpp"

#include <algorithm>
#include <vector>

#include "jpeg/skip_table.hpp"

namespace fastload::jpeg {
namespace {

using Known = TokenTable::Known;

constexpr int kLongestRest = kTokenBits - 2;  // longer only behind 16 zeros in a word of one bit
constexpr int kEnd = static_cast<int>(kEndOfBlock);

constexpr uint16_t make_step(int bits, int tokens, int addend) {
  return static_cast<uint16_t>(addend << 8 | tokens << 6 | bits);
}

// What some known bits lead to, for each value of them. A step of 0: no code word is known in full.
struct Entries {
  uint16_t* steps;
  Known* known;
};

// The entries of `bits` bits. Those that leave bits behind the first symbol go on with what as many bits lead
// to by themselves, if that is given: shorter[n].
void fill(const HuffmanSpec& code, Table output, int bits, const Entries* shorter, Entries to) {
  uint16_t* const end = to.steps + (1 << bits);
  const uint8_t* symbol = code.symbols.data();
  for (int length = 1; length <= bits; ++length) {
    for (int i = 0; i < code.counts[static_cast<size_t>(length)]; ++i, ++symbol) {
      const int run = *symbol >> 4, size = *symbol & 15;
      const int rest = bits - length - size;
      const bool ends = size == 0 && run != 15;
      const Known alone{{}, ac_token(output, *symbol), (1U << size) - 1};
      const uint16_t step = make_step(length + size, 1, ends ? kEnd : size == 0 ? 16 : run + 1);
      if (shorter == nullptr || ends || rest <= 0 || rest > kLongestRest) {
        to.steps = std::fill_n(to.steps, 1 << (bits - length), step);
        to.known = std::fill_n(to.known, 1 << (bits - length), alone);
        continue;
      }
      const Entries others = shorter[rest];
      for (uint32_t value = 0; value <= alone.mask; ++value) {
        for (int k = 0; k < 1 << rest; ++k) {
          const int sum = step + others.steps[k];
          const Known& other = others.known[k];
          const bool fits =
              others.steps[k] != 0 && ((sum >> 8) & (kEnd - 1)) <= static_cast<int>(kLastInBlock);
          *to.steps++ = fits ? static_cast<uint16_t>(sum) : step;
          *to.known++ = fits ? Known{{alone.last | value, other.before[0]}, other.last, other.mask} : alone;
        }
      }
    }
  }
  std::fill(to.steps, end, uint16_t{0});
}

// Entries of every number of bits up to kLongestRest.
struct Levels {
  uint16_t steps[2 << kLongestRest];
  Known known[2 << kLongestRest];
  Entries levels[kLongestRest + 1];

  void fill_all(const HuffmanSpec& code, Table output, const Entries* shorter) {
    for (int bits = 0; bits <= kLongestRest; ++bits) {
      levels[bits] = {steps + (1 << bits), known + (1 << bits)};
      fill(code, output, bits, shorter, levels[bits]);
    }
  }
};

}  // namespace

bool build(const HuffmanSpec& code, Table output, TokenTable& table) {
  if (!assign(code, table.code)) return false;
  Levels one, two;  // of at most so many tokens
  one.fill_all(code, output, nullptr);
  two.fill_all(code, output, one.levels);
  fill(code, output, kTokenBits, two.levels, {table.steps, table.known});
  constexpr uint16_t kOutside = 0xFF << 8;  // brings any k out of the block
  std::replace(std::begin(table.steps), std::end(table.steps), uint16_t{0}, kOutside);
  return true;
}

}  // namespace fastload::jpeg
