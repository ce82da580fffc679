// Runs a batch's kernels on the host, as a GPU would: block after block, phase after phase, thread after
// thread. Slow, and exact: it is how tests see what kernels compute where there is no GPU.
#pragma once

#include <cstdint>
#include <optional>

#include "cuda/batch.hpp"

namespace fastload::cuda {

// With a seed, blocks, and threads within a phase, run in an order that it shuffles: if they disturbed each
// other, the result would show it. Shared memory is full of rubbish in the beginning of a block.
void execute(const Batch& batch, std::optional<uint64_t> seed);

}  // namespace fastload::cuda
