// SPDX-License-Identifier: MIT
// 1x1 layers and the stem: with the bias alone, and with the network's activation or residual.
#include "bench/operators.hpp"

namespace rexnet_bench {

namespace {

void run_layer(benchmark::State& state, const pointwise_shape& s, bool real, bool cold) {
  const std::ptrdiff_t panels = rexnet::panel_count(s.out_c), weight_floats = panels * s.k * 16;
  const numbers in(s.pixels * s.in_step);
  numbers out(s.pixels * s.out_step);
  const numbers residual(s.pixels * (s.residual_c + 1));
  weights w(weight_floats + panels * 16, cold);
  const fma_rate rate = fma_rate::measure();
  const float* segment = in.data;
  rexnet::pointwise_args a{};
  a.segment = &segment;
  a.segments = 1;
  a.run = s.k;
  a.pixel_step = s.in_step;
  a.out = out.data;
  a.pixels = s.pixels;
  a.out_step = s.out_step;
  a.ahead = 2;
  if (real) {
    a.act = s.act;
    a.residual_c = s.residual_c;
    a.residual_step = s.residual_c;
    a.residual = s.residual_c > 0 ? residual.data : nullptr;
  }
  for (auto _ : state) {
    const float* base = w.next();
    for (int c = 0; c < s.computed_c; c += s.slice_c) {
      a.weights = base + std::ptrdiff_t{c} * s.k;
      a.bias = base + weight_floats + c;
      a.out_c = a.last_c = (std::min)(s.slice_c, s.computed_c - c);
      rexnet::detail::pointwise<arch>(a);
    }
    benchmark::ClobberMemory();
  }
  const double elements = static_cast<double>(s.pixels) * s.out_c;
  count(state, rate, elements * s.k, real && s.act == rexnet::activation::silu ? elements : 0, s.k);
}

/// A row of the stem, with the copy of the two input rows that are new.
void run_stem(benchmark::State& state, const shapes& s, bool real, bool cold) {
  const numbers image(std::ptrdiff_t{s.side} * s.side * 3), scratch(rexnet::detail::stem_rows_floats(s.side));
  const int ow = rexnet::strided(s.side, 2), oh = ow;
  const std::ptrdiff_t panels = rexnet::panel_count(s.stem_c), weight_floats = panels * 27 * 16;
  numbers out(std::ptrdiff_t{ow} * s.stem_step);
  weights w(weight_floats + panels * 16, cold);
  const fma_rate rate = fma_rate::measure();
  rexnet::detail::input_rows input;
  input.floats = image.data;
  input.row_step = std::ptrdiff_t{s.side} * 3;
  input.h = input.w = s.side;
  rexnet::detail::stem_rows stem{&rexnet::kernels_of<arch>,
                                 input,
                                 {nullptr, nullptr},
                                 s.stem_computed_c,
                                 real ? s.act : rexnet::activation::none,
                                 scratch.data};
  int y = 0;
  for (auto _ : state) {
    const float* base = w.next();
    stem.weights = {base, base + weight_floats};
    stem.compute(y, out.data, s.stem_step);
    y = y + 1 < oh ? y + 1 : 0;
    benchmark::ClobberMemory();
  }
  const double elements = static_cast<double>(ow) * s.stem_c;
  count(state, rate, elements * 27, real && s.act == rexnet::activation::silu ? elements : 0, 27);
}

std::string epilogue(const pointwise_shape& s) {
  const char* act = s.act == rexnet::activation::silu    ? "silu"
                    : s.act == rexnet::activation::relu6 ? "relu6"
                    : s.residual_c > 0                   ? "residual"
                                                         : "";
  return act;
}

}  // namespace

void register_pointwise(const shapes& all) {
  for (const bool cold : {false, true}) {
    for (const pointwise_shape& s : all.pointwise) {
      const std::string name = "pointwise/" + s.layer + "/k" + std::to_string(s.k) + "_c" +
                               std::to_string(s.out_c) + "_pixels" + std::to_string(s.pixels) + "/";
      const auto add = [&](const std::string& what, bool real) {
        benchmark::RegisterBenchmark(
            (name + what + temperature(cold)).c_str(),
            [s, real, cold](benchmark::State& state) { run_layer(state, s, real, cold); });
      };
      add("bias", false);
      if (!epilogue(s).empty()) add(epilogue(s), true);
    }
    for (const bool real : {false, true})
      benchmark::RegisterBenchmark(
          ("pointwise/stem/k27_c" + std::to_string(all.stem_c) + "_pixels" +
           std::to_string(rexnet::strided(all.side, 2)) + "/" +
           (!real                                 ? "bias"
            : all.act == rexnet::activation::silu ? "silu"
                                                  : "relu6") +
           temperature(cold))
              .c_str(),
          [all, real, cold](benchmark::State& state) { run_stem(state, all, real, cold); });
  }
}

}  // namespace rexnet_bench
