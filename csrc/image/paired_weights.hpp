// Weights as the vector kernels want them. A 22-bit weight times a byte needs more than 16-bit multiplies
// give, so a weight is split into two 16-bit digits, weight = high * 2^16 + low, and two taps share one
// 32-bit lane: the processor's multiply-and-add-pairs does both at once. sum(high * byte) * 2^16 + sum(low *
// byte) is the exact sum modulo 2^32, and the sum itself fits.
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

// The table of a horizontal pass: outputs padded to a multiple of 4, four lanes (R, G, B, unused) for each.
struct PairedWeights {
  static constexpr int kGroup = 4;  // outputs

  void set(const Weights& weights, int origin);

  int pairs = 0;
  size_t lanes = 0;                // of one pair of taps: 4 for each output
  std::vector<int32_t> offsets;    // of each output's first tap from sample `origin`, in bytes
  std::vector<int32_t> high, low;  // [pair][output][lane]
};

inline void PairedWeights::set(const Weights& weights, int origin) {
  const int outputs = (weights.size() + kGroup - 1) / kGroup * kGroup;
  pairs = (weights.max_taps() + 1) / 2;
  lanes = size_t(outputs) * 4;
  offsets.resize(outputs);
  high.resize(lanes * pairs);
  low.resize(lanes * pairs);
  for (int i = 0; i < outputs; ++i) {
    const bool padding = i >= weights.size();
    const int source = padding ? weights.size() - 1 : i;  // padding reads where the last output does
    offsets[i] = (weights.span(source).first - origin) * kChannels;
    const int32_t* taps = weights.taps(source);
    for (int p = 0; p < pairs; ++p) {
      const WeightPair pair = pair_of(taps[2 * p], 2 * p + 1 < weights.max_taps() ? taps[2 * p + 1] : 0);
      for (size_t lane = 0; lane < 4; ++lane) {
        high[p * lanes + i * 4 + lane] = pair.high;
        low[p * lanes + i * 4 + lane] = pair.low;
      }
    }
  }
}

}  // namespace fastload::image
