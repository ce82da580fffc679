// The DLPack ABI (version 0.8 structures), as much as is needed to hand a host tensor to torch.from_dlpack.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace fastload {

struct DLDevice {
  int32_t device_type;  // 1: CPU
  int32_t device_id;
};
struct DLDataType {
  uint8_t code;  // 0 int, 1 uint, 2 float, 4 bfloat
  uint8_t bits;
  uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides;  // in values
  uint64_t byte_offset;
};
struct DLManagedTensor {
  DLTensor dl_tensor;
  void* manager_ctx;
  void (*deleter)(DLManagedTensor*);
};

// A capsule "dltensor" over `data`, which `owner` keeps alive until the consumer drops the tensor.
inline pybind11::capsule to_dlpack(std::shared_ptr<void> owner, DLDataType dtype, std::vector<int64_t> shape,
                                   std::vector<int64_t> strides) {
  struct Holder {
    DLManagedTensor managed;
    std::shared_ptr<void> owner;
    std::vector<int64_t> shape, strides;
  };
  auto* holder = new Holder{{}, std::move(owner), std::move(shape), std::move(strides)};
  holder->managed.dl_tensor = {
      holder->owner.get(),    {1, 0}, static_cast<int32_t>(holder->shape.size()), dtype, holder->shape.data(),
      holder->strides.data(), 0};
  holder->managed.manager_ctx = holder;
  holder->managed.deleter = [](DLManagedTensor* self) { delete static_cast<Holder*>(self->manager_ctx); };
  const PyCapsule_Destructor drop = [](PyObject* capsule) {
    // A consumed capsule is renamed "used_dltensor": then its consumer calls the deleter.
    if (!PyCapsule_IsValid(capsule, "dltensor")) return;
    auto* managed = static_cast<DLManagedTensor*>(PyCapsule_GetPointer(capsule, "dltensor"));
    managed->deleter(managed);
  };
  return pybind11::capsule(&holder->managed, "dltensor", drop);
}

}  // namespace fastload
