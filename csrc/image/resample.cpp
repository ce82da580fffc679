#include "image/resample.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "error.hpp"
#include "image/resample_kernels.hpp"

namespace fastload::image {

namespace {

constexpr int kStrip = 32;  // rows

bool inside(const Rect& r, int width, int height) {
  return r.x >= 0 && r.y >= 0 && r.width > 0 && r.height > 0 && r.x <= width - r.width &&
         r.y <= height - r.height;
}

bool sound(const Extent& in) { return 0 <= in.begin && in.begin < in.end && in.end <= in.size; }

std::string text(const Rect& r) {
  return std::to_string(r.width) + "x" + std::to_string(r.height) + "+" + std::to_string(r.x) + "+" +
         std::to_string(r.y);
}

std::string text(const Extent& in) {
  const std::string whole = std::to_string(in.size);
  return in == Extent(in.size) ? whole
                               : std::to_string(in.begin) + ".." + std::to_string(in.end) + " of " + whole;
}

}  // namespace

Rect Resampler::source_region(const Extent& in_x, const Extent& in_y, int out_w, int out_h, Filter filter,
                              const Rect& window) {
  if (!sound(in_x) || !sound(in_y) || !inside(window, out_w, out_h)) {
    throw Error(ErrorKind::value, "window " + text(window) + " is not inside the resize of " + text(in_x) +
                                      " x " + text(in_y) + " to " + std::to_string(out_w) + "x" +
                                      std::to_string(out_h));
  }
  const Span x = Weights::source(in_x, out_w, filter, window.x, window.width);
  const Span y = Weights::source(in_y, out_h, filter, window.y, window.height);
  return {x.first, y.first, x.count, y.count};
}

void Resampler::resize(const ConstImage& src, const Rect& region, const Extent& in_x, const Extent& in_y,
                       int out_w, int out_h, Filter filter, const Rect& window, const Image& dst) {
  const Rect need = source_region(in_x, in_y, out_w, out_h, filter, window);
  if (!inside(region, in_x.size, in_y.size) || src.width < region.width || src.height < region.height ||
      !inside({need.x - region.x, need.y - region.y, need.width, need.height}, region.width, region.height)) {
    throw Error(ErrorKind::value, "source region " + text(region) + " does not cover " + text(need));
  }
  if (dst.width < window.width || dst.height < window.height) {
    throw Error(ErrorKind::value, "destination is smaller than the window " + text(window));
  }
  // From here on, `part` is exactly the pixels that matter, and `to` exactly the window.
  const ConstImage part{src.row(need.y - region.y) + static_cast<ptrdiff_t>(need.x - region.x) * kChannels,
                        need.width, need.height, src.stride};
  const Image to{dst.data, window.width, window.height, dst.stride};
  columns_.set(in_x, out_w, filter, window.x, window.width);
  rows_.set(in_y, out_h, filter, window.y, window.height);
  if (columns_.copies() && rows_.copies()) return copy(part, need, to);
  if (columns_.copies()) return vertical(part, need.y, 0, to.height, to.data, to.stride);
  pairs_.set(columns_, need.x, row_spread(columns_));
  if (!rows_.copies() && vertical_first(in_x.size, in_y.size, out_w, out_h))
    return vertical_then_horizontal(part, need.y, to);
  copy_tail(part);
  if (rows_.copies()) return horizontal(part, 0, to.height, to.data, to.stride);
  horizontal_then_vertical(part, need.y, to);
}

void Resampler::copy(const ConstImage& src, const Rect& need, const Image& dst) const {
  for (int y = 0; y < dst.height; ++y) {
    const uint8_t* from = src.row(rows_.span(y).first - need.y);
    uint8_t* to = dst.row(y);
    for (int x = 0; x < dst.width; ++x, to += kChannels) {
      std::memcpy(to, from + static_cast<ptrdiff_t>(columns_.span(x).first - need.x) * kChannels, kChannels);
    }
  }
}

// Vectors may read past the end of a row. What they find is the next row, except behind the last rows: the
// horizontal pass reads those from a copy with room behind it.
void Resampler::copy_tail(const ConstImage& src) {
  const int overread = row_overread(pairs_);
  const size_t row_bytes = static_cast<size_t>(src.width) * kChannels;
  tail_rows_ =
      static_cast<int>(std::min<ptrdiff_t>(src.height, overread / std::max<ptrdiff_t>(src.stride, 1) + 1));
  tail_.resize(row_bytes * tail_rows_ + overread);
  for (int y = 0; y < tail_rows_; ++y) {
    std::memcpy(tail_.data() + y * row_bytes, src.row(src.height - tail_rows_ + y), row_bytes);
  }
}

void Resampler::horizontal(const ConstImage& src, int begin, int end, uint8_t* dst,
                           ptrdiff_t dst_stride) const {
  const int tail = src.height - tail_rows_, middle = std::clamp(tail, begin, end);
  const ptrdiff_t tail_stride = static_cast<ptrdiff_t>(src.width) * kChannels;
  resize_rows(columns_, pairs_, src.row(begin), src.stride, middle - begin, dst, dst_stride);
  resize_rows(columns_, pairs_, tail_.data() + (middle - tail) * tail_stride, tail_stride, end - middle,
              dst + (middle - begin) * dst_stride, dst_stride);
}

void Resampler::vertical(const ConstImage& src, int origin, int begin, int end, uint8_t* dst,
                         ptrdiff_t dst_stride) const {
  for (int y = begin; y < end; ++y, dst += dst_stride) {
    const Span span = rows_.span(y);
    resize_column(src.row(span.first - origin), src.stride, rows_.taps(y), span.count,
                  static_cast<size_t>(src.width) * kChannels, dst);
  }
}

// Both orders go in strips of rows, so that the second pass finds the first one's bytes in the first-level
// cache.

void Resampler::horizontal_then_vertical(const ConstImage& src, int origin, const Image& dst) {
  const ptrdiff_t row_bytes = static_cast<ptrdiff_t>(dst.width) * kChannels;
  between_.resize(static_cast<size_t>(row_bytes) * src.height);
  const ConstImage between{between_.data(), dst.width, src.height, row_bytes};
  int stored = 0;
  for (int begin = 0; begin < src.height; begin += kStrip) {
    const int end = std::min(begin + kStrip, src.height);
    horizontal(src, begin, end, between_.data() + begin * row_bytes, row_bytes);
    int ready = stored;
    while (ready < dst.height && rows_.span(ready).first + rows_.span(ready).count - origin <= end) ++ready;
    vertical(between, origin, stored, ready, dst.row(stored), dst.stride);
    stored = ready;
  }
}

void Resampler::vertical_then_horizontal(const ConstImage& src, int origin, const Image& dst) {
  const ptrdiff_t row_bytes = static_cast<ptrdiff_t>(src.width) * kChannels;
  between_.resize(static_cast<size_t>(row_bytes) * kStrip + row_overread(pairs_));
  for (int begin = 0; begin < dst.height; begin += kStrip) {
    const int end = std::min(begin + kStrip, dst.height);
    vertical(src, origin, begin, end, between_.data(), row_bytes);
    resize_rows(columns_, pairs_, between_.data(), row_bytes, end - begin, dst.row(begin), dst.stride);
  }
}

}  // namespace fastload::image
