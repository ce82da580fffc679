// From quantised coefficients to the RGB pixels of a crop: dequantise, inverse DCT, chroma upsampling,
// colour. Takes MCU rows one by one and keeps no more than one of them, with the row above it that the
// triangle filter reads.
#pragma once

#include <cstdint>
#include <vector>

#include "image/geometry.hpp"
#include "jpeg/block_row.hpp"
#include "jpeg/header.hpp"
#include "jpeg/upsample.hpp"

namespace fastload::jpeg {

// One per thread: keeps its memory from one image to the next.
class PixelStage {
 public:
  // Whether these are images for this stage: gray, YCbCr or RGB, with sampling factors that divide the
  // largest ones. (libjpeg rejects other factors.)
  static bool takes(const Layout& layout, ColorSpace color);

  // Begins an image. `layout` is the whole image's, which must satisfy takes(); `components` are
  // layout.components long. `covered`: the pixels that the MCU rows to come show, beginning with a whole MCU
  // and ending with one or with the image. Its edges count as the image's, as they do for a decoder of a
  // spliced JPEG (see plan_splice), so `crop`, which must lie inside it, is exact where plan_splice says so.
  // Layout and `covered` are in the image's pixels, `crop` in those of the image reduced by `reduction`. The
  // crop's rows go to the first rows of `out`, which must have its size. Components' quantisers and `out`
  // must live until end().
  void begin(const Layout& layout, ColorSpace color, const Component* components, const image::Rect& covered,
             const image::Rect& crop, const image::Image& out, int reduction = 1);

  // The next MCU row, top to bottom: a BlockRow for each component, to be read before this returns. Blocks
  // that the crop does not depend on are not read, nor those of MCU rows outside of needed_rows().
  void add_row(const BlockRow* components);

  // To be called after the last MCU row of `covered`, or of needed_rows(): writes the rows that waited for
  // one below.
  void end();

  // Rows of the reduced image's pixels, counted from the covered part's top, that the crop depends on.
  // Half-open.
  struct Rows {
    int first, end;
  };
  [[nodiscard]] Rows needed_rows() const { return needed_; }

 private:
  struct Plane {
    Upsampling upsampling;
    int side;                    // samples of a block
    int across, down;            // pixels for a sample
    int v;                       // block lines in an MCU row
    int height;                  // of the covered part, in samples
    int first_row, end_row;      // rows of samples that the crop depends on
    int first_sample, samples;   // those that pixels of the crop lie over, in a row
    int first_block, blocks;     // those that hold these samples and their neighbours
    bool left_edge, right_edge;  // whether the first and the last of `samples` are the covered part's
    int lead;                    // pixels of the first sample that are left of the crop
    const uint16_t* quantisers;
    ptrdiff_t stride;
    std::vector<uint8_t> band;  // of samples: the last row of the MCU row above, then this MCU row's
    std::vector<uint8_t> line;  // of pixels

    // `crop` is relative to the covered part.
    void begin(const Layout& layout, int c, const image::Rect& covered, const image::Rect& crop,
               int reduction);
    uint8_t* row(int index);  // first needed sample; index: in the MCU row, or -1
    void decode(const BlockRow& coefficients, int mcu_row);
    const uint8_t* pixels(int y, int mcu_row);  // the crop's pixels of a row of the covered part
  };

  void emit(int end);

  Plane planes_[3];
  int components_ = 0;
  ColorSpace color_ = ColorSpace::unknown;
  int mcu_height_ = 0, mcu_row_ = 0;
  int next_ = 0;      // the next pixel row to be written, counted from covered.y
  image::Rect crop_;  // relative to the covered part
  Rows needed_{};
  bool looks_down_ = false;  // whether pixel rows depend on the row of samples below
  image::Image out_;
};

}  // namespace fastload::jpeg
