// The two passes of a resize, in the best instruction set that the processor has.
#pragma once

#include <cstddef>
#include <cstdint>

#include "image/paired_weights.hpp"

namespace fastload::image {

// The spread of the table that resize_rows wants for these weights.
int row_spread(const Weights& weights);

// How far beyond a row's end resize_rows may read (and ignore what it finds).
inline int row_overread(const PairedWeights& table) { return 6 * table.pairs() + 64; }

// Horizontal pass over `rows` rows; src begins with the table's origin.
void resize_rows(const Weights& weights, const PairedWeights& table, const uint8_t* src, ptrdiff_t src_stride,
                 int rows, uint8_t* dst, ptrdiff_t dst_stride);

// Vertical pass for one output row of `bytes` bytes: the weighted sum of `taps` source rows.
void resize_column(const uint8_t* src, ptrdiff_t src_stride, const int32_t* weights, int taps, size_t bytes,
                   uint8_t* dst);

}  // namespace fastload::image
