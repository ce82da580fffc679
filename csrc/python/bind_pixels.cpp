// fastload._native.pixels: the decoder's stages after the entropy decoder one by one, for tests and
// benchmarks.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <string>
#include <tuple>
#include <vector>

#include "error.hpp"
#include "jpeg/color.hpp"
#include "jpeg/idct.hpp"
#include "jpeg/idct_reduced.hpp"
#include "jpeg/pixel_stage.hpp"
#include "python/bind.hpp"
#include "python/convert.hpp"

namespace py = pybind11;

namespace fastload {
namespace {

template <typename T>
using Array = py::array_t<T, py::array::c_style>;
using Samples = Array<uint8_t>;
using Plane = std::tuple<Array<int16_t>, Samples, Array<uint16_t>>;  // blocks, last, quantisers

void require(bool condition, const char* message) {
  if (!condition) throw Error(ErrorKind::value, message);
}

// A row of samples with the room around it that the stages may read.
std::vector<uint8_t> with_slack(const Samples& row) {
  require(row.ndim() == 1 && row.size() > 0, "expected a row of samples");
  std::vector<uint8_t> padded(static_cast<size_t>(row.size()) + 2 * jpeg::kRowSlack,
                              row.data()[row.size() - 1]);
  std::fill_n(padded.begin(), jpeg::kRowSlack, row.data()[0]);
  std::copy_n(row.data(), row.size(), padded.begin() + jpeg::kRowSlack);
  return padded;
}

Samples idct(const Array<int16_t>& blocks, const Samples& last, const Array<uint16_t>& quantisers, int side) {
  require(blocks.ndim() == 2 && blocks.shape(1) == 64 && last.size() == blocks.shape(0) &&
              quantisers.size() == 64,
          "expected blocks (n, 64), last (n,) and quantisers (64,)");
  require(side == 8 || side == 4 || side == 2 || side == 1, "side is 8, 4, 2 or 1");
  const auto transform = side == 8   ? jpeg::idct_blocks
                         : side == 4 ? jpeg::idct_blocks_4
                         : side == 2 ? jpeg::idct_blocks_2
                                     : jpeg::idct_blocks_1;
  Samples out({py::ssize_t{side}, side * blocks.shape(0)});
  transform(blocks.data(), last.data(), static_cast<int>(blocks.shape(0)), quantisers.data(),
            out.mutable_data(), side * blocks.shape(0));
  return out;
}

Samples upsample(const std::string& filter, const Samples& nearer, const Samples& farther, bool lower) {
  require(nearer.size() == farther.size(), "expected two rows of one length");
  const std::vector<uint8_t> near = with_slack(nearer), far = with_slack(farther);
  const uint8_t* const from = near.data() + jpeg::kRowSlack;
  const int count = static_cast<int>(nearer.size()), times = filter == "h1v2" ? 1 : 2;
  std::vector<uint8_t> pixels(static_cast<size_t>(count * times + jpeg::kRowSlack));
  if (filter == "h2v1") {
    jpeg::upsample_h2v1(from, count, pixels.data());
  } else if (filter == "h2v2") {
    jpeg::upsample_h2v2(from, far.data() + jpeg::kRowSlack, count, pixels.data());
  } else if (filter == "h1v2") {
    jpeg::upsample_h1v2(from, far.data() + jpeg::kRowSlack, lower, count, pixels.data());
  } else {
    throw Error(ErrorKind::value, "unknown filter '" + filter + "'");
  }
  return Samples(count * times, pixels.data());
}

Samples color(const std::string& space, const Samples& a, const Samples& b, const Samples& c) {
  require(a.size() == b.size() && a.size() == c.size(), "expected three rows of one length");
  const std::vector<uint8_t> rows[3] = {with_slack(a), with_slack(b), with_slack(c)};
  const uint8_t* const from[3] = {rows[0].data() + jpeg::kRowSlack, rows[1].data() + jpeg::kRowSlack,
                                  rows[2].data() + jpeg::kRowSlack};
  Samples rgb({a.size(), py::ssize_t{3}});
  const auto convert = space == "ycbcr" ? jpeg::ycbcr_to_rgb : jpeg::interleave_rgb;
  convert(from[0], from[1], from[2], static_cast<int>(a.size()), rgb.mutable_data());
  return rgb;
}

jpeg::ColorSpace color_space_of(const std::string& name) {
  using jpeg::ColorSpace;
  for (const ColorSpace space : {ColorSpace::gray, ColorSpace::ycbcr, ColorSpace::rgb}) {
    if (name == jpeg::name(space)) return space;
  }
  throw Error(ErrorKind::value, "unknown colour space '" + name + "'");
}

// `planes` hold the blocks of all MCUs that lie over `covered`: (lines, across, 64).
Samples decode(const std::vector<Plane>& planes, const std::vector<std::array<uint8_t, 2>>& sampling,
               std::array<int, 2> size, const std::string& color, const Box& covered, const Box& crop,
               int reduction, int repeat) {
  require_reduction(reduction);
  jpeg::Layout layout;
  layout.width = size[0];
  layout.height = size[1];
  layout.components = static_cast<int>(planes.size());
  require(planes.size() == sampling.size() && (planes.size() == 1 || planes.size() == 3),
          "expected 1 or 3 planes");
  jpeg::Component components[3];
  for (size_t c = 0; c < planes.size(); ++c) {
    layout.h[c] = sampling[c][0];
    layout.v[c] = sampling[c][1];
    require(layout.h[c] > 0 && layout.v[c] > 0, "sampling factors begin at 1");
    components[c] = {layout.h[c], layout.v[c], std::get<2>(planes[c]).data()};
  }
  const jpeg::ColorSpace space = color_space_of(color);
  require(jpeg::PixelStage::takes(layout, space), "not for this stage: colour space or sampling factors");
  const auto mcus = [](int pixels, int per_mcu) { return (pixels + per_mcu - 1) / per_mcu; };
  const int rows = mcus(covered[3], layout.mcu_height()), columns = mcus(covered[2], layout.mcu_width());
  for (size_t c = 0; c < planes.size(); ++c) {
    const auto& [blocks, last, quantisers] = planes[c];
    const int h = planes.size() == 1 ? 1 : layout.h[c], v = planes.size() == 1 ? 1 : layout.v[c];
    require(blocks.ndim() == 3 && blocks.shape(0) == rows * v && blocks.shape(1) == columns * h &&
                blocks.shape(2) == 64 && last.size() * 64 == blocks.size() && quantisers.size() == 64,
            "blocks do not cover the pixels");
  }
  Samples out({crop[3], crop[2], 3});
  const image::Image view{out.mutable_data(), crop[2], crop[3], out.strides(0)};
  const py::gil_scoped_release release;
  thread_local jpeg::PixelStage stage;
  for (int k = 0; k < repeat; ++k) {
    stage.begin(layout, space, components, to_rect(covered), to_rect(crop), view, reduction);
    for (int row = 0; row < rows; ++row) {
      jpeg::BlockRow blocks[3];
      for (size_t c = 0; c < planes.size(); ++c) {
        const auto& [array, last, quantisers] = planes[c];
        const int across = static_cast<int>(array.shape(1)), v = static_cast<int>(array.shape(0)) / rows;
        const ptrdiff_t at = static_cast<ptrdiff_t>(row) * v * across;
        blocks[c] = {array.data() + 64 * at, last.data() + at, across, v};
      }
      stage.add_row(blocks);
    }
    stage.end();
  }
  return out;
}

}  // namespace

void bind_pixels(py::module_& m) {
  auto pixels =
      m.def_submodule("pixels", "The decoder's stages after the entropy decoder, for tests and benchmarks.");
  pixels.def("idct", &idct, py::arg("blocks"), py::arg("last"), py::arg("quantisers"), py::arg("side") = 8,
             "Blocks side by side: (n, 64) quantised coefficients to (side, side * n) samples.");
  pixels.def("upsample", &upsample, py::arg("filter"), py::arg("nearer"), py::arg("farther"),
             py::arg("lower") = false,
             "A row of samples to a row of pixels by libjpeg's triangle filter: h2v1, h2v2 or h1v2.");
  pixels.def("color", &color, py::arg("space"), py::arg("a"), py::arg("b"), py::arg("c"),
             "Rows of components, ycbcr or rgb, to (n, 3) RGB.");
  pixels.def("decode", &decode, py::arg("planes"), py::arg("sampling"), py::arg("size"), py::arg("color"),
             py::arg("covered"), py::arg("crop"), py::arg("reduction") = 1, py::arg("repeat") = 1,
             "The whole stage: RGB of a crop from (blocks, last, quantisers) of each component. size and "
             "covered are in the image's pixels, crop in the reduced image's.");
}

}  // namespace fastload
