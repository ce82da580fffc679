// Memory of batches, used again once the user has dropped the tensors that were in it. Fresh pages cost more
// than writing them twice, and a ring of fixed buffers would change tensors that the user still holds.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace fastload::pipeline {

// Where blocks come from: plain memory, or memory that a GPU can copy from asynchronously.
struct Allocator {
  std::function<void*(size_t)> allocate;
  std::function<void(void*, size_t)> release;
};

// Page-aligned, huge pages where the system has them. Throws std::bad_alloc.
Allocator plain_memory();

// Thread-safe. Blocks may outlive the pool.
class BufferPool {
 public:
  explicit BufferPool(Allocator allocator) : state_(std::make_shared<State>(std::move(allocator))) {}

  // A block of at least `bytes`, its contents undefined. It returns to the pool with its last reference.
  std::shared_ptr<std::byte> get(size_t bytes);

 private:
  struct State {
    explicit State(Allocator a) : allocator(std::move(a)) {}
    ~State();
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    Allocator allocator;
    std::mutex mutex;
    std::vector<std::pair<std::byte*, size_t>> free;
  };
  std::shared_ptr<State> state_;
};

}  // namespace fastload::pipeline
