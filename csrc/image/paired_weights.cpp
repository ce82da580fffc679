#include "image/paired_weights.hpp"

#include <algorithm>

namespace fastload::image {

void PairedWeights::set(const Weights& weights, int origin, int spread) {
  constexpr size_t kLargestVector = 16;
  const int last = weights.size() - 1;
  spread_ = spread;
  pairs_ = (weights.max_taps() + 1) / 2;
  lanes_ =
      (static_cast<size_t>(weights.size()) * spread + kLargestVector - 1) / kLargestVector * kLargestVector;
  // Outputs are written one after the other, four lanes each: what spills over is overwritten by the next.
  constexpr size_t kSpill = 4;
  offsets_.resize(lanes_ + kSpill);
  high_.resize(lanes_ * pairs_ + kSpill);
  low_.resize(lanes_ * pairs_ + kSpill);
  for (size_t lane = 0, i = 0; lane < lanes_; lane += spread, ++i) {
    const int output = std::min(static_cast<int>(i), last);
    const int32_t offset = (weights.span(output).first - origin) * kChannels;
    for (int c = 0; c < 4; ++c) offsets_[lane + c] = offset + c;
  }
  for (int p = 0; p < pairs_; ++p) {
    const bool odd = 2 * p + 1 == weights.max_taps();
    for (size_t lane = 0, i = 0; lane < lanes_; lane += spread, ++i) {
      const int32_t* taps = weights.taps(std::min(static_cast<int>(i), last)) + static_cast<ptrdiff_t>(2) * p;
      const WeightPair pair = pair_of(taps[0], odd ? 0 : taps[1]);
      std::fill_n(high_.data() + p * lanes_ + lane, 4, pair.high);
      std::fill_n(low_.data() + p * lanes_ + lane, 4, pair.low);
    }
  }
}

}  // namespace fastload::image
