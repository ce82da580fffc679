// Which instruction set the SIMD kernels run with. Highway picks the best one that the processor has; tests
// force each in turn and check that it ran. Process-wide: not to be changed while another thread runs
// kernels.
#pragma once

#include <string>
#include <vector>

namespace fastload::image {

// Compiled in and supported by this processor, best first.
std::vector<std::string> simd_targets();

// The one that kernels run with, reported by a kernel.
std::string simd_target();

// Forces one of simd_targets(); an empty name goes back to the best. Throws Error(value) for any other name.
void set_simd_target(const std::string& name);

}  // namespace fastload::image
