// SPDX-License-Identifier: MIT
// Version and build modes. Two translation units built in different modes (OpenMP, exceptions, dispatch) may
// be linked into one program: every name of the library lives in an inline namespace that spells the mode.
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

#if defined(REXNET_UNIT)
// One of the instruction sets of a program that chooses at run time (dispatch/unit.hpp).
#define REXNET_BUILD REXNET_JOIN(REXNET_THREADING, REXNET_UNIT)
#elif defined(REXNET_DISPATCH) && REXNET_EXCEPTIONS
#define REXNET_BUILD REXNET_JOIN(REXNET_THREADING, dispatch)
#elif defined(REXNET_DISPATCH)
#define REXNET_BUILD REXNET_JOIN(REXNET_THREADING, dispatch_no_exceptions)
#elif REXNET_EXCEPTIONS
#define REXNET_BUILD REXNET_THREADING
#else
#define REXNET_BUILD REXNET_JOIN(REXNET_THREADING, no_exceptions)
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
#define REXNET_RESTRICT __restrict
#define REXNET_HIDDEN
#define REXNET_PREFETCH(address) static_cast<void>(address)
#else
#define REXNET_ALWAYS_INLINE inline __attribute__((always_inline))
#define REXNET_LAMBDA_INLINE __attribute__((always_inline))
#define REXNET_NOINLINE __attribute__((noinline))
#define REXNET_RESTRICT __restrict__
#if defined(_WIN32)
#define REXNET_HIDDEN
#else
#define REXNET_HIDDEN __attribute__((visibility("hidden")))
#endif
#define REXNET_PREFETCH(address) __builtin_prefetch(reinterpret_cast<const void*>(address), 0, 3)
#endif

#endif  // REXNET_CORE_BUILD_HPP
