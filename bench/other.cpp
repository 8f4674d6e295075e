// SPDX-License-Identifier: MIT
// Dense layers, squeeze-excite's scale, SiLU against the obvious formula, and the resize of a photograph.
#include "bench/operators.hpp"
#include "rexnet/image/resize.hpp"

#include <cstdint>
#include <vector>

namespace rexnet_bench {

namespace {

using rexnet::activation;

void run_dense(benchmark::State& state, const dense_shape& s, bool real, bool cold) {
  const std::ptrdiff_t panels = rexnet::panel_count(s.out_c), weight_floats = panels * s.k * 16;
  const numbers x(s.k);
  numbers out(s.out_c);
  weights w(weight_floats + panels * 16, cold);
  const fma_rate rate = fma_rate::measure();
  const int chunk = rexnet::detail::dense_chunk_c;
  for (auto _ : state) {
    const float* base = w.next();
    for (int c = 0; c < s.out_c; c += chunk)
      rexnet::detail::dense<arch>({x.data, s.k, base, base + weight_floats, out.data, s.out_c, c,
                                   (std::min)(s.out_c, c + chunk), real ? s.act : activation::none});
    benchmark::ClobberMemory();
  }
  const double macs = static_cast<double>(s.k) * s.out_c;
  count(state, rate, macs, 0, s.k);
  state.counters["bytes/s"] =
      benchmark::Counter(static_cast<double>(weight_floats) * 4 * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}

void run_scale(benchmark::State& state, const scale_shape& s) {
  numbers map(s.pixels * s.step);
  numbers scale(s.step);
  for (auto _ : state) {
    rexnet::detail::scale_pixels<arch>({map.data, s.pixels, s.step, scale.data, s.c, activation::relu6});
    benchmark::ClobberMemory();
  }
  state.counters["elements"] = static_cast<double>(s.pixels) * s.c;
}

/// Vectors that stay in L1, four at a time.
template <class Function>
void run_activation(benchmark::State& state, Function f) {
  constexpr int width = rexnet::simd::width<arch>, n = 2048;
  numbers in(n, 9.0f), out(n);
  for (auto _ : state) {
    for (int i = 0; i < n; i += 4 * width)
      for (int v = 0; v < 4 * width; v += width)
        rexnet::simd::store<arch>(out.data + i + v, f(rexnet::simd::load<arch>(in.data + i + v)));
    benchmark::ClobberMemory();
  }
  state.counters["elements"] = n;
}

void run_resize(benchmark::State& state) {
  constexpr int w = 4000, h = 3000, out_w = 341, out_h = 256;
  std::vector<std::uint8_t> bytes(std::size_t{w} * h * 3);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 2654435761u >> 24);
  for (auto _ : state)
    benchmark::DoNotOptimize(rexnet::detail::resize_part({bytes.data(), w, h}, out_w, out_h, 0, 0, out_w,
                                                         out_h, rexnet::interpolation::bicubic,
                                                         rexnet::pass_order::pillow_13));
  state.counters["elements"] = static_cast<double>(w) * h;
}

}  // namespace

void register_others(const shapes& all) {
  for (const bool cold : {false, true})
    for (const dense_shape& s : all.dense)
      for (const bool real : {false, true}) {
        if (real && s.act == activation::none) continue;
        static const char* const names[] = {"bias", "relu", "relu6", "sigmoid"};
        benchmark::RegisterBenchmark(
            ("dense/" + s.layer + "/k" + std::to_string(s.k) + "_c" + std::to_string(s.out_c) + "/" +
             (real ? names[static_cast<int>(s.act)] : "bias") + temperature(cold))
                .c_str(),
            [s, real, cold](benchmark::State& state) { run_dense(state, s, real, cold); });
      }
  for (const scale_shape& s : all.scale)
    benchmark::RegisterBenchmark(
        ("scale_pixels/" + s.layer + "/c" + std::to_string(s.c) + "_pixels" + std::to_string(s.pixels))
            .c_str(),
        [s](benchmark::State& state) { run_scale(state, s); });
  using vec = rexnet::simd::vec<arch>;
  benchmark::RegisterBenchmark("silu/ours", [](benchmark::State& state) {
    run_activation(state, [](const vec& v) { return rexnet::simd::silu<arch>(v); });
  });
  benchmark::RegisterBenchmark("silu/xsimd_exp", [](benchmark::State& state) {
    run_activation(state, [](const vec& v) { return v / (vec(1.0f) + xsimd::exp(-v)); });
  });
  benchmark::RegisterBenchmark("resize/4000x3000_to_341x256", run_resize)->Unit(benchmark::kMillisecond);
}

}  // namespace rexnet_bench
