#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "pipeline/file_source.hpp"
#include "python/bind.hpp"
#include "python/convert.hpp"

namespace py = pybind11;

namespace fastload {
namespace {

using pipeline::FileSource;

// The last reference may go on a thread that does not hold the GIL.
struct WithGil {
  void operator()(const py::function* function) const {
    const py::gil_scoped_acquire acquire;
    delete function;
  }
};

// A Python function from bytes to an array, as a decoder that any thread may call.
pipeline::ForeignDecoder foreign_decoder(const py::function& decode) {
  const std::shared_ptr<const py::function> held(new py::function(decode), WithGil());
  return [held](jpeg::Bytes file, jpeg::Pixels& out) {
    const py::gil_scoped_acquire acquire;
    try {
      using Array = py::array_t<uint8_t, py::array::c_style | py::array::forcecast>;
      const auto array = (*held)(to_bytes(file)).cast<Array>();
      if (array.ndim() != 3 || array.shape(2) != image::kChannels) {
        throw Error(ErrorKind::value, "the decoder's array has not the shape (height, width, 3)");
      }
      out.resize(static_cast<int>(array.shape(1)), static_cast<int>(array.shape(0)));
      std::memcpy(out.bytes.data(), array.data(), out.bytes.size());
    } catch (const py::error_already_set& error) {
      throw Error(ErrorKind::io, py::str(error.value()).cast<std::string>());
    } catch (const py::cast_error& error) {
      throw Error(ErrorKind::value, error.what());
    }
  };
}

}  // namespace

void bind_source(py::module_& m) {
  using Labels = py::array_t<int32_t, py::array::c_style | py::array::forcecast>;
  py::class_<FileSource, std::shared_ptr<FileSource>>(m, "FileSource")
      .def(py::init([](const py::bytes& paths, const Labels& labels, const py::function& decode) {
             return std::make_shared<FileSource>(
                 std::string(paths), std::vector<int32_t>(labels.data(), labels.data() + labels.size()),
                 foreign_decoder(decode));
           }),
           py::arg("paths"), py::arg("labels"), py::arg("decode"))
      .def("__len__", &FileSource::size);
}

}  // namespace fastload
