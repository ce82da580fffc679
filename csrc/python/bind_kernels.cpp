// fastload._native.kernels: a batch's CUDA kernels, run by the host, for tests.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cuda/batch_runner.hpp"
#include "cuda/host_runtime.hpp"
#include "jpeg/find_entry_points.hpp"
#include "python/bind.hpp"
#include "python/convert.hpp"
#include "python/image_arguments.hpp"

namespace py = pybind11;

namespace fastload {
namespace {

// One image of a batch, and how it is found in its JPEG.
struct Picture {
  py::bytes jpeg;
  cuda::Transform transform;
  bool by_rows;  // only the bytes of the rows that are needed, as a loader reads them

  Picture(py::bytes data, const Box& crop, std::optional<std::array<int, 2>> size, const std::string& filter,
          const std::optional<Box>& window, bool mirror, bool flip, bool rows)
      : jpeg(std::move(data)), by_rows(rows) {
    transform.crop = to_rect(crop);
    transform.mirror = mirror;
    transform.width = size ? (*size)[0] : crop[2];
    transform.height = size ? (*size)[1] : crop[3];
    transform.filter = image::filter_of(filter);
    transform.window = window ? to_rect(*window) : image::Rect{0, 0, transform.width, transform.height};
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

py::array batch_array(const image::StoreSpec& spec, py::ssize_t images, py::ssize_t width,
                      py::ssize_t height) {
  const py::dtype type = image::numpy_dtype(spec.dtype);
  return spec.channels_last ? py::array(type, {images, height, width, py::ssize_t{3}})
                            : py::array(type, {images, py::ssize_t{3}, height, width});
}

void require(cuda::Answer answer) {
  if (answer != cuda::Answer::ok) throw Error(ErrorKind::gpu, "a batch's consumer failed");
}

// Plays the user: owns the batch's memory on the device, and a stream that reads it.
class Consumer {
 public:
  Consumer(cuda::Runtime& runtime, py::array& values)
      : runtime_(runtime), values_(values), bytes_(static_cast<size_t>(values.nbytes())) {
    std::memset(values.mutable_data(), 0x5A, bytes_);
    require(runtime_.make_stream(stream_));
    require(runtime_.make_event(event_));
    require(runtime_.allocate(std::max(bytes_, size_t{1}), memory_));
    require(runtime_.copy(memory_, values.data(), bytes_, stream_));
    finish();
  }
  ~Consumer() {
    if (memory_ != nullptr) runtime_.release(memory_);
    if (event_ != nullptr) runtime_.drop_event(event_);
    if (stream_ != nullptr) runtime_.drop_stream(stream_);
  }
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  [[nodiscard]] void* memory() const { return memory_; }
  [[nodiscard]] cuda::Runtime::Stream stream() const { return stream_; }
  void read() {
    require(runtime_.copy(values_.mutable_data(), memory_, bytes_, stream_));
    finish();
  }

 private:
  void finish() {
    require(runtime_.record(event_, stream_));
    require(runtime_.synchronize(event_));
  }

  cuda::Runtime& runtime_;
  py::array& values_;
  size_t bytes_;
  void* memory_ = nullptr;
  cuda::Runtime::Stream stream_ = nullptr;
  cuda::Runtime::Event event_ = nullptr;
};

// (batch, what became of each image). Slots of images that the kernels leave to the host get what `by_host`
// has for them, else keep the byte 5A.
py::tuple run_batch(cuda::Runtime& runtime, const std::vector<Picture>& pictures, int width, int height,
                    const std::string& dtype, bool channels_last, bool scale,
                    const std::optional<std::array<float, 3>>& mean,
                    const std::optional<std::array<float, 3>>& std, int device, size_t staging_bytes,
                    size_t workspace_bytes, size_t memory_limit, const std::map<int, py::bytes>& by_host) {
  const image::StoreSpec spec = image::store_spec_of(dtype, channels_last, scale, mean, std);
  const int images = static_cast<int>(pictures.size());
  py::array output = batch_array(spec, images, width, height);
  cuda::BatchRunner runner(
      runtime, {device, images, width, height, spec, staging_bytes, workspace_bytes, memory_limit});
  Consumer consumer(runtime, output);
  cuda::BatchBuilder& builder = runner.begin();
  std::vector<cuda::BatchBuilder::Added> added;
  for (int k = 0; k < images; ++k) {
    const Picture& picture = pictures[static_cast<size_t>(k)];
    const cuda::Transform& transform = picture.transform;
    if (transform.window.width != width || transform.window.height != height) {
      throw Error(ErrorKind::value, "an image's window is not of the batch's size");
    }
    FoundRows rows(view(picture.jpeg), picture.by_rows);
    added.push_back(builder.add(k, rows.of(transform.region()), transform));
  }
  runner.submit(consumer.memory());
  const std::vector<cuda::Status>& statuses = runner.statuses();
  py::list names;
  for (size_t k = 0; k < pictures.size(); ++k) names.append(name(added[k], statuses[k]));
  for (const auto& [image, values] : by_host) {
    if (statuses.at(static_cast<size_t>(image)) == cuda::Status::decoded) continue;
    if (view(values).size() != runner.image_bytes())
      throw Error(ErrorKind::value, "not the bytes of an image");
    runner.put(image, view(values).data());
  }
  runner.hand_over(consumer.stream());
  consumer.read();
  return py::make_tuple(output, names);
}

cuda::Answer answer_named(const std::string& name) {
  return image::parse<cuda::Answer>(
      "answer", name,
      {"ok", "no_driver", "driver_too_old", "no_device", "out_of_memory", "after_fork", "failed"});
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
  const py::class_<cuda::Runtime> runtime(kernels, "Runtime", "What fastload asks of CUDA.");
#ifdef FASTLOAD_HAS_CUDA
  kernels.def("cuda_runtime", &cuda::cuda_runtime, py::return_value_policy::reference, "CUDA's own.");
#endif
  py::class_<cuda::HostRuntime, cuda::Runtime>(
      kernels, "HostRuntime",
      "CUDA as the host plays it: devices, their memory, and what it answers when asked for them.")
      .def(py::init([](int devices, size_t memory, const std::string& state, std::optional<uint64_t> seed) {
             return std::make_unique<cuda::HostRuntime>(
                 cuda::HostRuntime::Machine{devices, memory, answer_named(state), seed});
           }),
           py::kw_only(), py::arg("devices") = 1, py::arg("memory") = size_t{1} << 40,
           py::arg("state") = "ok", py::arg("seed") = py::none())
      .def_property_readonly("bytes_in_use", &cuda::HostRuntime::bytes_in_use)
      .def_property_readonly("handles_in_use", &cuda::HostRuntime::handles_in_use);
  kernels.def("run_batch", &run_batch, py::arg("runtime"), py::arg("pictures"), py::arg("width"),
              py::arg("height"), py::kw_only(), py::arg("dtype") = "uint8", py::arg("channels_last") = false,
              py::arg("scale") = true, py::arg("mean") = py::none(), py::arg("std") = py::none(),
              py::arg("device") = 0, py::arg("staging_bytes") = size_t{1} << 22,
              py::arg("workspace_bytes") = size_t{1} << 28, py::arg("memory_limit") = 0,
              py::arg("by_host") = std::map<int, py::bytes>(),
              "The batch as the GPU computes it, and for each image 'decoded', 'damaged', 'unsupported' or "
              "'full'. by_host: values of the images that are not decoded. A runtime's seed shuffles the "
              "order of blocks and threads.");
}

}  // namespace fastload
