// Pixel operations, and what draws them. fastload._native.augment: the same one by one, for tests and
// benchmarks.
#include <pybind11/native_enum.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "error.hpp"
#include "image/pixel_operator.hpp"
#include "normal_quantile.hpp"
#include "pipeline/augmentation.hpp"
#include "pipeline/plan.hpp"
#include "python/bind.hpp"
#include "python/convert.hpp"

namespace py = pybind11;

namespace fastload {
namespace {

using image::PixelOperation;
using pipeline::RandomPolicy;

using Pixels = py::array_t<uint8_t, py::array::c_style | py::array::forcecast>;
using Fill = std::array<uint8_t, 3>;
using Matrix = std::array<double, 6>;

PixelOperation make_operation(PixelOperation::Kind kind, double value, const Matrix& matrix,
                              image::Filter filter, const Fill& fill) {
  PixelOperation operation;
  operation.kind = kind;
  operation.value = value;
  operation.filter = filter;
  std::copy(matrix.begin(), matrix.end(), operation.matrix);
  std::copy(fill.begin(), fill.end(), operation.fill);
  return operation;
}

// A copy of (height, width, 3) after these operations.
Pixels apply(const Pixels& rgb, const std::vector<PixelOperation>& operations) {
  if (rgb.ndim() != 3 || rgb.shape(2) != image::kChannels || rgb.size() == 0) {
    throw Error(ErrorKind::value, "expected a uint8 array (height, width, 3)");
  }
  thread_local image::PixelOperator run;
  const int height = static_cast<int>(rgb.shape(0)), width = static_cast<int>(rgb.shape(1));
  Pixels out({height, width, image::kChannels});
  uint8_t* const to = out.mutable_data();
  const py::gil_scoped_release release;
  const ptrdiff_t stride = static_cast<ptrdiff_t>(image::kChannels) * width;
  const image::ConstImage result = run(operations, {rgb.data(), width, height, stride});
  std::memcpy(to, result.data, static_cast<size_t>(stride) * height);
  return out;
}

// What is drawn for a sample: its pixel operations, its light or None, and ((x, y, width, height), values or
// None, key) of each erasure.
py::tuple draw(const pipeline::Plan& plan, int width, int height, uint64_t seed, uint32_t epoch,
               uint64_t index) {
  pipeline::Drawing drawing;
  plan.draw(width, height, {seed, epoch, index}, drawing);
  py::list erasures;
  for (const image::Erasure& erasure : drawing.augmentation.erasures) {
    const auto& v = erasure.value;
    erasures.append(py::make_tuple(to_tuple(erasure.rect),
                                   erasure.noise ? py::object(py::none()) : py::make_tuple(v[0], v[1], v[2]),
                                   erasure.key));
  }
  return py::make_tuple(drawing.augmentation.pixels, drawing.augmentation.light, erasures);
}

// The first values of an erasure's noise.
py::array_t<float> noise(uint64_t key, uint32_t count) {
  py::array_t<float> values(static_cast<py::ssize_t>(count));
  image::Erasure erasure;
  erasure.key = key;
  for (uint32_t i = 0; i < count; ++i) {
    values.mutable_data()[i] = static_cast<float>(normal_quantile(image::noise_bits(erasure, i / 4)[i % 4]));
  }
  return values;
}

}  // namespace

void bind_augment(py::module_& m) {
  using Kind = PixelOperation::Kind;
  py::native_enum<Kind>(m, "PixelKind", "enum.Enum")
      .value("identity", Kind::identity)
      .value("mirror", Kind::mirror)
      .value("brightness", Kind::brightness)
      .value("contrast", Kind::contrast)
      .value("saturation", Kind::saturation)
      .value("sharpness", Kind::sharpness)
      .value("hue", Kind::hue)
      .value("grayscale", Kind::grayscale)
      .value("invert", Kind::invert)
      .value("posterize", Kind::posterize)
      .value("solarize", Kind::solarize)
      .value("autocontrast", Kind::autocontrast)
      .value("equalize", Kind::equalize)
      .value("affine", Kind::affine)
      .finalize();
  py::class_<PixelOperation>(m, "PixelOperation")
      .def(py::init(&make_operation), py::arg("kind"), py::arg("value") = 0.0,
           py::arg("matrix") = Matrix{1, 0, 0, 0, 1, 0}, py::arg("filter") = image::Filter::nearest,
           py::arg("fill") = Fill{0, 0, 0})
      .def_readonly("kind", &PixelOperation::kind)
      .def_readonly("value", &PixelOperation::value)
      .def_property_readonly("matrix", [](const PixelOperation& op) {
        const auto& v = op.matrix;
        return Matrix{v[0], v[1], v[2], v[3], v[4], v[5]};
      });

  using MaybeRange = std::optional<pipeline::Range>;
  py::class_<pipeline::ColorJitter>(m, "ColorJitter")
      .def(py::init<MaybeRange, MaybeRange, MaybeRange, MaybeRange>(), py::arg("brightness"),
           py::arg("contrast"), py::arg("saturation"), py::arg("hue"));
  py::class_<RandomPolicy::Step>(m, "PolicyStep")
      .def(py::init<double, std::vector<PixelOperation>>(), py::arg("p"), py::arg("variants"));
  py::class_<RandomPolicy>(m, "RandomPolicy")
      .def(py::init<std::vector<std::vector<RandomPolicy::Step>>>(), py::arg("policies"));
  py::class_<pipeline::Lighting>(m, "Lighting")
      .def(py::init<double, std::array<double, 3>, std::array<std::array<double, 3>, 3>>(),
           py::arg("alphastd"), py::arg("eigval"), py::arg("eigvec"));
  py::class_<pipeline::RandomErasing>(m, "RandomErasing")
      .def(py::init<double, pipeline::Range, pipeline::Range, std::optional<std::array<float, 3>>>(),
           py::arg("p"), py::arg("scale"), py::arg("ratio"), py::arg("value"));

  using pipeline::RandomStream;
  py::class_<RandomStream>(m, "RandomStream")
      .def(py::init([](uint64_t seed, uint32_t epoch, uint64_t index, uint32_t operation) {
             return RandomStream({seed, epoch, index}, operation);
           }),
           py::arg("seed"), py::arg("epoch"), py::arg("index"), py::arg("operation"))
      .def("uniform", &RandomStream::uniform, py::arg("low"), py::arg("high"))
      .def("below", &RandomStream::below, py::arg("count"))
      .def("normal", [](RandomStream& random) { return normal_quantile(random.bits()); });

  auto augment =
      m.def_submodule("augment", "Pixel operations one by one, and what is drawn, for tests and benchmarks.");
  augment.def("apply", &apply, py::arg("rgb"), py::arg("operations"));
  augment.def("draw", &draw, py::arg("plan"), py::arg("width"), py::arg("height"), py::arg("seed"),
              py::arg("epoch"), py::arg("index"));
  augment.def("noise", &noise, py::arg("key"), py::arg("count"));
  augment.def("normal_quantile", py::vectorize(&normal_quantile), py::arg("bits"));
}

}  // namespace fastload
