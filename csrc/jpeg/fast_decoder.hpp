// fastload's own decoder: entropy stage and pixel stage, for the JPEGs that nearly all data sets consist of.
#pragma once

#include "jpeg/entropy.hpp"
#include "jpeg/pixel_stage.hpp"

namespace fastload::jpeg {

// One per thread: keeps its memory from one image to the next.
class FastDecoder {
 public:
  enum class Outcome : uint8_t {
    decoded,
    unsupported,  // progressive, arithmetic, several scans, a missing table ...
    damaged,      // the entropy-coded data break the standard's rules
  };

  // `crop`, which lies inside the image reduced by `reduction`, out of a whole JPEG. `header` is its header.
  // If the outcome is not `decoded`, libjpeg has to judge, and `out` holds nothing of use.
  Outcome decode(Bytes jpeg, const Header& header, const image::Rect& crop, const image::Image& out,
                 int reduction);

  // The same out of the MCU rows that `plan` says, whose segments are found by `grid`, or by their restart
  // markers where it has no entry points.
  Outcome decode_rows(const SplicePlan& plan, Bytes header_bytes, const Header& header, Bytes rows,
                      const EntryGrid& grid, const image::Rect& crop, const image::Image& out, int reduction);

 private:
  Outcome run(const SplicePlan& plan, Bytes header_bytes, const Header& header, Bytes data, int data_row,
              const EntryGrid& grid, const image::Rect& crop, const image::Image& out, int reduction);

  EntropyDecoder entropy_;
  PixelStage pixels_;
};

}  // namespace fastload::jpeg
