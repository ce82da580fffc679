// Samples of shards: of each, only the rows that its crop lies in are read.
#pragma once

#include <memory>

#include "pipeline/source.hpp"
#include "shard/dataset.hpp"

namespace fastload::pipeline {

class ShardSource final : public SampleSource {
 public:
  explicit ShardSource(std::shared_ptr<const shard::Dataset> dataset) : dataset_(std::move(dataset)) {}

  [[nodiscard]] uint64_t size() const override { return dataset_->size(); }
  [[nodiscard]] Place place(uint64_t index) const override;
  [[nodiscard]] std::unique_ptr<SampleReader> reader() const override;

 private:
  std::shared_ptr<const shard::Dataset> dataset_;
};

}  // namespace fastload::pipeline
