// Fifth and sixth kernel: the two passes of a resize, in the image's order, with bytes between them. The
// second one flips and stores: dtype, layout, normalisation. A pass that only copies has a single weight of
// one, which changes nothing.
#pragma once

#include "cuda/kernel.hpp"

namespace fastload::cuda {

// Output `i` of an axis, from pixels that lie `step` apart, the first one at `from`.
FL_HD inline uint32_t weighted_sum(const Batch& batch, const Axis& axis, int i, const uint32_t* from,
                                   int64_t step) {
  const auto* const spans = reinterpret_cast<const image::Span*>(batch.table(axis));
  const int32_t* const weights =
      reinterpret_cast<const int32_t*>(spans + axis.count) + int64_t{i} * axis.taps;
  const image::Span span = spans[i];
  from += (span.first - axis.origin) * step;
  int32_t red = image::kRounding, green = image::kRounding, blue = image::kRounding;
  for (int t = 0; t < span.count; ++t, from += step) {
    const uint32_t pixel = *from;
    red += static_cast<int32_t>(pixel & 0xFF) * weights[t];
    green += static_cast<int32_t>(pixel >> 8 & 0xFF) * weights[t];
    blue += static_cast<int32_t>(pixel >> 16 & 0xFF) * weights[t];
  }
  return image::clip8(red) | static_cast<uint32_t>(image::clip8(green)) << 8 |
         static_cast<uint32_t>(image::clip8(blue)) << 16;
}

FL_HD inline int between_width(const ImageTask& task) {
  return task.vertical_first ? task.region.width : task.columns_axis.count;
}
FL_HD inline int between_height(const ImageTask& task) {
  return task.vertical_first ? task.rows_axis.count : task.region.height;
}

struct FirstPass {
  static constexpr int kThreads = 256, kPhases = 1;
  using Shared = Nothing;

  static int parts(const Largest& largest) { return parts_for(largest.between, kThreads, 8, 64); }

  template <int kPhase>
  FL_HD static void run(const Batch& batch, const Block& block, Shared& /*shared*/, int thread) {
    const ImageTask& task = batch.task(block.image);
    if (batch.status[block.image] != Status::decoded) return;
    const uint32_t* const pixels = batch.work<uint32_t>(task.pixels);
    uint32_t* const between = batch.work<uint32_t>(task.between);
    const int width = between_width(task);
    share(block, kThreads, thread, width * between_height(task), [&](int i) {
      const int y = i / width, x = i - y * width;
      between[i] = task.vertical_first ? weighted_sum(batch, task.rows_axis, y, pixels + x, task.region.width)
                                       : weighted_sum(batch, task.columns_axis, x,
                                                      pixels + int64_t{y} * task.region.width, 1);
    });
  }
};

struct SecondPass {
  static constexpr int kThreads = 256, kPhases = 2;
  struct Shared {
    uint32_t values[image::kChannels][256];
  };

  static int parts(const Largest& largest) { return parts_for(largest.outputs, kThreads, 8, 64); }

  template <int kPhase>
  FL_HD static void run(const Batch& batch, const Block& block, Shared& shared, int thread) {
    const ImageTask& task = batch.task(block.image);
    if (batch.status[block.image] != Status::decoded) return;
    if constexpr (kPhase == 0) {
      for (int c = 0; c < image::kChannels; ++c) {
        for (int k = thread; k < 256; k += kThreads) shared.values[c][k] = batch.values[256 * c + k];
      }
    } else {
      const uint32_t* const between = batch.work<uint32_t>(task.between);
      const int width = between_width(task);
      share(block, kThreads, thread, batch.width * batch.height, [&](int i) {
        const int y = i / batch.width, x = i - y * batch.width;
        const uint32_t pixel =
            task.vertical_first ? weighted_sum(batch, task.columns_axis, x, between + int64_t{y} * width, 1)
                                : weighted_sum(batch, task.rows_axis, y, between + x, width);
        store(batch, shared, block.image, y, task.flip ? batch.width - 1 - x : x, pixel);
      });
    }
  }

 private:
  FL_HD static void store(const Batch& batch, const Shared& shared, int image, int y, int x, uint32_t pixel) {
    for (int c = 0; c < image::kChannels; ++c) {
      const uint32_t value = shared.values[c][pixel >> (8 * c) & 0xFF];
      const int64_t line = batch.channels_last ? int64_t{image} * batch.height + y
                                               : (int64_t{image} * image::kChannels + c) * batch.height + y;
      const int64_t at =
          batch.channels_last ? (line * batch.width + x) * image::kChannels + c : line * batch.width + x;
      switch (image::size_of(batch.dtype)) {
        case 4:
          static_cast<uint32_t*>(batch.output)[at] = value;
          break;
        case 2:
          static_cast<uint16_t*>(batch.output)[at] = static_cast<uint16_t>(value);
          break;
        default:
          static_cast<uint8_t*>(batch.output)[at] = static_cast<uint8_t>(value);
      }
    }
  }
};

}  // namespace fastload::cuda
