#include "pipeline/buffer.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <tuple>

namespace fastload::pipeline {

Allocator plain_memory() {
  return {[](size_t bytes) {
            void* block = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (block == MAP_FAILED) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
            ::madvise(block, bytes, MADV_HUGEPAGE);
#endif
            return block;
          },
          [](void* block, size_t bytes) { ::munmap(block, bytes); }};
}

BufferPool::State::~State() {
  for (const auto& [block, bytes] : free) allocator.release(block, bytes);
}

std::shared_ptr<std::byte> BufferPool::get(size_t bytes) {
  std::byte* block = nullptr;
  size_t size = std::max<size_t>(bytes, 1);
  {
    const std::scoped_lock lock(state_->mutex);
    auto& free = state_->free;
    // The last, smaller batch of an epoch takes a full batch's block rather than one of its own.
    const auto fit =
        std::find_if(free.begin(), free.end(), [&](const auto& item) { return item.second >= size; });
    if (fit != free.end()) {
      std::tie(block, size) = *fit;
      free.erase(fit);
    }
  }
  if (block == nullptr) block = static_cast<std::byte*>(state_->allocator.allocate(size));
  return {block, [state = state_, size](std::byte* returned) {
            const std::scoped_lock lock(state->mutex);
            state->free.emplace_back(returned, size);
          }};
}

}  // namespace fastload::pipeline
