// Fuzz target: whatever the bytes, the own decoder and libjpeg agree on pixels or on the failure, for the
// whole image and for a crop, also through entry points, with every SIMD target, and nothing is read or
// written out of bounds (build with ASan and UBSan; see README.md).
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string_view>
#include <vector>

#include "error.hpp"
#include "image/simd_target.hpp"
#include "jpeg/find_entry_points.hpp"
#include "jpeg/libjpeg_decoder.hpp"

namespace {

using namespace fastload;

constexpr int64_t kMostPixels = 1 << 18;  // mutated sizes may be huge

class Random {
 public:
  explicit Random(uint64_t state) : state_(state) {}
  int below(int count) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return static_cast<int>((state_ >> 33) % static_cast<uint64_t>(count));
  }

 private:
  uint64_t state_;
};

template <class Decode>
bool decodes(Decode decode) {
  try {
    decode();
    return true;
  } catch (const Error&) {
    return false;
  }
}

// libjpeg's pixels, or false.
bool reference(jpeg::Bytes bytes, const image::Rect& crop, jpeg::Pixels& pixels) {
  static jpeg::LibjpegDecoder libjpeg;
  return decodes([&] { libjpeg.decode(bytes, crop, pixels); });
}

void compare(jpeg::Decoder& own, jpeg::Bytes bytes, const image::Rect& crop) {
  static jpeg::Pixels a, b;
  const bool decoded = decodes([&] { own.decode(bytes, crop, a); });
  if (decoded != reference(bytes, crop, b) || (decoded && a.bytes != b.bytes)) std::abort();
}

// Out of no more bytes than a shard's reader has, each part in memory of its own.
void compare_by_rows(jpeg::Decoder& own, jpeg::Bytes bytes, const jpeg::Header& header,
                     const image::Rect& crop, Random& random) {
  static jpeg::EntryPointFinder finder;
  const auto found = finder.find(bytes, header);
  if (!found) return;
  const jpeg::Layout& layout = header.layout;
  const int entered = found->entry_points.interval;
  const auto plan = jpeg::plan_splice(layout, entered > 0 ? entered : layout.restart_interval, crop);
  const auto row = [&](int k) { return size_t{found->row_offsets[static_cast<size_t>(k)]}; };
  const size_t begin = row(plan.row_begin), shared = entered > 0 ? jpeg::kSharedBytes : 0;
  const size_t end = std::min(row(plan.row_end) + shared, bytes.size());
  const std::vector<uint8_t> head(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(row(0)));
  const std::vector<uint8_t> rows(bytes.begin() + static_cast<ptrdiff_t>(begin),
                                  bytes.begin() + static_cast<ptrdiff_t>(end));
  std::vector<jpeg::EntryPoint> points;
  std::vector<uint32_t> offsets;
  if (entered > 0) {
    const int across = (layout.mcu_columns() + entered - 1) / entered;
    const auto first = found->entry_points.points.begin();
    points.assign(first + plan.row_begin * across, first + plan.row_end * across);
    for (int k = plan.row_begin; k <= plan.row_end; ++k) {
      offsets.push_back(static_cast<uint32_t>(row(k) - begin));
    }
  }
  static jpeg::Pixels a, b;
  const auto decode = [&] { own.decode_rows(layout, plan, head, rows, {entered, points, offsets}, crop, a); };
  if (!decodes(decode) || !reference(bytes, crop, b) || a.bytes != b.bytes) std::abort();
  if (entered == 0) return;
  // Any points, as an index may hold that is not ours: pixels or an error.
  for (jpeg::EntryPoint& point : points) {
    if (random.below(4) == 0) point = jpeg::EntryPoint(point.packed() ^ uint64_t{1} << random.below(64));
  }
  decodes(decode);
}

// Any rectangle; every other one reaches the right edge, where upsampling is peculiar.
image::Rect some_crop(Random& random, int width, int height) {
  const int x = random.below(width), y = random.below(height);
  const int right = random.below(2) == 0 ? width : x + 1 + random.below(width - x);
  return {x, y, right - x, 1 + random.below(height - y)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const jpeg::Bytes bytes(data, size);
  jpeg::Header header;
  if (!decodes([&] { header = jpeg::read_header(bytes); })) return 0;
  const int width = header.layout.width, height = header.layout.height;
  if (int64_t{width} * height > kMostPixels) return 0;
  Random random(std::hash<std::string_view>()({reinterpret_cast<const char*>(data), size}));
  static const auto targets = image::simd_targets();
  image::set_simd_target(targets[static_cast<size_t>(random.below(static_cast<int>(targets.size())))]);
  jpeg::Decoder fresh;  // its buffers are as large as this image needs: reads beyond them are seen
  compare(fresh, bytes, {0, 0, width, height});
  static jpeg::Decoder used;  // what other images left in it must not show
  const image::Rect crop = some_crop(random, width, height);
  compare(used, bytes, crop);
  compare_by_rows(used, bytes, header, crop, random);
  return 0;
}
