#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>

#include "jpeg/decoder.hpp"
#include "jpeg/transcode.hpp"
#include "python/bind.hpp"
#include "python/convert.hpp"

namespace py = pybind11;

namespace fastload {
namespace {

py::tuple sampling(const jpeg::Layout& layout) {
  py::tuple result(layout.components);
  for (int c = 0; c < layout.components; ++c) {
    result[static_cast<size_t>(c)] = py::make_tuple(layout.h[c], layout.v[c]);
  }
  return result;
}

jpeg::StoredJpeg prepare_jpeg(const py::bytes& data, bool verbatim, bool keep_truncated) {
  const auto bytes = view(data);
  const py::gil_scoped_release release;
  return jpeg::transcode(bytes, {.verbatim = verbatim, .keep_truncated = keep_truncated});
}

py::array_t<uint8_t> decode_jpeg(const py::bytes& data, const std::optional<Box>& crop) {
  const auto bytes = view(data);
  jpeg::Pixels pixels;
  {
    const py::gil_scoped_release release;
    const jpeg::Layout layout = jpeg::read_header(bytes).layout;
    image::Rect rect{0, 0, layout.width, layout.height};
    if (crop) rect = to_rect(*crop);
    jpeg::Decoder().decode(bytes, rect, pixels);
  }
  return to_array(pixels);
}

py::tuple entry_points(const jpeg::StoredJpeg& stored) {
  const std::vector<jpeg::EntryPoint>& points = stored.entry_points.points;
  const auto components = static_cast<size_t>(stored.header.layout.components);
  py::tuple result(points.size());
  for (size_t k = 0; k < points.size(); ++k) {
    py::tuple predictors(components);
    for (size_t c = 0; c < components; ++c) predictors[c] = points[k].predictor(static_cast<int>(c));
    result[k] = py::make_tuple(points[k].position(), predictors);
  }
  return result;
}

}  // namespace

void bind_jpeg(py::module_& m) {
  py::class_<jpeg::Header>(m, "JpegInfo")
      .def_property_readonly("width", [](const jpeg::Header& h) { return h.layout.width; })
      .def_property_readonly("height", [](const jpeg::Header& h) { return h.layout.height; })
      .def_property_readonly("components", [](const jpeg::Header& h) { return h.layout.components; })
      .def_property_readonly("restart_interval",
                             [](const jpeg::Header& h) { return h.layout.restart_interval; })
      .def_property_readonly("sampling", [](const jpeg::Header& h) { return sampling(h.layout); })
      .def_property_readonly("source", [](const jpeg::Header& h) { return jpeg::name(h.process); })
      .def_property_readonly("color_space", [](const jpeg::Header& h) { return jpeg::name(h.color_space); })
      .def_readonly("orientation", &jpeg::Header::orientation);

  py::class_<jpeg::StoredJpeg>(m, "PreparedJpeg")
      .def_property_readonly("jpeg", [](const jpeg::StoredJpeg& s) { return to_bytes(s.bytes); })
      .def_property_readonly("width", [](const jpeg::StoredJpeg& s) { return s.header.layout.width; })
      .def_property_readonly("height", [](const jpeg::StoredJpeg& s) { return s.header.layout.height; })
      .def_property_readonly("components",
                             [](const jpeg::StoredJpeg& s) { return s.header.layout.components; })
      .def_property_readonly("restart_interval",
                             [](const jpeg::StoredJpeg& s) { return s.header.layout.restart_interval; })
      .def_property_readonly("orientation", [](const jpeg::StoredJpeg& s) { return s.header.orientation; })
      .def_property_readonly("source", [](const jpeg::StoredJpeg& s) { return jpeg::name(s.source); })
      .def_property_readonly("stored",
                             [](const jpeg::StoredJpeg& s) { return s.rewritten ? "restart" : "verbatim"; })
      .def_property_readonly("notes", [](const jpeg::StoredJpeg& s) { return py::tuple(py::cast(s.notes)); })
      .def_property_readonly("row_offsets",
                             [](const jpeg::StoredJpeg& s) { return py::tuple(py::cast(s.row_offsets)); })
      .def_property_readonly("entry_interval",
                             [](const jpeg::StoredJpeg& s) { return s.entry_points.interval; })
      .def_property_readonly("entry_points", &entry_points)
      .def_readonly("truncated", &jpeg::StoredJpeg::truncated)
      .def_readonly("fast", &jpeg::StoredJpeg::fast)
      .def("__len__", [](const jpeg::StoredJpeg& s) { return s.bytes.size(); });

  m.def("jpeg_info", [](const py::bytes& data) { return jpeg::read_header(view(data)); }, py::arg("data"));
  m.def("prepare_jpeg", &prepare_jpeg, py::arg("data"), py::kw_only(), py::arg("verbatim") = false,
        py::arg("keep_truncated") = false);
  m.def("decode_jpeg", &decode_jpeg, py::arg("data"), py::arg("crop") = py::none());
  m.def("decoder_version", &jpeg::decoder_version);
}

}  // namespace fastload
