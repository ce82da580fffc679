// Bytes and pixels across the border.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <array>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "error.hpp"
#include "jpeg/decoder.hpp"
#include "jpeg/reduction.hpp"

namespace fastload {

// Valid while `data` lives; needs the GIL to make, not to read.
inline std::span<const uint8_t> view(const pybind11::bytes& data) {
  const auto text = static_cast<std::string_view>(data);
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline pybind11::bytes to_bytes(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline void require_reduction(int reduction) {
  if (reduction != 1 && reduction != 2 && reduction != 4 && reduction != 8) {
    throw Error(ErrorKind::value, "reduction is 1, 2, 4 or 8, not " + std::to_string(reduction));
  }
}

using Box = std::array<int, 4>;  // x, y, width, height

inline image::Rect to_rect(const Box& box) { return {box[0], box[1], box[2], box[3]}; }

inline pybind11::tuple to_tuple(const image::Rect& rect) {
  return pybind11::make_tuple(rect.x, rect.y, rect.width, rect.height);
}

template <class T, int Flags>
std::vector<T> to_vector(const pybind11::array_t<T, Flags>& array) {
  return {array.data(), array.data() + array.size()};
}

// A copy of shape (height, width, 3).
inline pybind11::array_t<uint8_t> to_array(const jpeg::Pixels& pixels) {
  pybind11::array_t<uint8_t> array({pixels.height, pixels.width, 3});
  std::memcpy(array.mutable_data(), pixels.bytes.data(), pixels.bytes.size());
  return array;
}

}  // namespace fastload
