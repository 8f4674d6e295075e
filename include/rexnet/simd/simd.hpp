// SPDX-License-Identifier: MIT
// The only include of xsimd. Kernels see these few operations on vec<Arch>, a batch of floats; what differs
// between xsimd 8.1 and 14, or between instruction sets, is settled here.
#ifndef REXNET_SIMD_SIMD_HPP
#define REXNET_SIMD_SIMD_HPP

#include "rexnet/core/build.hpp"

// g++ 12 takes the _mm512_undefined_* of its own intrinsics for a mistake (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <xsimd/xsimd.hpp>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace simd {

/// The instruction set that this translation unit is compiled for, one of the five that kernels are tuned
/// for.
#if XSIMD_WITH_AVX512BW
using default_arch = xsimd::avx512bw;
#elif XSIMD_WITH_FMA3_AVX2
using default_arch = xsimd::fma3<xsimd::avx2>;
#elif XSIMD_WITH_SSE2
using default_arch = xsimd::sse2;
#elif XSIMD_WITH_NEON64
using default_arch = xsimd::neon64;
#elif XSIMD_WITH_NEON
using default_arch = xsimd::neon;
#else
#error "rexnet: compile for SSE2, AVX2 with FMA, AVX-512BW or NEON"
#endif

template <class Arch>
using vec = xsimd::batch<float, Arch>;
template <class Arch>
inline constexpr int width = static_cast<int>(vec<Arch>::size);

/// Registers of the set's vector file: tile sizes follow from it.
template <class Arch>
inline constexpr int registers = 16;
#if XSIMD_WITH_AVX512BW
template <>
inline constexpr int registers<xsimd::avx512bw> = 32;
#endif
#if XSIMD_WITH_NEON64
template <>
inline constexpr int registers<xsimd::neon64> = 32;
#endif

template <class Arch>
[[nodiscard]] constexpr const char* name() noexcept {
#if XSIMD_WITH_AVX512BW
  if (std::is_same_v<Arch, xsimd::avx512bw>) return "avx512bw";
#endif
#if XSIMD_WITH_FMA3_AVX2
  if (std::is_same_v<Arch, xsimd::fma3<xsimd::avx2>>) return "fma3_avx2";
#endif
#if XSIMD_WITH_SSE2
  if (std::is_same_v<Arch, xsimd::sse2>) return "sse2";
#endif
#if XSIMD_WITH_NEON64
  if (std::is_same_v<Arch, xsimd::neon64>) return "neon64";
#endif
  return "neon";
}

template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> load(const float* p) noexcept {
  return vec<Arch>::load_unaligned(p);
}
template <class Arch>
REXNET_ALWAYS_INLINE void store(float* p, const vec<Arch>& v) noexcept {
  v.store_unaligned(p);
}
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> broadcast(float x) noexcept {
  return vec<Arch>(x);
}

/// The same value, which the compiler must now hold in a register. g++ otherwise folds one load into each of
/// the multiply-adds that use it, and two loads a cycle become the limit.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> in_register(vec<Arch> v) noexcept {
#if defined(__GNUC__) && defined(__AVX512F__)
  asm("" : "+v"(v.data));
#elif defined(__GNUC__) && defined(__SSE2__)
  asm("" : "+x"(v.data));
#elif defined(__GNUC__) && (defined(__ARM_NEON) || defined(__aarch64__))
  asm("" : "+w"(v.data));
#endif
  return v;
}

/// a * b + c, rounded once where the set has FMA (SSE2 rounds twice).
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> fma(const vec<Arch>& a, const vec<Arch>& b,
                                                 const vec<Arch>& c) noexcept {
#if XSIMD_WITH_AVX512F
  // xsimd 8.1 composes AVX-512's fma from a multiply and an add.
  if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>)
    return vec<Arch>(_mm512_fmadd_ps(a, b, c));
  else
#endif
    return xsimd::fma(a, b, c);
}

/// The larger (smaller) of two. A NaN in the second operand is kept on every instruction set (x86 returns the
/// second operand when either is NaN, NEON returns NaN), so the value goes second and the bound first.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> max(const vec<Arch>& bound, const vec<Arch>& v) noexcept {
  return xsimd::max(bound, v);
}
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> min(const vec<Arch>& bound, const vec<Arch>& v) noexcept {
  return xsimd::min(bound, v);
}

/// 2^n as a float from `biased`, whose low mantissa bits hold n + 127 (0 .. 255; 255 gives infinity).
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> exponent_from_low_bits(const vec<Arch>& biased) noexcept {
  using ints = xsimd::batch<std::int32_t, Arch>;
#if XSIMD_VERSION_MAJOR >= 9
  return xsimd::bitwise_cast<float>(ints(xsimd::bitwise_cast<std::int32_t>(biased) << 23));
#else
  return xsimd::bitwise_cast<vec<Arch>>(ints(xsimd::bitwise_cast<ints>(biased) << 23));
#endif
}

/// The first n lanes from memory, zero in the others; reads nothing past p + n. 1 <= n <= width.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> load_first(const float* p, int n) noexcept {
#if XSIMD_WITH_AVX512F
  if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
    return vec<Arch>(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1u), p));
  } else
#endif
  {
    float lanes[width<Arch>] = {};
    std::memcpy(lanes, p, static_cast<std::size_t>(n) * sizeof(float));
    return load<Arch>(lanes);
  }
}

/// Stores the first n lanes; writes nothing past p + n. 1 <= n <= width.
template <class Arch>
REXNET_ALWAYS_INLINE void store_first(float* p, const vec<Arch>& v, int n) noexcept {
#if XSIMD_WITH_AVX512F
  if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1u), v);
  } else
#endif
  {
    float lanes[width<Arch>];
    store<Arch>(lanes, v);
    std::memcpy(p, lanes, static_cast<std::size_t>(n) * sizeof(float));
  }
}

}  // namespace simd
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SIMD_SIMD_HPP
