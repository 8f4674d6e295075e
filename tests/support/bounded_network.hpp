// SPDX-License-Identifier: MIT
// The stem, a block and the head with a bound of float32's error for every element: plain loops over the
// payload's documented layout. The values are those of engine/reference.hpp, which knows no bounds.
#ifndef REXNET_TESTS_SUPPORT_BOUNDED_NETWORK_HPP
#define REXNET_TESTS_SUPPORT_BOUNDED_NETWORK_HPP

#include "rexnet/payload/layout.hpp"

#include "tests/support/bounded.hpp"

#include <cstdint>
#include <vector>

namespace rexnet_test {

struct bounded_map {
  int h = 0, w = 0, c = 0;
  std::vector<bounded> v;  ///< [h][w][c]

  bounded_map(int h_, int w_, int c_)
      : h(h_), w(w_), c(c_), v(static_cast<std::size_t>(h_) * static_cast<std::size_t>(w_ * c_)) {}
  bounded_map(int h_, int w_, int c_, const float* exact) : bounded_map(h_, w_, c_) {
    for (bounded& b : v) b = bounded(*exact++);
  }
  [[nodiscard]] bounded& at(int y, int x, int ch) {
    return v[static_cast<std::size_t>((y * w + x) * c + ch)];
  }
  [[nodiscard]] bool has(int y, int x) const { return y >= 0 && x >= 0 && y < h && x < w; }
};

[[nodiscard]] inline double weight_of(const float* payload, const rexnet::layer_layout& l, int o, int k) {
  return static_cast<double>(rexnet::numbers_of(payload, l).weight(o, k));
}

[[nodiscard]] inline bounded activated(rexnet::activation act, const bounded& x) {
  switch (act) {
    case rexnet::activation::none: break;
    case rexnet::activation::relu: return relu(x);
    case rexnet::activation::relu6: return relu6(x);
    case rexnet::activation::silu: return silu(x);
    case rexnet::activation::sigmoid: return sigmoid(x);
  }
  return x;
}
inline void activate(bounded_map& map, rexnet::activation act) {
  for (bounded& v : map.v) v = activated(act, v);
}

/// One output of a layer over x [l.k].
[[nodiscard]] inline bounded dense(const float* payload, const rexnet::layer_layout& l, const bounded* x,
                                   int o) {
  bounded_sum sum(rexnet::numbers_of(payload, l).bias[o]);
  for (int k = 0; k < l.k; ++k) sum.add(weight_of(payload, l, o, k), x[k]);
  return sum.result();
}
[[nodiscard]] inline bounded_map pointwise(const float* payload, const rexnet::layer_layout& l,
                                           bounded_map in) {
  bounded_map out(in.h, in.w, l.out_c);
  for (int y = 0; y < in.h; ++y)
    for (int x = 0; x < in.w; ++x)
      for (int o = 0; o < l.out_c; ++o) out.at(y, x, o) = dense(payload, l, &in.at(y, x, 0), o);
  return out;
}

/// Convolution with padding kernel / 2 of each channel (depthwise), or of all of them (the stem).
[[nodiscard]] inline bounded_map convolution(const float* payload, const rexnet::layer_layout& l,
                                             bounded_map in, int kernel, int stride, bool depthwise) {
  bounded_map out(rexnet::strided(in.h, stride), rexnet::strided(in.w, stride), l.out_c);
  for (int y = 0; y < out.h; ++y)
    for (int x = 0; x < out.w; ++x)
      for (int o = 0; o < l.out_c; ++o) {
        bounded_sum sum(rexnet::numbers_of(payload, l).bias[o]);
        for (int tap = 0; tap < kernel * kernel; ++tap) {
          const int iy = y * stride + tap / kernel - kernel / 2, ix = x * stride + tap % kernel - kernel / 2;
          if (!in.has(iy, ix)) continue;
          if (depthwise) {
            sum.add(weight_of(payload, l, o, tap), in.at(iy, ix, o));
          } else {
            for (int i = 0; i < in.c; ++i)
              sum.add(weight_of(payload, l, o, tap * in.c + i), in.at(iy, ix, i));
          }
        }
        out.at(y, x, o) = sum.result();
      }
  return out;
}

[[nodiscard]] inline std::vector<bounded> mean(bounded_map in) {
  std::vector<bounded> means;
  for (int ch = 0; ch < in.c; ++ch) {
    bounded_sum sum(0.0f);
    for (int y = 0; y < in.h; ++y)
      for (int x = 0; x < in.w; ++x) sum.add(1.0, in.at(y, x, ch));
    means.push_back(mean(sum, in.h * in.w));
  }
  return means;
}

[[nodiscard]] inline bounded_map stem(const rexnet::config& c, const float* payload,
                                      const rexnet::weights_layout& l, const bounded_map& image) {
  bounded_map out = convolution(payload, l.stem, image, 3, 2, false);
  activate(out, c.stem_act);
  return out;
}

[[nodiscard]] inline bounded_map block(const rexnet::config& c, const float* payload,
                                       const rexnet::weights_layout& layout, int i, bounded_map in) {
  const rexnet::block_config& b = c.blocks[i];
  const rexnet::block_layout& l = layout.blocks[i];
  bounded_map x = in;
  if (b.expand) {
    x = pointwise(payload, l.expand, in);
    activate(x, b.expand_act);
  }
  x = convolution(payload, l.depthwise, x, b.kernel, b.stride, true);
  if (!b.se_first) activate(x, b.depthwise_act);
  if (b.se_c > 0) {
    const std::vector<bounded> means = mean(x);
    std::vector<bounded> squeezed, gates;
    for (int s = 0; s < b.se_c; ++s) squeezed.push_back(relu(dense(payload, l.squeeze, means.data(), s)));
    for (int ch = 0; ch < b.mid_c; ++ch)
      gates.push_back(sigmoid(dense(payload, l.excite, squeezed.data(), ch)));
    for (std::size_t e = 0; e < x.v.size(); ++e)
      x.v[e] = times(x.v[e], gates[e % static_cast<std::size_t>(b.mid_c)]);
  }
  if (b.se_first) activate(x, b.depthwise_act);
  bounded_map out = pointwise(payload, l.project, x);
  activate(out, b.project_act);
  if (b.residual())
    for (int y = 0; y < out.h; ++y)
      for (int px = 0; px < out.w; ++px)
        for (int ch = 0; ch < b.residual_c; ++ch)
          out.at(y, px, ch) = plus(out.at(y, px, ch), in.at(y, px, ch));
  return out;
}

[[nodiscard]] inline bounded_map head(const rexnet::config& c, const float* payload,
                                      const rexnet::weights_layout& l, const bounded_map& in) {
  bounded_map out = pointwise(payload, l.head, in);
  activate(out, c.head_act);
  return out;
}

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_BOUNDED_NETWORK_HPP
