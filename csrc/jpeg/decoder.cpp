#include "jpeg/decoder.hpp"

#include "jpeg/fast_decoder.hpp"
#include "jpeg/libjpeg.hpp"
#include "jpeg/libjpeg_decoder.hpp"
#include "jpeg/reduction.hpp"

namespace fastload::jpeg {
namespace {

Fallback fallback(FastDecoder::Outcome outcome, Process process) {
  using enum FastDecoder::Outcome;
  if (outcome == decoded) return Fallback::none;
  if (outcome == damaged) return Fallback::damaged;
  const Fallback reason = fallback_of(process);
  return reason == Fallback::none ? Fallback::unsupported : reason;
}

}  // namespace

Fallback fallback_of(Process process) {
  switch (process) {
    case Process::progressive:
      return Fallback::progressive;
    case Process::arithmetic:
      return Fallback::arithmetic;
    case Process::multiscan:
      return Fallback::multiscan;
    default:
      return Fallback::none;
  }
}

const char* name(Fallback fallback) {
  static constexpr const char* kNames[kFallbacks] = {"none",      "progressive", "arithmetic",
                                                     "multiscan", "unsupported", "damaged"};
  return kNames[static_cast<size_t>(fallback)];
}

struct Decoder::Impl {
  FastDecoder fast;
  LibjpegDecoder libjpeg;
  std::vector<uint8_t> spliced;
};

Decoder::Decoder() : impl_(std::make_unique<Impl>()) {}
Decoder::~Decoder() = default;

Fallback Decoder::decode(Bytes jpeg, const image::Rect& crop, Pixels& out, int reduction) {
  const Header header = read_header(jpeg);
  require_inside(crop, reduced(header.layout.width, reduction), reduced(header.layout.height, reduction));
  out.resize(crop.width, crop.height);
  const Fallback reason =
      fallback(impl_->fast.decode(jpeg, header, crop, out.view(), reduction), header.process);
  if (reason != Fallback::none) impl_->libjpeg.decode(jpeg, crop, out, reduction);
  return reason;
}

Fallback Decoder::decode_rows(const Layout& layout, const SplicePlan& plan, Bytes header, Bytes rows,
                              const EntryGrid& grid, const image::Rect& crop, Pixels& out, int reduction) {
  const Header parsed = read_header(header);
  out.resize(crop.width, crop.height);
  // The plan holds for `layout`: a header that says otherwise is not followed into other rows.
  const auto outcome = parsed.layout == layout ? impl_->fast.decode_rows(plan, header, parsed, rows, grid,
                                                                         crop, out.view(), reduction)
                                               : FastDecoder::Outcome::unsupported;
  const Fallback reason = fallback(outcome, parsed.process);
  if (reason == Fallback::none) return reason;
  if (grid.interval > 0) {
    throw Error(ErrorKind::jpeg, std::string("the entry points in the index do not fit the JPEG (") +
                                     name(reason) + "): make the index again");
  }
  splice(layout, plan, header, parsed.size_offset, rows, impl_->spliced);
  impl_->libjpeg.decode(
      impl_->spliced,
      {crop.x - plan.covered.x / reduction, crop.y - plan.covered.y / reduction, crop.width, crop.height},
      out, reduction);
  return reason;
}

std::string decoder_version() { return libjpeg_version(); }

}  // namespace fastload::jpeg
