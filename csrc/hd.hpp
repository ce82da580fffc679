// FL_HD marks the small functions that decide a pixel: they compile for the host and, under nvcc, for the
// GPU.
#pragma once

#ifdef __CUDACC__
#define FL_HD __host__ __device__
#else
#define FL_HD
#endif

// Kept out of line, so that what calls it stays small.
#define FL_NOINLINE __attribute__((noinline))
