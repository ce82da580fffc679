// The last stage: one RGB8 image into its slot of the batch: flip, scale, normalise, dtype, layout.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "image/geometry.hpp"

namespace fastload::image {

enum class DType : uint8_t { u8, f32, f16, bf16 };

// Bytes of one value.
constexpr size_t size_of(DType dtype) { return dtype == DType::u8 ? 1 : dtype == DType::f32 ? 4 : 2; }

struct StoreSpec {
  DType dtype;
  bool channels_last;  // memory order height, width, channel; else channel, height, width
  bool scale;          // divide by 255; u8 takes neither this nor normalize
  bool normalize;      // then subtract mean and divide by std
  float mean[3];
  float std[3];
};

// Immutable after construction, hence shared by threads.
class Store {
 public:
  explicit Store(const StoreSpec& spec);

  // Size of a slot.
  [[nodiscard]] size_t bytes(int width, int height) const;

  // Fills bytes(rgb.width, rgb.height) at dst, which must be aligned to one value. `flip` mirrors left and
  // right.
  void operator()(const ConstImage& rgb, bool flip, void* dst) const;

 private:
  template <typename T>
  void store(const ConstImage& rgb, bool flip, T* dst) const;

  StoreSpec spec_;
  // A byte has 256 values, so the exact result of all the arithmetic is a table per channel, as bits of the
  // dtype.
  std::array<std::array<uint32_t, 256>, kChannels> tables_;
};

}  // namespace fastload::image
