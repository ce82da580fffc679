// Filters, dtypes and the store's arguments as Python names them.
#pragma once

#include <pybind11/numpy.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "error.hpp"
#include "image/filter.hpp"
#include "image/store.hpp"

namespace fastload::image {

template <typename Enum>
Enum parse(const char* what, const std::string& name, std::initializer_list<const char*> names) {
  int i = 0;
  for (const char* candidate : names) {
    if (name == candidate) return static_cast<Enum>(i);
    ++i;
  }
  throw Error(ErrorKind::value, "unknown " + std::string(what) + " '" + name + "'");
}

inline Filter filter_of(const std::string& name) {
  return parse<Filter>("filter", name, {"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"});
}

inline DType dtype_of(const std::string& name) {
  return parse<DType>("dtype", name, {"uint8", "float32", "float16", "bfloat16"});
}

// bfloat16 comes as the bits of it.
inline pybind11::dtype numpy_dtype(DType dtype) {
  return pybind11::dtype(dtype == DType::u8    ? "uint8"
                         : dtype == DType::f32 ? "float32"
                         : dtype == DType::f16 ? "float16"
                                               : "uint16");
}

inline StoreSpec store_spec_of(const std::string& dtype, bool channels_last, bool scale,
                               const std::optional<std::array<float, 3>>& mean,
                               const std::optional<std::array<float, 3>>& std) {
  StoreSpec spec{dtype_of(dtype), channels_last, scale, mean && std, {}, {}, false};
  if (mean.has_value() != std.has_value()) throw Error(ErrorKind::value, "mean and std come together");
  if (mean) std::copy(mean->begin(), mean->end(), spec.mean);
  if (std) std::copy(std->begin(), std->end(), spec.std);
  return spec;
}

}  // namespace fastload::image
