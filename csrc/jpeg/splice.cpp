#include "jpeg/splice.hpp"

#include <algorithm>
#include <cstring>

#include "error.hpp"
#include "jpeg/markers.hpp"
#include "jpeg/reduction.hpp"

namespace fastload::jpeg {
namespace {

// Pixels beyond the crop that its own pixels depend on: with a chroma sample for two pixels, the triangle
// filter of pixel x reads the sample of x - 1 or of x + 1. In a reduced image those pixels are larger, but
// MCUs are taken whole, and all of such a pixel lies in one of them.
constexpr int kUpsamplingReach = 1;

// libjpeg falls back from the triangle filter to replication where a component is at most 2 samples wide
// (jdsample.c). A splice at the right edge, or of few MCUs of a reduced image, must not become that narrow if
// the image is not.
bool too_narrow(const Layout& layout, int width, int reduction) {
  constexpr int kNarrow = 2;
  auto samples = [&](int pixels, int c) {
    return samples_of(pixels, layout.h[c], layout.max_h(), block_side(layout, c, reduction));
  };
  for (int c = 0; c < layout.components; ++c) {
    if (samples(width, c) <= kNarrow && samples(layout.width, c) > kNarrow) return true;
  }
  return false;
}

[[noreturn]] void fail() {
  throw Error(ErrorKind::jpeg, "restart markers are not where the layout says; the JPEG is damaged");
}

// The end of the restart segment that starts at `at`: where its marker's FF lies, or `end` for the last one.
const uint8_t* segment_end(const uint8_t* at, const uint8_t* end) {
  while (at < end) {
    at = static_cast<const uint8_t*>(std::memchr(at, 0xFF, static_cast<size_t>(end - at)));
    if (at == nullptr || at + 1 >= end) break;
    if (is_rst(at[1])) return at;
    at += 2;
  }
  return end;
}

}  // namespace

SplicePlan plan_splice(const Layout& layout, int interval, const image::Rect& reduced_crop, int reduction) {
  const image::Rect crop = source_of(reduced_crop, reduction, layout);
  const int segment_width = interval * layout.mcu_width();
  const int reach_x = layout.max_h() > 1 ? kUpsamplingReach : 0;
  const int reach_y = layout.max_v() > 1 ? kUpsamplingReach : 0;
  const int left = std::max(crop.x - reach_x, 0);
  const int right = std::min(crop.x + crop.width + reach_x, layout.width);
  const int top = std::max(crop.y - reach_y, 0);
  const int bottom = std::min(crop.y + crop.height + reach_y, layout.height);
  SplicePlan plan;
  plan.interval = interval;
  plan.row_begin = top / layout.mcu_height();
  plan.row_end = (bottom - 1) / layout.mcu_height() + 1;
  plan.segment_begin = left / segment_width;
  plan.segment_end = (right - 1) / segment_width + 1;
  const auto x_begin = [&] { return plan.segment_begin * segment_width; };
  const auto x_end = [&] { return std::min(plan.segment_end * segment_width, layout.width); };
  while (too_narrow(layout, x_end() - x_begin(), reduction)) {
    if (plan.segment_begin > 0) {
      --plan.segment_begin;
    } else {
      ++plan.segment_end;
    }
  }
  const int y = plan.row_begin * layout.mcu_height();
  const int y_end = std::min(plan.row_end * layout.mcu_height(), layout.height);
  plan.covered = {x_begin(), y, x_end() - x_begin(), y_end - y};
  return plan;
}

void splice(const Layout& layout, const SplicePlan& plan, Bytes header, size_t size_offset, Bytes rows,
            std::vector<uint8_t>& out) {
  if (size_offset + 4 > header.size()) fail();
  const int per_row = layout.mcu_columns() / layout.restart_interval;
  out.resize(header.size() + rows.size() + 2);
  std::memcpy(out.data(), header.data(), header.size());
  auto patch_u16 = [&](size_t at, int value) {
    out[at] = static_cast<uint8_t>(value >> 8);
    out[at + 1] = static_cast<uint8_t>(value);
  };
  patch_u16(size_offset, plan.covered.height);
  patch_u16(size_offset + 2, plan.covered.width);

  uint8_t* to = out.data() + header.size();
  const uint8_t* at = rows.data();
  const uint8_t* const end = rows.data() + rows.size();
  int kept = 0;
  bool more = true;  // a segment, which may be empty
  for (int row = plan.row_begin; row < plan.row_end; ++row) {
    for (int segment = 0; segment < per_row; ++segment) {
      if (!more) fail();
      const uint8_t* const stop = segment_end(at, end);
      if (segment >= plan.segment_begin && segment < plan.segment_end) {
        if (kept > 0) {
          *to++ = 0xFF;
          *to++ = static_cast<uint8_t>(kRST0 + ((kept - 1) & 7));
        }
        std::memcpy(to, at, static_cast<size_t>(stop - at));
        to += stop - at;
        ++kept;
      }
      more = stop != end;
      at = more ? stop + 2 : end;
    }
  }
  if (at != end) fail();  // rows that are not the last ones end in a marker
  *to++ = 0xFF;
  *to++ = kEOI;
  out.resize(static_cast<size_t>(to - out.data()));
}

}  // namespace fastload::jpeg
