// SPDX-License-Identifier: MIT
// Each operator against plain double loops, on channel counts around vector and panel sizes, with unpadded
// and padded strides, and guard values around everything that is written.
#include "rexnet/ops.hpp"

#include "tests/per_isa/faulty_operators.hpp"
#include "tests/per_isa/random_operators.hpp"
#include "tests/support/guarded_map.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

namespace {

using rexnet::errc;
using rexnet::nhwc_view;
using rexnet_test::guard;
using rexnet_test::guarded_map;

struct random_filter {
  std::vector<float> weights, bias;
  rexnet::packed_filter packed;
  random_filter(int out_c, int k, unsigned seed)
      : weights(static_cast<std::size_t>(out_c * k)), bias(static_cast<std::size_t>(out_c)) {
    std::mt19937 engine(seed);
    std::normal_distribution<float> value;
    for (float& v : weights) v = value(engine);
    for (float& v : bias) v = value(engine);
    auto f = rexnet::pack_filter(weights, bias, out_c, k);
    REQUIRE(f.ok());
    packed = std::move(*f);
  }
  double w(int o, int i, int k) const {
    return static_cast<double>(weights[static_cast<std::size_t>(o * k + i)]);
  }
};

double silu(double v) {
  return v / (1 + std::exp(-v));
}

/// A chain of k FMAs of standard normal terms: k half-ulps of the largest partial sum, and the activation's
/// ulps.
bool close(double found, double expected, int k) {
  const double bound = (k + 8) * 1.2e-7 * (1 + std::sqrt(static_cast<double>(k)) + std::fabs(expected));
  return std::fabs(found - expected) <= bound;
}

constexpr int channel_counts[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 24, 27, 31, 32, 33, 50};

}  // namespace

TEST_CASE("pointwise: every channel tail, pixel count, activation, partial residual and stride") {
  int seed = 0;
  for (const int out_c : channel_counts)
    for (const int in_c : {1, 5, 16, 38})
      for (const int w : {1, 2, 6, 7, 13, 15, 29}) {
        ++seed;
        guarded_map in(2, 2, w, in_c, seed % 3, static_cast<unsigned>(seed)),
            out(2, 2, w, out_c, seed % 5, 1);
        const int res_c = 1 + seed % out_c;
        guarded_map residual(2, 2, w, res_c, seed % 2, 2);
        const random_filter f(out_c, in_c, static_cast<unsigned>(seed));
        const bool add = seed % 2 == 0, act = seed % 3 == 0;
        REQUIRE(rexnet::pointwise(in.view, f.packed.view(), out.view,
                                  act ? rexnet::activation::silu : rexnet::activation::none,
                                  add ? nhwc_view<const float>(residual.view) : nhwc_view<const float>(),
                                  {seed % 4 + 1, {}}) == errc::ok);
        bool good = true;
        out.each([&](float& v, int b, int y, int x, int o) {
          double sum = static_cast<double>(f.bias[static_cast<std::size_t>(o)]);
          for (int i = 0; i < in_c; ++i) sum += in.get(b, y, x, i) * f.w(o, i, in_c);
          if (act) sum = silu(sum);
          if (add && o < res_c) sum += residual.get(b, y, x, o);
          good = good && close(static_cast<double>(v), sum, in_c);
        });
        INFO("out_c ", out_c, " in_c ", in_c, " w ", w);
        CHECK(good);
        CHECK(out.guards_intact());
        CHECK(in.guards_intact());
      }
}

TEST_CASE("depthwise: kernels 3 and 5, strides 1 and 2, every channel tail and width, tiny maps") {
  int seed = 0;
  for (const int c : channel_counts)
    for (const int kernel : {3, 5})
      for (const int stride : {1, 2})
        for (const auto& side : {std::pair{1, 1}, {1, 2}, {2, 3}, {5, 4}, {3, 9}, {4, 17}, {7, 26}}) {
          const int h = side.first, w = side.second;
          ++seed;
          guarded_map in(1, h, w, c, seed % 3, static_cast<unsigned>(seed)),
              out(1, (h + stride - 1) / stride, (w + stride - 1) / stride, c, seed % 4, 1);
          const random_filter f(c, kernel * kernel, static_cast<unsigned>(seed));
          REQUIRE(rexnet::depthwise(in.view, f.packed.view(), kernel, stride, out.view,
                                    seed % 2 == 0 ? rexnet::activation::relu6 : rexnet::activation::none) ==
                  errc::ok);
          bool good = true;
          out.each([&](float& v, int b, int y, int x, int ch) {
            double sum = static_cast<double>(f.bias[static_cast<std::size_t>(ch)]);
            for (int ky = 0; ky < kernel; ++ky)
              for (int kx = 0; kx < kernel; ++kx)
                sum += in.get(b, y * stride + ky - kernel / 2, x * stride + kx - kernel / 2, ch) *
                       f.w(ch, ky * kernel + kx, kernel * kernel);
            if (seed % 2 == 0) sum = sum < 0 ? 0 : sum > 6 ? 6 : sum;
            good = good && close(static_cast<double>(v), sum, kernel * kernel);
          });
          INFO("c ", c, " kernel ", kernel, " stride ", stride, " ", h, "x", w);
          CHECK(good);
          CHECK(out.guards_intact());
        }
}

TEST_CASE("convolution: 1, 3 and 5 square, strides 1 to 3, from 1, 3 and 4 channels") {
  int seed = 0;
  for (const int kernel : {1, 3, 5})
    for (const int stride : {1, 2, 3})
      for (const int in_c : {1, 3, 4})
        for (const auto& [h, w] : {std::pair{1, 1}, {2, 5}, {9, 8}, {6, 33}}) {
          const int out_c = channel_counts[static_cast<std::size_t>(++seed) % 15], k = kernel * kernel * in_c;
          guarded_map in(2, h, w, in_c, seed % 3, static_cast<unsigned>(seed)),
              out(2, (h + stride - 1) / stride, (w + stride - 1) / stride, out_c, seed % 4, 1);
          const random_filter f(out_c, k, static_cast<unsigned>(seed));
          std::vector<float> scratch(rexnet::convolution_scratch_floats(w, in_c, kernel) + 1, guard);
          REQUIRE(rexnet::convolution(in.view, f.packed.view(), kernel, stride, out.view,
                                      {scratch.data(), scratch.size() - 1},
                                      rexnet::activation::relu6) == errc::ok);
          bool good = scratch.back() == guard;
          out.each([&](float& v, int b, int y, int x, int o) {
            double sum = static_cast<double>(f.bias[static_cast<std::size_t>(o)]);
            for (int t = 0; t < k; ++t)
              sum += in.get(b, y * stride + t / in_c / kernel - kernel / 2,
                            x * stride + t / in_c % kernel - kernel / 2, t % in_c) *
                     f.w(o, t, k);
            good = good && close(static_cast<double>(v), sum < 0 ? 0 : sum > 6 ? 6 : sum, k);
          });
          CHECK(good);
          CHECK(out.guards_intact());
        }
}

TEST_CASE("squeeze-excite, mean and dense: every channel tail") {
  for (const int c : channel_counts) {
    const int se = c % 7 + 1;
    guarded_map map(2, 3, 5, c, c % 3, static_cast<unsigned>(c)), before = map;
    before.view.data = before.memory.data() + 32;
    const random_filter squeeze(se, c, 5), excite(c, se, 6);
    std::vector<float> scratch(static_cast<std::size_t>(2 * c + se));
    REQUIRE(rexnet::squeeze_excite(map.view, squeeze.packed.view(), excite.packed.view(), scratch,
                                   rexnet::activation::relu6) == errc::ok);
    bool good = map.guards_intact();
    for (int b = 0; b < 2; ++b) {
      std::vector<double> mean(static_cast<std::size_t>(c)), squeezed(static_cast<std::size_t>(se));
      for (int i = 0; i < c; ++i) {
        for (int p = 0; p < 15; ++p) mean[static_cast<std::size_t>(i)] += before.get(b, p / 5, p % 5, i) / 15;
      }
      for (int s = 0; s < se; ++s) {
        double sum = static_cast<double>(squeeze.bias[static_cast<std::size_t>(s)]);
        for (int i = 0; i < c; ++i) sum += mean[static_cast<std::size_t>(i)] * squeeze.w(s, i, c);
        squeezed[static_cast<std::size_t>(s)] = std::max(sum, 0.0);
      }
      for (int i = 0; i < c; ++i) {
        double sum = static_cast<double>(excite.bias[static_cast<std::size_t>(i)]);
        for (int s = 0; s < se; ++s) sum += squeezed[static_cast<std::size_t>(s)] * excite.w(i, s, se);
        for (int p = 0; p < 15; ++p) {
          const double v = before.get(b, p / 5, p % 5, i) / (1 + std::exp(-sum));
          good = good && close(map.get(b, p / 5, p % 5, i), v < 0 ? 0 : v > 6 ? 6 : v, c + se + 15);
        }
      }
    }
    INFO("c ", c);
    CHECK(good);
  }
}

TEST_CASE("operators: wrong shapes are answered") {
  guarded_map in(1, 4, 4, 8, 0, 1), out(1, 4, 4, 9, 0, 2);
  const random_filter f(9, 7, 3);
  CHECK(rexnet::pointwise(in.view, f.packed.view(), out.view) == errc::shape_mismatch);
  CHECK(rexnet::depthwise(in.view, f.packed.view(), 4, 1, out.view) == errc::invalid_argument);
  CHECK(rexnet::depthwise(in.view, f.packed.view(), 3, 1, out.view) == errc::shape_mismatch);
  CHECK(rexnet::pack_filter({f.weights.data(), 62}, f.bias, 9, 7).code() == errc::shape_mismatch);

  const random_filter good(9, 8, 3), squeeze(2, 8, 4), excite(8, 3, 5);
  const guarded_map narrow(1, 4, 3, 9, 0, 6), wide(1, 4, 4, 10, 0, 7);
  for (const guarded_map* residual : {&narrow, &wide})
    CHECK(rexnet::pointwise(in.view, good.packed.view(), out.view, rexnet::activation::none,
                            residual->view) == errc::shape_mismatch);
  std::vector<float> scratch(64), eight(8), nine(9);
  CHECK(rexnet::convolution(in.view, good.packed.view(), 3, 1, out.view, scratch) == errc::shape_mismatch);
  CHECK(rexnet::convolution(in.view, good.packed.view(), 2, 1, out.view, scratch) == errc::invalid_argument);
  CHECK(rexnet::convolution(in.view, good.packed.view(), 1, 1, out.view, {}) == errc::workspace_too_small);
  CHECK(rexnet::global_mean(in.view, nine) == errc::shape_mismatch);
  CHECK(rexnet::dense(nine, good.packed.view(), nine) == errc::shape_mismatch);
  CHECK(rexnet::dense(eight, good.packed.view(), eight) == errc::shape_mismatch);
  CHECK(rexnet::squeeze_excite(in.view, squeeze.packed.view(), excite.packed.view(), scratch) ==
        errc::shape_mismatch);
}

TEST_CASE("operators: a batch of no images is fine, with data or without") {
  const random_filter wide(9, 8, 3), taps(8, 9, 4), stem(9, 72, 5), squeeze(2, 8, 6), excite(8, 2, 7);
  std::vector<float> scratch(1000), one(8, 3.0f);
  for (float* const data : {static_cast<float*>(nullptr), one.data()}) {
    const rexnet::nhwc_view<float> in(data, 0, 4, 4, 8), out(data, 0, 4, 4, 9), half(data, 0, 2, 2, 9);
    CHECK(rexnet::pointwise(in, wide.packed.view(), out, rexnet::activation::silu, in, {3, {}}) == errc::ok);
    CHECK(rexnet::depthwise(in, taps.packed.view(), 3, 1, in, rexnet::activation::relu6, {3, {}}) ==
          errc::ok);
    CHECK(rexnet::convolution(in, stem.packed.view(), 3, 2, half, scratch) == errc::ok);
    CHECK(rexnet::global_mean(in, {}) == errc::ok);
    CHECK(rexnet::squeeze_excite(in, squeeze.packed.view(), excite.packed.view(), scratch) == errc::ok);
    const rexnet::nhwc_view<float> none(data, 0, 0, 4, 8);
    CHECK(rexnet::global_mean(none, {}) == errc::shape_mismatch);
  }
  CHECK(one == std::vector<float>(8, 3.0f));
}

TEST_CASE("global_mean: maps of any size lose no digits") {
  // 16384 x 16384 pixels that are all the same one: a single chain of floats would be a tenth off.
  const float pixel[] = {0.1f, -3.3f, 1e-20f, 7.0f, 0.3f};
  for (const int side : {1, 31, 32, 33, 2000, 16384}) {
    rexnet::nhwc_view<const float> map(pixel, 1, side, side, 5);
    map.pixel_stride = map.row_stride = 0;
    float mean[5];
    REQUIRE(rexnet::global_mean(map, mean) == errc::ok);
    for (int c = 0; c < 5; ++c) {
      INFO(side, " x ", side, " channel ", c, " ", mean[c]);
      CHECK(std::fabs(mean[c] - pixel[c]) <= 2e-5f * std::fabs(pixel[c]));
    }
  }
}
