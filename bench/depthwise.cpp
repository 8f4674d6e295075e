// SPDX-License-Identifier: MIT
// Depthwise layers, a turn of the ring at a time: plain ("bias"), and as the network has it, with ReLU6 or
// with the sums for squeeze-excite.
#include "bench/operators.hpp"

namespace rexnet_bench {

namespace {

void run_layer(benchmark::State& state, const depthwise_shape& s, bool real, bool cold) {
  const std::ptrdiff_t panels = rexnet::panel_count(s.c), taps = std::ptrdiff_t{s.kernel} * s.kernel;
  const numbers ring(std::ptrdiff_t{s.ring_rows} * s.w * s.in_step);
  numbers out(std::ptrdiff_t{s.rows} * s.ow * s.out_step), sums(panels * 16);
  weights w(panels * (taps + 1) * 16, cold);
  const fma_rate rate = fma_rate::measure();
  rexnet::depthwise_args d{};
  d.in = ring.data;
  d.in_row = s.w * s.in_step;
  d.in_step = s.in_step;
  d.ring_rows = s.ring_rows;
  d.h = s.h;
  d.w = s.w;
  d.out_row = s.ow * s.out_step;
  d.out_step = s.out_step;
  d.first_y = s.first_y;
  d.rows = s.rows;
  d.ow = s.ow;
  d.kernel = s.kernel;
  d.stride = s.stride;
  d.act = real && !s.sums ? rexnet::activation::relu6 : rexnet::activation::none;
  for (auto _ : state) {
    const float* base = w.next();
    for (int c = 0; c < s.computed_c; c += s.slice_c) {
      d.weights = base + c * taps;
      d.bias = base + panels * taps * 16 + c;
      d.out = out.data + c;
      d.c = (std::min)(s.slice_c, s.computed_c - c);
      d.sums = real && s.sums ? sums.data + c : nullptr;
      rexnet::detail::depthwise<arch>(d);
    }
    benchmark::ClobberMemory();
  }
  count(state, rate, static_cast<double>(s.rows) * s.ow * s.c * static_cast<double>(taps), 0,
        static_cast<int>(taps));
}

}  // namespace

void register_depthwise(const shapes& all) {
  for (const bool cold : {false, true})
    for (const depthwise_shape& s : all.depthwise)
      for (const bool real : {false, true})
        benchmark::RegisterBenchmark(
            ("depthwise/" + s.layer + "/w" + std::to_string(s.w) + "_c" + std::to_string(s.c) + "_stride" +
             std::to_string(s.stride) + "_rows" + std::to_string(s.rows) + "/" +
             (!real    ? "bias"
              : s.sums ? "sums"
                       : "relu6") +
             temperature(cold))
                .c_str(),
            [s, real, cold](benchmark::State& state) { run_layer(state, s, real, cold); });
}

}  // namespace rexnet_bench
