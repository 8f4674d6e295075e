// SPDX-License-Identifier: MIT
// The naive network in double precision: plain loops over folded weights, written from the architecture and
// not from the kernels. Weights are read from the packed payload through the layout's documented formula.
#ifndef REXNET_TESTS_SUPPORT_REFERENCE_HPP
#define REXNET_TESTS_SUPPORT_REFERENCE_HPP

#include "rexnet/network/layout.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace rexnet_test {

struct map {
  int h = 0, w = 0, c = 0;
  std::vector<double> v;
  map(int h_, int w_, int c_) : h(h_), w(w_), c(c_), v(static_cast<std::size_t>(h_) * w_ * c_) {}
  double& at(int y, int x, int ch) { return v[(static_cast<std::size_t>(y) * w + x) * c + ch]; }
  double get(int y, int x, int ch) const {
    return y < 0 || x < 0 || y >= h || x >= w ? 0.0 : v[(static_cast<std::size_t>(y) * w + x) * c + ch];
  }
};

inline double weight(const float* payload, const rexnet::layer_layout& l, int k, int o) {
  return payload[l.weights + (static_cast<std::int64_t>(o) / 16 * l.k + k) * 16 + o % 16];
}
inline double bias(const float* payload, const rexnet::layer_layout& l, int o) {
  return payload[l.bias + o];
}

inline double silu(double x) {
  return x / (1.0 + std::exp(-x));
}
inline double relu6(double x) {
  return x < 0 ? 0.0 : x > 6 ? 6.0 : x;
}

/// Dense convolution: taps in the order rows, columns, channels.
template <class Act>
map convolve(const float* payload, const rexnet::layer_layout& l, const map& in, int kernel, int stride,
             Act act) {
  map out((in.h + stride - 1) / stride, (in.w + stride - 1) / stride, l.out_c);
  for (int y = 0; y < out.h; ++y)
    for (int x = 0; x < out.w; ++x)
      for (int o = 0; o < out.c; ++o) {
        double sum = bias(payload, l, o);
        for (int ky = 0; ky < kernel; ++ky)
          for (int kx = 0; kx < kernel; ++kx)
            for (int i = 0; i < in.c; ++i)
              sum += in.get(y * stride + ky - kernel / 2, x * stride + kx - kernel / 2, i) *
                     weight(payload, l, (ky * kernel + kx) * in.c + i, o);
        out.at(y, x, o) = act(sum);
      }
  return out;
}

template <class Act>
std::vector<double> dense(const float* payload, const rexnet::layer_layout& l, const std::vector<double>& x,
                          Act act) {
  std::vector<double> out(static_cast<std::size_t>(l.out_c));
  for (int o = 0; o < l.out_c; ++o) {
    double sum = bias(payload, l, o);
    for (int k = 0; k < l.k; ++k) sum += x[static_cast<std::size_t>(k)] * weight(payload, l, k, o);
    out[static_cast<std::size_t>(o)] = act(sum);
  }
  return out;
}

inline std::vector<double> mean(const map& m) {
  std::vector<double> out(static_cast<std::size_t>(m.c));
  for (int y = 0; y < m.h; ++y)
    for (int x = 0; x < m.w; ++x)
      for (int c = 0; c < m.c; ++c) out[static_cast<std::size_t>(c)] += m.get(y, x, c);
  for (double& v : out) v /= static_cast<double>(m.h) * m.w;
  return out;
}

inline map reference_block(const rexnet::config& c, const float* payload, const rexnet::weights_layout& l,
                           int i, const map& in) {
  const rexnet::block_config& b = c.blocks[i];
  const rexnet::block_layout& bl = l.blocks[i];
  const bool lite = c.family == rexnet::family::lite;
  map x = b.expand
              ? convolve(payload, bl.expand, in, 1, 1, [lite](double v) { return lite ? relu6(v) : silu(v); })
              : in;
  map d((x.h + b.stride - 1) / b.stride, (x.w + b.stride - 1) / b.stride, x.c);
  for (int y = 0; y < d.h; ++y)
    for (int xx = 0; xx < d.w; ++xx)
      for (int ch = 0; ch < d.c; ++ch) {
        double sum = bias(payload, bl.depthwise, ch);
        for (int ky = 0; ky < b.kernel; ++ky)
          for (int kx = 0; kx < b.kernel; ++kx)
            sum += x.get(y * b.stride + ky - b.kernel / 2, xx * b.stride + kx - b.kernel / 2, ch) *
                   weight(payload, bl.depthwise, ky * b.kernel + kx, ch);
        d.at(y, xx, ch) = sum;
      }
  if (b.se_c > 0) {
    const auto squeezed = dense(payload, bl.squeeze, mean(d), [](double v) { return v > 0 ? v : 0.0; });
    const auto scale =
        dense(payload, bl.excite, squeezed, [](double v) { return 1.0 / (1.0 + std::exp(-v)); });
    for (std::size_t k = 0; k < d.v.size(); ++k) d.v[k] *= scale[k % static_cast<std::size_t>(d.c)];
  }
  for (double& v : d.v) v = relu6(v);
  map out = convolve(payload, bl.project, d, 1, 1, [](double v) { return v; });
  if (b.residual())
    for (int y = 0; y < out.h; ++y)
      for (int xx = 0; xx < out.w; ++xx)
        for (int ch = 0; ch < in.c; ++ch) out.at(y, xx, ch) += in.get(y, xx, ch);
  return out;
}

/// Logits of one [h][w][3] image.
inline std::vector<double> reference_logits(const rexnet::config& c, const float* payload, const float* image,
                                            int h, int w) {
  const rexnet::weights_layout l = rexnet::layout_of(c);
  const bool lite = c.family == rexnet::family::lite;
  const auto act = [lite](double v) { return lite ? relu6(v) : silu(v); };
  map x(h, w, 3);
  for (std::size_t i = 0; i < x.v.size(); ++i) x.v[i] = image[i];
  x = convolve(payload, l.stem, x, 3, 2, act);
  for (int i = 0; i < rexnet::block_count; ++i) x = reference_block(c, payload, l, i, x);
  std::vector<double> features = mean(convolve(payload, l.head, x, 1, 1, act));
  if (c.hidden_c > 0) features = dense(payload, l.hidden, features, relu6);
  return dense(payload, l.classifier, features, [](double v) { return v; });
}

/// Random weights of the layout whose activations neither die nor explode: variance 2 / k, a little bias.
inline std::vector<float> random_payload(const rexnet::config& c, unsigned seed) {
  rexnet::weights_layout l = rexnet::layout_of(c);
  std::vector<float> payload(static_cast<std::size_t>(l.floats));
  std::mt19937 engine(seed);
  rexnet::for_each_layer(c, l, [&](rexnet::layer_layout& layer, int, int) {
    std::normal_distribution<float> weight_value(
        0.0f, std::sqrt(2.0f / static_cast<float>(layer.k > 0 ? layer.k : 1)));
    std::normal_distribution<float> bias_value(0.05f, 0.2f);
    for (int o = 0; o < layer.out_c; ++o) {
      for (int k = 0; k < layer.k; ++k)
        payload[static_cast<std::size_t>(layer.weights +
                                         (static_cast<std::int64_t>(o) / 16 * layer.k + k) * 16 + o % 16)] =
            weight_value(engine);
      payload[static_cast<std::size_t>(layer.bias + o)] = bias_value(engine);
    }
  });
  return payload;
}

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_REFERENCE_HPP
