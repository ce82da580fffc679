// fastload._native.entropy: the decoder's entropy stage, and which decoder took an image, for tests and
// benchmarks.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <optional>
#include <vector>

#include "jpeg/decoder.hpp"
#include "jpeg/entropy.hpp"
#include "jpeg/libjpeg_decoder.hpp"
#include "python/bind.hpp"
#include "python/convert.hpp"

namespace py = pybind11;

namespace fastload {
namespace {

struct Plane {
  std::vector<int16_t> blocks;
  std::vector<uint8_t> last;
  int across = 0;

  void append(const jpeg::BlockRow& row) {
    across = row.blocks_across;
    const size_t count = static_cast<size_t>(row.v) * static_cast<size_t>(across);
    blocks.insert(blocks.end(), row.blocks, row.blocks + 64 * count);
    last.insert(last.end(), row.last, row.last + count);
  }
};

// False if the own decoder does not take it.
bool read_coefficients(jpeg::Bytes bytes, std::vector<Plane>& planes) {
  const jpeg::Header header = jpeg::read_header(bytes);
  jpeg::EntropyDecoder decoder;
  if (!decoder.open(bytes.first(header.entropy_offset), header)) return false;
  const jpeg::Layout& layout = decoder.layout();
  const int segments = layout.rows_are_segments() ? layout.mcu_columns() / layout.restart_interval : 1;
  const int interval = layout.mcu_columns() / segments;
  decoder.begin({interval, 0, layout.mcu_rows(), 0, segments, {}}, bytes.subspan(header.entropy_offset), 0);
  planes.resize(static_cast<size_t>(layout.components));
  jpeg::BlockRow rows[jpeg::kMostComponents];
  for (int row = 0; row < layout.mcu_rows(); ++row) {
    if (!decoder.next(rows)) return false;
    for (size_t c = 0; c < planes.size(); ++c) planes[c].append(rows[c]);
  }
  return true;
}

py::object coefficients(const py::bytes& data) {
  const auto bytes = view(data);
  std::vector<Plane> planes;
  {
    const py::gil_scoped_release release;
    if (!read_coefficients(bytes, planes)) planes.clear();
  }
  if (planes.empty()) return py::none();
  py::list result;
  for (const Plane& plane : planes) {
    const py::ssize_t lines = static_cast<py::ssize_t>(plane.last.size()) / plane.across;
    result.append(py::make_tuple(
        py::array_t<int16_t>({lines, py::ssize_t{plane.across}, py::ssize_t{64}}, plane.blocks.data()),
        py::array_t<uint8_t>({lines, py::ssize_t{plane.across}}, plane.last.data())));
  }
  return result;
}

using Crop = std::optional<Box>;

// Calls decode(bytes, rectangle, pixels).
template <class Decode>
py::array_t<uint8_t> pixels_by(const py::bytes& data, const Crop& crop, int reduction, Decode decode) {
  require_reduction(reduction);
  const auto bytes = view(data);
  jpeg::Pixels pixels;
  {
    const py::gil_scoped_release release;
    const jpeg::Layout layout = jpeg::read_header(bytes).layout;
    image::Rect rect{0, 0, jpeg::reduced(layout.width, reduction), jpeg::reduced(layout.height, reduction)};
    if (crop) rect = to_rect(*crop);
    decode(bytes, rect, pixels);
  }
  return to_array(pixels);
}

py::array_t<uint8_t> decode_with_libjpeg(const py::bytes& data, const Crop& crop, int reduction) {
  return pixels_by(data, crop, reduction,
                   [&](jpeg::Bytes bytes, const image::Rect& rect, jpeg::Pixels& pixels) {
                     jpeg::LibjpegDecoder().decode(bytes, rect, pixels, reduction);
                   });
}

struct CountingDecoder {
  jpeg::Decoder decoder;
  uint64_t decoded[jpeg::kFallbacks] = {};

  py::array_t<uint8_t> decode(const py::bytes& data, const Crop& crop, int reduction) {
    return pixels_by(data, crop, reduction,
                     [&](jpeg::Bytes bytes, const image::Rect& rect, jpeg::Pixels& pixels) {
                       ++decoded[static_cast<size_t>(decoder.decode(bytes, rect, pixels, reduction))];
                     });
  }
  [[nodiscard]] py::dict counts() const {
    py::dict result;
    for (size_t k = 0; k < jpeg::kFallbacks; ++k) {
      if (decoded[k] > 0) result[k == 0 ? "fast" : jpeg::name(static_cast<jpeg::Fallback>(k))] = decoded[k];
    }
    return result;
  }
};

}  // namespace

void bind_entropy(py::module_& m) {
  auto entropy = m.def_submodule("entropy", "The decoder's entropy stage, for tests and benchmarks.");
  entropy.def("coefficients", &coefficients, py::arg("data"),
              "By component: quantised coefficients (lines, across, 64) in natural order, and a bound "
              "(lines, across) of "
              "the last one, in zigzag order, that is not zero. None if libjpeg has to decode the image.");
  py::class_<CountingDecoder>(entropy, "Decoder",
                              "The loader's decoder: one that is used for one image after the other.")
      .def(py::init<>())
      .def("decode", &CountingDecoder::decode, py::arg("data"), py::arg("crop") = py::none(),
           py::arg("reduction") = 1)
      .def_property_readonly("counts", &CountingDecoder::counts,
                             "Images by who decoded them: 'fast', or libjpeg for the reason that is named.");
  entropy.def("decode_with_libjpeg", &decode_with_libjpeg, py::arg("data"), py::arg("crop") = py::none(),
              py::arg("reduction") = 1, "The same pixels by libjpeg.");
}

}  // namespace fastload
