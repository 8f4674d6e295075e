// SPDX-License-Identifier: MIT
// Which features and tiers are found in what CPUs and systems say of themselves (tests/dispatch has the
// choice among tiers; dispatch.qemu_* run on emulated CPUs).
#include "rexnet/simd/tiers.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>

namespace {

using rexnet::cpu_feature;
using rexnet::cpu_words;

/// AMD EPYC of family 25, model 17 (Zen 4), a guest of Linux: cpuid and xgetbv on 2026-11-28.
constexpr cpu_words zen4() {
  cpu_words cpu;
  cpu.leaf1_ecx = 0xfffa3203, cpu.leaf1_edx = 0x178bfbff;
  cpu.leaf7_ebx = 0xf1bf07ab, cpu.leaf7_ecx = 0x00405fc6, cpu.leaf7_edx = 0x00000010;
  cpu.leaf7_1_eax = 0x00000020;
  cpu.xcr0 = 0xe7, cpu.xcomp = 0x2e7;
  return cpu;
}
/// The features that /proc/cpuinfo lists for an Intel Xeon of the Emerald Rapids generation beyond the above,
/// in the places that Intel's manual gives them; XCR0 as Linux sets it there.
constexpr cpu_words emerald_rapids() {
  cpu_words cpu = zen4();
  cpu.leaf7_edx |= 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25;  // AMX-BF16, AVX512_FP16, AMX-TILE, AMX-INT8
  cpu.leaf7_1_eax |= 1u << 4;                                  // AVX-VNNI
  cpu.xcr0 = cpu.xcomp = 0x602e7;
  return cpu;
}
constexpr cpu_words arm64(std::uint64_t hwcap, std::uint64_t hwcap2) {
  cpu_words cpu;
  cpu.arm64 = true, cpu.hwcap = hwcap, cpu.hwcap2 = hwcap2;
  return cpu;
}
bool has_all(const cpu_words& cpu, std::initializer_list<cpu_feature> features) {
  for (const cpu_feature f : features)
    if (!has(cpu, f)) return false;
  return true;
}
bool has_any(const cpu_words& cpu, std::initializer_list<cpu_feature> features) {
  for (const cpu_feature f : features)
    if (has(cpu, f)) return true;
  return false;
}

}  // namespace

TEST_CASE("tiers: VNNI, BF16, FP16 and AMX where the CPU says so") {
  CHECK(has_all(zen4(), {cpu_feature::avx512_vnni, cpu_feature::avx512_bf16}));
  CHECK_FALSE(has_any(zen4(), {cpu_feature::avx_vnni, cpu_feature::avx512_fp16, cpu_feature::amx_tile,
                               cpu_feature::amx_int8, cpu_feature::amx_bf16, cpu_feature::tiles_saved}));
  CHECK(has_all(emerald_rapids(), {cpu_feature::avx_vnni, cpu_feature::avx512_vnni, cpu_feature::avx512_bf16,
                                   cpu_feature::avx512_fp16, cpu_feature::amx_tile, cpu_feature::amx_int8,
                                   cpu_feature::amx_bf16, cpu_feature::tiles_saved}));
}

TEST_CASE("tiers: AMX needs a system that saves its tiles and gives them to processes") {
  for (const std::uint64_t bit : {std::uint64_t{1} << 17, std::uint64_t{1} << 18}) {
    cpu_words cpu = emerald_rapids();
    cpu.xcr0 &= ~bit;
    CHECK_FALSE(has(cpu, cpu_feature::tiles_saved));
  }
  cpu_words old_linux = emerald_rapids();
  old_linux.xcomp = 0;  // before 5.16 there is no one to ask
  CHECK_FALSE(has(old_linux, cpu_feature::tiles_saved));
  CHECK(runs(old_linux, "avx512bw"));
}

TEST_CASE("tiers: what ARM64's kernel tells, bit by bit") {
  constexpr std::uint64_t fphp = 1 << 9, asimdhp = 1 << 10, asimddp = 1 << 20, i8mm = 1 << 13, bf16 = 1 << 14;
  CHECK(runs(arm64(0, 0), "neon64"));
  CHECK_FALSE(runs(arm64(~0u, ~0u), "neon"));
  CHECK_FALSE(has_any(arm64(~(fphp | asimdhp | asimddp), ~(i8mm | bf16)),
                      {cpu_feature::dotprod, cpu_feature::i8mm, cpu_feature::fp16, cpu_feature::bf16}));
  CHECK(has(arm64(asimddp, 0), cpu_feature::dotprod));
  CHECK(has(arm64(0, i8mm), cpu_feature::i8mm));
  CHECK(has(arm64(0, bf16), cpu_feature::bf16));
  CHECK(has(arm64(fphp | asimdhp, 0), cpu_feature::fp16));
  CHECK_FALSE(has(arm64(fphp, 0), cpu_feature::fp16));
  // The same bits mean other things elsewhere.
  cpu_words arm32;
  arm32.hwcap = arm32.hwcap2 = ~std::uint64_t{0};
  CHECK_FALSE(
      has_any(arm32, {cpu_feature::dotprod, cpu_feature::i8mm, cpu_feature::fp16, cpu_feature::bf16}));
  CHECK(runs(arm32, "neon"));
}

TEST_CASE("tiers: a tier needs what it builds on, and what is missing has a name") {
  for (const rexnet::tier& t : rexnet::tiers) {
    INFO(std::string(t.name));
    CHECK((std::string(t.base).empty() || rexnet::find_tier(t.base) != nullptr));
    CHECK(rexnet::find_tier(t.name) == &t);
    CHECK_FALSE(runs(cpu_words{}, t.name));
  }
  cpu_words no_fma = zen4();
  no_fma.leaf1_ecx &= ~(1u << 12);
  CHECK_FALSE(runs(no_fma, "avx512bw"));
  CHECK(missing_feature(no_fma, *rexnet::find_tier("avx512bw")) == cpu_feature::fma);
  CHECK(std::string(feature_name(missing_feature(no_fma, *rexnet::find_tier("fma3_avx2")))) == "FMA");
  CHECK(missing_feature(zen4(), *rexnet::find_tier("avx512bw")) == cpu_feature::none);
  CHECK_FALSE(runs(zen4(), "avx9"));
  CHECK_FALSE(runs(zen4(), ""));
  for (int f = 0; f <= static_cast<int>(cpu_feature::bf16); ++f)
    CHECK(std::string(feature_name(static_cast<cpu_feature>(f))) != "?");
}

TEST_CASE("tiers: this CPU runs what it says") {
  const cpu_words cpu = rexnet::this_cpu();
  int running = 0;
  for (const rexnet::tier& t : rexnet::tiers) running += runs(cpu, t.name) ? 1 : 0;
  CHECK(running >= 1);
  CHECK(rexnet::request_tiles() == has(cpu, cpu_feature::tiles_saved));
}
