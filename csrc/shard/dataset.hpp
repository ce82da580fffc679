// Shards one after the other, as one sequence of samples.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "error.hpp"
#include "shard/reader.hpp"

namespace fastload::shard {

class Dataset {
 public:
  explicit Dataset(std::vector<std::shared_ptr<const Shard>> shards) : shards_(std::move(shards)) {
    for (const auto& shard : shards_) ends_.push_back(size() + shard->size());
  }

  struct Place {
    const Shard& shard;
    uint64_t sample;  // within the shard
  };

  [[nodiscard]] uint64_t size() const { return ends_.empty() ? 0 : ends_.back(); }

  [[nodiscard]] Place locate(uint64_t index) const {
    if (index >= size()) {
      throw Error(ErrorKind::index, "index " + std::to_string(index) + " in a dataset of " +
                                        std::to_string(size()) + " samples");
    }
    const size_t k = static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), index) - ends_.begin());
    return {*shards_[k], index - (k == 0 ? 0 : ends_[k - 1])};
  }

 private:
  std::vector<std::shared_ptr<const Shard>> shards_;
  std::vector<uint64_t> ends_;
};

}  // namespace fastload::shard
