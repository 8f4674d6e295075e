// SPDX-License-Identifier: MIT
// NaN, infinities, denormals and huge numbers through each operator, against PyTorch's answers; and the
// caller's floating-point mode, which nothing may change. Part of ops.cpp, which has compiled the kernels.
#ifndef REXNET_TESTS_PER_ISA_FAULTY_OPERATORS_HPP
#define REXNET_TESTS_PER_ISA_FAULTY_OPERATORS_HPP

#include "rexnet/core/half.hpp"
#include "rexnet/ops.hpp"

#include "tests/support/faults.hpp"
#include "tests/support/float_mode.hpp"
#include "tests/support/must.hpp"

#include <limits>
#include <string>
#include <vector>

namespace faulty_operators {

using rexnet::activation;
using rexnet::errc;
using rexnet::nhwc_view;
using rexnet_test::fault_values;
using rexnet_test::must;

inline rexnet::packed_filter filter(int out_c, int k) {
  const auto weights = rexnet_test::fault_weights(out_c * k), biases = rexnet_test::fault_biases(out_c);
  return must(rexnet::pack_filter(weights, biases, out_c, k));
}

/// A dense map of one image of the formula's values.
struct formula_map {
  std::vector<float> v;
  nhwc_view<float> view;
  formula_map(int h, int w, int c) : v(fault_values(h * w * c)), view(v.data(), 1, h, w, c) {}
};

/// Where denormals are flushed, a denormal is a zero: both count as any other number.
inline std::string kinds(const std::vector<float>& v, const std::string& pytorch) {
  std::string found;
  for (const float x : v) found += rexnet_test::kind(x);
  if (!rexnet::simd::flushes_denormals<rexnet::simd::default_arch>) return found;
  for (std::size_t i = 0; i < found.size() && i < pytorch.size(); ++i)
    if (found[i] == '0' && pytorch[i] == '.') found[i] = '.';
  return found;
}

/// The sets that flush denormals have none to answer: PyTorch's is a zero there.
inline float representable(float v) {
  const bool tiny = std::fabs(v) < std::numeric_limits<float>::min();
  return tiny && rexnet::simd::flushes_denormals<rexnet::simd::default_arch> ? std::copysign(0.0f, v) : v;
}

/// The value after an activation, through the pointwise kernel: 1 * x + 0.
inline std::vector<float> through_pointwise(const std::vector<float>& in, activation act) {
  const float one = 1;
  const rexnet::packed_filter f = must(rexnet::pack_filter({&one, 1}, {}, 1, 1));
  const int n = static_cast<int>(in.size());
  std::vector<float> out(in.size());
  REQUIRE(rexnet::pointwise({in.data(), 1, 1, n, 1}, f.view(), {out.data(), 1, 1, n, 1}, act) == errc::ok);
  return out;
}
inline std::vector<float> through_dense(const std::vector<float>& in, activation act) {
  const float one = 1;
  const rexnet::packed_filter f = must(rexnet::pack_filter({&one, 1}, {}, 1, 1));
  std::vector<float> out(in.size());
  for (std::size_t i = 0; i < in.size(); ++i)
    REQUIRE(rexnet::dense({&in[i], 1}, f.view(), {&out[i], 1}, act) == errc::ok);
  return out;
}

inline void check_activation(const char* name, const std::vector<float>& found) {
  const std::vector<float> in = rexnet_test::numbers(rexnet_test::fault_lines("edges").front()),
                           expected = rexnet_test::numbers(rexnet_test::fault_lines(name).front());
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    INFO(std::string(name), " of ", in[i], ": ", found[i], ", PyTorch ", expected[i]);
    const float e = representable(expected[i]);
    CHECK(std::isnan(found[i]) == std::isnan(e));
    if (std::isnan(e)) continue;
    // Below -87 sigmoid is denormal: simd/math.hpp says how small SiLU is there, -0 included.
    const double lowest = std::ldexp(1.0, in[i] < -87 ? -118 : -125);
    if (std::isinf(e) || e == 0)
      CHECK(found[i] == e);  // exactly zero where PyTorch has zero: 1e30 times it is zero, too
    else                     // 4 ulp each
      CHECK(std::fabs(static_cast<double>(found[i]) - static_cast<double>(e)) <=
            8 * std::ldexp(std::fabs(static_cast<double>(e)), -23) + lowest);
  }
}

}  // namespace faulty_operators

TEST_CASE("faults: PyTorch's answers of the activations at the edges of the floats") {
  using namespace faulty_operators;
  const std::vector<float> in = rexnet_test::numbers(rexnet_test::fault_lines("edges").front());
  check_activation("silu", through_pointwise(in, activation::silu));
  check_activation("relu", through_pointwise(in, activation::relu));
  check_activation("relu6", through_pointwise(in, activation::relu6));
  check_activation("sigmoid", through_dense(in, rexnet::activation::sigmoid));
  check_activation("relu", through_dense(in, rexnet::activation::relu));
  check_activation("relu6", through_dense(in, rexnet::activation::relu6));
}

TEST_CASE("faults: a NaN or an infinity reaches the outputs that PyTorch lets it reach, in every operator") {
  using namespace faulty_operators;
  const auto check = [](const char* what, const std::vector<std::string>& line,
                        const std::vector<float>& found) {
    INFO(std::string(what), " of ", line[line.size() - 2]);
    CHECK(kinds(found, line.back()) == line.back());
  };
  for (const auto& line : rexnet_test::fault_lines("convolution")) {
    formula_map in(5, 5, 3), out(3, 3, 5);
    in.view.pixel(0, std::stoi(line[0]), std::stoi(line[1]))[1] = rexnet_test::number(line[2]);
    std::vector<float> scratch(rexnet::convolution_scratch_floats(5, 3, 3));
    const auto f = filter(5, 27);
    REQUIRE(rexnet::convolution(in.view, f.view(), 3, 2, out.view, scratch) == errc::ok);
    check("convolution", line, out.v);
  }
  for (const auto& line : rexnet_test::fault_lines("depthwise")) {
    const int kernel = std::stoi(line[2]), stride = std::stoi(line[3]), side = stride == 1 ? 5 : 3;
    formula_map in(5, 5, 3), out(side, side, 3);
    in.view.pixel(0, std::stoi(line[0]), std::stoi(line[1]))[1] = rexnet_test::number(line[4]);
    const auto f = filter(3, kernel * kernel);
    REQUIRE(rexnet::depthwise(in.view, f.view(), kernel, stride, out.view, activation::relu6) == errc::ok);
    check("depthwise", line, out.v);
  }
  for (const auto& line : rexnet_test::fault_lines("pointwise")) {
    formula_map in(3, 3, 5), residual(3, 3, 4), out(3, 3, 7);
    in.view.pixel(0, 1, 1)[2] = residual.view.pixel(0, 1, 1)[2] = rexnet_test::number(line[1]);
    const bool add = line[0] == "residual";
    const activation act = line[0] == "relu"    ? activation::relu
                           : line[0] == "relu6" ? activation::relu6
                           : line[0] == "none"  ? activation::none
                                                : activation::silu;
    const auto f = filter(7, 5);
    REQUIRE(rexnet::pointwise(in.view, f.view(), out.view, act,
                              add ? nhwc_view<const float>(residual.view) : nhwc_view<const float>()) ==
            errc::ok);
    check(line[0].c_str(), line, out.v);
  }
  for (const auto& line : rexnet_test::fault_lines("mean")) {
    formula_map in(3, 3, 5);
    in.view.pixel(0, 1, 1)[2] = rexnet_test::number(line[0]);
    std::vector<float> out(5);
    REQUIRE(rexnet::global_mean(in.view, out) == errc::ok);
    check("mean", line, out);
  }
  for (const auto& line : rexnet_test::fault_lines("dense")) {
    std::vector<float> in = fault_values(5), out(7);
    in[2] = rexnet_test::number(line[0]);
    const auto f = filter(7, 5);
    REQUIRE(rexnet::dense(in, f.view(), out) == errc::ok);
    check("dense", line, out);
  }
  for (const auto& line : rexnet_test::fault_lines("squeeze_excite")) {
    formula_map map(3, 3, 5);
    map.view.pixel(0, 1, 1)[2] = rexnet_test::number(line[0]);
    std::vector<float> scratch(12);
    const auto squeeze = filter(2, 5), excite = filter(5, 2);
    REQUIRE(rexnet::squeeze_excite(map.view, squeeze.view(), excite.view(), scratch, activation::relu6) ==
            errc::ok);
    check("squeeze_excite", line, map.v);
  }
}

TEST_CASE(
    "faults: operators keep the caller's floating-point mode, and their bits where nothing is denormal") {
  using namespace faulty_operators;
  std::vector<std::vector<float>> plain;
  for (const std::uint64_t bits : rexnet_test::flushing_bits) {
    const rexnet_test::float_mode_scope scope(bits);
    const std::uint64_t mode = rexnet_test::float_mode();
    std::vector<std::vector<float>> results;
    const auto after = [&](const char* what, const std::vector<float>& out) {
      INFO(std::string(what), " with flushing bits ", bits);
      CHECK(rexnet_test::float_mode() == mode);
      results.push_back(out);
    };
    formula_map in(9, 11, 19);
    formula_map wide(9, 11, 40), out(9, 11, 19), means(1, 1, 19), small(5, 6, 40);
    const rexnet::packed_filter expand = filter(40, 19), taps = filter(19, 9), squeeze = filter(3, 19),
                                excite = filter(19, 3), stem = filter(40, 171);
    REQUIRE(rexnet::pointwise(in.view, expand.view(), wide.view, activation::silu, in.view, {2, {}}) ==
            errc::ok);
    after("pointwise", wide.v);
    REQUIRE(rexnet::depthwise(in.view, taps.view(), 3, 1, out.view, activation::relu6, {2, {}}) == errc::ok);
    after("depthwise", out.v);
    std::vector<float> scratch(rexnet::convolution_scratch_floats(11, 19, 3));
    REQUIRE(rexnet::convolution(in.view, stem.view(), 3, 2, small.view, scratch, activation::silu) ==
            errc::ok);
    after("convolution", small.v);
    REQUIRE(rexnet::global_mean(in.view, means.v) == errc::ok);
    after("mean", means.v);
    std::vector<float> hidden(3);
    REQUIRE(rexnet::dense(means.v, squeeze.view(), hidden, rexnet::activation::sigmoid) == errc::ok);
    after("dense", hidden);
    REQUIRE(rexnet::squeeze_excite(in.view, squeeze.view(), excite.view(), scratch, activation::relu6) ==
            errc::ok);
    after("squeeze-excite", in.v);
    if (plain.empty()) plain = results;
    CHECK(results == plain);
  }
}

TEST_CASE("faults: denormals are numbers, or zeros of their sign where the caller or the set flushes them") {
  using namespace faulty_operators;
  using limits = std::numeric_limits<float>;
  const std::vector<float> in = {limits::denorm_min(), -limits::denorm_min(), limits::min() / 2,
                                 -limits::min() / 2, limits::min()};
  for (const std::uint64_t bits : rexnet_test::flushing_bits) {
    std::vector<float> out;
    {
      const rexnet_test::float_mode_scope scope(bits);
      out = through_pointwise(in, activation::none);
    }
    for (std::size_t i = 0; i < in.size(); ++i) {
      const bool normal = std::fabs(in[i]) >= limits::min(),
                 kept = bits == 0 && !rexnet::simd::flushes_denormals<rexnet::simd::default_arch>;
      INFO("flushing bits ", bits, ": ", in[i], " gives ", out[i]);
      CHECK(out[i] == (normal || kept ? in[i] : 0.0f));
    }
  }
}

#endif  // REXNET_TESTS_PER_ISA_FAULTY_OPERATORS_HPP
