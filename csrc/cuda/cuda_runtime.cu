#include <cuda_runtime.h>
#include <unistd.h>

#include "cuda/kernels.hpp"
#include "cuda/runtime.hpp"

namespace fastload::cuda {
namespace {

template <class Kernel>
__global__ void __launch_bounds__(Kernel::kThreads) run(const __grid_constant__ Batch batch, int parts) {
  __shared__ typename Kernel::Shared shared;
  const int block = static_cast<int>(blockIdx.x);
  for_phases<Kernel>([&](auto phase) {
    Kernel::template run<decltype(phase)::value>(batch, {block / parts, block % parts, parts}, shared,
                                                 static_cast<int>(threadIdx.x));
    __syncthreads();
  });
}

thread_local cudaError_t last_error = cudaSuccess;

Answer answer_of(cudaError_t error) {
  if (error == cudaSuccess) return Answer::ok;
  last_error = error;
  cudaGetLastError();  // the next call starts clean
  switch (error) {
    case cudaErrorNoDevice:
      return Answer::no_device;
    case cudaErrorInsufficientDriver: {
      int version = 0;
      cudaDriverGetVersion(&version);
      return version == 0 ? Answer::no_driver : Answer::driver_too_old;
    }
    case cudaErrorMemoryAllocation:
      return Answer::out_of_memory;
    default:
      return Answer::failed;
  }
}

cudaStream_t stream_of(void* handle) { return static_cast<cudaStream_t>(handle); }
cudaEvent_t event_of(void* handle) { return static_cast<cudaEvent_t>(handle); }

class CudaRuntime final : public Runtime {
 public:
  [[nodiscard]] std::string words() const override { return cudaGetErrorString(last_error); }

  Answer count_devices(int& count) override {
    static const pid_t first_user = getpid();
    if (first_user != getpid()) return Answer::after_fork;
    count = 0;
    const Answer answer = answer_of(cudaGetDeviceCount(&count));
    return answer == Answer::ok && count == 0 ? Answer::no_device : answer;
  }
  int used_device() override {
    int device = 0;
    cudaGetDevice(&device);
    return device;
  }
  Answer use_device(int device) override { return answer_of(cudaSetDevice(device)); }

  Answer allocate(size_t bytes, void*& block) override { return answer_of(cudaMalloc(&block, bytes)); }
  void release(void* block) override { cudaFree(block); }
  Answer allocate_pinned(size_t bytes, void*& block) override {
    return answer_of(cudaHostAlloc(&block, bytes, cudaHostAllocPortable));
  }
  void release_pinned(void* block) override { cudaFreeHost(block); }

  Answer make_stream(Stream& stream) override {
    cudaStream_t made = nullptr;
    const Answer answer = answer_of(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking));
    stream = made;
    return answer;
  }
  void drop_stream(Stream stream) override { cudaStreamDestroy(stream_of(stream)); }
  Answer make_event(Event& event) override {
    cudaEvent_t made = nullptr;
    const Answer answer =
        answer_of(cudaEventCreateWithFlags(&made, cudaEventDisableTiming | cudaEventBlockingSync));
    event = made;
    return answer;
  }
  void drop_event(Event event) override { cudaEventDestroy(event_of(event)); }

  Answer copy(void* to, const void* from, size_t bytes, Stream stream) override {
    return answer_of(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_of(stream)));
  }
  Answer launch(const Batch& batch, Stream stream) override {
    cudaError_t error = cudaSuccess;
    for_kernels([&]<class Kernel>(std::type_identity<Kernel>) {
      if (error != cudaSuccess) return;
      const int parts = Kernel::parts(batch.largest);
      const unsigned blocks = static_cast<unsigned>(batch.images) * static_cast<unsigned>(parts);
      run<Kernel><<<blocks, Kernel::kThreads, 0, stream_of(stream)>>>(batch, parts);
      error = cudaGetLastError();
    });
    return answer_of(error);
  }
  Answer record(Event event, Stream stream) override {
    return answer_of(cudaEventRecord(event_of(event), stream_of(stream)));
  }
  Answer wait(Stream stream, Event event) override {
    return answer_of(cudaStreamWaitEvent(stream_of(stream), event_of(event), 0));
  }
  Answer synchronize(Event event) override { return answer_of(cudaEventSynchronize(event_of(event))); }
};

}  // namespace

Runtime& cuda_runtime() {
  static CudaRuntime runtime;
  return runtime;
}

}  // namespace fastload::cuda
