// SPDX-License-Identifier: MIT
// The one list of instruction sets ("tiers"): what each is called, which one it builds on, what a CPU needs
// for it, and the compiler's flags. Detection, dispatch, CMake (cmake/RexnetDispatch.cmake reads the lines
// below), the tests per set and docs/dispatch.md take it from here. A new tier is one line, a feature or two
// in simd/cpu.hpp, and its kernels.
#ifndef REXNET_SIMD_TIERS_HPP
#define REXNET_SIMD_TIERS_HPP

#include "rexnet/simd/cpu.hpp"

#include <string_view>

namespace rexnet {
inline namespace REXNET_BUILD {

/// An instruction set that kernels are compiled for.
struct tier {
  const char* name;          ///< as instruction_set() and REXNET_ISA have it
  const char* base;          ///< whose features it needs, too, and whose kernels it may inherit; "" for none
  const char* processor;     ///< "x86", "arm64" or "arm"
  const char* flags;         ///< of g++ and clang: exactly what `features` and those of `base` allow
  const char* msvc_flags;    ///< of MSVC
  cpu_feature features[12];  ///< that a CPU and its system must have; ends with cpu_feature::none
};

// CMake reads a tier's strings from its line.
// clang-format off
/// Best first.
inline constexpr tier tiers[] = {
    {"avx512bw", "fma3_avx2", "x86", "-mavx512f -mavx512cd -mavx512dq -mavx512bw -mavx512vl -mfma -mavx2", "/arch:AVX512",
     {cpu_feature::avx512f, cpu_feature::avx512cd, cpu_feature::avx512dq, cpu_feature::avx512bw, cpu_feature::avx512vl,
      cpu_feature::f16c, cpu_feature::zmm_saved}},
    {"fma3_avx2", "sse2", "x86", "-mavx2 -mfma", "/arch:AVX2",
     {cpu_feature::sse3, cpu_feature::ssse3, cpu_feature::sse4_1, cpu_feature::sse4_2, cpu_feature::popcnt,
      cpu_feature::fma, cpu_feature::avx, cpu_feature::avx2, cpu_feature::ymm_saved}},
    {"sse2", "", "x86", "-msse2", "", {cpu_feature::sse2}},
    {"neon64", "", "arm64", "", "", {cpu_feature::neon64}},
    {"neon", "", "arm", "-mfpu=neon", "", {cpu_feature::neon}},
};
// clang-format on

/// The tier of this name; null where there is none.
[[nodiscard]] constexpr const tier* find_tier(std::string_view name) noexcept {
  for (const tier& t : tiers)
    if (name == t.name) return &t;
  return nullptr;
}

/// The first feature of a tier, or of those that it builds on, that this CPU or its system lacks; none where
/// code compiled for the tier runs.
[[nodiscard]] constexpr cpu_feature missing_feature(const cpu_words& cpu, const tier& of) noexcept {
  for (const tier* t = &of; t != nullptr; t = find_tier(t->base))
    for (const cpu_feature f : t->features)
      if (f != cpu_feature::none && !has(cpu, f)) return f;
  return cpu_feature::none;
}

/// Whether code compiled for the tier `name` runs; false for an unknown name.
[[nodiscard]] constexpr bool runs(const cpu_words& cpu, std::string_view name) noexcept {
  const tier* t = find_tier(name);
  return t != nullptr && missing_feature(cpu, *t) == cpu_feature::none;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SIMD_TIERS_HPP
