// The two passes of a resize, in the best instruction set that the processor has.
#pragma once

#include <cstddef>
#include <cstdint>

#include "image/paired_weights.hpp"

namespace fastload::image {

// How far beyond the last tap of a row resize_rows may read (and ignore what it finds).
inline int row_overread(const PairedWeights& table) { return 6 * table.pairs + 64; }

// Horizontal pass over `rows` rows. `table` was made from `weights` with `origin`, the sample that src begins
// with.
void resize_rows(const Weights& weights, const PairedWeights& table, const uint8_t* src, ptrdiff_t src_stride,
                 int rows, uint8_t* dst, ptrdiff_t dst_stride);

// Vertical pass for one output row of `bytes` bytes: the weighted sum of `taps` source rows.
void resize_column(const uint8_t* src, ptrdiff_t src_stride, const int32_t* weights, int taps, size_t bytes,
                   uint8_t* dst);

}  // namespace fastload::image
