// SPDX-License-Identifier: MIT
// Loops that show what a core can do on one instruction set. No clock and no container here: the command
// compiles them in its dispatch units, where neither belongs (rexnet/dispatch/unit.hpp).
#ifndef REXNET_TOOLS_MEASURE_LOOPS_HPP
#define REXNET_TOOLS_MEASURE_LOOPS_HPP

#include "rexnet/simd/math.hpp"

#include <cstddef>
#include <utility>

namespace rexnet_tools {

/// The loops of one instruction set. Data only, so that units and their callers share the type.
struct measure_loops {
  int width;                                     ///< floats of a vector
  void (*fma)(int repeats);                      ///< fma_chains * width multiply-adds each
  void (*silu)(float* v, int n);                 ///< in place; n a multiple of 4 * width
  float (*read)(const float* v, std::size_t n);  ///< reads all; n a multiple of 4 * width
};

inline constexpr int fma_chains = 12;

inline namespace REXNET_BUILD {

template <class Arch, std::size_t... I>
void fma_loop(int repeats, std::index_sequence<I...>) {
  rexnet::simd::vec<Arch> acc[] = {rexnet::simd::broadcast<Arch>(static_cast<float>(I))...};
  volatile float factor = 0.999f, term = 1e-3f;
  const auto x = rexnet::simd::broadcast<Arch>(factor), y = rexnet::simd::broadcast<Arch>(term);
  for (int i = 0; i < repeats; ++i) ((acc[I] = rexnet::simd::fma<Arch>(acc[I], x, y)), ...);
  float lanes[rexnet::simd::width<Arch>];
  volatile float sink = 0;
  ((rexnet::simd::store<Arch>(lanes, acc[I]), sink = sink + lanes[0]), ...);
}

template <class Arch>
void silu_loop(float* v, int n) {
  constexpr int width = rexnet::simd::width<Arch>;
  for (int i = 0; i < n; i += 4 * width)
    for (int k = 0; k < 4 * width; k += width)
      rexnet::simd::store<Arch>(v + i + k, rexnet::simd::silu<Arch>(rexnet::simd::load<Arch>(v + i + k)));
}

template <class Arch>
float read_loop(const float* v, std::size_t n) {
  constexpr std::size_t width = rexnet::simd::width<Arch>;
  rexnet::simd::vec<Arch> sum[4] = {rexnet::simd::load<Arch>(v), rexnet::simd::load<Arch>(v),
                                    rexnet::simd::load<Arch>(v), rexnet::simd::load<Arch>(v)};
  for (std::size_t i = 0; i < n; i += 4 * width)
    for (std::size_t k = 0; k < 4; ++k) sum[k] = sum[k] + rexnet::simd::load<Arch>(v + i + k * width);
  float lanes[width];
  rexnet::simd::store<Arch>(lanes, (sum[0] + sum[1]) + (sum[2] + sum[3]));
  return lanes[0];
}

template <class Arch>
inline constexpr measure_loops loops_of = {
    rexnet::simd::width<Arch>,
    [](int repeats) { fma_loop<Arch>(repeats, std::make_index_sequence<fma_chains>{}); }, &silu_loop<Arch>,
    &read_loop<Arch>};

}  // namespace REXNET_BUILD
}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_MEASURE_LOOPS_HPP
