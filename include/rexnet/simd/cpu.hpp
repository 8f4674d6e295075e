// SPDX-License-Identifier: MIT
// Which instruction sets this CPU has and this operating system saves. Both are asked: a CPU may have AVX
// while its system does not keep the upper halves of the registers (XCR0), and then AVX faults.
// Source: Intel SDM volume 1, 13.3 and 14.3 (detection of AVX, AVX2, AVX-512).
#ifndef REXNET_SIMD_CPU_HPP
#define REXNET_SIMD_CPU_HPP

#include "rexnet/core/build.hpp"

#include <cstdint>
#include <initializer_list>
#include <string_view>

#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#define REXNET_CPU_X86 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#elif defined(__arm__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {

/// What the CPU and its system say, as far as it is looked at. A value, so that tests can make CPUs up.
struct cpu_words {
  std::uint32_t leaf1_ecx = 0;  ///< cpuid leaf 1
  std::uint32_t leaf1_edx = 0;  ///< cpuid leaf 1
  std::uint32_t leaf7_ebx = 0;  ///< cpuid leaf 7, subleaf 0
  std::uint64_t xcr0 = 0;       ///< registers that the system saves
  bool neon = false;            ///< ARM of 32 bits with NEON
  bool neon64 = false;          ///< ARM of 64 bits
};

namespace detail {

[[nodiscard]] constexpr bool all_bits(std::uint64_t word, std::initializer_list<int> bits) noexcept {
  for (const int bit : bits)
    if ((word >> bit & 1u) == 0) return false;
  return true;
}

}  // namespace detail

/// Whether code compiled for `set` ("sse2", "fma3_avx2", "avx512bw", "neon", "neon64") runs. Asks for every
/// feature that the flags in rexnet_add_dispatch() let a compiler use, and for those that they imply.
[[nodiscard]] constexpr bool runs(const cpu_words& cpu, std::string_view set) noexcept {
  using detail::all_bits;
  if (set == "neon") return cpu.neon;
  if (set == "neon64") return cpu.neon64;
  if (set == "sse2") return all_bits(cpu.leaf1_edx, {25, 26});  // SSE, SSE2
  // SSE3, SSSE3, FMA, SSE4.1, SSE4.2, POPCNT, XSAVE, OSXSAVE, AVX; AVX2; xmm and ymm saved.
  const bool avx2 = all_bits(cpu.leaf1_ecx, {0, 9, 12, 19, 20, 23, 26, 27, 28}) &&
                    all_bits(cpu.leaf7_ebx, {5}) && all_bits(cpu.xcr0, {1, 2});
  if (set == "fma3_avx2") return avx2;
  // F16C; AVX-512 F, DQ, CD, BW, VL; opmask and zmm saved.
  if (set == "avx512bw")
    return avx2 && all_bits(cpu.leaf1_ecx, {29}) && all_bits(cpu.leaf7_ebx, {16, 17, 28, 30, 31}) &&
           all_bits(cpu.xcr0, {5, 6, 7});
  return false;
}

/// This CPU.
[[nodiscard]] inline cpu_words this_cpu() noexcept {
  cpu_words cpu;
#if REXNET_CPU_X86
  std::uint32_t r[4] = {};
  const auto leaf = [&r](unsigned number) {
#if defined(_MSC_VER)
    __cpuidex(reinterpret_cast<int*>(r), static_cast<int>(number), 0);
#else
    __cpuid_count(number, 0, r[0], r[1], r[2], r[3]);
#endif
  };
  leaf(0);
  const std::uint32_t last = r[0];
  leaf(1);
  cpu.leaf1_ecx = r[2];
  cpu.leaf1_edx = r[3];
  if (last >= 7) {
    leaf(7);
    cpu.leaf7_ebx = r[1];
  }
  if (detail::all_bits(cpu.leaf1_ecx, {27})) {  // OSXSAVE: xgetbv exists
#if defined(_MSC_VER)
    cpu.xcr0 = _xgetbv(0);
#else
    std::uint32_t low = 0, high = 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    cpu.xcr0 = std::uint64_t{high} << 32 | low;
#endif
  }
#elif defined(__aarch64__) || defined(_M_ARM64)
  cpu.neon64 = true;  // part of the architecture
#elif defined(__arm__) && defined(__linux__)
  // HWCAP_NEON, and HWCAP_VFPv4 where the build's -mfpu lets compilers fuse multiply-adds.
#if defined(__ARM_FEATURE_FMA)
  cpu.neon = detail::all_bits(getauxval(AT_HWCAP), {12, 16});
#else
  cpu.neon = detail::all_bits(getauxval(AT_HWCAP), {12});
#endif
#elif defined(__ARM_NEON)
  cpu.neon = true;  // nobody to ask; this very code was compiled for it
#endif
  return cpu;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SIMD_CPU_HPP
