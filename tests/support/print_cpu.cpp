// SPDX-License-Identifier: MIT
// Prints what this CPU and its system have, and which tiers run here.
#include "rexnet/simd/tiers.hpp"

#include <cstdio>

int main() {
  const rexnet::cpu_words cpu = rexnet::this_cpu();
  std::printf("features:");
  for (int f = 1; f <= static_cast<int>(rexnet::cpu_feature::bf16); ++f)
    if (has(cpu, static_cast<rexnet::cpu_feature>(f)))
      std::printf(" [%s]", feature_name(static_cast<rexnet::cpu_feature>(f)));
  std::printf("\ntiers:");
  for (const rexnet::tier& t : rexnet::tiers)
    if (missing_feature(cpu, t) == rexnet::cpu_feature::none) std::printf(" %s", t.name);
  std::printf("\n");
}
