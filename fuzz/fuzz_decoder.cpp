// Fuzz target: whatever the bytes, the own decoder and libjpeg agree on pixels or on the failure, for the
// whole image and for a crop, with every SIMD target, and nothing is read or written out of bounds (build
// with ASan and UBSan; see README.md).
#include <cstdlib>
#include <functional>
#include <string_view>

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

// Any rectangle; every other one reaches the right edge, where upsampling is peculiar.
image::Rect some_crop(uint64_t random, int width, int height) {
  const auto below = [&](int count) {
    random = random * 6364136223846793005 + 1442695040888963407;
    return static_cast<int>((random >> 33) % static_cast<uint64_t>(count));
  };
  const int x = below(width), y = below(height);
  const int right = below(2) == 0 ? width : x + 1 + below(width - x);
  return {x, y, right - x, 1 + below(height - y)};
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
  const uint64_t random = std::hash<std::string_view>()({reinterpret_cast<const char*>(data), size});
  static const auto targets = image::simd_targets();
  image::set_simd_target(targets[random % targets.size()]);
  jpeg::Decoder fresh;  // its buffers are as large as this image needs: reads beyond them are seen
  compare(fresh, bytes, {0, 0, width, height});
  static jpeg::Decoder used;  // what other images left in it must not show
  compare(used, bytes, some_crop(random, width, height));
  return 0;
}
