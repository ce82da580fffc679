// Every SIMD source includes this before Highway's own headers, so that all agree on the list of targets.
#pragma once

// AVX-512 with VNNI and VBMI (Ice Lake, Zen 4): older Highways compile it only on request.
#define HWY_WANT_AVX3_DL
// Scalable vectors order the lanes of narrowing conversions in another way; those processors have NEON too.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
