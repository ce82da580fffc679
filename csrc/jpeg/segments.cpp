#include "jpeg/segments.hpp"

#include <cstring>

namespace fastload::jpeg {
namespace {

constexpr ptrdiff_t kWord = sizeof(uint64_t);

// The index of the first FF in eight bytes; 8 if there is none.
int find_ff(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101, kTops = 0x8080808080808080;
  const uint64_t found = (~word - kOnes) & word & kTops;  // below the first FF, nothing is marked by mistake
  return found == 0 ? 8 : __builtin_ctzll(found) >> 3;
}

}  // namespace

bool copy_segment(const uint8_t*& from, const uint8_t* end, uint8_t*& to) {
  const uint8_t* at = from;
  uint8_t* out = to;
  for (;;) {
    while (end - at > 2 * kWord) {
      uint64_t words[2];
      std::memcpy(words, at, sizeof(words));
      std::memcpy(out, words, sizeof(words));
      int plain = find_ff(words[0]);
      if (plain == kWord) plain += find_ff(words[1]);
      at += plain;
      out += plain;
      if (plain < 2 * kWord) break;
    }
    while (at < end && *at != 0xFF) *out++ = *at++;
    if (end - at <
        2) {  // an FF at the very end begins nothing: it is dropped with the bits after the last block
      from = end;
      to = out;
      return true;
    }
    if (at[1] != 0) {
      from = at;
      to = out;
      return at[1] != 0xFF;
    }
    *out++ = 0xFF;
    at += 2;
  }
}

const uint8_t* skip_segment(const uint8_t* from, const uint8_t* end) {
  while (end - from >= 2) {
    from = static_cast<const uint8_t*>(std::memchr(from, 0xFF, static_cast<size_t>(end - from - 1)));
    if (from == nullptr) break;
    if (from[1] != 0) return from;
    from += 2;
  }
  return end;
}

}  // namespace fastload::jpeg
