// SPDX-License-Identifier: MIT
// Sigmoid, SiLU, ReLU and ReLU6 on vectors, with PyTorch's answers for NaN, infinities and denormals.
#ifndef REXNET_SIMD_MATH_HPP
#define REXNET_SIMD_MATH_HPP

#include "rexnet/simd/simd.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {
namespace simd {

/// 1 + exp(-x). At most 1.33 ulp for x >= -87 (measured on one float in 16); far below that +inf, far
/// above 1.
///
/// exp(-x) = 2^n * exp(r): n is -x * log2(e) rounded by adding 1.5 * 2^23, whose low bits then hold n,
/// already biased by 127; r = x + n * ln 2 in two steps (the first constant has 9 trailing zero bits, so n
/// times it is exact without FMA, too); exp(-r) on |r| <= ln 2 / 2 is a polynomial of degree 6 whose
/// coefficients were fitted for the least relative error (3.6e-9 before rounding). The last step, p * 2^n +
/// 1, is one FMA.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> one_plus_exp_neg(const vec<Arch>& x) noexcept {
  const auto c = [](float value) { return broadcast<Arch>(value); };
  // Clamped so that n + 127 stays in 0 .. 255. A NaN stays one through r.
  const vec<Arch> t = min<Arch>(c(87.9f), max<Arch>(c(-88.7f), x));
  const vec<Arch> magic = c(12582912.0f + 127.0f);
  const vec<Arch> biased = fma<Arch>(t, c(-1.44269504f), magic);
  const vec<Arch> n = biased - magic;
  vec<Arch> r = fma<Arch>(n, c(0.693359375f), t);
  r = fma<Arch>(n, c(-2.12194440e-4f), r);
  vec<Arch> p = fma<Arch>(c(1.38145394e-3f), r, c(-8.36874545e-3f));
  p = fma<Arch>(p, r, c(4.16683890e-2f));
  p = fma<Arch>(p, r, c(-1.66665211e-1f));
  p = fma<Arch>(p, r, c(0.49999994f));
  p = fma<Arch>(p, r, c(-1.0f));
  p = fma<Arch>(p, r, c(1.0f));
  return fma<Arch>(p, exponent_from_low_bits<Arch>(biased), c(1.0f));
}

/// x / (1 + exp(-x)). At most 4 ulp for x >= -87, below that in [-2^-118, -0]; +inf -> +inf, -inf and NaN ->
/// NaN.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> silu(const vec<Arch>& x) noexcept {
  return x / one_plus_exp_neg<Arch>(x);
}

/// 1 / (1 + exp(-x)). At most 4 ulp for x >= -87, below that in [+0, 2^-125]; NaN -> NaN.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> sigmoid(const vec<Arch>& x) noexcept {
  return broadcast<Arch>(1.0f) / one_plus_exp_neg<Arch>(x);
}

/// max(x, 0); NaN -> NaN.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> relu(const vec<Arch>& x) noexcept {
  return max<Arch>(broadcast<Arch>(0.0f), x);
}

/// min(max(x, 0), 6); NaN -> NaN.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> relu6(const vec<Arch>& x) noexcept {
  return min<Arch>(broadcast<Arch>(6.0f), relu<Arch>(x));
}

}  // namespace simd
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SIMD_MATH_HPP
