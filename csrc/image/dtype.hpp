// The types of a batch's values.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hd.hpp"

namespace fastload::image {

enum class DType : uint8_t { u8, f32, f16, bf16 };

// Bytes of one value.
FL_HD constexpr size_t size_of(DType dtype) { return dtype == DType::u8 ? 1 : dtype == DType::f32 ? 4 : 2; }

}  // namespace fastload::image
