#include <pybind11/native_enum.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "pipeline/plan.hpp"
#include "python/bind.hpp"
#include "python/convert.hpp"

namespace py = pybind11;

namespace fastload {
namespace {

using image::DType;
using image::Filter;
using pipeline::Plan;

// A plan as Python builds it, operation by operation.
struct PlanBuilder {
  std::vector<pipeline::Operation> operations;

  std::shared_ptr<const Plan> build(DType dtype, bool channels_last, bool scale,
                                    const std::optional<std::array<float, 3>>& mean,
                                    const std::optional<std::array<float, 3>>& std, bool reciprocal) const {
    image::StoreSpec spec{dtype, channels_last, scale, mean.has_value(), {0, 0, 0}, {1, 1, 1}, reciprocal};
    if (mean) std::copy(mean->begin(), mean->end(), spec.mean);
    if (std) std::copy(std->begin(), std->end(), spec.std);
    return std::make_shared<const Plan>(operations, spec);
  }
};

// (crop, mirror, (width, height) of the resize or None, window) of each stage, then the final flip.
py::tuple draw(const Plan& plan, int width, int height, uint64_t seed, uint32_t epoch, uint64_t index) {
  pipeline::Drawing drawing;
  plan.draw(width, height, {seed, epoch, index}, drawing);
  py::list stages;
  for (const pipeline::Stage& stage : drawing.stages) {
    const py::object size = stage.resize ? py::object(py::make_tuple(stage.width, stage.height)) : py::none();
    stages.append(py::make_tuple(to_tuple(stage.crop), stage.mirror, size, to_tuple(stage.window)));
  }
  return py::make_tuple(stages, drawing.flip);
}

}  // namespace

void bind_plan(py::module_& m) {
  py::native_enum<DType>(m, "DType", "enum.Enum")
      .value("uint8", DType::u8)
      .value("float32", DType::f32)
      .value("float16", DType::f16)
      .value("bfloat16", DType::bf16)
      .finalize();
  py::native_enum<Filter>(m, "Filter", "enum.Enum")
      .value("nearest", Filter::nearest)
      .value("box", Filter::box)
      .value("bilinear", Filter::bilinear)
      .value("hamming", Filter::hamming)
      .value("bicubic", Filter::bicubic)
      .value("lanczos", Filter::lanczos)
      .finalize();
  py::class_<Plan, std::shared_ptr<Plan>>(m, "Plan").def("draw", &draw, py::arg("width"), py::arg("height"),
                                                         py::arg("seed"), py::arg("epoch"), py::arg("index"));
  using namespace pipeline;
  py::class_<PlanBuilder>(m, "PlanBuilder")
      .def(py::init<>())
      .def("random_resized_crop",
           [](PlanBuilder& b, int height, int width, double scale_low, double scale_high, double ratio_low,
              double ratio_high, Filter filter, bool reduce) {
             b.operations.emplace_back(RandomResizedCrop{
                 height, width, {scale_low, scale_high}, {ratio_low, ratio_high}, filter, reduce});
           })
      .def("resize_to",
           [](PlanBuilder& b, int height, int width, Filter filter, bool reduce) {
             b.operations.emplace_back(ResizeTo{height, width, filter, reduce});
           })
      .def("resize_shorter_side",
           [](PlanBuilder& b, int size, int max_size, Filter filter, bool reduce) {
             b.operations.emplace_back(ResizeShorterSide{size, max_size, filter, reduce});
           })
      .def("center_crop", [](PlanBuilder& b, int height,
                             int width) { b.operations.emplace_back(CenterCrop{height, width}); })
      .def("random_crop", [](PlanBuilder& b, int height,
                             int width) { b.operations.emplace_back(RandomCrop{height, width}); })
      .def("random_horizontal_flip",
           [](PlanBuilder& b, double p) { b.operations.emplace_back(RandomHorizontalFlip{p}); })
      .def("augment",
           [](PlanBuilder& b, Augmenting operation) { b.operations.emplace_back(std::move(operation)); })
      .def("build", [](const PlanBuilder& b, DType dtype, bool channels_last, bool scale,
                       const std::optional<std::array<float, 3>>& mean,
                       const std::optional<std::array<float, 3>>& std, bool reciprocal) {
        return std::const_pointer_cast<Plan>(b.build(dtype, channels_last, scale, mean, std, reciprocal));
      });
}

}  // namespace fastload
