// The kernels of a batch in their order. Each sees what those before it wrote.
#pragma once

#include <type_traits>

#include "cuda/decode.hpp"
#include "cuda/resize.hpp"
#include "cuda/rgb.hpp"
#include "cuda/unstuff.hpp"
#include "cuda/weigh.hpp"

namespace fastload::cuda {

// Calls run(std::type_identity<Kernel>()) for one after the other.
template <class Run>
void for_kernels(Run run) {
  const auto each = [&]<class... Kernel>(std::type_identity<Kernel>... kernel) { (run(kernel), ...); };
  each(std::type_identity<Unstuff>(), std::type_identity<Decode>(), std::type_identity<Weigh>(),
       std::type_identity<ToRgb>(), std::type_identity<FirstPass>(), std::type_identity<SecondPass>());
}

}  // namespace fastload::cuda
