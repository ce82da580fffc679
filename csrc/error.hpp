// What can go wrong, as one exception type. The binding maps each kind to a Python class of
// fastload.errors; nothing below the binding knows Python.
#pragma once

#include <stdexcept>
#include <string>

namespace fastload {

enum class ErrorKind {
  value,           // a caller's argument           -> ValueError
  index,           // an index out of range         -> IndexError
  jpeg,            // bytes that libjpeg rejects    -> JpegError
  truncated_jpeg,  // a JPEG that ends too early    -> TruncatedJpegError
  shard,           // a file that is not a shard    -> ShardError
  version,         // a shard of another version    -> ShardVersionError
  checksum,        // bytes that changed            -> ChecksumError
  io,              // the operating system refused  -> OSError
  label,           // a label without a class     -> LabelError
  transform,       // a plan that cannot be applied -> TransformError
  timeout,         // a batch that did not arrive   -> LoaderTimeoutError
  gpu,             // CUDA failed                   -> GpuError
  gpu_missing,     // no GPU to be had              -> NoGpuError
  gpu_driver,      // no driver, or an old one      -> GpuDriverError
  gpu_memory,      // GPU memory is full            -> GpuMemoryError
  gpu_index,       // no GPU of this number         -> GpuIndexError
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace fastload
