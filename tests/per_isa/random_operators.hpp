// SPDX-License-Identifier: MIT
// Random operators against double with the bound that rounding explains, and bit by bit against the chain of
// multiply-adds that the bit rule prescribes. Part of ops.cpp, which has compiled the kernels already.
#ifndef REXNET_TESTS_PER_ISA_RANDOM_OPERATORS_HPP
#define REXNET_TESTS_PER_ISA_RANDOM_OPERATORS_HPP

#include "tests/support/drawn_operators.hpp"

#include <string>
#include <vector>

namespace random_operators {

inline double pointwise_case(dice& d, std::string& text) {
  const int n = d.between(1, 2), h = d.between(1, 3), w = d.one_in(6) ? d.between(12, 45) : d.between(1, 12),
            in_c = channels(d), out_c = channels(d);
  const int residual_c = d.one_in(2) ? d.between(1, out_c) : 0;
  const auto act =
      d.one_of({activation::none, activation::relu, activation::relu6, activation::silu, activation::silu});
  guarded_map in(n, h, w, in_c, gap(d)), out(n, h, w, out_c, gap(d)),
      residual(n, h, w, residual_c > 0 ? residual_c : 1, gap(d));
  fill(in, d), fill(residual, d);
  const drawn_filter f(out_c, in_c, d);
  const rexnet::op_threads t = threads(d);
  text = text_of("pointwise n %d h %d w %d in_c %d out_c %d residual_c %d activation %d threads %d", n, h, w,
                 in_c, out_c, residual_c, static_cast<int>(act), t.count);
  judge j;
  j.must(rexnet::pointwise(in.view, f.packed.view(), out.view, act,
                           residual_c > 0 ? nhwc_view<const float>(residual.view) : nhwc_view<const float>(),
                           t) == errc::ok);
  out.each([&](float& v, int b, int y, int x, int o) {
    expected_sum sum(f.b(o));
    const float* const p = in.view.pixel(b, y, x);
    for (int i = 0; i < in_c; ++i) sum.add(f.w(o, i), p[i]);
    bounded bound = after(act, sum.bound.result());
    float bits = after(act, sum.bits);
    if (o < residual_c) {
      const float r = residual.view.pixel(b, y, x)[o];
      bound = rexnet_test::plus(bound, bounded(r));
      bits += r;
    }
    j.element(v, bound, bits);
  });
  j.must(in.guards_intact() && out.guards_intact() && residual.guards_intact());
  return j.worst;
}

inline double depthwise_case(dice& d, std::string& text) {
  const int n = d.between(1, 2), h = d.between(1, 9), w = d.one_in(6) ? d.between(10, 40) : d.between(1, 10),
            c = channels(d), kernel = d.one_in(4) ? 5 : 3, stride = d.between(1, 2);
  const auto act = d.one_of({activation::none, activation::relu, activation::relu6, activation::relu6});
  const int oh = (h + stride - 1) / stride, ow = (w + stride - 1) / stride, pad = kernel / 2;
  guarded_map in(n, h, w, c, gap(d)), out(n, oh, ow, c, gap(d));
  fill(in, d);
  const drawn_filter f(c, kernel * kernel, d);
  const rexnet::op_threads t = threads(d);
  text = text_of("depthwise n %d h %d w %d c %d kernel %d stride %d activation %d threads %d", n, h, w, c,
                 kernel, stride, static_cast<int>(act), t.count);
  judge j;
  j.must(rexnet::depthwise(in.view, f.packed.view(), kernel, stride, out.view, act, t) == errc::ok);
  out.each([&](float& v, int b, int y, int x, int o) {
    expected_sum sum(f.b(o));
    for (int ky = 0; ky < kernel; ++ky)
      for (int kx = 0; kx < kernel; ++kx) {
        const int iy = y * stride + ky - pad, ix = x * stride + kx - pad;
        if (iy >= 0 && ix >= 0 && iy < h && ix < w)
          sum.add(f.w(o, ky * kernel + kx), in.view.pixel(b, iy, ix)[o]);
      }
    j.element(v, after(act, sum.bound.result()), after(act, sum.bits));
  });
  j.must(in.guards_intact() && out.guards_intact());
  return j.worst;
}

inline double convolution_case(dice& d, std::string& text) {
  const int n = d.between(1, 2), h = d.between(1, 7), w = d.one_in(6) ? d.between(10, 40) : d.between(1, 10),
            in_c = d.one_in(2) ? 3 : d.between(1, 5), out_c = channels(d),
            kernel = d.one_of({1, 3, 3, 3, 5, 7}), stride = d.between(1, 3);
  const auto act = d.one_of({activation::none, activation::relu6, activation::silu});
  const int oh = (h + stride - 1) / stride, ow = (w + stride - 1) / stride, pad = kernel / 2;
  guarded_map in(n, h, w, in_c, gap(d)), out(n, oh, ow, out_c, gap(d));
  fill(in, d);
  const drawn_filter f(out_c, kernel * kernel * in_c, d);
  std::vector<float> scratch(rexnet::convolution_scratch_floats(w, in_c, kernel) + 1, rexnet_test::guard);
  text = text_of("convolution n %d h %d w %d in_c %d out_c %d kernel %d stride %d activation %d", n, h, w,
                 in_c, out_c, kernel, stride, static_cast<int>(act));
  judge j;
  j.must(rexnet::convolution(in.view, f.packed.view(), kernel, stride, out.view,
                             {scratch.data(), scratch.size() - 1}, act) == errc::ok);
  out.each([&](float& v, int b, int y, int x, int o) {
    expected_sum sum(f.b(o));
    for (int ky = 0; ky < kernel; ++ky)
      for (int kx = 0; kx < kernel; ++kx) {
        const int iy = y * stride + ky - pad, ix = x * stride + kx - pad;
        for (int i = 0; i < in_c; ++i)
          sum.add(f.w(o, (ky * kernel + kx) * in_c + i), static_cast<float>(in.get(b, iy, ix, i)));
      }
    j.element(v, after(act, sum.bound.result()), after(act, sum.bits));
  });
  j.must(scratch.back() == rexnet_test::guard && in.guards_intact() && out.guards_intact());
  return j.worst;
}

/// Sums over all pixels in their order, then times 1 / pixels.
inline float mean_bits(const nhwc_view<float>& m, int b, int c, bounded& bound) {
  expected_sum sum(0.0f);
  float bits = 0;
  for (int y = 0; y < m.h; ++y)
    for (int x = 0; x < m.w; ++x) {
      sum.add(1.0f, m.pixel(b, y, x)[c]);
      bits += m.pixel(b, y, x)[c];
    }
  bound = rexnet_test::mean(sum.bound, m.h * m.w);
  return bits * (1.0f / (static_cast<float>(m.h) * static_cast<float>(m.w)));
}

inline double mean_case(dice& d, std::string& text) {
  const int n = d.between(1, 3), h = d.between(1, 7), w = d.between(1, 9), c = channels(d);
  guarded_map in(n, h, w, c, gap(d));
  fill(in, d);
  std::vector<float> out(static_cast<std::size_t>(n * c) + 1, rexnet_test::guard);
  text = text_of("mean n %d h %d w %d c %d", n, h, w, c);
  judge j;
  j.must(rexnet::global_mean(in.view, {out.data(), out.size() - 1}) == errc::ok);
  for (int b = 0; b < n; ++b)
    for (int i = 0; i < c; ++i) {
      bounded bound;
      const float bits = mean_bits(in.view, b, i, bound);
      j.element(out[static_cast<std::size_t>(b * c + i)], bound, bits);
    }
  j.must(out.back() == rexnet_test::guard && in.guards_intact());
  return j.worst;
}

inline double dense_case(dice& d, std::string& text) {
  const int k = d.one_in(8) ? d.between(100, 400) : d.between(1, 60),
            out_c = d.one_in(8) ? d.between(90, 300) : channels(d);
  const auto act = d.one_of({activation::none, activation::relu, activation::relu6, activation::sigmoid});
  const drawn_filter f(out_c, k, d);
  std::vector<float> in(static_cast<std::size_t>(k)),
      out(static_cast<std::size_t>(out_c) + 1, rexnet_test::guard);
  for (float& v : in) v = d.value();
  text = text_of("dense k %d out_c %d activation %d", k, out_c, static_cast<int>(act));
  judge j;
  j.must(rexnet::dense(in, f.packed.view(), {out.data(), out.size() - 1}, act) == errc::ok);
  for (int o = 0; o < out_c; ++o) {
    expected_sum sum(f.b(o));
    for (int i = 0; i < k; ++i) sum.add(f.w(o, i), in[static_cast<std::size_t>(i)]);
    j.element(out[static_cast<std::size_t>(o)], after(act, sum.bound.result()), after(act, sum.bits));
  }
  j.must(out.back() == rexnet_test::guard);
  return j.worst;
}

inline double squeeze_excite_case(dice& d, std::string& text) {
  const int n = d.between(1, 2), h = d.between(1, 4), w = d.between(1, 6), c = channels(d),
            se = d.between(1, 20);
  const bool clip = d.one_in(2);
  guarded_map map(n, h, w, c, gap(d));
  fill(map, d);
  guarded_map before = map;
  before.view.data = before.memory.data() + 32;
  const drawn_filter squeeze(se, c, d), excite(c, se, d);
  std::vector<float> scratch(static_cast<std::size_t>(2 * c + se) + 1, rexnet_test::guard);
  text = text_of("squeeze-excite n %d h %d w %d c %d se %d clip %d", n, h, w, c, se, clip ? 1 : 0);
  judge j;
  j.must(rexnet::squeeze_excite(map.view, squeeze.packed.view(), excite.packed.view(),
                                {scratch.data(), scratch.size() - 1},
                                clip ? activation::relu6 : activation::none) == errc::ok);
  for (int b = 0; b < n; ++b) {
    std::vector<bounded> mean(static_cast<std::size_t>(c)), squeezed(static_cast<std::size_t>(se)),
        gate(mean);
    for (int i = 0; i < c; ++i) mean_bits(before.view, b, i, mean[static_cast<std::size_t>(i)]);
    const auto layer = [](const drawn_filter& f, const std::vector<bounded>& x, int o) {
      bounded_sum sum(f.b(o));
      for (int i = 0; i < f.k; ++i) sum.add(static_cast<double>(f.w(o, i)), x[static_cast<std::size_t>(i)]);
      return sum.result();
    };
    for (int s = 0; s < se; ++s)
      squeezed[static_cast<std::size_t>(s)] = rexnet_test::relu(layer(squeeze, mean, s));
    for (int i = 0; i < c; ++i)
      gate[static_cast<std::size_t>(i)] = rexnet_test::sigmoid(layer(excite, squeezed, i));
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x)
        for (int i = 0; i < c; ++i) {
          const bounded scaled =
              rexnet_test::times(bounded(before.view.pixel(b, y, x)[i]), gate[static_cast<std::size_t>(i)]);
          j.element(map.view.pixel(b, y, x)[i], clip ? rexnet_test::relu6(scaled) : scaled);
        }
  }
  j.must(scratch.back() == rexnet_test::guard && map.guards_intact());
  return j.worst;
}

inline double operator_case(dice& d, std::string& text) {
  switch (d.between(0, 9)) {
    case 0:
    case 1:
    case 2: return pointwise_case(d, text);
    case 3:
    case 4: return depthwise_case(d, text);
    case 5:
    case 6: return convolution_case(d, text);
    case 7: return mean_case(d, text);
    case 8: return dense_case(d, text);
    default: return squeeze_excite_case(d, text);
  }
}

}  // namespace random_operators

TEST_CASE("operators: random shapes are within the bounds of rounding and keep the bit rule") {
  rexnet_test::each_case(rexnet::simd::name<rexnet::simd::default_arch>(), 4000,
                         [](auto& d, std::string& text) { return random_operators::operator_case(d, text); });
}

#endif  // REXNET_TESTS_PER_ISA_RANDOM_OPERATORS_HPP
