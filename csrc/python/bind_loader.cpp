#include <pybind11/native_enum.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <variant>

#include "pipeline/encoded_source.hpp"
#include "pipeline/loader.hpp"
#include "pipeline/permutation.hpp"
#include "pipeline/shard_source.hpp"
#include "python/bind.hpp"
#include "python/convert.hpp"
#include "python/dlpack.hpp"

namespace py = pybind11;

namespace fastload {
namespace {

using image::DType;
using pipeline::Batch;
using pipeline::Loader;
using pipeline::Plan;

using Indices = py::array_t<int64_t, py::array::c_style | py::array::forcecast>;

// Waits with the GIL released, in turns short enough that Ctrl-C is felt.
std::unique_ptr<Batch> next(Loader& loader, double timeout_seconds) {
  using namespace std::chrono;
  constexpr milliseconds kTurn{50};
  const auto start = steady_clock::now();
  for (;;) {
    std::unique_ptr<Batch> batch;
    {
      const py::gil_scoped_release release;
      batch = loader.next(kTurn);
    }
    if (batch) return batch;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (timeout_seconds > 0 && duration<double>(steady_clock::now() - start).count() > timeout_seconds) {
      throw Error(ErrorKind::timeout,
                  "no batch after " + std::to_string(timeout_seconds) +
                      " seconds (timeout=): is the storage slow, or num_workers too small?");
    }
  }
}

DLDataType dl_dtype(DType dtype) {
  switch (dtype) {
    case DType::u8:
      return {1, 8, 1};
    case DType::f32:
      return {2, 32, 1};
    case DType::f16:
      return {2, 16, 1};
    default:
      return {4, 16, 1};
  }
}

py::capsule images(const Loader& loader, const Batch& batch) {
  const int64_t n = static_cast<int64_t>(batch.indices.size());
  const int64_t h = loader.options().height, w = loader.options().width, c = image::kChannels;
  const auto& spec = loader.plan().spec();
  std::vector<int64_t> strides{c * h * w, h * w, w, 1};
  if (spec.channels_last) strides = {h * w * c, 1, w * c, c};
  return to_dlpack(batch.images, dl_dtype(spec.dtype), {n, c, h, w}, std::move(strides));
}

py::capsule labels(const Batch& batch) {
  return to_dlpack(batch.labels, {0, 64, 1}, {static_cast<int64_t>(batch.indices.size())}, {1});
}

py::dict counters(const Loader& loader) {
  const pipeline::Counters& c = loader.counters();
  py::dict result;
  result["samples"] = c.samples.load();
  result["bytes_read"] = c.bytes_read.load();
  result["whole_images"] = c.whole_images.load();
  py::dict fallbacks;
  for (size_t k = 1; k < jpeg::kFallbacks; ++k) {
    if (const uint64_t count = c.decoded[k].load(); count > 0)
      fallbacks[jpeg::name(static_cast<jpeg::Fallback>(k))] = count;
  }
  if (const uint64_t count = c.foreign.load(); count > 0) fallbacks["not JPEG"] = count;
  result["fallbacks"] = fallbacks;
  result["read_seconds"] = static_cast<double>(c.read_ns.load()) * 1e-9;
  result["decode_seconds"] = static_cast<double>(c.decode_ns.load()) * 1e-9;
  result["resample_seconds"] = static_cast<double>(c.resample_ns.load()) * 1e-9;
  result["store_seconds"] = static_cast<double>(c.store_ns.load()) * 1e-9;
  return result;
}

using Source = std::variant<std::shared_ptr<shard::Dataset>, std::shared_ptr<pipeline::EncodedSource>>;

std::shared_ptr<const pipeline::SampleSource> to_source(const Source& source) {
  if (const auto* encoded = std::get_if<std::shared_ptr<pipeline::EncodedSource>>(&source)) return *encoded;
  return std::make_shared<pipeline::ShardSource>(std::get<std::shared_ptr<shard::Dataset>>(source));
}

// After a fork the threads are in the parent only. A loader that came along can neither be joined nor
// destroyed (its condition variables would wait for waiters that are not here), so it is left to the end of
// the process.
struct UnlessForked {
  void operator()(Loader* loader) const {
    if (loader->was_forked()) return;
    // Its threads may be waiting for the GIL, to decode with Python.
    const py::gil_scoped_release release;
    delete loader;
  }
};

// Samples at positions [start, start + count) of an epoch's order.
py::array_t<int64_t> epoch_order(uint64_t size, uint64_t seed, uint32_t epoch, uint64_t start,
                                 uint64_t count) {
  if (start + count > size) throw Error(ErrorKind::index, "position beyond the epoch's end");
  py::array_t<int64_t> order(static_cast<py::ssize_t>(count));
  int64_t* const out = order.mutable_data();
  const py::gil_scoped_release release;
  const pipeline::Permutation permutation(size, seed, epoch);
  for (uint64_t k = 0; k < count; ++k) out[k] = static_cast<int64_t>(permutation[start + k]);
  return order;
}

}  // namespace

void bind_loader(py::module_& m) {
  using pipeline::BufferPool;
  using pipeline::Failure;
  using pipeline::OnError;
  py::native_enum<OnError>(m, "OnError", "enum.Enum")
      .value("raise_", OnError::raise)
      .value("skip", OnError::skip)
      .value("substitute", OnError::substitute)
      .finalize();
  py::class_<Failure>(m, "Failure")
      .def_readonly("index", &Failure::index)
      .def_readonly("message", &Failure::message)
      .def_property_readonly("shard", [](const Failure& failure) { return failure.place.file; })
      .def_property_readonly("key", [](const Failure& failure) { return failure.place.key; })
      .def_property_readonly("offset", [](const Failure& failure) { return failure.place.offset; })
      .def_readonly("substituted", &Failure::substituted)
      .def("raise_cause", [](const Failure& failure) { throw Error(failure.kind, failure.message); });
  py::class_<Batch>(m, "Batch")
      .def_property_readonly("indices",
                             [](const Batch& batch) {
                               return py::array_t<int64_t>(static_cast<py::ssize_t>(batch.indices.size()),
                                                           batch.indices.data());
                             })
      .def_readonly("failures", &Batch::failures)
      .def_readonly("epoch", &Batch::epoch);
  py::class_<Loader, std::unique_ptr<Loader, UnlessForked>>(m, "Loader")
      .def(py::init([](const Source& source, std::shared_ptr<Plan> plan, std::shared_ptr<BufferPool> pool,
                       int threads, uint64_t seed, OnError on_error, int width, int height,
                       int64_t class_count, const std::optional<Indices>& population) {
             pipeline::LoaderOptions options{threads, seed, on_error, width, height, class_count, {}};
             if (population) options.population = to_vector(*population);
             return std::unique_ptr<Loader, UnlessForked>(
                 new Loader(to_source(source), std::move(plan), std::move(options), std::move(pool)));
           }),
           py::arg("source"), py::arg("plan"), py::arg("pool"), py::kw_only(), py::arg("threads"),
           py::arg("seed"), py::arg("on_error"), py::arg("width"), py::arg("height"), py::arg("class_count"),
           py::arg("population"))
      .def(
          "submit",
          [](Loader& loader, const Indices& indices, uint32_t epoch) {
            loader.submit(to_vector(indices), epoch);
          },
          py::arg("indices"), py::arg("epoch"))
      .def_property_readonly("pending", &Loader::pending)
      .def("stop", &Loader::stop, py::call_guard<py::gil_scoped_release>())
      .def("next", &next, py::arg("timeout") = 0.0)
      .def("images", &images, py::arg("batch"))
      .def(
          "labels", [](const Loader&, const Batch& batch) { return labels(batch); }, py::arg("batch"))
      .def("counters", &counters);
  m.def("epoch_order", &epoch_order, py::arg("size"), py::arg("seed"), py::arg("epoch"), py::arg("start"),
        py::arg("count"));
}

}  // namespace fastload
