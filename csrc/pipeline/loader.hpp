// Batches in flight: a pool of threads fills the slots of submitted batches, the consumer takes the batches
// in the order in which it submitted them.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "error.hpp"
#include "pipeline/buffer.hpp"
#include "pipeline/sample_loader.hpp"

namespace fastload::pipeline {

enum class OnError : uint8_t {
  raise,       // the batch carries the failure
  skip,        // the batch is shorter
  substitute,  // another sample, drawn by (seed, epoch, index), takes the slot
};

struct LoaderOptions {
  int threads = 1;
  uint64_t seed = 0;
  OnError on_error = OnError::raise;
  int width = 0, height = 0;        // of every slot
  int64_t class_count = 0;          // labels lie in [0, class_count), or are -1 (unlabelled); 0: not checked
  std::vector<int64_t> population;  // where substitutes come from; empty: the whole dataset
};

// A sample that could not be loaded, and where it lies.
struct Failure {
  size_t position;  // in the batch
  int64_t index;    // in the dataset
  ErrorKind kind;
  std::string message;
  SampleSource::Place place;
  bool substituted;  // another sample took its slot
};

struct Batch {
  std::vector<int64_t> indices;
  uint32_t epoch = 0;
  std::shared_ptr<std::byte> images;  // indices.size() slots, one after the other
  std::shared_ptr<int64_t> labels;
  std::vector<Failure> failures;  // by position

 private:
  friend class Loader;
  size_t claimed = 0, done = 0;  // slots; guarded by the loader's mutex
};

// One consumer thread. Destruction stops the threads: each ends with the sample that it is at. It must not be
// destroyed where was_forked() says so.
class Loader {
 public:
  Loader(std::shared_ptr<const SampleSource> source, std::shared_ptr<const Plan> plan, LoaderOptions options,
         std::shared_ptr<BufferPool> pool);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // Queues a batch of these samples. Never blocks.
  void submit(std::vector<int64_t> indices, uint32_t epoch);

  [[nodiscard]] size_t pending() const { return batches_.size(); }

  // The oldest submitted batch, or nothing if it is not complete after `patience`. Error(value) if none was
  // submitted or if this is not the process that made the loader (threads do not survive a fork).
  std::unique_ptr<Batch> next(std::chrono::milliseconds patience);

  // Ends the threads, each with the sample that it is at; next() then throws Error(value) if it would have to
  // wait. May be called while another thread is in next(), and again. Nothing in a forked process, whose
  // threads are elsewhere.
  void stop();

  // Whether this is another process than the one that made the loader.
  [[nodiscard]] bool was_forked() const;
  [[nodiscard]] const LoaderOptions& options() const { return options_; }
  [[nodiscard]] const Plan& plan() const { return *plan_; }
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  void work();
  void fill(SampleLoader& samples, Batch& batch, size_t position);
  std::optional<Failure> try_fill(SampleLoader& samples, Batch& batch, size_t position, int64_t index);
  void drop_failed(Batch& batch) const;
  [[nodiscard]] int64_t substitute(int64_t index, uint32_t epoch, uint32_t attempt) const;

  std::shared_ptr<const SampleSource> source_;
  std::shared_ptr<const Plan> plan_;
  LoaderOptions options_;
  std::shared_ptr<BufferPool> pool_;
  size_t slot_bytes_;
  pid_t process_;
  Counters counters_;

  std::mutex mutex_;
  std::condition_variable work_ready_, batch_ready_;
  std::deque<std::unique_ptr<Batch>> batches_;  // in order of submission; only the consumer adds and removes
  std::deque<Batch*> open_;                     // of those, the ones with unclaimed slots
  bool stop_ = false;
  std::once_flag joined_;
  std::vector<std::thread> threads_;
};

}  // namespace fastload::pipeline
