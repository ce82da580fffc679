#include "pipeline/loader.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace fastload::pipeline {
namespace {

constexpr uint32_t kSubstitution = 0xFFFF;  // an operation number of its own
constexpr uint32_t kMostSubstitutes = 100;

}  // namespace

Loader::Loader(std::shared_ptr<const SampleSource> source, std::shared_ptr<const Plan> plan,
               LoaderOptions options, std::shared_ptr<BufferPool> pool)
    : source_(std::move(source)),
      plan_(std::move(plan)),
      options_(std::move(options)),
      pool_(std::move(pool)),
      slot_bytes_(plan_->store().bytes(options_.width, options_.height)),
      process_(::getpid()) {
  threads_.reserve(static_cast<size_t>(options_.threads));
  for (int k = 0; k < options_.threads; ++k) threads_.emplace_back([this] { work(); });
}

Loader::~Loader() { stop(); }

void Loader::stop() {
  if (was_forked()) return;
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  work_ready_.notify_all();
  batch_ready_.notify_all();
  std::call_once(joined_, [this] {
    for (std::thread& thread : threads_) thread.join();
  });
}

bool Loader::was_forked() const { return ::getpid() != process_; }

void Loader::submit(std::vector<int64_t> indices, uint32_t epoch) {
  auto batch = std::make_unique<Batch>();
  const size_t count = indices.size();
  batch->indices = std::move(indices);
  batch->epoch = epoch;
  batch->images = pool_->get(count * slot_bytes_);
  batch->labels = std::shared_ptr<int64_t>(new int64_t[count], std::default_delete<int64_t[]>());
  {
    const std::scoped_lock lock(mutex_);
    if (count > 0) open_.push_back(batch.get());
    batches_.push_back(std::move(batch));
  }
  work_ready_.notify_all();
}

std::unique_ptr<Batch> Loader::next(std::chrono::milliseconds patience) {
  if (was_forked()) {
    throw Error(ErrorKind::value,
                "this iterator was made before a fork, and its threads stayed in the parent process: "
                "call iter() on the loader again in this process");
  }
  std::unique_lock lock(mutex_);
  if (batches_.empty()) throw Error(ErrorKind::value, "no batch was submitted");
  Batch& oldest = *batches_.front();
  const auto complete = [&] { return oldest.done == oldest.indices.size(); };
  if (!batch_ready_.wait_for(lock, patience, [&] { return stop_ || complete(); })) return nullptr;
  if (!complete()) throw Error(ErrorKind::value, "this iterator was closed");
  std::unique_ptr<Batch> batch = std::move(batches_.front());
  batches_.pop_front();
  lock.unlock();
  std::sort(batch->failures.begin(), batch->failures.end(),
            [](const Failure& a, const Failure& b) { return a.position < b.position; });
  if (options_.on_error == OnError::skip) drop_failed(*batch);
  return batch;
}

void Loader::work() {
  SampleLoader samples(*source_, *plan_, counters_);
  std::unique_lock lock(mutex_);
  for (;;) {
    work_ready_.wait(lock, [&] { return stop_ || !open_.empty(); });
    if (stop_) return;
    Batch& batch = *open_.front();
    const size_t position = batch.claimed++;
    if (batch.claimed == batch.indices.size()) open_.pop_front();
    lock.unlock();
    fill(samples, batch, position);
    lock.lock();
    if (++batch.done == batch.indices.size()) batch_ready_.notify_one();
  }
}

void Loader::fill(SampleLoader& samples, Batch& batch, size_t position) {
  const int64_t index = batch.indices[position];
  std::optional<Failure> failure = try_fill(samples, batch, position, index);
  if (!failure) return;
  const uint32_t attempts = options_.on_error == OnError::substitute ? kMostSubstitutes : 0;
  for (uint32_t attempt = 0; attempt < attempts && !failure->substituted; ++attempt) {
    failure->substituted = !try_fill(samples, batch, position, substitute(index, batch.epoch, attempt));
  }
  const std::scoped_lock lock(mutex_);
  batch.failures.push_back(std::move(*failure));
}

std::optional<Failure> Loader::try_fill(SampleLoader& samples, Batch& batch, size_t position, int64_t index) {
  auto failed = [&](ErrorKind kind, const char* message) {
    Failure failure{position, index, kind, message, {}, false};
    try {
      failure.place = source_->place(static_cast<uint64_t>(index));
    } catch (const Error&) {  // where it lies is what failed
    }
    return failure;
  };
  try {
    const int32_t label =
        samples.load(static_cast<uint64_t>(index), options_.seed, batch.epoch, options_.width,
                     options_.height, batch.images.get() + position * slot_bytes_);
    if (options_.class_count > 0 && (label < -1 || label >= options_.class_count)) {
      throw Error(ErrorKind::label, "label " + std::to_string(label) + " lies outside the dataset's " +
                                        std::to_string(options_.class_count) + " classes");
    }
    batch.labels.get()[position] = label;
    return std::nullopt;
  } catch (const Error& error) {
    return failed(error.kind(), error.what());
  } catch (const std::exception& error) {  // no memory
    return failed(ErrorKind::value, error.what());
  }
}

int64_t Loader::substitute(int64_t index, uint32_t epoch, uint32_t attempt) const {
  const auto& population = options_.population;
  const uint64_t count = population.empty() ? source_->size() : population.size();
  RandomStream random({options_.seed, epoch, static_cast<uint64_t>(index)}, kSubstitution);
  for (uint32_t k = 0; k < attempt; ++k) random.bits();
  const uint32_t draw = random.below(static_cast<uint32_t>(std::min<uint64_t>(count, UINT32_MAX)));
  return population.empty() ? static_cast<int64_t>(draw) : population[draw];
}

// Closes the gaps that failed samples left, keeping the order.
void Loader::drop_failed(Batch& batch) const {
  if (batch.failures.empty()) return;
  size_t kept = 0, next_failure = 0;
  for (size_t position = 0; position < batch.indices.size(); ++position) {
    if (next_failure < batch.failures.size() && batch.failures[next_failure].position == position) {
      ++next_failure;
      continue;
    }
    if (kept != position) {
      std::memmove(batch.images.get() + kept * slot_bytes_, batch.images.get() + position * slot_bytes_,
                   slot_bytes_);
      batch.labels.get()[kept] = batch.labels.get()[position];
      batch.indices[kept] = batch.indices[position];
    }
    ++kept;
  }
  batch.indices.resize(kept);
}

}  // namespace fastload::pipeline
