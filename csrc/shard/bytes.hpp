// Tables as the bytes that lie in a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fastload::shard {

template <class T>
std::span<const uint8_t> as_bytes(const T* first, size_t count) {
  return {reinterpret_cast<const uint8_t*>(first), count * sizeof(T)};
}

inline std::span<const uint8_t> as_bytes(std::string_view text) { return as_bytes(text.data(), text.size()); }

}  // namespace fastload::shard
