// CUDA as the host plays it: device memory is memory, every call is done when it returns, and kernels run by
// the host executor.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "cuda/runtime.hpp"

namespace fastload::cuda {

class HostRuntime final : public Runtime {
 public:
  struct Machine {
    int devices = 1;
    size_t memory = size_t{1} << 40;  // bytes of each device
    Answer state = Answer::ok;        // what count_devices() answers, if not ok
    std::optional<uint64_t> seed;     // see execute()
  };

  explicit HostRuntime(Machine machine) : machine_(machine) {}

  [[nodiscard]] std::string words() const override { return "the host's own CUDA"; }
  Answer count_devices(int& count) override;
  int used_device() override { return used_; }
  Answer use_device(int device) override;
  Answer allocate(size_t bytes, void*& block) override;
  void release(void* block) override;
  Answer allocate_pinned(size_t bytes, void*& block) override;
  void release_pinned(void* block) override;
  Answer make_stream(Stream& stream) override;
  void drop_stream(Stream /*stream*/) override { --handles_; }
  Answer make_event(Event& event) override;
  void drop_event(Event /*event*/) override { --handles_; }
  Answer copy(void* to, const void* from, size_t bytes, Stream stream) override;
  Answer launch(const Batch& batch, Stream stream) override;
  Answer record(Event /*event*/, Stream /*stream*/) override { return Answer::ok; }
  Answer wait(Stream /*stream*/, Event /*event*/) override { return Answer::ok; }
  Answer synchronize(Event /*event*/) override { return Answer::ok; }

  // What was taken and not given back yet.
  [[nodiscard]] size_t bytes_in_use() const;
  [[nodiscard]] int handles_in_use() const { return handles_; }

 private:
  Answer take(size_t bytes, size_t limit, void*& block);
  void give_back(void* block);

  Machine machine_;
  mutable std::mutex mutex_;
  std::unordered_map<void*, size_t> blocks_;
  size_t in_use_ = 0;
  std::atomic<int> handles_{0}, used_{0};
};

}  // namespace fastload::cuda
