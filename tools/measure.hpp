// SPDX-License-Identifier: MIT
// The FMA peak of one core, as the yardstick of every timing.
#ifndef REXNET_TOOLS_MEASURE_HPP
#define REXNET_TOOLS_MEASURE_HPP

#include "rexnet/simd/simd.hpp"

#include <chrono>
#include <cstddef>
#include <fstream>
#include <string>
#include <utility>

namespace rexnet_tools {

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <std::size_t... I>
double fma_burst(int repeats, std::index_sequence<I...>) {
  using arch = rexnet::simd::default_arch;
  rexnet::simd::vec<arch> acc[] = {rexnet::simd::broadcast<arch>(static_cast<float>(I))...};
  volatile float factor = 0.999f, term = 1e-3f;
  const auto x = rexnet::simd::broadcast<arch>(factor), y = rexnet::simd::broadcast<arch>(term);
  const double start = seconds();
  for (int i = 0; i < repeats; ++i) ((acc[I] = rexnet::simd::fma<arch>(acc[I], x, y)), ...);
  const double time = seconds() - start;
  float lanes[rexnet::simd::width<arch>];
  volatile float sink = 0;
  ((rexnet::simd::store<arch>(lanes, acc[I]), sink = sink + lanes[0]), ...);
  return static_cast<double>(repeats) * sizeof...(I) * rexnet::simd::width<arch> / time;
}

/// Multiply-adds per second of one core: twelve independent chains, the best of twenty bursts.
inline double fma_peak() {
  double best = 0;
  for (int i = 0; i < 20; ++i) best = (std::max)(best, fma_burst(200000, std::make_index_sequence<12>{}));
  return best;
}

inline std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown CPU";
}

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_MEASURE_HPP
