#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "pipeline/buffer.hpp"
#include "python/bind.hpp"

#ifdef FASTLOAD_HAS_CUDA
#include "cuda/device.hpp"
#endif

namespace py = pybind11;

namespace fastload {
namespace {

// None in a build without CUDA.
py::object probe() {
#ifdef FASTLOAD_HAS_CUDA
  const cuda::Probe found = [] {
    const py::gil_scoped_release release;
    return cuda::probe();
  }();
  py::dict result;
  result["device_count"] = found.device_count;
  result["driver_version"] = found.driver_version;
  result["runtime_version"] = found.runtime_version;
  result["kernel_ran"] = found.kernel_ran;
  result["problem"] = found.problem;
  return result;
#else
  return py::none();
#endif
}

pipeline::Allocator pinned_memory() {
#ifdef FASTLOAD_HAS_CUDA
  return {cuda::allocate_pinned, [](void* block, size_t) { cuda::release_pinned(block); }};
#else
  throw Error(ErrorKind::value, "this fastload was built without CUDA and has no pinned memory");
#endif
}

}  // namespace

void bind_cuda(py::module_& m) {
  m.def("cuda_probe", &probe);
  py::class_<pipeline::BufferPool, std::shared_ptr<pipeline::BufferPool>>(m, "BufferPool")
      .def(py::init([](bool pinned) {
             return std::make_shared<pipeline::BufferPool>(pinned ? pinned_memory()
                                                                  : pipeline::plain_memory());
           }),
           py::arg("pinned"));
}

}  // namespace fastload
