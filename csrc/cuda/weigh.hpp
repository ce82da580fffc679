// Third kernel: the weights of a resize, for filters whose kernels are polynomials (of the others the host
// sends a table, because their sines must be the C library's). Double precision on a GPU rounds as on a host,
// if nothing is contracted to fused multiply-adds.
#pragma once

#include "cuda/kernel.hpp"

namespace fastload::cuda {

struct Weigh {
  static constexpr int kThreads = 128, kPhases = 1;
  using Shared = Nothing;

  static int parts(const Largest& largest) { return parts_for(largest.weights, kThreads, 2, 64); }

  template <int kPhase>
  FL_HD static void run(const Batch& batch, const Block& block, Shared& /*shared*/, int thread) {
    const ImageTask& task = batch.task(block.image);
    if (task.components == 0) return;
    weigh_axis(batch, task.columns_axis, block, thread);
    weigh_axis(batch, task.rows_axis, block, thread);
  }

 private:
  FL_HD static void weigh_axis(const Batch& batch, const Axis& axis, const Block& block, int thread) {
    if (axis.ready) return;
    share(block, kThreads, thread, axis.count, [&](int i) { weigh(axis, batch, i); });
  }

  // The order of the arithmetic is that of image::Weights, which keeps what is computed twice here.
  FL_HD static void weigh(const Axis& axis, const Batch& batch, int i) {
    auto* const spans = batch.work<image::Span>(axis.table);
    int32_t* const weights = reinterpret_cast<int32_t*>(spans + axis.count) + int64_t{i} * axis.taps;
    const image::Span span = image::span_of(axis.scaling, axis.begin + i);
    const double center = image::center_of(axis.scaling, axis.begin + i);
    const auto exact = [&](int t) {
      return image::polynomial_kernel(axis.filter, (t + span.first - center + 0.5) * axis.step);
    };
    double sum = 0.0;
    for (int t = 0; t < span.count; ++t) sum += exact(t);
    for (int t = 0; t < span.count; ++t) {
      weights[t] = image::fixed_point(sum == 0.0 ? exact(t) : exact(t) / sum);
    }
    spans[i] = span;
  }
};

}  // namespace fastload::cuda
