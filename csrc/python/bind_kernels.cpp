// fastload._native.kernels: a batch's CUDA kernels, run by the host, for tests.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "cuda/batch_builder.hpp"
#include "cuda/executor.hpp"
#include "cuda/values.hpp"
#include "jpeg/find_entry_points.hpp"
#include "python/bind.hpp"
#include "python/convert.hpp"
#include "python/image_arguments.hpp"

namespace py = pybind11;

namespace fastload {
namespace {

using Box = std::array<int, 4>;  // x, y, width, height

image::Rect rect(const Box& box) { return {box[0], box[1], box[2], box[3]}; }

// One image of a batch, and how it is found in its JPEG.
struct Picture {
  py::bytes jpeg;
  cuda::Transform transform;
  bool by_rows;  // only the bytes of the rows that are needed, as a loader reads them

  Picture(py::bytes data, const Box& crop, std::optional<std::array<int, 2>> size, const std::string& filter,
          const std::optional<Box>& window, bool mirror, bool flip, bool rows)
      : jpeg(std::move(data)), by_rows(rows) {
    transform.crop = rect(crop);
    transform.mirror = mirror;
    transform.width = size ? (*size)[0] : crop[2];
    transform.height = size ? (*size)[1] : crop[3];
    transform.filter = image::filter_of(filter);
    transform.window = window ? rect(*window) : image::Rect{0, 0, transform.width, transform.height};
    transform.flip = flip;
  }
};

// The rows of a picture, with what they refer to.
struct FoundRows {
  jpeg::Bytes jpeg;
  jpeg::Header header;
  std::vector<uint32_t> row_offsets;
  jpeg::EntryPoints entry_points;

  FoundRows(jpeg::Bytes bytes, bool by_rows) : jpeg(bytes), header(jpeg::read_header(bytes)) {
    if (!by_rows) return;
    jpeg::EntryPointFinder finder;
    if (auto found = finder.find(bytes, header)) {
      row_offsets = std::move(found->row_offsets);
      entry_points = std::move(found->entry_points);
    }
  }

  // As pipeline::CropReader finds them in a shard.
  [[nodiscard]] cuda::Rows of(const image::Rect& region) {
    const jpeg::Layout& layout = header.layout;
    if (row_offsets.empty()) return cuda::rows_of(jpeg, header, region);
    const int interval = entry_points.empty() ? layout.restart_interval : entry_points.interval;
    const jpeg::SplicePlan plan = plan_splice(layout, interval, region);
    const auto begin = static_cast<size_t>(plan.row_begin), end = static_cast<size_t>(plan.row_end);
    size_t data_end = row_offsets[end];
    jpeg::EntryGrid grid;
    if (!entry_points.empty()) {
      data_end = std::min(data_end + jpeg::kSharedBytes, jpeg.size());
      const size_t per_row = entry_points.points.size() / static_cast<size_t>(layout.mcu_rows());
      const size_t first = row_offsets[begin];
      relative_.clear();
      for (size_t row = begin; row <= end; ++row) {
        relative_.push_back(static_cast<uint32_t>(row_offsets[row] - first));
      }
      grid = {interval, std::span(entry_points.points).subspan(begin * per_row, (end - begin) * per_row),
              relative_};
    }
    return {jpeg.first(header.entropy_offset),
            header,
            plan,
            jpeg.subspan(row_offsets[begin], data_end - row_offsets[begin]),
            plan.row_begin,
            grid};
  }

 private:
  std::vector<uint32_t> relative_;
};

const char* name(cuda::BatchBuilder::Added added, cuda::Status status) {
  static constexpr const char* kAdded[] = {"decoded", "unsupported", "full"};
  if (added != cuda::BatchBuilder::Added::added) return kAdded[static_cast<size_t>(added)];
  return status == cuda::Status::decoded ? "decoded" : "damaged";
}

// (batch, statuses). Images that are not decoded stay zero.
py::tuple run_on_host(const std::vector<Picture>& pictures, int width, int height, const std::string& dtype,
                      bool channels_last, bool scale, const std::optional<std::array<float, 3>>& mean,
                      const std::optional<std::array<float, 3>>& std, std::optional<uint64_t> seed,
                      size_t staging_bytes, size_t workspace_bytes) {
  const image::StoreSpec spec = image::store_spec_of(dtype, channels_last, scale, mean, std);
  const auto images = static_cast<py::ssize_t>(pictures.size());
  const py::dtype type = image::numpy_dtype(spec.dtype);
  py::array output = channels_last
                         ? py::array(type, {images, py::ssize_t{height}, py::ssize_t{width}, py::ssize_t{3}})
                         : py::array(type, {images, py::ssize_t{3}, py::ssize_t{height}, py::ssize_t{width}});
  std::memset(output.mutable_data(), 0, static_cast<size_t>(output.nbytes()));
  std::vector<cuda::BatchBuilder::Added> added;
  std::vector<cuda::Status> status(pictures.size());
  {
    struct alignas(cuda::kAlignment) Unit {
      uint8_t bytes[cuda::kAlignment];
    };
    std::vector<Unit> staging(staging_bytes / sizeof(Unit));
    cuda::BatchBuilder builder({staging.data()->bytes, staging.size() * sizeof(Unit)},
                               static_cast<int>(pictures.size()), workspace_bytes);
    for (size_t k = 0; k < pictures.size(); ++k) {
      const Picture& picture = pictures[k];
      if (picture.transform.window.width != width || picture.transform.window.height != height) {
        throw Error(ErrorKind::value, "an image's window is not of the batch's size");
      }
      FoundRows rows(view(picture.jpeg), picture.by_rows);
      added.push_back(
          builder.add(static_cast<int>(k), rows.of(picture.transform.region()), picture.transform));
    }
    const std::vector<uint32_t> values = cuda::value_table(spec);
    // Exactly as much as is needed, so that tools which watch memory see what goes beyond.
    std::vector<Unit> workspace(builder.workspace_bytes() / sizeof(Unit));
    const py::gil_scoped_release release;
    std::vector<Unit> copy(builder.staging().size() / sizeof(Unit));
    std::memcpy(copy.data()->bytes, builder.staging().data(), builder.staging().size());
    cuda::execute(
        {copy.data()->bytes, workspace.data()->bytes, status.data(), values.data(), output.mutable_data(),
         static_cast<int>(images), width, height, spec.dtype, channels_last, builder.largest()},
        seed);
  }
  py::list names;
  for (size_t k = 0; k < pictures.size(); ++k) names.append(name(added[k], status[k]));
  return py::make_tuple(output, names);
}

}  // namespace

void bind_kernels(py::module_& m) {
  auto kernels = m.def_submodule("kernels", "A batch's CUDA kernels, run by the host, for tests.");
  py::class_<Picture>(
      kernels, "Picture",
      "An image of a batch: its crop, resized to size (width, height), of which window is taken.")
      .def(py::init<py::bytes, const Box&, std::optional<std::array<int, 2>>, const std::string&,
                    const std::optional<Box>&, bool, bool, bool>(),
           py::arg("jpeg"), py::arg("crop"), py::kw_only(), py::arg("size") = py::none(),
           py::arg("filter") = "bilinear", py::arg("window") = py::none(), py::arg("mirror") = false,
           py::arg("flip") = false, py::arg("by_rows") = false);
  kernels.def("run_on_host", &run_on_host, py::arg("pictures"), py::arg("width"), py::arg("height"),
              py::kw_only(), py::arg("dtype") = "uint8", py::arg("channels_last") = false,
              py::arg("scale") = true, py::arg("mean") = py::none(), py::arg("std") = py::none(),
              py::arg("seed") = py::none(), py::arg("staging_bytes") = size_t{1} << 26,
              py::arg("workspace_bytes") = size_t{1} << 30,
              "The batch as the GPU computes it, and for each image 'decoded', 'damaged', 'unsupported' or "
              "'full'. A seed shuffles the order of blocks and threads.");
}

}  // namespace fastload
