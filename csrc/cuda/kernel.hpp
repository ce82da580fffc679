// What a kernel is, on a GPU and without one: a type that says
//
//   kThreads                   threads of a block, which works on one image
//   kPhases                    all threads finish a phase before one of them begins the next
//   Shared                     what they see of each other; undefined in the beginning
//   parts(largest)             blocks for each image
//   run<phase>(batch, block, shared, thread)
//
// On a GPU a phase ends with __syncthreads(); the host executor runs a phase thread by thread. Whatever
// survives a phase lies in Shared, so that no order of threads within a phase can be seen in the result.
#pragma once

#include <cstddef>
#include <utility>

#include "cuda/batch.hpp"

namespace fastload::cuda {

struct Block {
  int image, part, parts;
};

struct Nothing {};

// Items 0, 1, ... of an image are dealt out to the threads of its blocks.
template <class Do>
FL_HD void share(const Block& block, int threads, int thread, int items, Do work) {
  for (int64_t i = int64_t{block.part} * threads + thread; i < items; i += int64_t{block.parts} * threads) {
    work(static_cast<int>(i));
  }
}

// Blocks so that each thread has about `each` items, and no more than `most`.
constexpr int parts_for(int items, int threads, int each, int most) {
  const int64_t per_block = int64_t{threads} * each;
  const int64_t parts = (items + per_block - 1) / per_block;
  return static_cast<int>(parts < 1 ? 1 : parts > most ? most : parts);
}

// Calls phase(std::integral_constant<int, 0>()), then with 1, ... to kPhases - 1.
template <class Kernel, class Phase>
FL_HD void for_phases(Phase phase) {
  [&]<int... I>(std::integer_sequence<int, I...>) {
    (phase(std::integral_constant<int, I>()), ...);
  }(std::make_integer_sequence<int, Kernel::kPhases>());
}

}  // namespace fastload::cuda
