// Normal deviates from uniform bits, with nothing but additions, products, quotients and square roots, so
// that a host and a GPU compute the same ones (neither contracts to fused multiply-adds).
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "hd.hpp"

namespace fastload {

// Of a normal number above 0, to about 1e-13.
FL_HD inline double natural_log(double x) {
  const auto bits = std::bit_cast<uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double mantissa = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFF) | uint64_t{1023} << 52);
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    ++exponent;
  }
  // log(m) = 2 artanh((m - 1) / (m + 1))
  const double s = (mantissa - 1) / (mantissa + 1), square = s * s;
  double sum = 0;
  for (int k = 17; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
  return exponent * 0.6931471805599453 + 2 * s * sum;
}

// The standard normal distribution's quantile at (bits + 1/2) / 2^32, to about 1e-7: PPND7 of Wichura,
// "Algorithm AS 241: The percentage points of the normal distribution", Applied Statistics 37 (1988).
FL_HD inline double normal_quantile(uint32_t bits) {
  const double p = (bits + 0.5) * 0x1p-32, q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179) /
           (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0);
  }
  double r = std::sqrt(-natural_log(q < 0 ? p : 1 - p));
  if (r <= 5) {
    r -= 1.6;
    r = (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777) /
        ((0.12021132975 * r + 0.73700164250) * r + 1.0);
  } else {
    r -= 5;
    r = (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150) /
        ((0.012258202635 * r + 0.24197894225) * r + 1.0);
  }
  return q < 0 ? -r : r;
}

}  // namespace fastload
