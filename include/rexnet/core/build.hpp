// SPDX-License-Identifier: MIT
// Version and build modes. Translation units built in different modes (OpenMP, exceptions, dispatch) or for
// different instruction sets may be linked into one program: every name of the library lives in an inline
// namespace that spells all of it, so that no linker takes one unit's code for another's.
#ifndef REXNET_CORE_BUILD_HPP
#define REXNET_CORE_BUILD_HPP

#define REXNET_VERSION_MAJOR 0
#define REXNET_VERSION_MINOR 1
#define REXNET_VERSION_PATCH 0
#define REXNET_VERSION_STRING "0.1.0"

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define REXNET_EXCEPTIONS 1
#else
#define REXNET_EXCEPTIONS 0
#endif

#if defined(_OPENMP)
#define REXNET_OPENMP 1
#else
#define REXNET_OPENMP 0
#endif

#define REXNET_JOIN_TOKENS(a, b) a##_##b
#define REXNET_JOIN(a, b) REXNET_JOIN_TOKENS(a, b)

#if REXNET_OPENMP
#define REXNET_THREADING v0_openmp
#else
#define REXNET_THREADING v0_serial
#endif

// The instruction set that kernels are chosen for (simd/simd.hpp checks that it is this one), and letters for
// what else the compiler may use: objects of -mavx2 and of -march=haswell share no code either.
#if defined(REXNET_EMULATED_BITS)
#define REXNET_SET REXNET_JOIN(emulated, REXNET_EMULATED_BITS)
#elif defined(__AVX512F__) && defined(__AVX512CD__) && defined(__AVX512DQ__) && defined(__AVX512BW__)
#define REXNET_SET avx512bw
#elif defined(__AVX2__) && (defined(__FMA__) || defined(_MSC_VER))
#define REXNET_SET fma3_avx2
#elif defined(__SSE2__) || defined(_M_X64) || (defined(_M_IX86_FP) && _M_IX86_FP >= 2)
#define REXNET_SET sse2
#elif defined(__aarch64__) || defined(_M_ARM64)
#define REXNET_SET neon64
#elif defined(__ARM_NEON)
#define REXNET_SET neon
#else
#define REXNET_SET none
#endif
#if defined(__SSE3__) && !defined(__AVX2__)
#define REXNET_FLAG_SSE s  // and no AVX2: SSE3 to AVX
#else
#define REXNET_FLAG_SSE
#endif
#if defined(__AVX__) && !defined(__AVX2__)
#define REXNET_FLAG_AVX a
#else
#define REXNET_FLAG_AVX
#endif
#if defined(__BMI2__)
#define REXNET_FLAG_BMI b
#else
#define REXNET_FLAG_BMI
#endif
#if defined(__AVXVNNI__) || defined(__AVX512VNNI__) || defined(__AVX512VBMI__) || \
    defined(__ARM_FEATURE_DOTPROD)
#define REXNET_FLAG_INT8 i  // VNNI, VBMI, dotprod
#else
#define REXNET_FLAG_INT8
#endif
#if defined(__AVX512BF16__) || defined(__AVX512FP16__) || defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#define REXNET_FLAG_HALF h  // BF16, FP16
#else
#define REXNET_FLAG_HALF
#endif
#if defined(__AMX_TILE__) || defined(__ARM_FEATURE_SVE)
#define REXNET_FLAG_WIDE w  // AMX, SVE
#else
#define REXNET_FLAG_WIDE
#endif
#if defined(__arm__) && defined(__ARM_FEATURE_FMA)
#define REXNET_FLAG_FMA f  // 32-bit ARM with VFPv4
#else
#define REXNET_FLAG_FMA
#endif
#define REXNET_TARGET_TOKENS(set, a, b, c, d, e, f, g) set##_##a##b##c##d##e##f##g
#define REXNET_TARGET_OF(set, a, b, c, d, e, f, g) REXNET_TARGET_TOKENS(set, a, b, c, d, e, f, g)
#define REXNET_TARGET                                                                               \
  REXNET_TARGET_OF(REXNET_SET, REXNET_FLAG_SSE, REXNET_FLAG_AVX, REXNET_FLAG_BMI, REXNET_FLAG_INT8, \
                   REXNET_FLAG_HALF, REXNET_FLAG_WIDE, REXNET_FLAG_FMA)

// What the border between kernels and everything else is called: alike in every object of this version.
#define REXNET_BORDER border_v0_1_0

#if defined(REXNET_UNIT)
// One of the instruction sets of a program that chooses at run time (dispatch/unit.hpp).
#define REXNET_BUILD REXNET_JOIN(REXNET_THREADING, REXNET_UNIT)
#elif defined(REXNET_DISPATCH) && REXNET_EXCEPTIONS
#define REXNET_BUILD REXNET_JOIN(REXNET_JOIN(REXNET_THREADING, dispatch), REXNET_TARGET)
#elif defined(REXNET_DISPATCH)
#define REXNET_BUILD REXNET_JOIN(REXNET_JOIN(REXNET_THREADING, dispatch_no_exceptions), REXNET_TARGET)
#elif REXNET_EXCEPTIONS
#define REXNET_BUILD REXNET_JOIN(REXNET_THREADING, REXNET_TARGET)
#else
#define REXNET_BUILD REXNET_JOIN(REXNET_JOIN(REXNET_THREADING, no_exceptions), REXNET_TARGET)
#endif

// Contract checks, active in this project's own dev and test builds only (REXNET_DEVELOPER_CHECKS).
// They guard preconditions of kernels; user input is always checked and answered with an error instead.
#if defined(REXNET_DEVELOPER_CHECKS)
#include <cstdio>
#include <cstdlib>
// Not assert(): build types with optimisation define NDEBUG.
#define REXNET_ASSERT(condition) \
  ((condition)                   \
       ? static_cast<void>(0)    \
       : (std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition), std::abort()))
#else
#define REXNET_ASSERT(condition) static_cast<void>(0)
#endif

// The few compiler-specific spellings, in one place.
#if defined(_MSC_VER) && !defined(__clang__)
#define REXNET_ALWAYS_INLINE __forceinline
#define REXNET_LAMBDA_INLINE
#define REXNET_NOINLINE __declspec(noinline)
#define REXNET_COLD
#define REXNET_RESTRICT __restrict
#define REXNET_HIDDEN
#define REXNET_PREFETCH(address) static_cast<void>(address)
#else
#define REXNET_ALWAYS_INLINE inline __attribute__((always_inline))
#define REXNET_LAMBDA_INLINE __attribute__((always_inline))
#define REXNET_NOINLINE __attribute__((noinline))
#define REXNET_COLD __attribute__((cold))
#define REXNET_RESTRICT __restrict__
#if defined(_WIN32)
#define REXNET_HIDDEN
#else
#define REXNET_HIDDEN __attribute__((visibility("hidden")))
#endif
#define REXNET_PREFETCH(address) __builtin_prefetch(reinterpret_cast<const void*>(address), 0, 3)
#endif

#endif  // REXNET_CORE_BUILD_HPP
