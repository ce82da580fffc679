#include "image/weights.hpp"

#include <algorithm>
#include <cmath>

namespace fastload::image {

namespace {

// Pillow's nearest neighbour is its affine transform (Geometry.c), which adds the scale once per output
// instead of multiplying. The accumulated error stays far below half a source step for sizes below 2^26, so
// the clamp never changes a result; it keeps memory safe without that argument.
template <typename Emit>
void walk_nearest(const Extent& in, int out, int end, Emit emit) {
  const double scale = (in.end - in.begin) / out;
  double position = in.begin + scale * 0.5;
  for (int i = 0; i < end; ++i, position += scale) emit(i, std::min(static_cast<int>(position), in.size - 1));
}

}  // namespace

// Each output is one whole sample.
bool Weights::is_copy(const Extent& in, int out) {
  return in.end - in.begin == out && in.begin == std::floor(in.begin);
}

bool Weights::set(const Extent& in, int out, Filter filter, int begin, int count) {
  if (in == in_ && out == out_ && filter == filter_ && begin == begin_ && count == count_) return false;
  in_ = in, out_ = out, filter_ = filter, begin_ = begin, count_ = count;
  max_taps_ = 1;
  spans_.resize(count);
  if (is_copy(in, out)) {
    for (int i = 0; i < count; ++i) spans_[i] = {static_cast<int>(in.begin) + begin + i, 1};
  } else if (filter == Filter::nearest) {
    walk_nearest(in, out, begin + count, [&](int i, int source) {
      if (i >= begin) spans_[i - begin] = {source, 1};
    });
  } else {
    set_filtered();
  }
  return true;
}

void Weights::set_filtered() {
  const Scaling scaling = scaling_of(in_, out_, filter_);
  for (int i = 0; i < count_; ++i) {
    spans_[i] = span_of(scaling, begin_ + i);
    max_taps_ = std::max(max_taps_, spans_[i].count);
  }
  weights_.assign(static_cast<size_t>(count_) * max_taps_, 0);
  exact_.resize(max_taps_);
  const double step = 1.0 / scaling.filter_scale;
  for (int i = 0; i < count_; ++i) {
    const Span span = spans_[i];
    const double center = center_of(scaling, begin_ + i);
    double sum = 0.0;
    for (int t = 0; t < span.count; ++t) {
      exact_[t] = kernel(filter_, (t + span.first - center + 0.5) * step);
      sum += exact_[t];
    }
    int32_t* weights = weights_.data() + static_cast<size_t>(i) * max_taps_;
    for (int t = 0; t < span.count; ++t) weights[t] = fixed_point(sum == 0.0 ? exact_[t] : exact_[t] / sum);
  }
}

Span Weights::source(const Extent& in, int out, Filter filter, int begin, int count) {
  if (is_copy(in, out)) return {static_cast<int>(in.begin) + begin, count};
  if (filter == Filter::nearest) {
    int first = 0, last = 0;
    walk_nearest(in, out, begin + count, [&](int i, int source) {
      if (i == begin) first = source;
      last = source;
    });
    return {first, last - first + 1};
  }
  const Scaling scaling = scaling_of(in, out, filter);
  const Span first = span_of(scaling, begin), last = span_of(scaling, begin + count - 1);
  return {first.first, last.first + last.count - first.first};
}

}  // namespace fastload::image
