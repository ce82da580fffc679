// Where pixels are, and images in memory. All images here are RGB, 8 bit, interleaved: 3 bytes a pixel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace fastload::image {

struct Rect {
  int x = 0, y = 0, width = 0, height = 0;
  friend bool operator==(const Rect&, const Rect&) = default;
};

inline std::string to_string(const Rect& rect) {
  return "(x " + std::to_string(rect.x) + ", y " + std::to_string(rect.y) + ", " + std::to_string(rect.width) + " x " +
         std::to_string(rect.height) + ")";
}

// `stride`: bytes from one row to the next.
struct ConstImage {
  const uint8_t* data = nullptr;
  int width = 0, height = 0;
  ptrdiff_t stride = 0;
};

struct Image {
  uint8_t* data = nullptr;
  int width = 0, height = 0;
  ptrdiff_t stride = 0;
};

}  // namespace fastload::image
