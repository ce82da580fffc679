// The arithmetic of Pillow's Image.resize: which source samples one output depends on, their weights, and how
// the weighted sum becomes a byte. Everything is in double until the weights are rounded to 22 fractional
// bits, and in the order of libImaging's Resample.c, so that every bit agrees. It must be compiled without
// contraction to fused multiply-adds.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "hd.hpp"

namespace fastload::image {

enum class Filter : uint8_t { nearest, box, bilinear, hamming, bicubic, lanczos };

// 8 bits for the sample and 2 for sums below 0 and above 255, of 32.
inline constexpr int kWeightBits = 32 - 8 - 2;
inline constexpr int32_t kRounding = 1 << (kWeightBits - 1);

// Source samples [first, first + count) of one axis.
struct Span {
  int first, count;
};

// What a resize takes of an axis of `size` samples: from `begin` to `end`, which need not be whole numbers
// (Pillow's box). The taps of outputs near its ends lie beyond it, as far as there are samples.
struct Extent {
  int size;
  double begin, end;

  // A number of samples means all of them
  FL_HD constexpr Extent(int size) : size(size), begin(0), end(size) {}
  FL_HD constexpr Extent(int size, double begin, double end) : size(size), begin(begin), end(end) {}
  friend bool operator==(const Extent&, const Extent&) = default;
};

// One axis of a resize.
struct Scaling {
  int in;
  double begin, scale, filter_scale, support;
};

// Half the width of the filter's kernel, in samples of the coarser grid.
FL_HD constexpr double support_of(Filter filter) {
  switch (filter) {
    case Filter::bilinear:
    case Filter::hamming:
      return 1.0;
    case Filter::bicubic:
      return 2.0;
    case Filter::lanczos:
      return 3.0;
    default:
      return 0.5;
  }
}

FL_HD inline Scaling scaling_of(const Extent& in, int out, Filter filter) {
  const double scale = (in.end - in.begin) / out;
  const double filter_scale = scale < 1.0 ? 1.0 : scale;
  return {in.size, in.begin, scale, filter_scale, support_of(filter) * filter_scale};
}

// The order of the two passes, which shows in the last bit of many pixels: since Pillow 13, the vertical one
// goes first where the height shrinks by more than twice the pixels that the width does. Earlier versions
// always began with the horizontal one. The sizes are those of the whole image, also where a part is taken.
FL_HD constexpr bool vertical_first(int in_w, int in_h, int out_w, int out_h) {
  return in_h > out_h && int64_t{in_h} - out_h > 2 * (int64_t{in_w} - out_w);
}

FL_HD inline double center_of(const Scaling& s, int i) { return s.begin + (i + 0.5) * s.scale; }

FL_HD inline Span span_of(const Scaling& s, int i) {
  const double center = center_of(s, i);
  // NOLINTBEGIN(bugprone-incorrect-roundings): towards zero, as Pillow rounds
  const int begin = static_cast<int>(center - s.support + 0.5);
  const int end = static_cast<int>(center + s.support + 0.5);
  // NOLINTEND(bugprone-incorrect-roundings)
  const int first = begin < 0 ? 0 : begin;
  return {first, (end > s.in ? s.in : end) - first};
}

// Whether the filter's kernel is piecewise polynomial.
FL_HD constexpr bool is_polynomial(Filter filter) {
  return filter == Filter::box || filter == Filter::bilinear || filter == Filter::bicubic;
}

// The kernel of such a filter at x.
FL_HD inline double polynomial_kernel(Filter filter, double x) {
  const double a = x < 0.0 ? -x : x;
  switch (filter) {
    case Filter::bilinear:
      return a < 1.0 ? 1.0 - a : 0.0;
    case Filter::bicubic:  // Keys' cubic convolution with a = -0.5
      if (a < 1.0) return (1.5 * a - 2.5) * a * a + 1.0;
      if (a < 2.0) return (((a - 5.0) * a + 8.0) * a - 4.0) * -0.5;
      return 0.0;
    default:  // box
      return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
  }
}

// The filter's kernel at x. sin and cos are the C library's, so these weights are computed on the host, for
// the GPU too.
inline double kernel(Filter filter, double x) {
  constexpr double kPi = std::numbers::pi;
  const auto sinc = [](double v) { return v == 0.0 ? 1.0 : std::sin(v * kPi) / (v * kPi); };
  const double a = x < 0.0 ? -x : x;
  switch (filter) {
    case Filter::hamming: {
      if (a == 0.0) return 1.0;
      if (a >= 1.0) return 0.0;
      const double t = a * kPi;
      return std::sin(t) / t *
             (0.54f + 0.46f * std::cos(t));  // single-precision constants, as Pillow has them
    }
    case Filter::lanczos:
      return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
    default:
      return polynomial_kernel(filter, x);
  }
}

FL_HD inline int32_t fixed_point(double weight) {
  return static_cast<int32_t>((weight < 0.0 ? -0.5 : 0.5) + weight * (1 << kWeightBits));
}

// `sum` is kRounding plus the weighted samples. C++20 defines >> of a negative number: it rounds down.
FL_HD constexpr uint8_t clip8(int32_t sum) {
  const int32_t v = sum >> kWeightBits;
  return static_cast<uint8_t>(v < 0 ? 0 : v > 255 ? 255 : v);
}

}  // namespace fastload::image
