// SPDX-License-Identifier: MIT
// float16 (IEEE 754 binary16) and bfloat16, by integer arithmetic: no instruction set needed.
#ifndef REXNET_CORE_HALF_HPP
#define REXNET_CORE_HALF_HPP

#include "rexnet/core/build.hpp"

#include <cstdint>
#include <cstring>

namespace rexnet {
inline namespace REXNET_BUILD {

[[nodiscard]] inline float float_from_bits(std::uint32_t bits) noexcept {
  float f;
  std::memcpy(&f, &bits, sizeof(f));
  return f;
}
[[nodiscard]] inline std::uint32_t bits_of(float f) noexcept {
  std::uint32_t bits;
  std::memcpy(&bits, &f, sizeof(bits));
  return bits;
}

/// Exact.
[[nodiscard]] inline float bfloat16_to_float(std::uint16_t b) noexcept {
  return float_from_bits(std::uint32_t{b} << 16);
}

/// Exact, denormals included; a NaN keeps its payload.
[[nodiscard]] inline float half_to_float(std::uint16_t h) noexcept {
  const std::uint32_t sign = (h & 0x8000u) << 16, exponent = (h >> 10) & 31u, mantissa = h & 0x3ffu;
  if (exponent == 31) return float_from_bits(sign | 0x7f800000u | mantissa << 13);
  if (exponent != 0) return float_from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
  const float magnitude = static_cast<float>(mantissa) * 5.9604644775390625e-8f;  // 2^-24
  return float_from_bits(sign | bits_of(magnitude));
}

/// Rounds to nearest, ties to even; overflows to infinity; NaN stays NaN.
[[nodiscard]] inline std::uint16_t float_to_half(float f) noexcept {
  const std::uint32_t bits = bits_of(f), sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);
  if (magnitude < 0x38800000u) {  // below 2^-14: the sum's low bits are the denormal, correctly rounded
    const float shifted = float_from_bits(magnitude) + 0.5f;
    return static_cast<std::uint16_t>(sign | (bits_of(shifted) - 0x3f000000u));
  }
  const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<std::uint16_t>(sign | ((rounded - (112u << 23)) >> 13));
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_HALF_HPP
