// The last stage: one RGB8 image into its slot of the batch: flip, scale, normalise, dtype, layout.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "image/dtype.hpp"
#include "image/geometry.hpp"
#include "image/store_kernels.hpp"

namespace fastload::image {

struct StoreSpec {
  DType dtype;
  bool channels_last;  // memory order height, width, channel; else channel, height, width
  bool scale;          // to 0..1; u8 takes neither this nor normalize
  bool normalize;      // then subtract mean and divide by std
  float mean[3];
  float std[3];
  bool reciprocal = false;  // scale by a product with 1/255, not by a division: the last bit may differ
};

// What an image's pixels get on top, by channel, before they are normalised; 1 is the range of a byte.
using Light = std::array<float, kChannels>;

// Immutable after construction, hence shared by threads.
class Store {
 public:
  explicit Store(const StoreSpec& spec);

  // Size of a slot.
  [[nodiscard]] size_t bytes(int width, int height) const;

  // Whether vectors compute the values; else they are looked up.
  [[nodiscard]] bool vectorized() const { return exact_; }

  // Fills bytes(rgb.width, rgb.height) at dst, which must be aligned to one value. `flip` mirrors left and
  // right. Large results bypass the caches, and are visible to other threads as ordinary stores are.
  void operator()(const ConstImage& rgb, bool flip, void* dst) const { store(rgb, flip, nullptr, dst); }
  void operator()(const ConstImage& rgb, bool flip, const Light& light, void* dst) const;

 private:
  static constexpr int kInterleaved = kChannels;  // fourth entry of the tables: channels alternate
  using Tables = std::array<std::array<uint32_t, 256>, kChannels>;

  // `lit`: tables of this image alone, or null.
  void store(const ConstImage& rgb, bool flip, const Tables* lit, void* dst) const;
  void planar(const ConstImage& rgb, bool flip, const Tables* lit, uint8_t* dst) const;
  void interleaved(const ConstImage& rgb, bool flip, const Tables* lit, uint8_t* dst) const;
  void store_run(const uint8_t* bytes, size_t count, int channel, const Tables* lit, void* to) const;
  template <typename T>
  static void look_up(const Tables& tables, const uint8_t* bytes, size_t count, int channel, T* to);
  [[nodiscard]] bool vectors_are_exact() const;

  StoreSpec spec_;
  // A byte has 256 values, so the exact result of all the arithmetic is a table per channel, as bits of the
  // dtype.
  Tables tables_;
  // The same as a formula, which vectors compute faster than they look up: used if it gives the tables' very
  // bits.
  std::array<Affine, kChannels + 1> affine_;
  bool exact_ = false;
};

}  // namespace fastload::image
