// Coefficients out of libjpeg, whatever process the JPEG is coded by.
#pragma once

#include "jpeg/coefficients.hpp"
#include "jpeg/libjpeg.hpp"

namespace fastload::jpeg {

// What the header of the JPEG that `in` has opened says of the image: all but the planes' coefficients and
// quantisers. Sampling factors come in their smallest terms (2x2, 2x2, 2x2 is 1x1, 1x1, 1x1), which gives the
// same pixels.
Coefficients read_frame(const Decompressor& in);

// Decodes all scans of the JPEG that `in` has opened. The coefficients live until `in` opens another one.
Coefficients read_coefficients(Decompressor& in);

}  // namespace fastload::jpeg
