// fastload._native.image: the pixel stages one by one, for tests and benchmarks. Training goes through the
// pipeline.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <optional>
#include <string>

#include "error.hpp"
#include "image/resample.hpp"
#include "image/simd_target.hpp"
#include "image/store.hpp"
#include "python/bind.hpp"
#include "python/convert.hpp"
#include "python/image_arguments.hpp"

namespace py = pybind11;

namespace fastload::image {
namespace {

using Pixels = py::array_t<uint8_t>;

ConstImage view(const Pixels& rgb) {
  if (rgb.ndim() != 3 || rgb.shape(2) != kChannels || rgb.strides(2) != 1 || rgb.strides(1) != kChannels ||
      rgb.strides(0) < 0) {
    throw Error(ErrorKind::value, "expected a uint8 array (height, width, 3) whose rows are contiguous");
  }
  return {rgb.data(), static_cast<int>(rgb.shape(1)), static_cast<int>(rgb.shape(0)), rgb.strides(0)};
}

// Pillow's box: left, top, right, bottom.
using Part = std::array<double, 4>;

// `rgb` holds `region` of an in_size image (default: all of it), of which the resize takes `box` (default:
// all of it).
Pixels resize(const Pixels& rgb, int out_w, int out_h, const std::string& filter, std::optional<Box> window,
              std::optional<Box> region, std::optional<std::array<int, 2>> in_size,
              const std::optional<Part>& box) {
  thread_local Resampler resampler;
  const ConstImage src = view(rgb);
  const Rect to = window ? to_rect(*window) : Rect{0, 0, out_w, out_h};
  const Rect from = region ? to_rect(*region) : Rect{0, 0, src.width, src.height};
  const int in_w = in_size ? (*in_size)[0] : src.width, in_h = in_size ? (*in_size)[1] : src.height;
  const Part part = box.value_or(Part{0, 0, double(in_w), double(in_h)});
  const Extent in_x(in_w, part[0], part[2]), in_y(in_h, part[1], part[3]);
  const Filter kind = filter_of(filter);
  Resampler::source_region(in_x, in_y, out_w, out_h, kind, to);  // refuses sizes before they are allocated
  Pixels out({to.height, to.width, kChannels});
  const Image dst{out.mutable_data(), to.width, to.height, out.strides(0)};
  py::gil_scoped_release release;
  resampler.resize(src, from, in_x, in_y, out_w, out_h, kind, to, dst);
  return out;
}

Box source_region(int in_w, int in_h, int out_w, int out_h, const std::string& filter, const Box& window,
                  const std::optional<Part>& box) {
  const Part part = box.value_or(Part{0, 0, double(in_w), double(in_h)});
  const Rect r = Resampler::source_region({in_w, part[0], part[2]}, {in_h, part[1], part[3]}, out_w, out_h,
                                          filter_of(filter), to_rect(window));
  return {r.x, r.y, r.width, r.height};
}

py::array store(const Pixels& rgb, const std::string& dtype, bool channels_last, bool scale,
                std::optional<std::array<float, 3>> mean, std::optional<std::array<float, 3>> std, bool flip,
                std::optional<py::array> out) {
  const ConstImage src = view(rgb);
  const StoreSpec spec = store_spec_of(dtype, channels_last, scale, mean, std);
  const Store stage(spec);
  const py::dtype type = numpy_dtype(spec.dtype);
  if (!out) {
    out = channels_last ? py::array(type, {src.height, src.width, kChannels})
                        : py::array(type, {kChannels, src.height, src.width});
  }
  if (static_cast<size_t>(out->nbytes()) != stage.bytes(src.width, src.height) ||
      !(out->flags() & py::array::c_style)) {
    throw Error(ErrorKind::value, "out must be contiguous and of the result's size");
  }
  void* dst = out->mutable_data();
  {
    py::gil_scoped_release release;
    stage(src, flip, dst);
  }
  return *out;
}

}  // namespace
}  // namespace fastload::image

void fastload::bind_image(py::module_& m) {
  using namespace fastload::image;
  auto image = m.def_submodule("image", "Pixel stages, for tests and benchmarks.");
  image.def("resize", &resize, py::arg("rgb"), py::arg("out_w"), py::arg("out_h"), py::arg("filter"),
            py::arg("window") = py::none(), py::arg("region") = py::none(), py::arg("in_size") = py::none(),
            py::arg("box") = py::none(),
            "Window (x, y, width, height) of the resize of an image of which rgb holds region. box: the part "
            "(left, top, right, bottom) of the image that is resized, as in Pillow.");
  image.def("source_region", &source_region, py::arg("in_w"), py::arg("in_h"), py::arg("out_w"),
            py::arg("out_h"), py::arg("filter"), py::arg("window"), py::arg("box") = py::none(),
            "The part of the image that the window depends on.");
  image.def("store", &store, py::arg("rgb"), py::arg("dtype"), py::arg("channels_last") = false,
            py::arg("scale") = true, py::arg("mean") = py::none(), py::arg("std") = py::none(),
            py::arg("flip") = false, py::arg("out") = py::none(),
            "RGB8 to (3, H, W), or (H, W, 3) where channels_last; bfloat16 comes as uint16 bits.");
  image.def(
      "store_is_vectorized",
      [](const std::string& dtype, bool scale, std::optional<std::array<float, 3>> mean,
         std::optional<std::array<float, 3>> std) {
        return Store(store_spec_of(dtype, false, scale, mean, std)).vectorized();
      },
      py::arg("dtype"), py::arg("scale") = true, py::arg("mean") = py::none(), py::arg("std") = py::none(),
      "Whether vectors give the exact values, so that no table is needed.");
  image.def("simd_targets", &simd_targets, "SIMD targets of this processor, best first.");
  image.def("simd_target", &simd_target, "The SIMD target that kernels run with.");
  image.def("simd_stages", &simd_stages, "The same of each file of kernels, as a kernel there reports it.");
  image.def("set_simd_target", &set_simd_target, py::arg("name"),
            "Force a SIMD target; '' goes back to the best.");
}
