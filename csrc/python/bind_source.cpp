#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <bit>

#include "pipeline/file_source.hpp"
#include "pipeline/memory_source.hpp"
#include "python/bind.hpp"
#include "python/convert.hpp"

namespace py = pybind11;

namespace fastload {
namespace {

using pipeline::EncodedSource;
using pipeline::FileSource;
using pipeline::MemorySource;

using Labels = py::array_t<int32_t, py::array::c_style | py::array::forcecast>;
using Places = py::array_t<uint64_t, py::array::c_style | py::array::forcecast>;

// The last reference may go on a thread that does not hold the GIL.
struct WithGil {
  template <class Object>
  void operator()(const Object* object) const {
    const py::gil_scoped_acquire acquire;
    delete object;
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

// Addresses and sizes of images in memory that `owner` keeps.
std::shared_ptr<MemorySource> memory_source(const Places& addresses, const Places& sizes,
                                            const Labels& labels, const py::object& owner,
                                            const py::function& decode, bool upright) {
  if (addresses.size() != sizes.size()) throw Error(ErrorKind::value, "not as many sizes as addresses");
  std::vector<jpeg::Bytes> images;
  images.reserve(static_cast<size_t>(sizes.size()));
  for (py::ssize_t k = 0; k < sizes.size(); ++k) {
    images.emplace_back(std::bit_cast<const uint8_t*>(addresses.data()[k]), sizes.data()[k]);
  }
  const std::shared_ptr<const py::object> held(new py::object(owner), WithGil());
  return std::make_shared<MemorySource>(std::move(images), to_vector(labels), held, foreign_decoder(decode),
                                        upright);
}

}  // namespace

void bind_source(py::module_& m) {
  py::class_<EncodedSource, std::shared_ptr<EncodedSource>>(m, "EncodedSource")
      .def("__len__", &EncodedSource::size);
  py::class_<FileSource, EncodedSource, std::shared_ptr<FileSource>>(m, "FileSource")
      .def(py::init(
               [](const py::bytes& paths, const Labels& labels, const py::function& decode, bool upright) {
                 return std::make_shared<FileSource>(std::string(paths), to_vector(labels),
                                                     foreign_decoder(decode), upright);
               }),
           py::arg("paths"), py::arg("labels"), py::arg("decode"), py::arg("upright") = false);
  py::class_<MemorySource, EncodedSource, std::shared_ptr<MemorySource>>(m, "MemorySource")
      .def(py::init(&memory_source), py::arg("addresses"), py::arg("sizes"), py::arg("labels"),
           py::arg("owner"), py::arg("decode"), py::arg("upright"));
}

}  // namespace fastload
