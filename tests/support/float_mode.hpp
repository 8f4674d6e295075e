// SPDX-License-Identifier: MIT
// What the calling thread's FPU makes of denormals: flush to zero (FTZ) and denormals are zeros (DAZ; one
// bit for both on ARM). Known on x86 and on ARM with g++ or clang; elsewhere there is nothing to set.
#ifndef REXNET_TESTS_SUPPORT_FLOAT_MODE_HPP
#define REXNET_TESTS_SUPPORT_FLOAT_MODE_HPP

#include <cstdint>

#if defined(__SSE2__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace rexnet_test {

#if defined(__SSE2__) || defined(_M_X64)
/// MXCSR without the six flags that any operation may raise.
inline std::uint64_t float_mode() {
  return _mm_getcsr() & ~0x3fu;
}
inline void set_float_mode(std::uint64_t mode) {
  _mm_setcsr(static_cast<unsigned>(mode));
}
inline constexpr std::uint64_t flushing_bits[] = {0, 0x8000, 0x0040, 0x8040};
#elif defined(__aarch64__) && defined(__GNUC__)
/// FPCR; its flags have a register of their own.
inline std::uint64_t float_mode() {
  std::uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
inline void set_float_mode(std::uint64_t mode) {
  asm volatile("msr fpcr, %0" : : "r"(mode));
}
inline constexpr std::uint64_t flushing_bits[] = {0, 1u << 24};
#elif defined(__arm__) && defined(__ARM_FP) && defined(__GNUC__)
/// FPSCR without the flags that any operation may raise (N Z C V, saturation, exceptions).
inline std::uint64_t float_mode() {
  std::uint32_t mode;
  asm volatile("vmrs %0, fpscr" : "=r"(mode));
  return mode & 0x07ffff60u;
}
inline void set_float_mode(std::uint64_t mode) {
  asm volatile("vmsr fpscr, %0" : : "r"(static_cast<std::uint32_t>(mode)));
}
inline constexpr std::uint64_t flushing_bits[] = {0, 1u << 24};
#else
inline std::uint64_t float_mode() {
  return 0;
}
inline void set_float_mode(std::uint64_t) {}
inline constexpr std::uint64_t flushing_bits[] = {0};
#endif

/// Sets bits of flushing_bits, and the caller's mode again at the end of the scope.
class float_mode_scope {
 public:
  explicit float_mode_scope(std::uint64_t bits) : before_(float_mode()) {
    std::uint64_t all = 0;
    for (const std::uint64_t b : flushing_bits) all |= b;
    set_float_mode((before_ & ~all) | bits);
  }
  float_mode_scope(const float_mode_scope&) = delete;
  float_mode_scope& operator=(const float_mode_scope&) = delete;
  ~float_mode_scope() { set_float_mode(before_); }

 private:
  std::uint64_t before_;
};

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_FLOAT_MODE_HPP
