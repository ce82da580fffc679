// What a byte becomes in the batch. A byte has 256 values: the host computes each once, with its own
// arithmetic, and the GPU looks them up.
#pragma once

#include <cstdint>
#include <vector>

#include "image/store.hpp"

namespace fastload::cuda {

// [3][256], bits of the dtype.
std::vector<uint32_t> value_table(const image::StoreSpec& spec);

}  // namespace fastload::cuda
