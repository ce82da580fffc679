// A batch as kernels see it. The host lays out one staging block, which is copied to the GPU as it is:
//
//   ImageTask[images] | for each image: Huffman codes, entry points, weight tables, compressed bytes
//
// and plans a workspace, which is never copied. All places are byte offsets into one of the two, multiples of
// kAlignment.
#pragma once

#include <cstdint>

#include "hd.hpp"
#include "image/dtype.hpp"
#include "image/filter.hpp"
#include "image/geometry.hpp"
#include "jpeg/entry_points.hpp"
#include "jpeg/header.hpp"
#include "jpeg/tables.hpp"
#include "jpeg/upsample.hpp"

namespace fastload::cuda {

inline constexpr uint64_t kAlignment = 16;

// One component. Its samples are those of the MCUs that cover the crop, block lines below each other.
struct Plane {
  uint64_t samples;       // workspace: uint8_t[lines][stride]
  int32_t stride;         // samples, a multiple of 8
  int32_t width, height;  // of the image's part: what lies beyond is padding
  uint8_t h, v;           // blocks in an MCU
  uint8_t across, down;   // pixels for a sample
  jpeg::Upsampling upsampling;
  uint8_t dc, ac;  // which of the image's codes
  uint16_t quantisers[64];
};

// One pass of a resize: from samples origin, origin + 1, ... of an axis to outputs [begin, begin + count).
struct Axis {
  image::Scaling scaling;
  double step;  // 1 / scaling.filter_scale
  image::Filter filter;
  bool ready;  // the table lies in the staging block; else Weigh makes it in the workspace
  int32_t begin, count, origin;
  int32_t taps;    // an output has at most so many weights
  uint64_t table;  // image::Span[count], then int32_t[count][taps]
};

// A run of MCUs that one thread decodes begins here where it does not begin with a restart.
struct Entry {
  uint32_t bit;  // from the first of the plain bytes
  uint32_t end;  // byte
};

struct ImageTask {
  int32_t components;  // 0: nothing to do for the GPU

  // The entropy-coded bytes, as they came and without markers and stuffing.
  uint64_t data, plain;  // staging, workspace
  uint32_t bytes;        // at `data`
  int32_t restart_interval;
  int32_t first_restart, restarts;  // index of the restart segment at `data`; markers that must follow
  uint64_t starts;  // workspace: uint32_t[restarts + 2], where restart segments begin at `plain`

  // Runs. MCUs are counted in lines of `line_mcus`, which are cut every `interval` MCUs; of each line,
  // `runs_in_line` runs from `first_run` on are decoded.
  int32_t runs, runs_in_line, first_run, interval;
  int32_t first_line, line_mcus;
  int32_t points_in_row;  // entry points of an MCU row; 0: runs begin with restarts, or with the image
  uint64_t points;        // staging: jpeg::EntryPoint[rows][points_in_row]
  uint64_t row_offsets;   // staging: uint32_t[rows + 1], from `data`
  uint64_t entries;       // workspace: Entry[runs]

  // MCUs: columns of the image; the rectangle that planes hold.
  int32_t mcu_columns, row_begin, column_begin, rows, columns;
  uint64_t codes;  // staging: jpeg::CanonicalCode[dc_codes + ac_codes]
  int32_t dc_codes, ac_codes;
  Plane planes[jpeg::kMostComponents];

  // Pixels, four bytes each: red, green, blue, nothing.
  jpeg::ColorSpace color;
  bool mirror;  // before the resize
  bool flip;    // after it
  bool vertical_first;
  image::Rect region;  // in the rectangle
  uint64_t pixels;     // workspace: uint32_t[region.height][region.width]
  uint64_t between;    // workspace: uint32_t, after the first pass
  Axis columns_axis, rows_axis;
};

// Which of the image's entry points a run begins at.
FL_HD inline int point_index(const ImageTask& task, int run) {
  return run / task.runs_in_line * task.points_in_row + task.first_run + run % task.runs_in_line;
}

enum class Status : uint8_t {
  decoded,
  damaged,  // the bytes break the standard's rules: libjpeg has to judge
  skipped,  // no task
};

// What the widest image needs: how many blocks are launched.
struct Largest {
  int runs = 1, outputs = 1, weights = 1, pixels = 1, between = 1;
};

struct Batch {
  const uint8_t* staging;
  uint8_t* workspace;
  Status* status;          // [images]
  const uint32_t* values;  // [3][256]: what a byte of a channel becomes, as bits of `dtype`
  void* output;            // [images][3][height][width], or [images][height][width][3]
  int images, width, height;
  image::DType dtype;
  bool channels_last;
  Largest largest;

  [[nodiscard]] FL_HD const ImageTask& task(int image) const {
    return reinterpret_cast<const ImageTask*>(staging)[image];
  }
  template <class T>
  [[nodiscard]] FL_HD const T* staged(uint64_t place) const {
    return reinterpret_cast<const T*>(staging + place);
  }
  template <class T>
  [[nodiscard]] FL_HD T* work(uint64_t place) const {
    return reinterpret_cast<T*>(workspace + place);
  }
  [[nodiscard]] FL_HD const uint8_t* table(const Axis& axis) const {
    return (axis.ready ? staging : workspace) + axis.table;
  }
};

}  // namespace fastload::cuda
