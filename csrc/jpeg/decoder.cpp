#include "jpeg/decoder.hpp"

#include "jpeg/fast_decoder.hpp"
#include "jpeg/libjpeg.hpp"
#include "jpeg/libjpeg_decoder.hpp"

namespace fastload::jpeg {

struct Decoder::Impl {
  FastDecoder fast;
  DecoderCounts counts;
  LibjpegDecoder libjpeg;
  std::vector<uint8_t> spliced;

  bool count(FastDecoder::Outcome outcome);
};

Decoder::Decoder() : impl_(std::make_unique<Impl>()) {}
Decoder::~Decoder() = default;

const DecoderCounts& Decoder::counts() const { return impl_->counts; }

// Whether the image is decoded.
bool Decoder::Impl::count(FastDecoder::Outcome outcome) {
  using enum FastDecoder::Outcome;
  ++(outcome == decoded ? counts.fast : outcome == damaged ? counts.damaged : counts.unsupported);
  return outcome == decoded;
}

void Decoder::decode(Bytes jpeg, const image::Rect& crop, Pixels& out) {
  const Header header = read_header(jpeg);
  require_inside(crop, header.layout.width, header.layout.height);
  out.resize(crop.width, crop.height);
  if (impl_->count(impl_->fast.decode(jpeg, header, crop, out.view()))) return;
  impl_->libjpeg.decode(jpeg, crop, out);
}

void Decoder::decode_rows(const Layout& layout, const SplicePlan& plan, Bytes header, Bytes rows,
                          const image::Rect& crop, Pixels& out) {
  const Header parsed = read_header(header);
  out.resize(crop.width, crop.height);
  // The plan holds for `layout`: a header that says otherwise is not followed into other rows.
  if (impl_->count(parsed.layout == layout
                       ? impl_->fast.decode_rows(plan, header, parsed, rows, crop, out.view())
                       : FastDecoder::Outcome::unsupported)) {
    return;
  }
  splice(layout, plan, header, parsed.size_offset, rows, impl_->spliced);
  impl_->libjpeg.decode(impl_->spliced,
                        {crop.x - plan.covered.x, crop.y - plan.covered.y, crop.width, crop.height}, out);
}

std::string decoder_version() { return libjpeg_version(); }

}  // namespace fastload::jpeg
