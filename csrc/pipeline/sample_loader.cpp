#include "pipeline/sample_loader.hpp"

#include <chrono>

#include "error.hpp"
#include "image/mirror.hpp"

namespace fastload::pipeline {
namespace {

using image::ConstImage;
using image::Image;
using image::Rect;

// Adds the time since it was made, or since the last lap, to a counter.
class Stopwatch {
 public:
  void lap(std::atomic<uint64_t>& counter) {
    const auto now = Clock::now();
    counter.fetch_add(static_cast<uint64_t>(std::chrono::nanoseconds(now - start_).count()),
                      std::memory_order_relaxed);
    start_ = now;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

// The pixels of the source that the first stage needs: of the image reduced by stage.reduction.
Rect first_region(const Stage& stage) {
  if (!stage.resize) return stage.crop;
  Rect region = image::Resampler::source_region(stage.columns, stage.rows, stage.width, stage.height,
                                                stage.filter, stage.window);
  if (stage.mirror) region.x = stage.frame.width - region.x - region.width;
  region.x += stage.frame.x;
  region.y += stage.frame.y;
  return region;
}

}  // namespace

int32_t SampleLoader::load(uint64_t index, uint64_t seed, uint32_t epoch, int slot_width, int slot_height,
                           void* slot) {
  Stopwatch watch;
  const SampleInfo sample = reader_->open(index);
  plan_.draw(sample.width, sample.height, {seed, epoch, index}, drawing_, sample.reducible);
  const Rect& output = drawing_.output();
  if (output.width != slot_width || output.height != slot_height) {
    throw Error(ErrorKind::transform, "the transforms make an image of " + std::to_string(output.width) +
                                          " x " + std::to_string(output.height) + " where the batch has " +
                                          std::to_string(slot_width) + " x " + std::to_string(slot_height) +
                                          "; end them with a crop or resize to one size");
  }
  const Rect region = first_region(drawing_.stages.front());
  reader_->read(region, drawing_.stages.front().reduction);
  watch.lap(counters_.read_ns);
  const Image decoded = reader_->decode().view();
  watch.lap(counters_.decode_ns);
  const ConstImage image = operator_(drawing_.augmentation.pixels, resample(decoded, region));
  watch.lap(counters_.resample_ns);
  store(image, slot);
  watch.lap(counters_.store_ns);
  count();
  return sample.label;
}

void SampleLoader::store(const ConstImage& image, void* slot) const {
  const Augmentation& augmentation = drawing_.augmentation;
  if (augmentation.light) {
    plan_.store()(image, drawing_.flip, *augmentation.light, slot);
  } else {
    plan_.store()(image, drawing_.flip, slot);
  }
  for (const image::Erasure& erasure : augmentation.erasures) {
    image::erase(plan_.spec(), erasure, image.width, image.height, slot);
  }
}

void SampleLoader::count() {
  const Effort effort = reader_->effort();
  counters_.samples.fetch_add(1, std::memory_order_relaxed);
  counters_.bytes_read.fetch_add(effort.bytes_read, std::memory_order_relaxed);
  counters_.whole_images.fetch_add(effort.whole ? 1 : 0, std::memory_order_relaxed);
  auto& decoded =
      effort.foreign ? counters_.foreign : counters_.decoded[static_cast<size_t>(effort.fallback)];
  decoded.fetch_add(1, std::memory_order_relaxed);
}

Image SampleLoader::resample(Image image, const Rect& decoded) {
  const Stage& first = drawing_.stages.front();
  // What `image` shows of the stage's frame.
  Rect region{decoded.x - first.frame.x, decoded.y - first.frame.y, decoded.width, decoded.height};
  if (first.mirror) region.x = first.frame.width - region.x - region.width;
  int target = 0;
  for (const Stage& stage : drawing_.stages) {
    if (&stage != &first) {  // the crop of what the stage before left
      image = {image.row(stage.crop.y) + 3 * stage.crop.x, stage.crop.width, stage.crop.height, image.stride};
      region = {0, 0, stage.crop.width, stage.crop.height};
    }
    if (!stage.resize) continue;
    if (stage.mirror) mirror(image);
    std::vector<uint8_t>& buffer = resized_[target];
    target = 1 - target;
    const ptrdiff_t stride = 3 * static_cast<ptrdiff_t>(stage.window.width);
    buffer.resize(static_cast<size_t>(stride) * static_cast<size_t>(stage.window.height));
    const Image out{buffer.data(), stage.window.width, stage.window.height, stride};
    resampler_.resize(image, region, stage.columns, stage.rows, stage.width, stage.height, stage.filter,
                      stage.window, out);
    image = out;
  }
  return image;
}

}  // namespace fastload::pipeline
