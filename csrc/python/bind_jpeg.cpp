#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "jpeg/decoder.hpp"
#include "jpeg/huffman_code.hpp"
#include "jpeg/read_coefficients.hpp"
#include "jpeg/transcode.hpp"
#include "python/bind.hpp"
#include "python/convert.hpp"

namespace py = pybind11;

namespace fastload {
namespace {

using Box = std::tuple<int, int, int, int>;

py::tuple sampling(const jpeg::Layout& layout) {
  py::tuple result(layout.components);
  for (int c = 0; c < layout.components; ++c) {
    result[static_cast<size_t>(c)] = py::make_tuple(layout.h[c], layout.v[c]);
  }
  return result;
}

jpeg::StoredJpeg prepare_jpeg(const py::bytes& data, bool verbatim, bool keep_truncated, int max_code_length) {
  const auto bytes = view(data);
  const py::gil_scoped_release release;
  return jpeg::transcode(
      bytes, {.verbatim = verbatim, .keep_truncated = keep_truncated, .max_code_length = max_code_length});
}

// A pair (coefficients, quantisation table) for each component: int16 (rows, columns, 8, 8) and uint16 (8, 8).
py::list jpeg_coefficients(const py::bytes& data) {
  const auto bytes = view(data);
  jpeg::Decompressor decompressor;
  decompressor.open(bytes);
  py::list result;
  for (const jpeg::Plane& plane : jpeg::read_coefficients(decompressor).planes) {
    py::array_t<int16_t> blocks({plane.rows, plane.columns, 8, 8});
    for (int y = 0; y < plane.rows; ++y) {
      const int16_t* row = plane.block_rows[static_cast<size_t>(y)];
      std::copy_n(row, jpeg::kBlockSize * plane.columns, blocks.mutable_data(y));
    }
    result.append(py::make_tuple(blocks, py::array_t<uint16_t>({8, 8}, plane.quantization.data())));
  }
  return result;
}

std::map<int, int> huffman_code_lengths(const std::map<uint8_t, uint32_t>& frequencies, int max_length) {
  std::array<uint32_t, 256> counts{};
  for (const auto& [symbol, count] : frequencies) counts[symbol] = count;
  const jpeg::HuffmanCode code = jpeg::make_huffman_code(counts, max_length);
  std::map<int, int> lengths;
  for (int symbol = 0; symbol < 256; ++symbol) {
    if (const int length = code.lengths[static_cast<size_t>(symbol)]; length > 0) lengths[symbol] = length;
  }
  return lengths;
}

py::array_t<uint8_t> decode_jpeg(const py::bytes& data, const std::optional<Box>& crop) {
  const auto bytes = view(data);
  jpeg::Pixels pixels;
  {
    const py::gil_scoped_release release;
    const jpeg::Layout layout = jpeg::read_header(bytes).layout;
    image::Rect rect{0, 0, layout.width, layout.height};
    if (crop) rect = std::apply([](auto... value) { return image::Rect{value...}; }, *crop);
    jpeg::Decoder().decode(bytes, rect, pixels);
  }
  return to_array(pixels);
}

}  // namespace

void bind_jpeg(py::module_& m) {
  py::class_<jpeg::Header>(m, "JpegInfo")
      .def_property_readonly("width", [](const jpeg::Header& h) { return h.layout.width; })
      .def_property_readonly("height", [](const jpeg::Header& h) { return h.layout.height; })
      .def_property_readonly("components", [](const jpeg::Header& h) { return h.layout.components; })
      .def_property_readonly("restart_interval", [](const jpeg::Header& h) { return h.layout.restart_interval; })
      .def_property_readonly("sampling", [](const jpeg::Header& h) { return sampling(h.layout); })
      .def_property_readonly("source", [](const jpeg::Header& h) { return jpeg::name(h.process); })
      .def_property_readonly("color_space", [](const jpeg::Header& h) { return jpeg::name(h.color_space); })
      .def_readonly("orientation", &jpeg::Header::orientation);

  py::class_<jpeg::StoredJpeg>(m, "PreparedJpeg")
      .def_property_readonly("jpeg", [](const jpeg::StoredJpeg& s) { return to_bytes(s.bytes); })
      .def_property_readonly("width", [](const jpeg::StoredJpeg& s) { return s.header.layout.width; })
      .def_property_readonly("height", [](const jpeg::StoredJpeg& s) { return s.header.layout.height; })
      .def_property_readonly("components", [](const jpeg::StoredJpeg& s) { return s.header.layout.components; })
      .def_property_readonly("restart_interval",
                             [](const jpeg::StoredJpeg& s) { return s.header.layout.restart_interval; })
      .def_property_readonly("orientation", [](const jpeg::StoredJpeg& s) { return s.header.orientation; })
      .def_property_readonly("source", [](const jpeg::StoredJpeg& s) { return jpeg::name(s.source); })
      .def_property_readonly("stored", [](const jpeg::StoredJpeg& s) { return s.rewritten ? "restart" : "verbatim"; })
      .def_property_readonly("notes", [](const jpeg::StoredJpeg& s) { return py::tuple(py::cast(s.notes)); })
      .def_property_readonly("row_offsets", [](const jpeg::StoredJpeg& s) { return py::tuple(py::cast(s.row_offsets)); })
      .def_readonly("truncated", &jpeg::StoredJpeg::truncated)
      .def("__len__", [](const jpeg::StoredJpeg& s) { return s.bytes.size(); });

  m.def(
      "jpeg_info", [](const py::bytes& data) { return jpeg::read_header(view(data)); }, py::arg("data"));
  m.def("prepare_jpeg", &prepare_jpeg, py::arg("data"), py::kw_only(), py::arg("verbatim") = false,
        py::arg("keep_truncated") = false, py::arg("max_code_length") = 12);
  m.def("jpeg_coefficients", &jpeg_coefficients, py::arg("data"));
  m.def("huffman_code_lengths", &huffman_code_lengths, py::arg("frequencies"), py::arg("max_length"));
  m.def("decode_jpeg", &decode_jpeg, py::arg("data"), py::arg("crop") = py::none());
  m.def("decoder_version", &jpeg::decoder_version);
}

}  // namespace fastload
