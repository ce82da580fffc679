// Fuzz target: what prepare keeps or rewrites without asking libjpeg is flawless to libjpeg, too. A rewritten
// JPEG has the coefficients of its source; the fast decoder makes libjpeg's pixels through entry points. With
// every SIMD target; build with ASan and UBSan; see README.md.
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string_view>

#include "image/simd_target.hpp"
#include "jpeg/fast_decoder.hpp"
#include "jpeg/libjpeg_decoder.hpp"
#include "jpeg/read_coefficients.hpp"
#include "jpeg/transcode.hpp"

namespace {

using namespace fastload;

constexpr int64_t kMostPixels = 1 << 18;  // mutated sizes may be huge

void require(bool holds) {
  if (!holds) std::abort();
}

bool same(const jpeg::Coefficients& a, const jpeg::Coefficients& b) {
  for (size_t c = 0; c < a.planes.size(); ++c) {
    const jpeg::Plane &p = a.planes[c], &q = b.planes[c];
    if (p.rows != q.rows || p.columns != q.columns || p.quantization != q.quantization) return false;
    const size_t bytes = sizeof(int16_t) * jpeg::kBlockSize * static_cast<size_t>(p.columns);
    for (size_t y = 0; y < p.block_rows.size(); ++y) {
      if (std::memcmp(p.block_rows[y], q.block_rows[y], bytes) != 0) return false;
    }
  }
  return a.planes.size() == b.planes.size();
}

jpeg::StoredJpeg transcode(jpeg::Bytes bytes, bool verbatim) {
  try {
    return jpeg::transcode(bytes, {.verbatim = verbatim, .keep_truncated = true});
  } catch (const Error&) {
    return {};
  }
}

void check_entry_points(const jpeg::StoredJpeg& stored) {
  const jpeg::Layout& layout = stored.header.layout;
  const int interval = stored.entry_points.interval;
  const int across = (layout.mcu_columns() + interval - 1) / interval;
  require(stored.entry_points.points.size() ==
          static_cast<size_t>(across) * static_cast<size_t>(layout.mcu_rows()));
  const image::Rect whole{0, 0, layout.width, layout.height};
  jpeg::Pixels own, expected;
  own.resize(whole.width, whole.height);
  jpeg::LibjpegDecoder().decode(stored.bytes, whole, expected);
  std::vector<uint32_t> offsets;
  for (const uint32_t offset : stored.row_offsets) offsets.push_back(offset - stored.row_offsets[0]);
  const jpeg::Bytes bytes(stored.bytes);
  const auto outcome = jpeg::FastDecoder().decode_rows(
      jpeg::plan_splice(layout, interval, whole), bytes.first(stored.header.entropy_offset), stored.header,
      bytes.subspan(stored.row_offsets[0]), {interval, stored.entry_points.points, offsets}, whole,
      own.view(), 1);
  require(outcome == jpeg::FastDecoder::Outcome::decoded && own.bytes == expected.bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const jpeg::Bytes bytes(data, size);
  try {
    const jpeg::Layout layout = jpeg::read_header(bytes).layout;
    if (int64_t{layout.width} * layout.height > kMostPixels) return 0;
  } catch (const Error&) {
    return 0;
  }
  static const auto targets = image::simd_targets();
  const uint64_t random = std::hash<std::string_view>()({reinterpret_cast<const char*>(data), size});
  image::set_simd_target(targets[random % targets.size()]);

  const jpeg::StoredJpeg kept = transcode(bytes, true), rewritten = transcode(bytes, false);
  require(kept.rewritten == false);
  if (!kept.fast && !rewritten.fast) return 0;
  jpeg::Decompressor source, written;
  source.open(bytes);
  const int warnings = source.errors.warnings;  // of the header
  const jpeg::Coefficients expected = jpeg::read_coefficients(source);
  require(source.errors.warnings == warnings);
  if (kept.fast && !kept.entry_points.empty()) check_entry_points(kept);
  if (rewritten.fast) {
    written.open(rewritten.bytes);
    require(same(jpeg::read_coefficients(written), expected) && written.errors.warnings == 0);
  }
  return 0;
}
