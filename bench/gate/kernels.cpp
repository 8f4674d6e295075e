// SPDX-License-Identifier: MIT
// Runs each kernel once on one shape, for the instruction-count gate (gate.py): `gate [PART...]` runs the
// cases whose name contains one of the parts, or all, and prints their names in order. Only what counted()
// calls is counted.
#include "bench/gate/fill.hpp"
#include "rexnet/engine/network.hpp"
#include "rexnet/image/resize.hpp"

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

// callgrind finds this function by its name: --toggle-collect=counted --dump-after=counted.
extern "C" __attribute__((noinline)) void counted(void (*function)(void*), void* context) {
  function(context);
  __asm__ volatile("" ::: "memory");  // no tail call: the end of this function is the end of the count
}

namespace {

using arch = rexnet::simd::default_arch;
using rexnet::activation;
namespace detail = rexnet::detail;

std::vector<std::string> wanted;

template <class Function>
void run(const std::string& name, Function function) {
  bool chosen = wanted.empty();
  for (const std::string& part : wanted) chosen |= name.find(part) != std::string::npos;
  if (!chosen) return;
  std::printf("%s\n", name.c_str());
  counted([](void* f) { (*static_cast<Function*>(f))(); }, &function);
}

/// Aligned floats in [-1, 1).
struct numbers {
  explicit numbers(std::ptrdiff_t count, float limit = 1.0f)
      : buffer(static_cast<std::size_t>(count) * sizeof(float)), data(buffer.floats().data()) {
    rexnet_bench::fill(data, static_cast<std::size_t>(count), limit);
  }
  rexnet::aligned_buffer buffer;
  float* data;
};

std::string text(const char* kernel, std::initializer_list<std::pair<const char*, int>> shape,
                 const char* rest = "") {
  std::string name = kernel;
  for (const auto& [key, value] : shape) name += std::string(" ") + key + std::to_string(value);
  return name + rest;
}

/// padded: channels of a pixel as in the network's own maps; else exact, so that the last ones end within a
/// vector.
void pointwise(int pixels, int k, int out_c, activation act, int residual_c, bool padded) {
  const int in_step = padded ? rexnet::padded_c(k) : k, out_step = padded ? rexnet::padded_c(out_c) : out_c;
  const std::ptrdiff_t panels = rexnet::panel_count(out_c);
  numbers in(std::ptrdiff_t{pixels} * in_step), weights(panels * k * 16, 1.0f / static_cast<float>(k)),
      bias(panels * 16), out(std::ptrdiff_t{pixels} * out_step), residual(std::ptrdiff_t{pixels} * out_step);
  const float* segment = in.data;
  rexnet::pointwise_args a{};
  a.segment = &segment;
  a.segments = 1;
  a.run = k;
  a.pixel_step = in_step;
  a.weights = weights.data;
  a.bias = bias.data;
  a.out = out.data;
  a.pixels = pixels;
  a.out_step = a.out_c = a.last_c = out_step;
  a.residual = residual_c > 0 ? residual.data : nullptr;
  a.residual_step = out_step;
  a.residual_c = residual_c;
  a.act = act;
  a.ahead = 2;
  static const char* const names[] = {" none", " relu", " relu6", " silu"};
  const std::string rest = std::string(names[static_cast<int>(act)]) + (residual_c > 0 ? " residual" : "");
  run(text("pointwise", {{"pixels", pixels}, {"k", k}, {"c", out_c}}, rest.c_str()),
      [&] { detail::pointwise<arch>(a); });
}

void stem(int side, int stem_c) {
  numbers in(std::ptrdiff_t{side} * side * 3), weights(rexnet::panel_count(stem_c) * 27 * 16, 0.1f),
      bias(rexnet::panel_count(stem_c) * 16), out(std::ptrdiff_t{side} * stem_c),
      scratch(detail::stem_rows_floats(side));
  detail::input_rows input;
  input.floats = in.data;
  input.row_step = side * 3;
  input.h = input.w = side;
  detail::stem_rows rows{&rexnet::kernels_of<arch>, input,       {weights.data, bias.data}, stem_c,
                         activation::silu,          scratch.data};
  run(text("stem", {{"side", side}, {"c", stem_c}}), [&] {
    for (int y = 0; y < 4; ++y) rows.compute(y, out.data, stem_c);
  });
}

void depthwise(int side, int c, int kernel, int stride, bool with_sums) {
  const int o = rexnet::strided(side, stride), panels = rexnet::panel_count(c);
  numbers in(std::ptrdiff_t{side} * side * c), weights(std::ptrdiff_t{panels} * kernel * kernel * 16),
      bias(panels * 16), out(std::ptrdiff_t{o} * o * c), sums(panels * 16);
  rexnet::depthwise_args a{};
  a.in = in.data;
  a.in_row = std::ptrdiff_t{side} * c;
  a.in_step = c;
  a.ring_rows = a.h = a.w = side;
  a.weights = weights.data;
  a.bias = bias.data;
  a.out = out.data;
  a.out_row = std::ptrdiff_t{o} * c;
  a.out_step = a.c = c;
  a.rows = a.ow = o;
  a.kernel = kernel;
  a.stride = stride;
  a.act = with_sums ? activation::none : activation::relu6;
  a.sums = with_sums ? sums.data : nullptr;
  run(text("depthwise", {{"side", side}, {"c", c}, {"kernel", kernel}, {"stride", stride}},
           with_sums ? " sums" : ""),
      [&] { detail::depthwise<arch>(a); });
}

void dense(int k, int out_c, activation act, const char* name) {
  numbers x(k), weights(std::ptrdiff_t{rexnet::panel_count(out_c)} * k * 16, 0.1f),
      bias(rexnet::panel_count(out_c) * 16), out(out_c);
  run(text("dense", {{"k", k}, {"c", out_c}}, name), [&] {
    detail::dense<arch>({x.data, k, weights.data, bias.data, out.data, out_c, 0, out_c, act});
  });
}

void maps(int pixels, int c) {
  numbers map(std::ptrdiff_t{pixels} * c), scale(c);
  run(text("scale_pixels", {{"pixels", pixels}, {"c", c}}), [&] {
    detail::scale_pixels<arch>({map.data, pixels, c, scale.data, c, activation::relu6});
  });
  run(text("add_pixels", {{"pixels", pixels}, {"c", c}}), [&] {
    detail::add_pixels<arch>({map.data, pixels, c, scale.data, c, activation::none});
  });
}

void silu(int n) {
  numbers v(n, 9.0f);
  run(text("silu", {{"n", n}}), [&] {
    constexpr int width = rexnet::simd::width<arch>;
    for (int i = 0; i < n; i += width)
      rexnet::simd::store<arch>(v.data + i, rexnet::simd::silu<arch>(rexnet::simd::load<arch>(v.data + i)));
  });
}

void resize(int w, int h, int out_w, int out_h) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(w) * static_cast<std::size_t>(h) * 3);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 2654435761u >> 24);
  run(text("resize", {{"w", w}, {"h", h}, {"to", out_w}, {"x", out_h}}), [&] {
    static_cast<void>(detail::resize_part({bytes.data(), w, h}, out_w, out_h, 0, 0, out_w, out_h,
                                          rexnet::interpolation::bicubic, rexnet::pass_order::pillow_13));
  });
}

void network(rexnet::family family, int width, int h, int w) {
  const rexnet::config c = rexnet::config_for(family, width, 10);
  const rexnet::aligned_buffer payload = rexnet_bench::random_payload(c);
  const rexnet::network<rexnet::dynamic_config> net(c, payload.floats().data());
  const rexnet::plan plan = net.make_plan(h, w, 1).value();
  rexnet::aligned_buffer workspace(plan.workspace_bytes());
  numbers image(std::ptrdiff_t{h} * w * 3), logits(10);
  run(text("network", {{"width", width}, {"h", h}, {"w", w}},
           (" " + std::string(rexnet::family_name(family))).c_str()),
      [&] {
        static_cast<void>(net.forward(plan, {image.data, 1, h, w, 3}, {logits.data, 10},
                                      {workspace.data(), workspace.size()}));
      });
}

}  // namespace

int main(int argc, char** argv) {
  wanted.assign(argv + 1, argv + argc);
  // The network's ways of calling: small and large k, slices, residuals, all pixels of a map or a few rows.
  pointwise(224, 16, 96, activation::silu, 0, true);
  pointwise(224, 27, 162, activation::silu, 0, true);
  pointwise(112, 228, 50, activation::none, 0, true);
  pointwise(196, 84, 32, activation::silu, 0, true);
  pointwise(49, 1044, 185, activation::none, 176, true);
  pointwise(49, 185, 1280, activation::relu6, 0, true);
  pointwise(5, 13, 37, activation::relu, 21, false);  // nothing is a multiple of anything
  pointwise(1, 64, 8, activation::none, 0, true);
  stem(64, 32);
  stem(33, 13);
  depthwise(56, 32, 3, 1, false);
  depthwise(56, 32, 3, 2, false);
  depthwise(7, 32, 3, 1, true);
  depthwise(14, 32, 3, 2, true);
  depthwise(9, 13, 3, 1, false);
  depthwise(14, 32, 5, 1, false);
  dense(1110, 92, activation::relu, " relu");
  dense(92, 1110, activation::sigmoid, " sigmoid");
  dense(1280, 1000, activation::none, " none");
  dense(37, 10, activation::relu6, " relu6");
  maps(49, 1110);
  maps(30, 13);
  silu(4096);
  resize(320, 240, 114, 85);
  resize(160, 400, 64, 160);
  network(rexnet::family::v1, 30, 64, 64);
  network(rexnet::family::rexnetr, 25, 33, 47);
  network(rexnet::family::lite, 30, 64, 64);
  return 0;
}
