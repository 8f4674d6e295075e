// SPDX-License-Identifier: MIT
// What the operator benchmarks share: memory, cold weights, and the counters that bench/summary.py reads.
#ifndef REXNET_BENCH_OPERATORS_HPP
#define REXNET_BENCH_OPERATORS_HPP

#include "bench/gate/fill.hpp"
#include "bench/shapes.hpp"
#include "tools/measure.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>

namespace rexnet_bench {

void register_pointwise(const shapes& s);
void register_depthwise(const shapes& s);
void register_others(const shapes& s);

/// Aligned floats in [-limit, limit).
struct numbers {
  explicit numbers(std::ptrdiff_t count, float limit = 1.0f)
      : buffer(static_cast<std::size_t>(count) * sizeof(float)), data(buffer.floats().data()) {
    fill(data, static_cast<std::size_t>(count), limit);
  }
  rexnet::aligned_buffer buffer;
  float* data;
};

/// Memory twice as large as the last cache: whoever walks through all of it finds nothing there.
inline const numbers& cold_memory() {
  static const numbers memory = [] {
    int last = 32 << 20;
    for (const auto& cache : benchmark::CPUInfo::Get().caches) last = (std::max)(last, cache.size);
    return numbers(static_cast<std::ptrdiff_t>((std::min)(last, 256 << 20)) * 2 / 4, 0.05f);
  }();
  return memory;
}

/// A layer's weights and bias, `floats` together. Warm: the same every time. Cold: another copy every time,
/// in an order that no prefetcher follows, until all copies have pushed the first out of the caches.
class weights {
 public:
  weights(std::ptrdiff_t floats, bool cold)
      : memory_(cold_memory().data), floats_(rexnet::round_up(floats, 16)) {
    if (!cold) return;
    const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(cold_memory().buffer.size() / sizeof(float));
    copies_ = (std::max)(std::ptrdiff_t{1}, size / floats_);
    step_ = copies_ * 5 / 8 + 1;
    while (std::gcd(step_, copies_) != 1) ++step_;
  }
  [[nodiscard]] const float* next() {
    copy_ = (copy_ + step_) % copies_;
    return memory_ + copy_ * floats_;
  }

 private:
  const float* memory_;
  std::ptrdiff_t floats_, copies_ = 1, step_ = 0, copy_ = 0;
};

/// Multiply-adds per second of this core just now, and the best that the run has seen.
struct fma_rate {
  double now = 0, best = 0;
  static fma_rate measure() {
    static double best_so_far = 0;
    fma_rate rate;
    for (int i = 0; i < 6; ++i)
      rate.now = (std::max)(rate.now, rexnet_tools::fma_burst(50000, std::make_index_sequence<12>{}));
    rate.best = best_so_far = (std::max)(best_so_far, rate.now);
    return rate;
  }
};

/// Plain numbers for the summary (of one iteration), rates for readers.
inline void count(benchmark::State& state, const fma_rate& rate, double macs, double silu, int k) {
  using benchmark::Counter;
  const double n = static_cast<double>(state.iterations());
  state.counters["k"] = k;
  state.counters["macs"] = macs;
  state.counters["silu"] = silu;
  state.counters["peak"] = rate.now;
  state.counters["GMAC/s"] = Counter(macs * n / 1e9, Counter::kIsRate);
  state.counters["of_peak"] = Counter(macs * n / rate.best, Counter::kIsRate);
}

inline const char* temperature(bool cold) {
  return cold ? "/cold" : "/warm";
}

}  // namespace rexnet_bench

#endif  // REXNET_BENCH_OPERATORS_HPP
