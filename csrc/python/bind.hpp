// The parts of the module, a file each.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "error.hpp"

namespace fastload {

void bind_jpeg(pybind11::module_& m);
void bind_encode(pybind11::module_& m);
void bind_pixels(pybind11::module_& m);
void bind_entropy(pybind11::module_& m);
void bind_shard(pybind11::module_& m);
void bind_image(pybind11::module_& m);
void bind_source(pybind11::module_& m);
void bind_loader(pybind11::module_& m);
void bind_plan(pybind11::module_& m);
void bind_augment(pybind11::module_& m);
void bind_splice(pybind11::module_& m);
void bind_cuda(pybind11::module_& m);
void bind_kernels(pybind11::module_& m);

// Sets the Python exception that stands for `kind`. Needs the GIL.
void set_python_error(ErrorKind kind, const std::string& message);

}  // namespace fastload
