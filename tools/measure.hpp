// SPDX-License-Identifier: MIT
// What a core can do: multiply-adds, SiLU, bytes from memory. The yardstick of every timing.
#ifndef REXNET_TOOLS_MEASURE_HPP
#define REXNET_TOOLS_MEASURE_HPP

#include "tools/measure_loops.hpp"

#include "tools/system.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

namespace rexnet_tools {

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Multiply-adds per second of one core: independent chains, the best of twenty bursts.
inline double fma_peak(const measure_loops& loops) {
  constexpr int repeats = 200000;
  double best = 0;
  for (int i = 0; i < 20; ++i) {
    const double start = seconds();
    loops.fma(repeats);
    best = (std::max)(best, double{repeats} * fma_chains * loops.width / (seconds() - start));
  }
  return best;
}

/// Seconds that SiLU takes for an element, in L1: the best of twenty rounds.
inline double silu_time(const measure_loops& loops) {
  constexpr int n = 2048;  // from -10.24 to 10.23
  alignas(64) static float v[n];
  for (int i = 0; i < n; ++i) v[i] = 0.01f * static_cast<float>(i - 1024);
  double best = 1e9;
  for (int round = 0; round < 20; ++round) {
    const double start = seconds();
    for (int repeat = 0; repeat < 50; ++repeat) loops.silu(v, n);
    best = (std::min)(best, (seconds() - start) / (50.0 * n));
  }
  return best;
}

/// Bytes per second that one core reads from memory: the best of three sweeps over 256 MB, more than
/// the caches of a CPU hold.
inline double read_bandwidth(const measure_loops& loops) {
  const std::vector<float> memory(std::size_t{64} << 20, 1.0f);
  double best = 0;
  for (int round = 0; round < 3; ++round) {
    const double start = seconds();
    volatile float sink = loops.read(memory.data(), memory.size());
    static_cast<void>(sink);
    best = (std::max)(best, static_cast<double>(memory.size() * sizeof(float)) / (seconds() - start));
  }
  return best;
}

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_MEASURE_HPP
