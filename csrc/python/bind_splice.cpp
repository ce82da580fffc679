#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>

#include "pipeline/crop_jpeg.hpp"
#include "pipeline/plan.hpp"
#include "python/bind.hpp"
#include "python/convert.hpp"
#include "shard/dataset.hpp"

namespace py = pybind11;

namespace fastload {
namespace {

using image::Rect;
using pipeline::CropJpeg;

// The vector's own memory as an array of shape (bytes,).
py::array_t<uint8_t> to_array(std::vector<uint8_t> bytes) {
  auto owner = std::make_unique<std::vector<uint8_t>>(std::move(bytes));
  uint8_t* const data = owner->data();
  const auto size = static_cast<py::ssize_t>(owner->size());
  const py::capsule release(owner.release(), [](void* p) { delete static_cast<std::vector<uint8_t>*>(p); });
  return py::array_t<uint8_t>(size, data, release);
}

// Where the crop lies in the JPEG that shows `covered`.
py::tuple within(const Rect& crop, const Rect& covered) {
  return py::make_tuple(crop.x - covered.x, crop.y - covered.y, crop.width, crop.height);
}

// (JPEG, the crop's box in it).
py::tuple crop_jpeg(const shard::Dataset& dataset, uint64_t index, const Box& box) {
  const Rect crop = to_rect(box);
  CropJpeg jpeg;
  {
    const py::gil_scoped_release release;
    const auto place = dataset.locate(index);
    jpeg = pipeline::read_crop_jpeg(place.shard, place.shard.record(place.sample), crop);
  }
  return py::make_tuple(to_array(std::move(jpeg.bytes)), within(crop, jpeg.covered));
}

// (JPEG, the crop's box in it, whether to mirror it, label): the crop that the plan draws for the sample;
// without a plan, the whole image.
py::tuple drawn_jpeg(const shard::Dataset& dataset, uint64_t index, const pipeline::Plan* plan, uint64_t seed,
                     uint32_t epoch) {
  CropJpeg jpeg;
  Rect crop;
  bool flip = false;
  int32_t label = 0;
  {
    const py::gil_scoped_release release;
    const auto place = dataset.locate(index);
    const shard::Record& record = place.shard.record(place.sample);
    crop = {0, 0, record.width, record.height};
    label = record.label;
    if (plan != nullptr) {
      pipeline::Drawing drawing;
      plan->draw(record.width, record.height, {seed, epoch, index}, drawing);
      crop = drawing.stages.front().crop;
      flip = drawing.flip != drawing.stages.front().mirror;
    }
    jpeg = pipeline::read_crop_jpeg(place.shard, record, crop);
  }
  return py::make_tuple(to_array(std::move(jpeg.bytes)), within(crop, jpeg.covered), flip, label);
}

}  // namespace

void bind_splice(py::module_& m) {
  m.def("crop_jpeg", &crop_jpeg, py::arg("dataset"), py::arg("index"), py::arg("crop"));
  m.def("drawn_jpeg", &drawn_jpeg, py::arg("dataset"), py::arg("index"), py::arg("plan"), py::kw_only(),
        py::arg("seed"), py::arg("epoch"));
}

}  // namespace fastload
