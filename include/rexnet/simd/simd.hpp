// SPDX-License-Identifier: MIT
// The only include of xsimd. Kernels see these few operations on vec<Arch>, a batch of floats; what differs
// between xsimd 8.1 and 14, or between instruction sets, is settled here.
#ifndef REXNET_SIMD_SIMD_HPP
#define REXNET_SIMD_SIMD_HPP

#include "rexnet/core/build.hpp"

// xsimd's functions are this translation unit's own as well: compiled with its flags, they must not take the
// place of another one's in the linker (xsimd's AVX-512 code calls functions named for AVX2). A program that
// includes xsimd before this header keeps xsimd's name, and with it that danger, which xsimd has anyway.
#if !defined(XSIMD_HPP)
#define xsimd REXNET_JOIN(xsimd, REXNET_TARGET)
#endif

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
/// for. Tests run other widths on any CPU by REXNET_EMULATED_BITS with XSIMD_WITH_EMULATED (newer xsimd).
#if defined(REXNET_EMULATED_BITS)
using default_arch = xsimd::emulated<REXNET_EMULATED_BITS>;
#elif XSIMD_WITH_AVX512BW
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
#error "rexnet: compile for SSE2, AVX2 with FMA, AVX-512BW or NEON (ARMv7: -march=armv7-a -mfpu=neon-vfpv4)"
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
/// ARMv7's NEON takes denormals for zeros and gives zeros for them, whatever the FPU is set to.
template <class Arch>
inline constexpr bool flushes_denormals = false;
#if XSIMD_WITH_NEON && !XSIMD_WITH_NEON64
template <>
inline constexpr bool flushes_denormals<xsimd::neon> = true;
#endif
/// A vector is one register, not an array.
template <class Arch>
inline constexpr bool in_one_register = true;
#if XSIMD_WITH_EMULATED
template <>
inline constexpr int registers<xsimd::emulated<512>> = 32;  // AVX-512's tiles
template <std::size_t bits>
inline constexpr bool in_one_register<xsimd::emulated<bits>> = false;
#endif

template <class Arch>
[[nodiscard]] constexpr const char* name() noexcept {
#if XSIMD_WITH_EMULATED
  if (std::is_base_of_v<xsimd::emulated<8 * sizeof(vec<Arch>)>, Arch>) return "emulated";
#endif
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

#define REXNET_TEXT_OF(token) #token
#define REXNET_TEXT(token) REXNET_TEXT_OF(token)
[[nodiscard]] constexpr bool same_text(const char* a, const char* b) noexcept {
  for (; *a == *b; ++a, ++b)
    if (*a == 0) return true;
  return false;
}
#if !defined(REXNET_EMULATED_BITS)
static_assert(same_text(name<default_arch>(), REXNET_TEXT(REXNET_SET)),
              "core/build.hpp names another set than xsimd offers");
#endif

namespace detail {
// What inner loops consist of, by the floats of a register. Unrolled kernels call these some thousand times;
// through xsimd's layers each call is inlined six times over, and a unit takes a fifth longer to compile.
// xsimd 8.1 also hands the operands of x86's min and max in order, 14.1 in reverse, and composes AVX-512's
// fma from two operations.
template <int Width>
struct instructions;
#if XSIMD_WITH_AVX512F
template <>
struct instructions<16> {
  static REXNET_ALWAYS_INLINE __m512 load(const float* p) noexcept { return _mm512_loadu_ps(p); }
  static REXNET_ALWAYS_INLINE void store(float* p, __m512 v) noexcept { _mm512_storeu_ps(p, v); }
  static REXNET_ALWAYS_INLINE __m512 broadcast(float x) noexcept { return _mm512_set1_ps(x); }
  static REXNET_ALWAYS_INLINE __m512 fma(__m512 a, __m512 b, __m512 c) noexcept {
    return _mm512_fmadd_ps(a, b, c);
  }
  static REXNET_ALWAYS_INLINE __m512 larger(__m512 a, __m512 b) noexcept { return _mm512_max_ps(a, b); }
  static REXNET_ALWAYS_INLINE __m512 smaller(__m512 a, __m512 b) noexcept { return _mm512_min_ps(a, b); }
};
#endif
#if XSIMD_WITH_FMA3_AVX2
template <>
struct instructions<8> {
  static REXNET_ALWAYS_INLINE __m256 load(const float* p) noexcept { return _mm256_loadu_ps(p); }
  static REXNET_ALWAYS_INLINE void store(float* p, __m256 v) noexcept { _mm256_storeu_ps(p, v); }
  static REXNET_ALWAYS_INLINE __m256 broadcast(float x) noexcept { return _mm256_set1_ps(x); }
  static REXNET_ALWAYS_INLINE __m256 fma(__m256 a, __m256 b, __m256 c) noexcept {
    return _mm256_fmadd_ps(a, b, c);
  }
  static REXNET_ALWAYS_INLINE __m256 larger(__m256 a, __m256 b) noexcept { return _mm256_max_ps(a, b); }
  static REXNET_ALWAYS_INLINE __m256 smaller(__m256 a, __m256 b) noexcept { return _mm256_min_ps(a, b); }
};
#endif
#if XSIMD_WITH_SSE2
template <>
struct instructions<4> {
  static REXNET_ALWAYS_INLINE __m128 load(const float* p) noexcept { return _mm_loadu_ps(p); }
  static REXNET_ALWAYS_INLINE void store(float* p, __m128 v) noexcept { _mm_storeu_ps(p, v); }
  static REXNET_ALWAYS_INLINE __m128 broadcast(float x) noexcept { return _mm_set1_ps(x); }
  static REXNET_ALWAYS_INLINE __m128 fma(__m128 a, __m128 b, __m128 c) noexcept {
    return _mm_add_ps(_mm_mul_ps(a, b), c);
  }
  static REXNET_ALWAYS_INLINE __m128 larger(__m128 a, __m128 b) noexcept { return _mm_max_ps(a, b); }
  static REXNET_ALWAYS_INLINE __m128 smaller(__m128 a, __m128 b) noexcept { return _mm_min_ps(a, b); }
};
#elif XSIMD_WITH_NEON
template <>
struct instructions<4> {
  static REXNET_ALWAYS_INLINE float32x4_t load(const float* p) noexcept { return vld1q_f32(p); }
  static REXNET_ALWAYS_INLINE void store(float* p, float32x4_t v) noexcept { vst1q_f32(p, v); }
  static REXNET_ALWAYS_INLINE float32x4_t broadcast(float x) noexcept { return vdupq_n_f32(x); }
  static REXNET_ALWAYS_INLINE float32x4_t fma(float32x4_t a, float32x4_t b, float32x4_t c) noexcept {
#if defined(__ARM_FEATURE_FMA)
    return vfmaq_f32(c, a, b);
#else
    return vmlaq_f32(c, a, b);  // one instruction that rounds the product; xsimd has two
#endif
  }
  static REXNET_ALWAYS_INLINE float32x4_t larger(float32x4_t a, float32x4_t b) noexcept {
    return vmaxq_f32(a, b);
  }
  static REXNET_ALWAYS_INLINE float32x4_t smaller(float32x4_t a, float32x4_t b) noexcept {
    return vminq_f32(a, b);
  }
};
#endif
}  // namespace detail
template <class Arch>
using own = detail::instructions<width<Arch>>;

template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> load(const float* p) noexcept {
  if constexpr (in_one_register<Arch>)
    return vec<Arch>(own<Arch>::load(p));
  else
    return vec<Arch>::load_unaligned(p);
}
template <class Arch>
REXNET_ALWAYS_INLINE void store(float* p, const vec<Arch>& v) noexcept {
  if constexpr (in_one_register<Arch>)
    own<Arch>::store(p, v.data);
  else
    v.store_unaligned(p);
}
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> broadcast(float x) noexcept {
  if constexpr (in_one_register<Arch>)
    return vec<Arch>(own<Arch>::broadcast(x));
  else
    return vec<Arch>(x);
}

// Three hints for compilers in unrolled loops; they emit no instruction.
#if defined(__GNUC__) && defined(__AVX512F__)
#define REXNET_VECTOR_REGISTER "v"
#elif defined(__GNUC__) && defined(__SSE2__)
#define REXNET_VECTOR_REGISTER "x"
#elif defined(__GNUC__) && (defined(__ARM_NEON) || defined(__aarch64__))
#define REXNET_VECTOR_REGISTER "w"
#endif

/// The same value, which the compiler must now hold in a register. g++ otherwise folds one load into each of
/// the multiply-adds that use it, and two loads a cycle become the limit.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> in_register(vec<Arch> v) noexcept {
#if defined(REXNET_VECTOR_REGISTER)
  if constexpr (in_one_register<Arch>) asm("" : "+" REXNET_VECTOR_REGISTER(v.data));
#endif
  return v;
}
/// Keeps v's register from being reused before this point. g++ otherwise writes an accumulator over the
/// operand of its last multiply-add, and must move all accumulators back at the end of the loop. Not on NEON:
/// its multiply-adds write the accumulator, and a broadcast that is kept alive is a dup where it could be a
/// lane.
template <class Arch>
REXNET_ALWAYS_INLINE void keep_alive(const vec<Arch>& v) noexcept {
#if defined(REXNET_VECTOR_REGISTER) && !defined(__ARM_NEON)
  if constexpr (in_one_register<Arch>) asm volatile("" : : REXNET_VECTOR_REGISTER(v.data));
#endif
  static_cast<void>(v);
}
/// The same pointer, of unknown origin. clang otherwise derives all pointers of a loop from one, by a chain
/// of additions.
[[nodiscard]] REXNET_ALWAYS_INLINE const float* opaque(const float* p) noexcept {
#if defined(__GNUC__)
  asm("" : "+r"(p));
#endif
  return p;
}
#undef REXNET_VECTOR_REGISTER

/// a * b + c, rounded once where the set has FMA (SSE2 and NEON before VFPv4 round twice).
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> fma(const vec<Arch>& a, const vec<Arch>& b,
                                                 const vec<Arch>& c) noexcept {
  if constexpr (in_one_register<Arch>)
    return vec<Arch>(own<Arch>::fma(a.data, b.data, c.data));
  else
    return xsimd::fma(a, b, c);
}

/// Floats that a register of a pixel's values holds, each of which can multiply a vector without a broadcast;
/// 1 where the set has no such instruction.
template <class Arch>
inline constexpr int fma_lanes = 1;
#if XSIMD_WITH_NEON64
template <>
inline constexpr int fma_lanes<xsimd::neon64> = 4;
#endif

/// x[K] * b + c, rounded once: the bits of fma(broadcast(x[K]), b, c).
template <class Arch, int K>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> fma_lane(const vec<Arch>& x, const vec<Arch>& b,
                                                      const vec<Arch>& c) noexcept {
  static_assert(K < fma_lanes<Arch>);
#if XSIMD_WITH_NEON64
  return vec<Arch>(vfmaq_laneq_f32(c, b, x, K));
#else
  return fma<Arch>(x, b, c);
#endif
}

/// The larger (smaller) of two. A NaN in the second operand is kept on every instruction set (x86 returns the
/// second operand when either is NaN, NEON returns NaN), so the value goes second and the bound first.
/// Emulated vectors compare as x86 does. (Names in parentheses: <windows.h> has macros of them.)
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch>(max)(const vec<Arch>& bound, const vec<Arch>& v) noexcept {
  if constexpr (in_one_register<Arch>)
    return vec<Arch>(own<Arch>::larger(bound.data, v.data));
  else
    return xsimd::select(bound > v, bound, v);
}
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch>(min)(const vec<Arch>& bound, const vec<Arch>& v) noexcept {
  if constexpr (in_one_register<Arch>)
    return vec<Arch>(own<Arch>::smaller(bound.data, v.data));
  else
    return xsimd::select(bound < v, bound, v);
}

/// a / b, correctly rounded but on ARMv7, which has no such instruction (a reciprocal by Newton's method).
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> divide(const vec<Arch>& a, const vec<Arch>& b) noexcept {
#if XSIMD_WITH_NEON64
  // xsimd takes ARMv7's way here, too.
  if constexpr (std::is_same_v<Arch, xsimd::neon64>)
    return vec<Arch>(vdivq_f32(a, b));
  else
#endif
    return a / b;
}

/// Binary digits of a fraction that exp2_of_low_bits() looks up: a table of 2^exp2_bits floats in a register.
template <class Arch>
inline constexpr int exp2_bits = 0;
#if XSIMD_WITH_AVX2
template <>
inline constexpr int exp2_bits<xsimd::avx2> = 3;
#endif
#if XSIMD_WITH_FMA3_AVX2
template <>
inline constexpr int exp2_bits<xsimd::fma3<xsimd::avx2>> = 3;
#endif
#if XSIMD_WITH_AVX512BW
template <>
inline constexpr int exp2_bits<xsimd::avx512bw> = 4;
#endif

/// 2^(n / 2^exp2_bits) as a float, from `biased` whose low mantissa bits hold n plus exp2_bias: 2^-127 (as 0)
/// up to 2^128 (as infinity).
template <class Arch>
inline constexpr float exp2_bias = exp2_bits<Arch> == 0 ? 127.0f : 0.0f;

// Entry j of a table is the bits of 2^(j / size), less those that j itself becomes when n is shifted into the
// exponent: one addition sets both. The exponent's bias comes with the entry.
#if XSIMD_WITH_AVX2
alignas(32) inline constexpr std::uint32_t exp2_eighths[8] = {0x3f800000, 0x3f7b95c2, 0x3f7837f0, 0x3f75fed7,
                                                              0x3f7504f3, 0x3f75672a, 0x3f7744fd, 0x3f7ac0c7};
#endif
#if XSIMD_WITH_AVX512BW
alignas(64) inline constexpr std::uint32_t exp2_sixteenths[16] = {
    0x3f800000, 0x3f7daac3, 0x3f7b95c2, 0x3f79c3d3, 0x3f7837f0, 0x3f76f532, 0x3f75fed7, 0x3f75583f,
    0x3f7504f3, 0x3f7508a4, 0x3f75672a, 0x3f76248c, 0x3f7744fd, 0x3f78ccdf, 0x3f7ac0c7, 0x3f7d257d};
#endif

template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> exp2_of_low_bits(const vec<Arch>& biased) noexcept {
#if XSIMD_WITH_AVX512BW
  if constexpr (exp2_bits<Arch> == 4) {
    const __m512i n = _mm512_castps_si512(biased);
    const __m512i entry = _mm512_permutexvar_epi32(n, _mm512_load_si512(exp2_sixteenths));
    return vec<Arch>(_mm512_castsi512_ps(_mm512_add_epi32(entry, _mm512_slli_epi32(n, 23 - 4))));
  } else
#endif
#if XSIMD_WITH_AVX2
      if constexpr (exp2_bits<Arch> == 3) {
    const __m256i n = _mm256_castps_si256(biased);
    const __m256i entry =
        _mm256_permutevar8x32_epi32(_mm256_load_si256(reinterpret_cast<const __m256i*>(exp2_eighths)), n);
    return vec<Arch>(_mm256_castsi256_ps(_mm256_add_epi32(entry, _mm256_slli_epi32(n, 23 - 3))));
  } else
#endif
#if XSIMD_WITH_NEON
    // xsimd 8.1 casts through a table of function pointers: g++ calls them, and SiLU takes 3 times as long.
    if constexpr (std::is_base_of_v<xsimd::neon, Arch>) {
      return vec<Arch>(vreinterpretq_f32_s32(vshlq_n_s32(vreinterpretq_s32_f32(biased), 23)));
    } else
#endif
    {
      using ints = xsimd::batch<std::int32_t, Arch>;
#if XSIMD_VERSION_MAJOR >= 9
      return xsimd::bitwise_cast<float>(ints(xsimd::bitwise_cast<std::int32_t>(biased) << 23));
#else
    return xsimd::bitwise_cast<vec<Arch>>(ints(xsimd::bitwise_cast<ints>(biased) << 23));
#endif
    }
}

namespace detail {
// One copy of the way through memory, which is rare.
template <class Arch>
[[nodiscard]] REXNET_NOINLINE vec<Arch> load_part(const float* p, int n) noexcept {
  float lanes[width<Arch>] = {};
  std::memcpy(lanes, p, static_cast<std::size_t>(n) * sizeof(float));
  return load<Arch>(lanes);
}
template <class Arch>
REXNET_NOINLINE void store_part(float* p, vec<Arch> v, int n) noexcept {
  float lanes[width<Arch>];
  store<Arch>(lanes, v);
  std::memcpy(p, lanes, static_cast<std::size_t>(n) * sizeof(float));
}
}  // namespace detail

/// The first n lanes from memory, zero in the others; reads nothing past p + n. 1 <= n <= width.
template <class Arch>
[[nodiscard]] REXNET_ALWAYS_INLINE vec<Arch> load_first(const float* p, int n) noexcept {
#if XSIMD_WITH_AVX512F
  if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
    return vec<Arch>(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1u), p));
  } else
#endif
    return detail::load_part<Arch>(p, n);
}

/// Stores the first n lanes; writes nothing past p + n. 1 <= n <= width.
template <class Arch>
REXNET_ALWAYS_INLINE void store_first(float* p, const vec<Arch>& v, int n) noexcept {
#if XSIMD_WITH_AVX512F
  if constexpr (std::is_base_of_v<xsimd::avx512f, Arch>) {
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1u), v);
  } else
#endif
    detail::store_part<Arch>(p, v, n);
}

}  // namespace simd
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SIMD_SIMD_HPP
