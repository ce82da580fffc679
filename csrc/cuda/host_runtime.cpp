#include "cuda/host_runtime.hpp"

#include <cstring>
#include <limits>
#include <new>

#include "cuda/executor.hpp"

namespace fastload::cuda {
namespace {

constexpr std::align_val_t kBlockAlignment{256};  // as CUDA's

}  // namespace

Answer HostRuntime::count_devices(int& count) {
  count = machine_.devices;
  if (machine_.state != Answer::ok) return machine_.state;
  return count > 0 ? Answer::ok : Answer::no_device;
}

Answer HostRuntime::use_device(int device) {
  if (device < 0 || device >= machine_.devices) return Answer::failed;
  used_ = device;
  return Answer::ok;
}

Answer HostRuntime::take(size_t bytes, size_t limit, void*& block) {
  const std::scoped_lock lock(mutex_);
  if (bytes > limit - in_use_) return Answer::out_of_memory;
  block = ::operator new(bytes, kBlockAlignment);
  in_use_ += bytes;
  blocks_[block] = bytes;
  return Answer::ok;
}

void HostRuntime::give_back(void* block) {
  const std::scoped_lock lock(mutex_);
  in_use_ -= blocks_.at(block);
  blocks_.erase(block);
  ::operator delete(block, kBlockAlignment);
}

Answer HostRuntime::allocate(size_t bytes, void*& block) { return take(bytes, machine_.memory, block); }
void HostRuntime::release(void* block) { give_back(block); }

Answer HostRuntime::allocate_pinned(size_t bytes, void*& block) {
  return take(bytes, std::numeric_limits<size_t>::max(), block);
}
void HostRuntime::release_pinned(void* block) { give_back(block); }

Answer HostRuntime::make_stream(Stream& stream) {
  stream = this;
  ++handles_;
  return Answer::ok;
}

Answer HostRuntime::make_event(Event& event) {
  event = this;
  ++handles_;
  return Answer::ok;
}

Answer HostRuntime::copy(void* to, const void* from, size_t bytes, Stream /*stream*/) {
  std::memcpy(to, from, bytes);
  return Answer::ok;
}

Answer HostRuntime::launch(const Batch& batch, Stream /*stream*/) {
  execute(batch, machine_.seed);
  return Answer::ok;
}

size_t HostRuntime::bytes_in_use() const {
  const std::scoped_lock lock(mutex_);
  return in_use_;
}

}  // namespace fastload::cuda
