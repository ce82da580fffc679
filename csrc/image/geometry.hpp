// Rectangles and views of pixels. Every image in fastload is RGB, 8 bits a channel, interleaved: 3 bytes a
// pixel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace fastload::image {

inline constexpr int kChannels = 3;

struct Rect {
  int x = 0, y = 0, width = 0, height = 0;
  friend bool operator==(const Rect&, const Rect&) = default;
};

inline std::string to_string(const Rect& rect) {
  return "(x " + std::to_string(rect.x) + ", y " + std::to_string(rect.y) + ", " +
         std::to_string(rect.width) + " x " + std::to_string(rect.height) + ")";
}

// Views own nothing; `stride` is the distance of two rows in bytes.
struct ConstImage {
  const uint8_t* data = nullptr;
  int width = 0, height = 0;
  ptrdiff_t stride = 0;
  [[nodiscard]] const uint8_t* row(int y) const { return data + y * stride; }
};

struct Image {
  uint8_t* data = nullptr;
  int width = 0, height = 0;
  ptrdiff_t stride = 0;
  [[nodiscard]] uint8_t* row(int y) const { return data + y * stride; }
  // NOLINTNEXTLINE(misc-explicit-constructor): a view that may write is one that may read
  operator ConstImage() const { return {data, width, height, stride}; }
};

}  // namespace fastload::image
