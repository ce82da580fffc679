// The CUDA runtime behind plain C++ signatures: what is there, and memory that copies asynchronously. The
// runtime is linked statically and looks for the driver when it is first asked, so none of this needs a GPU
// to load.
#pragma once

#include <cstddef>
#include <string>

namespace fastload::cuda {

struct Probe {
  int device_count = 0;
  int driver_version = 0;  // as CUDA counts: 13000 is 13.0; 0 without a driver
  int runtime_version = 0;
  bool kernel_ran = false;  // an empty kernel ran on device 0
  std::string problem;      // CUDA's own words where something is missing; else empty
};

// Never throws: a machine without a GPU or driver is an ordinary answer.
Probe probe();

// Page-locked host memory for all devices. Throws std::bad_alloc.
void* allocate_pinned(size_t bytes);
void release_pinned(void* block);

}  // namespace fastload::cuda
