#include "cuda/executor.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "cuda/kernels.hpp"

namespace fastload::cuda {
namespace {

constexpr int kRubbish = 0xA5;

std::vector<int> order_of(int count, std::optional<std::mt19937_64>& random) {
  std::vector<int> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  if (random) std::shuffle(order.begin(), order.end(), *random);
  return order;
}

template <class Kernel>
void execute_kernel(const Batch& batch, std::optional<std::mt19937_64>& random) {
  using Shared = Kernel::Shared;
  const auto shared = std::make_unique<Shared>();
  const int parts = Kernel::parts(batch.largest);
  for (const int number : order_of(batch.images * parts, random)) {
    const Block block{number / parts, number % parts, parts};
    std::memset(static_cast<void*>(shared.get()), kRubbish, sizeof(Shared));
    for_phases<Kernel>([&](auto phase) {
      for (const int thread : order_of(Kernel::kThreads, random)) {
        Kernel::template run<decltype(phase)::value>(batch, block, *shared, thread);
      }
    });
  }
}

}  // namespace

void execute(const Batch& batch, std::optional<uint64_t> seed) {
  std::optional<std::mt19937_64> random;
  if (seed) random.emplace(*seed);
  for_kernels([&]<class Kernel>(std::type_identity<Kernel>) { execute_kernel<Kernel>(batch, random); });
}

}  // namespace fastload::cuda
