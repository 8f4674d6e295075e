// SPDX-License-Identifier: MIT
// What this CPU has and what its operating system saves. Both are asked: a CPU may have AVX while its system
// does not keep the upper halves of the registers (XCR0), and then AVX faults.
// Sources: Intel SDM volume 1, 13.3, 14.3 (AVX, AVX2, AVX-512) and 18 (AMX); Linux, arch/x86/xstate.rst and
// arm64/elf_hwcaps.rst.
#ifndef REXNET_SIMD_CPU_HPP
#define REXNET_SIMD_CPU_HPP

#include "rexnet/core/build.hpp"

#include <cstdint>

#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#define REXNET_CPU_X86 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif (defined(__arm__) || defined(__aarch64__)) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {

/// What the CPU and its system say, as far as it is looked at. A value, so that tests can make CPUs up.
struct cpu_words {
  std::uint32_t leaf1_ecx = 0;    ///< cpuid leaf 1
  std::uint32_t leaf1_edx = 0;    ///< cpuid leaf 1
  std::uint32_t leaf7_ebx = 0;    ///< cpuid leaf 7, subleaf 0
  std::uint32_t leaf7_ecx = 0;    ///< cpuid leaf 7, subleaf 0
  std::uint32_t leaf7_edx = 0;    ///< cpuid leaf 7, subleaf 0
  std::uint32_t leaf7_1_eax = 0;  ///< cpuid leaf 7, subleaf 1
  std::uint64_t xcr0 = 0;         ///< registers that the system saves
  std::uint64_t xcomp = 0;        ///< of those, what a Linux process may have (ARCH_GET_XCOMP_SUPP)
  std::uint64_t hwcap = 0;        ///< ARM: getauxval(AT_HWCAP)
  std::uint64_t hwcap2 = 0;       ///< ARM: getauxval(AT_HWCAP2)
  bool arm64 = false;             ///< ARM of 64 bits, which has NEON
  bool neon = false;              ///< ARM of 32 bits without Linux, compiled for NEON
};

/// What a tier may need. Those that end in _saved are the system's.
enum class cpu_feature : unsigned char {
  none,
  sse2,
  sse3,
  ssse3,
  sse4_1,
  sse4_2,
  popcnt,
  fma,
  f16c,
  avx,
  avx2,
  avx_vnni,
  avx512f,
  avx512cd,
  avx512dq,
  avx512bw,
  avx512vl,
  avx512_vnni,
  avx512_bf16,
  avx512_fp16,
  amx_tile,
  amx_int8,
  amx_bf16,
  ymm_saved,
  zmm_saved,
  tiles_saved,
  neon,
  neon64,
  dotprod,
  i8mm,
  fp16,
  bf16
};

namespace detail {

[[nodiscard]] constexpr bool all_bits(std::uint64_t word, std::uint64_t bits) noexcept {
  return (word & bits) == bits;
}
[[nodiscard]] constexpr bool bit(std::uint64_t word, int number) noexcept {
  return (word >> number & 1u) != 0;
}

}  // namespace detail

/// "AVX512_VNNI", as /proc/cpuinfo and the manuals have it.
[[nodiscard]] constexpr const char* feature_name(cpu_feature f) noexcept {
  switch (f) {
    case cpu_feature::none: return "none";
    case cpu_feature::sse2: return "SSE2";
    case cpu_feature::sse3: return "SSE3";
    case cpu_feature::ssse3: return "SSSE3";
    case cpu_feature::sse4_1: return "SSE4.1";
    case cpu_feature::sse4_2: return "SSE4.2";
    case cpu_feature::popcnt: return "POPCNT";
    case cpu_feature::fma: return "FMA";
    case cpu_feature::f16c: return "F16C";
    case cpu_feature::avx: return "AVX";
    case cpu_feature::avx2: return "AVX2";
    case cpu_feature::avx_vnni: return "AVX-VNNI";
    case cpu_feature::avx512f: return "AVX512F";
    case cpu_feature::avx512cd: return "AVX512CD";
    case cpu_feature::avx512dq: return "AVX512DQ";
    case cpu_feature::avx512bw: return "AVX512BW";
    case cpu_feature::avx512vl: return "AVX512VL";
    case cpu_feature::avx512_vnni: return "AVX512_VNNI";
    case cpu_feature::avx512_bf16: return "AVX512_BF16";
    case cpu_feature::avx512_fp16: return "AVX512_FP16";
    case cpu_feature::amx_tile: return "AMX-TILE";
    case cpu_feature::amx_int8: return "AMX-INT8";
    case cpu_feature::amx_bf16: return "AMX-BF16";
    case cpu_feature::ymm_saved: return "a system that saves AVX's registers";
    case cpu_feature::zmm_saved: return "a system that saves AVX-512's registers";
    case cpu_feature::tiles_saved: return "a system that saves AMX's tiles";
    case cpu_feature::neon: return "NEON";
    case cpu_feature::neon64: return "NEON of 64-bit ARM";
    case cpu_feature::dotprod: return "dot products (ASIMDDP)";
    case cpu_feature::i8mm: return "int8 matrix products (I8MM)";
    case cpu_feature::fp16: return "half floats (ASIMDHP)";
    case cpu_feature::bf16: return "bfloat16 (BF16)";
  }
  return "?";
}

/// Whether the CPU has it; of what is saved, whether the system does.
[[nodiscard]] constexpr bool has(const cpu_words& cpu, cpu_feature f) noexcept {
  using detail::all_bits;
  using detail::bit;
  switch (f) {
    case cpu_feature::none: return true;
    case cpu_feature::sse2: return bit(cpu.leaf1_edx, 25) && bit(cpu.leaf1_edx, 26);  // SSE as well
    case cpu_feature::sse3: return bit(cpu.leaf1_ecx, 0);
    case cpu_feature::ssse3: return bit(cpu.leaf1_ecx, 9);
    case cpu_feature::sse4_1: return bit(cpu.leaf1_ecx, 19);
    case cpu_feature::sse4_2: return bit(cpu.leaf1_ecx, 20);
    case cpu_feature::popcnt: return bit(cpu.leaf1_ecx, 23);
    case cpu_feature::fma: return bit(cpu.leaf1_ecx, 12);
    case cpu_feature::f16c: return bit(cpu.leaf1_ecx, 29);
    case cpu_feature::avx: return bit(cpu.leaf1_ecx, 28);
    case cpu_feature::avx2: return bit(cpu.leaf7_ebx, 5);
    case cpu_feature::avx_vnni: return bit(cpu.leaf7_1_eax, 4);
    case cpu_feature::avx512f: return bit(cpu.leaf7_ebx, 16);
    case cpu_feature::avx512cd: return bit(cpu.leaf7_ebx, 28);
    case cpu_feature::avx512dq: return bit(cpu.leaf7_ebx, 17);
    case cpu_feature::avx512bw: return bit(cpu.leaf7_ebx, 30);
    case cpu_feature::avx512vl: return bit(cpu.leaf7_ebx, 31);
    case cpu_feature::avx512_vnni: return bit(cpu.leaf7_ecx, 11);
    case cpu_feature::avx512_bf16: return bit(cpu.leaf7_1_eax, 5);
    case cpu_feature::avx512_fp16: return bit(cpu.leaf7_edx, 23);
    case cpu_feature::amx_tile: return bit(cpu.leaf7_edx, 24);
    case cpu_feature::amx_int8: return bit(cpu.leaf7_edx, 25);
    case cpu_feature::amx_bf16: return bit(cpu.leaf7_edx, 22);
    // XSAVE and OSXSAVE, without which XCR0 cannot be read; xmm and ymm.
    case cpu_feature::ymm_saved:
      return bit(cpu.leaf1_ecx, 26) && bit(cpu.leaf1_ecx, 27) && all_bits(cpu.xcr0, 0x6);
    case cpu_feature::zmm_saved: return has(cpu, cpu_feature::ymm_saved) && all_bits(cpu.xcr0, 0xe0);
    case cpu_feature::tiles_saved: return all_bits(cpu.xcr0, 0x60000) && bit(cpu.xcomp, 18);
    case cpu_feature::neon64: return cpu.arm64;
    case cpu_feature::dotprod: return cpu.arm64 && bit(cpu.hwcap, 20);
    case cpu_feature::i8mm: return cpu.arm64 && bit(cpu.hwcap2, 13);
    case cpu_feature::fp16: return cpu.arm64 && bit(cpu.hwcap, 9) && bit(cpu.hwcap, 10);
    case cpu_feature::bf16: return cpu.arm64 && bit(cpu.hwcap2, 14);
    case cpu_feature::neon:
      // VFPv4 as well where the build's -mfpu lets compilers fuse multiply-adds.
#if defined(__arm__) && defined(__ARM_FEATURE_FMA)
      return cpu.neon || (!cpu.arm64 && bit(cpu.hwcap, 12) && bit(cpu.hwcap, 16));
#else
      return cpu.neon || (!cpu.arm64 && bit(cpu.hwcap, 12));
#endif
  }
  return false;
}

/// This CPU. For ARM without Linux NEON is all that is found.
[[nodiscard]] inline cpu_words this_cpu() noexcept {
  cpu_words cpu;
#if REXNET_CPU_X86
  std::uint32_t r[4] = {};
  const auto leaf = [&r](unsigned number, unsigned subleaf) {
#if defined(_MSC_VER)
    __cpuidex(reinterpret_cast<int*>(r), static_cast<int>(number), static_cast<int>(subleaf));
#else
    __cpuid_count(number, subleaf, r[0], r[1], r[2], r[3]);
#endif
  };
  leaf(0, 0);
  const std::uint32_t last = r[0];
  leaf(1, 0);
  cpu.leaf1_ecx = r[2];
  cpu.leaf1_edx = r[3];
  if (last >= 7) {
    leaf(7, 0);
    const std::uint32_t last_subleaf = r[0];
    cpu.leaf7_ebx = r[1];
    cpu.leaf7_ecx = r[2];
    cpu.leaf7_edx = r[3];
    if (last_subleaf >= 1) {
      leaf(7, 1);
      cpu.leaf7_1_eax = r[0];
    }
  }
  if (detail::bit(cpu.leaf1_ecx, 27)) {  // OSXSAVE: xgetbv exists
#if defined(_MSC_VER)
    cpu.xcr0 = _xgetbv(0);
#else
    std::uint32_t low = 0, high = 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    cpu.xcr0 = std::uint64_t{high} << 32 | low;
#endif
  }
#if defined(__linux__) && defined(__x86_64__)
  constexpr int get_xcomp_supp = 0x1021;  // Linux 5.16
  if (syscall(SYS_arch_prctl, get_xcomp_supp, &cpu.xcomp) != 0) cpu.xcomp = 0;
#else
  cpu.xcomp = cpu.xcr0;  // no other system has a permission of its own
#endif
#elif defined(__aarch64__) || defined(_M_ARM64)
  cpu.arm64 = true;
#if defined(__linux__)
  cpu.hwcap = getauxval(AT_HWCAP);
  cpu.hwcap2 = getauxval(AT_HWCAP2);
#endif
#elif defined(__arm__) && defined(__linux__)
  cpu.hwcap = getauxval(AT_HWCAP);
#elif defined(__ARM_NEON)
  cpu.neon = true;  // no system that tells, but this code itself was compiled for NEON
#endif
  return cpu;
}

/// Asks the system for AMX's tiles, as a Linux process must before their first use
/// (ARCH_REQ_XCOMP_PERM); every thread started later has them. Harmless when repeated. @return whether the
/// process may use them
[[nodiscard]] inline bool request_tiles() noexcept {
#if defined(__linux__) && defined(__x86_64__)
  constexpr int req_xcomp_perm = 0x1023, tile_data = 18;
  return syscall(SYS_arch_prctl, req_xcomp_perm, tile_data) == 0;
#elif REXNET_CPU_X86
  return has(this_cpu(), cpu_feature::tiles_saved);
#else
  return false;
#endif
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SIMD_CPU_HPP
