#include "pipeline/shard_source.hpp"

#include "error.hpp"
#include "pipeline/crop_reader.hpp"

namespace fastload::pipeline {
namespace {

class ShardReader final : public SampleReader {
 public:
  explicit ShardReader(const shard::Dataset& dataset) : dataset_(dataset) {}

  SampleInfo open(uint64_t index) override {
    const shard::Dataset::Place place = dataset_.locate(index);
    shard_ = &place.shard;
    record_ = &shard_->record(place.sample);
    return {record_->width, record_->height, record_->label, true};
  }

  void read(const image::Rect& crop, int reduction) override {
    crop_.read(*shard_, *record_, crop, reduction);
  }
  jpeg::Pixels& decode() override { return crop_.decode(); }

  [[nodiscard]] Effort effort() const override {
    return {crop_.bytes_read(), !crop_.by_rows(), crop_.fallback(), false};
  }

 private:
  const shard::Dataset& dataset_;
  const shard::Shard* shard_ = nullptr;
  const shard::Record* record_ = nullptr;
  CropReader crop_;
};

}  // namespace

SampleSource::Place ShardSource::place(uint64_t index) const {
  const shard::Dataset::Place found = dataset_->locate(index);
  Place place{found.shard.path(), "", 0};
  try {
    const shard::Record& record = found.shard.record(found.sample);
    place.offset = record.jpeg_offset;
    place.key = found.shard.key(record);
    place.file = found.shard.file_of(record);
  } catch (const Error&) {  // the record itself is damaged: the file is all that is known
  }
  return place;
}

std::unique_ptr<SampleReader> ShardSource::reader() const { return std::make_unique<ShardReader>(*dataset_); }

}  // namespace fastload::pipeline
