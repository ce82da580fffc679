#include "image/erase.hpp"

#include <bit>
#include <cstring>

#include "image/normalize.hpp"

namespace fastload::image {
namespace {

void put(DType dtype, float value, uint8_t* to) {
  switch (dtype) {
    case DType::u8:
      *to = static_cast<uint8_t>(value);
      return;
    case DType::f32:
      std::memcpy(to, &value, sizeof(value));
      return;
    case DType::f16:
    case DType::bf16: {
      const uint16_t bits = dtype == DType::f16 ? to_f16(value) : to_bf16(value);
      std::memcpy(to, &bits, sizeof(bits));
    }
  }
}

}  // namespace

void erase(const StoreSpec& spec, const Erasure& erasure, int width, int height, void* slot) {
  const Rect& rect = erasure.rect;
  const size_t size = size_of(spec.dtype), plane = static_cast<size_t>(width) * static_cast<size_t>(height);
  std::array<uint32_t, 4> bits{};
  uint32_t i = 0;
  for (int c = 0; c < kChannels; ++c) {
    for (int y = rect.y; y < rect.y + rect.height; ++y) {
      for (int x = rect.x; x < rect.x + rect.width; ++x, ++i) {
        if (erasure.noise && i % 4 == 0) bits = noise_bits(erasure, i / 4);
        const size_t pixel = static_cast<size_t>(y) * width + x;
        const size_t at = spec.channels_last ? pixel * kChannels + c : c * plane + pixel;
        const auto noise = [&] { return static_cast<float>(normal_quantile(bits[i % 4])); };
        put(spec.dtype, erasure.noise ? noise() : erasure.value[c], static_cast<uint8_t*>(slot) + at * size);
      }
    }
  }
}

}  // namespace fastload::image
