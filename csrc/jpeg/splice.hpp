// "Crop before decode": cuts a crop out of the compressed stream. The restart segments that cover it become
// an ordinary, smaller JPEG whose decoded pixels equal those of the whole image.
#pragma once

#include <vector>

#include "image/geometry.hpp"
#include "jpeg/header.hpp"

namespace fastload::jpeg {

// What to take for a crop, in units of the grid. Half-open ranges.
struct SplicePlan {
  int interval = 0;                        // MCUs of a segment; the last one of a row may have fewer
  int row_begin = 0, row_end = 0;          // MCU rows
  int segment_begin = 0, segment_end = 0;  // segments within a row
  image::Rect covered;                     // the pixels of the source image that the spliced JPEG shows
};

// The smallest splice from which `crop` decodes exactly, out of MCU rows cut into segments of `interval`
// MCUs. Segments next to the crop are added where chroma is subsampled, because libjpeg's triangle filter
// reads one chroma sample beyond. The crop must lie inside the image, reduced by `reduction` (see
// reduction.hpp).
SplicePlan plan_splice(const Layout& layout, int interval, const image::Rect& crop, int reduction = 1);

// Writes the spliced JPEG to `out`. Needs layout.rows_are_segments(), and a plan for its restart interval.
// `header`: the stored JPEG up to its entropy-coded data; `rows`: the entropy-coded data of MCU rows
// [row_begin, row_end). Throws Error(jpeg) if the restart markers are not where the layout says.
void splice(const Layout& layout, const SplicePlan& plan, Bytes header, size_t size_offset, Bytes rows,
            std::vector<uint8_t>& out);

}  // namespace fastload::jpeg
