// SPDX-License-Identifier: MIT
// Numbers to compute with: cheap under valgrind, the same everywhere, and of a size that keeps activations
// alive, so that no kernel meets denormals or infinities.
#ifndef REXNET_BENCH_GATE_FILL_HPP
#define REXNET_BENCH_GATE_FILL_HPP

#include "rexnet/core/aligned_buffer.hpp"
#include "rexnet/payload/layout.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace rexnet_bench {

/// Uniform in [-limit, limit): a linear congruential generator's upper bits.
inline void fill(float* values, std::size_t count, float limit, std::uint32_t seed = 1) {
  for (std::size_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = limit * (static_cast<float>(seed >> 8) * (1.0f / 8388608.0f) - 1.0f);
  }
}

/// Weights of a whole network, variance 2 / k. Channels that pad the last panel get values, too: nobody reads
/// them.
inline rexnet::aligned_buffer random_payload(const rexnet::config& c) {
  rexnet::weights_layout layout = rexnet::layout_of(c);
  rexnet::aligned_buffer payload(static_cast<std::size_t>(layout.bytes));
  rexnet::for_each_layer(c, layout, [&](const rexnet::layer_layout& l, int k, int out_c) {
    if (out_c == 0) return;
    fill(payload.floats().data() + l.weights / 4, static_cast<std::size_t>(l.bias - l.weights) / 4,
         std::sqrt(6.0f / static_cast<float>(k)), static_cast<std::uint32_t>(l.weights / 4) + 1);
  });
  return payload;
}

}  // namespace rexnet_bench

#endif  // REXNET_BENCH_GATE_FILL_HPP
