#include "pipeline/encoded_source.hpp"

#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "error.hpp"

namespace fastload::pipeline {
namespace {

using jpeg::Fallback;

// A JPEG's end marker cannot occur within its entropy-coded data. Pillow refuses a file without it, even
// where the crop would not reach the end.
bool has_end(jpeg::Bytes file, size_t entropy_offset) {
  for (size_t k = file.size(); k-- > entropy_offset + 1;) {
    if (file[k] == 0xD9 && file[k - 1] == 0xFF) return true;
  }
  return false;
}

// Why our own decoder is not asked at all.
Fallback judge(const jpeg::Header& header, jpeg::Bytes file) {
  if (!has_end(file, header.entropy_offset)) return Fallback::damaged;
  if (const Fallback reason = jpeg::fallback_of(header.process); reason != Fallback::none) return reason;
  const int components = header.layout.components;
  return components == 1 || components == 3 ? Fallback::none : Fallback::unsupported;
}

// Where EXIF says nothing, Pillow looks for an orientation in the text of XMP.
bool may_be_turned(const jpeg::Header& header, jpeg::Bytes file) {
  const std::string_view head(reinterpret_cast<const char*>(file.data()), header.entropy_offset);
  return header.orientation != 1 || head.find("tiff:Orientation") != std::string_view::npos;
}

class EncodedReader final : public SampleReader {
 public:
  explicit EncodedReader(const EncodedSource& source) : source_(source) {}

  SampleInfo open(uint64_t index) override {
    bytes_ = source_.read(index, buffer_);
    effort_ = {bytes_.size(), true, Fallback::none, false};
    by_foreign_ = false;
    int width = 0, height = 0;
    try {
      const jpeg::Header header = jpeg::read_header(bytes_);
      effort_.fallback = judge(header, bytes_);
      if (source_.upright() && may_be_turned(header, bytes_)) effort_.fallback = Fallback::unsupported;
      width = header.layout.width;
      height = header.layout.height;
    } catch (const Error&) {
      effort_.foreign = true;
    }
    if (effort_.foreign || effort_.fallback != Fallback::none) {
      const jpeg::Pixels& whole = decode_whole();
      width = whole.width;
      height = whole.height;
    }
    return {width, height, source_.label(index), !by_foreign_};
  }

  void read(const image::Rect& crop, int reduction) override {
    crop_ = crop;
    reduction_ = reduction;
  }

  jpeg::Pixels& decode() override {
    if (!by_foreign_) {
      const std::optional<Fallback> outcome = try_decode();
      effort_.fallback = outcome.value_or(Fallback::damaged);
      if (effort_.fallback == Fallback::none) return pixels_;
      decode_whole();
      // What is not broken to the foreign decoder is not to libjpeg, which can reduce it.
      if (outcome && reduction_ > 1) return pixels_;
    }
    cut();
    return pixels_;
  }

  [[nodiscard]] Effort effort() const override { return effort_; }

 private:
  std::optional<Fallback> try_decode() {
    try {
      return decoder_.decode(bytes_, crop_, pixels_, reduction_);
    } catch (const Error&) {  // libjpeg's verdict; the foreign decoder's counts
      return std::nullopt;
    }
  }

  const jpeg::Pixels& decode_whole() {
    source_.foreign_decoder()(bytes_, whole_);
    by_foreign_ = true;
    return whole_;
  }

  void cut() {
    if (crop_.x < 0 || crop_.y < 0 || crop_.x + crop_.width > whole_.width ||
        crop_.y + crop_.height > whole_.height) {
      throw Error(ErrorKind::jpeg, "the image has another size than its header says");
    }
    pixels_.resize(crop_.width, crop_.height);
    const image::Image from = whole_.view(), to = pixels_.view();
    for (int y = 0; y < crop_.height; ++y) {
      std::memcpy(to.row(y), from.row(crop_.y + y) + 3 * static_cast<ptrdiff_t>(crop_.x),
                  3 * static_cast<size_t>(crop_.width));
    }
  }

  const EncodedSource& source_;
  std::vector<uint8_t> buffer_;
  jpeg::Bytes bytes_;
  image::Rect crop_;
  int reduction_ = 1;
  Effort effort_;
  jpeg::Decoder decoder_;
  jpeg::Pixels pixels_;
  bool by_foreign_ = false;
  jpeg::Pixels whole_;  // by the foreign decoder, if it was asked
};

}  // namespace

void EncodedSource::check(uint64_t index) const {
  if (index >= size()) {
    throw Error(ErrorKind::index,
                "index " + std::to_string(index) + " in a dataset of " + std::to_string(size()) + " samples");
  }
}

std::unique_ptr<SampleReader> EncodedSource::reader() const { return std::make_unique<EncodedReader>(*this); }

}  // namespace fastload::pipeline
