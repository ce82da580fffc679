#include "image/resample.hpp"

#include <cstring>
#include <string>

#include "error.hpp"

namespace fastload::image {

namespace {

bool inside(const Rect& r, int width, int height) {
  return r.x >= 0 && r.y >= 0 && r.width > 0 && r.height > 0 && r.x <= width - r.width &&
         r.y <= height - r.height;
}

std::string text(const Rect& r) {
  return std::to_string(r.width) + "x" + std::to_string(r.height) + "+" + std::to_string(r.x) + "+" +
         std::to_string(r.y);
}

}  // namespace

Rect Resampler::source_region(int in_w, int in_h, int out_w, int out_h, Filter filter, const Rect& window) {
  if (in_w <= 0 || in_h <= 0 || !inside(window, out_w, out_h)) {
    throw Error(ErrorKind::value, "window " + text(window) + " is not inside the resize of " +
                                      std::to_string(in_w) + "x" + std::to_string(in_h) + " to " +
                                      std::to_string(out_w) + "x" + std::to_string(out_h));
  }
  const Span x = Weights::source(in_w, out_w, filter, window.x, window.width);
  const Span y = Weights::source(in_h, out_h, filter, window.y, window.height);
  return {x.first, y.first, x.count, y.count};
}

void Resampler::resize(const ConstImage& src, const Rect& region, int in_w, int in_h, int out_w, int out_h,
                       Filter filter, const Rect& window, const Image& dst) {
  const Rect need = source_region(in_w, in_h, out_w, out_h, filter, window);
  if (!inside(region, in_w, in_h) || src.width < region.width || src.height < region.height ||
      !inside({need.x - region.x, need.y - region.y, need.width, need.height}, region.width, region.height)) {
    throw Error(ErrorKind::value, "source region " + text(region) + " does not cover " + text(need));
  }
  if (dst.width < window.width || dst.height < window.height) {
    throw Error(ErrorKind::value, "destination is smaller than the window " + text(window));
  }
  columns_.set(in_w, out_w, filter, window.x, window.width);
  rows_.set(in_h, out_h, filter, window.y, window.height);

  const size_t row_bytes = size_t(window.width) * kChannels;
  scratch_.resize(row_bytes * need.height);
  for (int y = 0; y < need.height; ++y) {
    const uint8_t* from = src.row(need.y - region.y + y);
    uint8_t* to = scratch_.data() + y * row_bytes;
    for (int x = 0; x < window.width; ++x) {
      const Span span = columns_.span(x);
      const uint8_t* pixel = from + ptrdiff_t(span.first - region.x) * kChannels;
      for (int c = 0; c < kChannels; ++c) {
        if (columns_.copies()) {
          *to++ = pixel[c];
          continue;
        }
        int32_t sum = kRounding;
        for (int t = 0; t < span.count; ++t) sum += pixel[t * kChannels + c] * columns_.taps(x)[t];
        *to++ = clip8(sum);
      }
    }
  }
  for (int y = 0; y < window.height; ++y) {
    const Span span = rows_.span(y);
    const uint8_t* from = scratch_.data() + (span.first - need.y) * row_bytes;
    if (rows_.copies()) {
      std::memcpy(dst.row(y), from, row_bytes);
      continue;
    }
    for (size_t x = 0; x < row_bytes; ++x) {
      int32_t sum = kRounding;
      for (int t = 0; t < span.count; ++t) sum += from[t * row_bytes + x] * rows_.taps(y)[t];
      dst.row(y)[x] = clip8(sum);
    }
  }
}

}  // namespace fastload::image
