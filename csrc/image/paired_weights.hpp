// Weights as the vector kernels want them. A 22-bit weight times a byte needs more than 16-bit multiplies
// give, so a weight is split into two 16-bit digits, weight = high * 2^16 + low, and two taps share one
// 32-bit lane: the processor's multiply-and-add-pairs does both at once. sum(high * byte) * 2^16 + sum(low *
// byte) is the exact sum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "image/geometry.hpp"
#include "image/weights.hpp"

namespace fastload::image {

struct WeightPair {
  int32_t high, low;  // each two signed 16-bit digits, the first tap's in the lower half
};

inline WeightPair pair_of(int32_t first, int32_t second) {
  const auto low = [](int32_t w) { return static_cast<int16_t>(w); };
  const auto high = [&](int32_t w) { return static_cast<int16_t>((w - low(w)) >> 16); };
  const auto join = [](int16_t a, int16_t b) {
    return static_cast<int32_t>(static_cast<uint16_t>(a) | static_cast<uint32_t>(static_cast<uint16_t>(b))
                                                               << 16);
  };
  return {join(high(first), high(second)), join(low(first), low(second))};
}

// The table of a horizontal pass: a lane for each channel of each output.
class PairedWeights {
 public:
  // `spread` is 3 (dense) or 4 (a pixel fills a 16-byte block; its fourth lane is of no account).
  void set(const Weights& weights, int origin, int spread);

  [[nodiscard]] int spread() const { return spread_; }
  [[nodiscard]] int pairs() const { return pairs_; }
  // Per lane: distance in bytes from sample `origin` to the channel's first tap; the next taps follow at 3
  // bytes.
  [[nodiscard]] const int32_t* offsets() const { return offsets_.data(); }
  // Per lane: the digits of taps 2 * pair and 2 * pair + 1.
  [[nodiscard]] const int32_t* high(int pair) const { return high_.data() + pair * lanes_; }
  [[nodiscard]] const int32_t* low(int pair) const { return low_.data() + pair * lanes_; }

 private:
  int spread_ = 0, pairs_ = 0;
  size_t lanes_ = 0;  // padded to a multiple of 16 by repeating the last output
  std::vector<int32_t> offsets_, high_, low_;
};

}  // namespace fastload::image
