// Fourth kernel: chroma upsampling and colour, for the pixels that the resize reads.
#pragma once

#include "cuda/kernel.hpp"
#include "jpeg/color.hpp"

namespace fastload::cuda {

struct ToRgb {
  static constexpr int kThreads = 256, kPhases = 1;
  using Shared = Nothing;

  static int parts(const Largest& largest) { return parts_for(largest.pixels, kThreads, 8, 64); }

  template <int kPhase>
  FL_HD static void run(const Batch& batch, const Block& block, Shared& /*shared*/, int thread) {
    const ImageTask& task = batch.task(block.image);
    if (batch.status[block.image] != Status::decoded) return;
    const image::Rect& region = task.region;
    uint32_t* const pixels = batch.work<uint32_t>(task.pixels);
    share(block, kThreads, thread, region.width * region.height, [&](int i) {
      const int row = i / region.width, column = i - row * region.width;
      const int x = region.x + (task.mirror ? region.width - 1 - column : column);
      pixels[i] = pixel(batch, task, x, region.y + row);
    });
  }

 private:
  FL_HD static uint32_t pack(uint32_t red, uint32_t green, uint32_t blue) {
    return red | green << 8 | blue << 16;
  }

  // The pixel at (x, y) of the rectangle.
  FL_HD static uint32_t pixel(const Batch& batch, const ImageTask& task, int x, int y) {
    const uint8_t first = sample(batch, task.planes[0], x, y);
    if (task.components == 1) return pack(first, first, first);
    const uint8_t second = sample(batch, task.planes[1], x, y), third = sample(batch, task.planes[2], x, y);
    if (task.color == jpeg::ColorSpace::rgb) return pack(first, second, third);
    uint8_t rgb[3];
    jpeg::ycbcr_pixel(first, second, third, rgb);
    return pack(rgb[0], rgb[1], rgb[2]);
  }

  // A component at a pixel. Beyond the edges, the triangle filter finds the last sample again.
  FL_HD static uint8_t sample(const Batch& batch, const Plane& plane, int x, int y) {
    const uint8_t* const samples = batch.work<uint8_t>(plane.samples);
    const auto at = [&](int column, int row) { return samples[int64_t{row} * plane.stride + column]; };
    const auto neighbour = [](int i, bool beyond, int size) {
      return beyond ? least(i + 1, size - 1) : i > 0 ? i - 1 : 0;
    };
    const int column = x / plane.across, row = y / plane.down;
    const bool right = (x & 1) != 0, lower = (y & 1) != 0;
    switch (plane.upsampling) {
      case jpeg::Upsampling::h2v1: {
        const int here = at(column, row), beside = at(neighbour(column, right, plane.width), row);
        return right ? jpeg::h2v1_right(here, beside) : jpeg::h2v1_left(beside, here);
      }
      case jpeg::Upsampling::h1v2:
        return jpeg::h1v2_pixel(at(column, row), at(column, neighbour(row, lower, plane.height)), lower);
      case jpeg::Upsampling::h2v2: {
        const int other = neighbour(row, lower, plane.height);
        const int next = neighbour(column, right, plane.width);
        const int here = jpeg::column_sum(at(column, row), at(column, other));
        const int beside = jpeg::column_sum(at(next, row), at(next, other));
        return right ? jpeg::h2v2_right(here, beside) : jpeg::h2v2_left(beside, here);
      }
      default:
        return at(column, row);
    }
  }
};

}  // namespace fastload::cuda
