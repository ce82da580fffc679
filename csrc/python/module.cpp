// The module fastload._native: conversion and error translation only.
#include <pybind11/pybind11.h>

#include "error.hpp"
#include "python/bind.hpp"

namespace py = pybind11;

namespace {

// fastload.errors holds the classes, so that Python users see them where they are documented.
const char* class_name(fastload::ErrorKind kind) {
  using fastload::ErrorKind;
  switch (kind) {
    case ErrorKind::jpeg:
      return "JpegError";
    case ErrorKind::truncated_jpeg:
      return "TruncatedJpegError";
    case ErrorKind::shard:
      return "ShardError";
    case ErrorKind::version:
      return "ShardVersionError";
    case ErrorKind::checksum:
      return "ChecksumError";
    case ErrorKind::label:
      return "LabelError";
    case ErrorKind::transform:
      return "TransformError";
    case ErrorKind::timeout:
      return "LoaderTimeoutError";
    case ErrorKind::gpu:
      return "GpuError";
    case ErrorKind::gpu_missing:
      return "NoGpuError";
    case ErrorKind::gpu_driver:
      return "GpuDriverError";
    case ErrorKind::gpu_memory:
      return "GpuMemoryError";
    case ErrorKind::gpu_index:
      return "GpuIndexError";
    default:
      return nullptr;
  }
}

void translate(std::exception_ptr pointer) {
  try {
    if (pointer) std::rethrow_exception(pointer);
  } catch (const fastload::Error& error) {
    fastload::set_python_error(error.kind(), error.what());
  }
}

}  // namespace

void fastload::set_python_error(ErrorKind kind, const std::string& message) {
  if (const char* name = class_name(kind)) {
    py::set_error(py::module_::import("fastload.errors").attr(name), message.c_str());
  } else {
    PyErr_SetString(kind == ErrorKind::index ? PyExc_IndexError
                    : kind == ErrorKind::io  ? PyExc_OSError
                                             : PyExc_ValueError,
                    message.c_str());
  }
}

PYBIND11_MODULE(_native, m) {
  m.doc() = "fastload's native core. Private: use the fastload package.";
  py::register_exception_translator(translate);
  fastload::bind_jpeg(m);
  fastload::bind_encode(m);
  fastload::bind_pixels(m);
  fastload::bind_entropy(m);
  fastload::bind_image(m);
  fastload::bind_shard(m);
  fastload::bind_cuda(m);
  fastload::bind_kernels(m);
  fastload::bind_source(m);
  fastload::bind_plan(m);
  fastload::bind_augment(m);
  fastload::bind_loader(m);
  fastload::bind_splice(m);
}
