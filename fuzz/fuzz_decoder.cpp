// libFuzzer target: whatever the bytes, the own decoder and libjpeg agree on pixels or on the failure, for
// the whole image and for a crop, and nothing is read or written out of bounds (build with ASan and UBSan;
// see README.md).
#include <cstdlib>
#include <string>

#include "error.hpp"
#include "jpeg/libjpeg_decoder.hpp"

namespace {

using namespace fastload;

constexpr int64_t kMostPixels = 1 << 20;  // mutated sizes may be huge

template <class Decoder>
bool decodes(Decoder& decoder, jpeg::Bytes bytes, const image::Rect& crop, jpeg::Pixels& pixels) {
  try {
    decoder.decode(bytes, crop, pixels);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void compare(jpeg::Bytes bytes, const image::Rect& crop) {
  static jpeg::Decoder own;
  static jpeg::LibjpegDecoder libjpeg;
  static jpeg::Pixels a, b;
  const bool decoded = decodes(own, bytes, crop, a);
  if (decoded != decodes(libjpeg, bytes, crop, b) || (decoded && a.bytes != b.bytes)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  jpeg::Layout layout;
  try {
    layout = jpeg::read_header({data, size}).layout;
  } catch (const Error&) {
    return 0;
  }
  const int width = layout.width, height = layout.height;
  if (int64_t{width} * height > kMostPixels) return 0;
  compare({data, size}, {0, 0, width, height});
  const int x = width / 3, y = height / 3;
  compare({data, size}, {x, y, (width - x + 1) / 2, (height - y + 1) / 2});
  return 0;
}
