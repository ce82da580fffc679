// Fuzz target: whatever the bytes, the own decoder and libjpeg agree on pixels or on the failure, for the
// whole image and for a crop, with every SIMD target, and nothing is read or written out of bounds (build
// with ASan and UBSan; see README.md).
#include <cstdlib>

#include "error.hpp"
#include "image/simd_target.hpp"
#include "jpeg/libjpeg_decoder.hpp"

namespace {

using namespace fastload;

constexpr int64_t kMostPixels = 1 << 18;  // mutated sizes may be huge

template <class Decoder>
bool decodes(Decoder& decoder, jpeg::Bytes bytes, const image::Rect& crop, jpeg::Pixels& pixels) {
  try {
    decoder.decode(bytes, crop, pixels);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void compare(jpeg::Decoder& own, jpeg::Bytes bytes, const image::Rect& crop) {
  static jpeg::LibjpegDecoder libjpeg;
  static jpeg::Pixels a, b;
  const bool decoded = decodes(own, bytes, crop, a);
  if (decoded != decodes(libjpeg, bytes, crop, b) || (decoded && a.bytes != b.bytes)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const jpeg::Bytes bytes(data, size);
  jpeg::Layout layout;
  try {
    layout = jpeg::read_header(bytes).layout;
  } catch (const Error&) {
    return 0;
  }
  const int width = layout.width, height = layout.height;
  if (int64_t{width} * height > kMostPixels) return 0;
  static const auto targets = image::simd_targets();
  image::set_simd_target(targets[size % targets.size()]);
  jpeg::Decoder fresh;  // its buffers are as large as this image needs: reads beyond them are seen
  compare(fresh, bytes, {0, 0, width, height});
  static jpeg::Decoder used;  // what other images left in it must not show
  const int x = width / 3, y = height / 3;
  compare(used, bytes, {x, y, (width - x + 1) / 2, (height - y + 1) / 2});
  return 0;
}
