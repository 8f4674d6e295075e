// SPDX-License-Identifier: MIT
// The FMA peak of one core, as the yardstick of every timing.
#ifndef REXNET_TOOLS_MEASURE_HPP
#define REXNET_TOOLS_MEASURE_HPP

#include "rexnet/simd/math.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

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

/// Seconds that SiLU takes for an element, in L1: the best of twenty rounds.
inline double silu_time() {
  using arch = rexnet::simd::default_arch;
  constexpr int width = rexnet::simd::width<arch>, n = 2048;
  alignas(64) static float v[n];
  for (int i = 0; i < n; ++i) v[i] = 0.01f * static_cast<float>(i - n / 2);
  double best = 1e9;
  for (int round = 0; round < 20; ++round) {
    const double start = seconds();
    for (int repeat = 0; repeat < 50; ++repeat)
      for (int i = 0; i < n; i += 4 * width)
        for (int k = 0; k < 4 * width; k += width)
          rexnet::simd::store<arch>(v + i + k, rexnet::simd::silu<arch>(rexnet::simd::load<arch>(v + i + k)));
    best = (std::min)(best, (seconds() - start) / (50.0 * n));
  }
  return best;
}

/// Bytes per second that one core reads from memory: the best of three sweeps over 256 MB, which no cache of
/// ours holds.
inline double read_bandwidth() {
  using arch = rexnet::simd::default_arch;
  constexpr std::size_t width = rexnet::simd::width<arch>, n = std::size_t{64} << 20;
  const std::vector<float> memory(n, 1.0f);
  double best = 0;
  for (int round = 0; round < 3; ++round) {
    rexnet::simd::vec<arch> sum[4] = {
        rexnet::simd::load<arch>(memory.data()), rexnet::simd::load<arch>(memory.data()),
        rexnet::simd::load<arch>(memory.data()), rexnet::simd::load<arch>(memory.data())};
    const double start = seconds();
    for (std::size_t i = 0; i < n; i += 4 * width)
      for (std::size_t v = 0; v < 4; ++v)
        sum[v] = sum[v] + rexnet::simd::load<arch>(memory.data() + i + v * width);
    best = (std::max)(best, static_cast<double>(n * sizeof(float)) / (seconds() - start));
    float lanes[width];
    rexnet::simd::store<arch>(lanes, (sum[0] + sum[1]) + (sum[2] + sum[3]));
    volatile float sink = lanes[0];
    static_cast<void>(sink);
  }
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
