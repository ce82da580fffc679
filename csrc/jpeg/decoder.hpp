// From compressed bytes to RGB pixels, bit-exact with libjpeg-turbo's defaults (accurate integer IDCT,
// triangle chroma upsampling). Which decoder runs is this folder's secret.
#pragma once

#include <memory>
#include <vector>

#include "image/geometry.hpp"
#include "jpeg/entry_points.hpp"
#include "jpeg/header.hpp"
#include "jpeg/splice.hpp"

namespace fastload::jpeg {

// RGB8 pixels in memory that is kept from one image to the next.
struct Pixels {
  std::vector<uint8_t> bytes;
  int width = 0, height = 0;
  void resize(int new_width, int new_height) {
    width = new_width;
    height = new_height;
    bytes.resize(3 * static_cast<size_t>(width) * static_cast<size_t>(height));
  }
  [[nodiscard]] image::Image view() {
    return {bytes.data(), width, height, 3 * static_cast<ptrdiff_t>(width)};
  }
};

// Why an image went to libjpeg.
enum class Fallback : uint8_t {
  none,  // fastload's own decoder took it
  progressive,
  arithmetic,
  multiscan,    // a scan for each component
  unsupported,  // else: a colour space, a missing or odd table ...
  damaged,      // the own decoder stumbled over the data
};
inline constexpr size_t kFallbacks = 6;
// Why the process of a JPEG is one for libjpeg; none for baseline.
Fallback fallback_of(Process process);
const char* name(Fallback fallback);

// One per thread: holds the decoder's working memory. Throws Error(jpeg) for data that libjpeg rejects; what
// libjpeg decodes with a warning decodes to libjpeg's pixels.
class Decoder {
 public:
  Decoder();
  ~Decoder();

  // `crop` out of a whole JPEG of one or three components, reduced by `reduction` (see reduction.hpp).
  Fallback decode(Bytes jpeg, const image::Rect& crop, Pixels& out, int reduction = 1);

  // The same out of some rows of a stored JPEG: see splice(). With entry points there is no way by libjpeg:
  // what they do not fit is an Error(jpeg).
  Fallback decode_rows(const Layout& layout, const SplicePlan& plan, Bytes header, Bytes rows,
                       const EntryGrid& grid, const image::Rect& crop, Pixels& out, int reduction = 1);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The decoder by name and version, for `fastload doctor` and benchmark records.
std::string decoder_version();

}  // namespace fastload::jpeg
