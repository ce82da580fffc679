#include "cuda/device.hpp"

#include <cuda_runtime.h>

#include <new>

namespace fastload::cuda {
namespace {

__global__ void empty_kernel() {}

}  // namespace

Probe probe() {
  Probe result;
  cudaRuntimeGetVersion(&result.runtime_version);
  cudaDriverGetVersion(&result.driver_version);
  cudaError_t status = cudaGetDeviceCount(&result.device_count);
  if (status == cudaSuccess && result.device_count > 0) {
    empty_kernel<<<1, 1>>>();
    status = cudaGetLastError();
    if (status == cudaSuccess) status = cudaDeviceSynchronize();
    result.kernel_ran = status == cudaSuccess;
  }
  if (status != cudaSuccess) {
    result.problem = cudaGetErrorString(status);
    cudaGetLastError();  // the next caller starts clean
  }
  return result;
}

void* allocate_pinned(size_t bytes) {
  void* block = nullptr;
  if (cudaHostAlloc(&block, bytes, cudaHostAllocPortable) != cudaSuccess) {
    cudaGetLastError();
    throw std::bad_alloc();
  }
  return block;
}

void release_pinned(void* block) { cudaFreeHost(block); }

}  // namespace fastload::cuda
