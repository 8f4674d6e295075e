// SPDX-License-Identifier: MIT
// Sigmoid, SiLU, ReLU and ReLU6 on vectors, with PyTorch's answers for NaN, infinities and denormals.
#ifndef REXNET_SIMD_MATH_HPP
#define REXNET_SIMD_MATH_HPP

#include "rexnet/simd/simd.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {
namespace simd {

/// 1 + exp(-x); far below -87 +inf, far above 1.
///
/// exp(-x) = 2^n * exp(-r): n is -x * log2(e) rounded to a multiple of 2^-exp2_bits by adding 1.5 * 2^23
/// times that, whose low bits then hold it; r = x + n * ln 2 in two steps (the first constant has 9 trailing
/// zero bits, so n times it is exact without FMA, too). exp(-r) is a polynomial whose coefficients were
/// fitted for the least relative error: degree 6 for |r| <= ln 2 / 2 (3.6e-9 before rounding), degree 3 where
/// 2^n comes from a table of eighths or sixteenths (2.6e-8; a quarter less time for SiLU on AVX2 and
/// AVX-512). The last step, p * 2^n + 1, is one FMA.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> one_plus_exp_neg(const vec<Arch>& x) noexcept {
  const auto c = [](float value) REXNET_LAMBDA_INLINE { return broadcast<Arch>(value); };
  // Clamped so that n is 128 at most, 2^n infinity, whatever n is a multiple of. A NaN stays one through r.
  const vec<Arch> t = min<Arch>(c(87.9f), max<Arch>(c(-88.7228394f), x));
  const vec<Arch> magic = c(exp2_bias<Arch> + 12582912.0f / (1 << exp2_bits<Arch>));
  const vec<Arch> biased = fma<Arch>(t, c(-1.44269504f), magic);
  const vec<Arch> n = biased - magic;
  vec<Arch> r = fma<Arch>(n, c(0.693359375f), t);
  r = fma<Arch>(n, c(-2.12194440e-4f), r);
  vec<Arch> p;
  if constexpr (exp2_bits<Arch> == 0) {
    p = fma<Arch>(c(1.38145394e-3f), r, c(-8.36874545e-3f));
    p = fma<Arch>(p, r, c(4.16683890e-2f));
    p = fma<Arch>(p, r, c(-1.66665211e-1f));
    p = fma<Arch>(p, r, c(0.49999994f));
  } else {
    p = fma<Arch>(c(-1.66668594e-1f), r, c(0.500064611f));
  }
  p = fma<Arch>(p, r, c(-1.0f));
  p = fma<Arch>(p, r, c(1.0f));
  return fma<Arch>(p, exp2_of_low_bits<Arch>(biased), c(1.0f));
}

/// x / (1 + exp(-x)). At most 4 ulp for x >= -87, below that in [-2^-118, -0]; +inf -> +inf, -inf and NaN ->
/// NaN.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> silu(const vec<Arch>& x) noexcept {
  return divide<Arch>(x, one_plus_exp_neg<Arch>(x));
}

/// 1 / (1 + exp(-x)). At most 4 ulp for x >= -87, below that in [+0, 2^-125]; NaN -> NaN.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> sigmoid(const vec<Arch>& x) noexcept {
  return divide<Arch>(broadcast<Arch>(1.0f), one_plus_exp_neg<Arch>(x));
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
