// FL_HD marks the functions that decide a pixel: they compile for the host and for CUDA, so that both give the
// same bits.
#pragma once

#ifdef __CUDACC__
#define FL_HD __host__ __device__
#else
#define FL_HD
#endif
