// The table that drives one pass of a resize along one axis.
#pragma once

#include <cstddef>
#include <vector>

#include "image/filter.hpp"

namespace fastload::image {

// Source samples and weights of outputs [begin, begin + count) of a resize of `in` to `out` samples.
class Weights {
 public:
  // Rebuilds the table unless it already holds exactly this; true where it did not.
  bool set(const Extent& in, int out, Filter filter, int begin, int count);

  // Whether outputs are copies of samples (same size, or nearest neighbour): spans only, no weights.
  [[nodiscard]] bool copies() const { return is_copy(in_, out_) || filter_ == Filter::nearest; }
  [[nodiscard]] int size() const { return count_; }
  [[nodiscard]] int max_taps() const { return max_taps_; }
  [[nodiscard]] Span span(int i) const { return spans_[i]; }
  // 22-bit fixed-point weights of output i, zero-padded to max_taps().
  [[nodiscard]] const int32_t* taps(int i) const {
    return weights_.data() + static_cast<size_t>(i) * max_taps_;
  }

  // The union of the spans of outputs [begin, begin + count).
  static Span source(const Extent& in, int out, Filter filter, int begin, int count);

 private:
  static bool is_copy(const Extent& in, int out);
  void set_filtered();

  Extent in_ = 0;
  int out_ = 0, begin_ = 0, count_ = 0, max_taps_ = 0;
  Filter filter_ = Filter::nearest;
  std::vector<Span> spans_;
  std::vector<int32_t> weights_;
  std::vector<double> exact_;  // one output's weights before rounding
};

}  // namespace fastload::image
