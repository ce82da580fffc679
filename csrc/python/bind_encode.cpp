#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "error.hpp"
#include "jpeg/encode.hpp"
#include "jpeg/huffman_code.hpp"
#include "jpeg/read_coefficients.hpp"
#include "python/bind.hpp"
#include "python/convert.hpp"

namespace py = pybind11;

namespace fastload {
namespace {

using Blocks = py::array_t<int16_t, py::array::c_style>;
using QuantizationTable = py::array_t<uint16_t, py::array::c_style>;
using Component = std::tuple<Blocks, QuantizationTable>;

std::vector<Component> coefficients(const py::bytes& data) {
  jpeg::Decompressor decompressor;
  decompressor.open(view(data));
  std::vector<Component> components;
  for (const jpeg::Plane& plane : jpeg::read_coefficients(decompressor).planes) {
    Blocks blocks({plane.rows, plane.columns, 8, 8});
    for (int y = 0; y < plane.rows; ++y) {
      const int16_t* row = plane.block_rows[static_cast<size_t>(y)];
      std::copy_n(row, jpeg::kBlockSize * plane.columns, blocks.mutable_data(y));
    }
    components.emplace_back(blocks, QuantizationTable({8, 8}, plane.quantization.data()));
  }
  return components;
}

jpeg::Plane plane_of(const Component& component) {
  const auto& [blocks, quantization] = component;
  if (blocks.ndim() != 4 || blocks.shape(2) != 8 || blocks.shape(3) != 8 ||
      quantization.size() != jpeg::kBlockSize) {
    throw Error(ErrorKind::value, "a component is (rows, columns, 8, 8) coefficients and (8, 8) quantisers");
  }
  jpeg::Plane plane;
  plane.rows = static_cast<int>(blocks.shape(0));
  plane.columns = static_cast<int>(blocks.shape(1));
  for (int y = 0; y < plane.rows; ++y) plane.block_rows.push_back(blocks.data(y));
  std::copy_n(quantization.data(), jpeg::kBlockSize, plane.quantization.data());
  return plane;
}

py::object encode(const std::vector<Component>& components, int width, int height,
                  const std::vector<std::tuple<int, int>>& sampling, bool rgb, int restart_interval,
                  int orientation, int max_code_length) {
  const size_t count = components.size();
  if ((count != 1 && count != 3) || sampling.size() != count) {
    throw Error(ErrorKind::value, "one or three components and as many sampling factors");
  }
  jpeg::Coefficients image;
  image.layout = {.width = width, .height = height, .components = static_cast<int>(count)};
  image.layout.restart_interval = restart_interval;
  image.color_space = count == 1 ? jpeg::ColorSpace::gray
                      : rgb      ? jpeg::ColorSpace::rgb
                                 : jpeg::ColorSpace::ycbcr;
  for (size_t c = 0; c < count; ++c) {
    std::tie(image.layout.h[c], image.layout.v[c]) = sampling[c];
    image.planes.push_back(plane_of(components[c]));
  }
  const auto encoded = jpeg::encode(image, {.orientation = orientation, .max_code_length = max_code_length});
  return encoded ? py::object(to_bytes(encoded->bytes)) : py::none();
}

std::map<int, int> code_lengths(const std::map<uint8_t, uint32_t>& frequencies, int max_length) {
  std::array<uint32_t, 256> counts{};
  for (const auto& [symbol, count] : frequencies) counts[symbol] = count;
  const jpeg::HuffmanCode code = jpeg::make_huffman_code(counts, max_length);
  std::map<int, int> lengths;
  for (int symbol = 0; symbol < 256; ++symbol) {
    if (const int length = code.lengths[static_cast<size_t>(symbol)]; length > 0) lengths[symbol] = length;
  }
  return lengths;
}

}  // namespace

void bind_encode(py::module_& m) {
  auto jpeg = m.def_submodule("jpeg", "JPEG stages, for tests and benchmarks.");
  jpeg.def("coefficients", &coefficients, py::arg("data"),
           "By component what libjpeg reads: int16 (rows, columns, 8, 8), and quantisers, uint16 (8, 8).");
  jpeg.def(
      "encode", &encode, py::arg("components"), py::arg("width"), py::arg("height"), py::arg("sampling"),
      py::kw_only(), py::arg("rgb") = false, py::arg("restart_interval") = 0, py::arg("orientation") = 1,
      py::arg("max_code_length") = 12,
      "A baseline JPEG of such components; None where baseline cannot hold them. Sampling: pairs (h, v).");
  jpeg.def("code_lengths", &code_lengths, py::arg("frequencies"), py::arg("max_length"),
           "Lengths by symbol of the best Huffman code.");
}

}  // namespace fastload
