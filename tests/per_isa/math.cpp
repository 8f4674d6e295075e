// SPDX-License-Identifier: MIT
// Activations over floats, against double precision: one in 251, all where the environment has
// REXNET_EVERY_FLOAT (./matrix.sh floats).
#include "rexnet/simd/math.hpp"

#include "rexnet/core/half.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace {

namespace simd = rexnet::simd;
using arch = simd::default_arch;

const std::uint64_t step = std::getenv("REXNET_EVERY_FLOAT") != nullptr ? 1 : 251;

/// Spacing of floats around v.
double ulp(double v) {
  const std::uint32_t exponent = (rexnet::bits_of(static_cast<float>(v)) >> 23) & 0xff;
  const std::uint64_t power = std::uint64_t{1023 - 127 - 23} + std::max(exponent, 1u);
  const std::uint64_t bits = power << 52;
  double spacing;
  std::memcpy(&spacing, &bits, sizeof(spacing));
  return spacing;
}

template <class F>
float one(F&& f, float x) {
  float in[64], out[64];
  for (float& v : in) v = x;
  simd::store<arch>(out, f(simd::load<arch>(in)));
  return out[0];
}

const auto silu = [](const simd::vec<arch>& v) { return simd::silu<arch>(v); };
const auto sigmoid = [](const simd::vec<arch>& v) { return simd::sigmoid<arch>(v); };

/// What the set must answer in place of v: itself, or a zero of its sign where denormals are flushed.
double representable(double v) {
  const bool zero = simd::flushes_denormals<arch> && std::fabs(v) < double{std::numeric_limits<float>::min()};
  return zero ? std::copysign(0.0, v) : v;
}

struct worst_case {
  double ulps = 0;
  float at = 0;
};

/// Largest error over the floats whose bits lie in [from, to).
template <class F, class Exact>
worst_case largest_error(std::uint64_t from, std::uint64_t to, F&& f, Exact&& exact) {
  constexpr auto lanes = static_cast<std::size_t>(simd::width<arch>);
  constexpr int parts = 64;
  worst_case worst[parts];
  const std::uint64_t chunk = (to - from) / parts + 1;
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic)
#endif
  for (int part = 0; part < parts; ++part) {
    const std::uint64_t begin = from + chunk * static_cast<std::uint64_t>(part),
                        end = std::min(begin + chunk, to);
    alignas(64) float in[lanes], out[lanes];
    for (std::uint64_t b = begin; b < end; b += step * lanes) {
      for (std::size_t i = 0; i < lanes; ++i)
        in[i] = rexnet::float_from_bits(static_cast<std::uint32_t>(std::min(b + step * i, end - 1)));
      simd::store<arch>(out, f(simd::load<arch>(in)));
      for (std::size_t i = 0; i < lanes; ++i) {
        const double expected = representable(exact(static_cast<double>(in[i])));
        const double error = std::fabs(static_cast<double>(out[i]) - expected);
        // Written so that a NaN counts as infinitely wrong.
        if (!(error <= worst[part].ulps * ulp(expected)))
          worst[part] = {std::isnan(error) ? INFINITY : error / ulp(expected), in[i]};
      }
    }
  }
  worst_case all;
  for (const worst_case& w : worst)
    if (w.ulps > all.ulps) all = w;
  return all;
}

std::uint64_t bits(float v) {
  return rexnet::bits_of(v);
}

// Magnitudes in four parts. Below 2^-40: 1 + exp(-x) is 2 - x + ..., no exponential is needed for the truth.
const float tiny = std::ldexp(1.0f, -40);

template <class F, class Exact, class ExactTiny>
void check_every_float(const char* name, F&& f, Exact&& exact, ExactTiny&& exact_tiny) {
  const std::uint64_t sign = 0x80000000u;
  const worst_case positive = largest_error(bits(tiny), bits(100.0f), f, exact),
                   negative = largest_error(sign + bits(tiny), sign + bits(87.0f) + 1, f, exact),
                   small = largest_error(0, bits(tiny), f, exact_tiny),
                   small_negative = largest_error(sign, sign + bits(tiny), f, exact_tiny);
  for (const worst_case& w : {positive, negative, small, small_negative}) {
    INFO(name, " at ", w.at);
    CHECK(w.ulps <= 4.0);
  }
  MESSAGE(std::string(name), ": at most ", std::max(positive.ulps, negative.ulps), " ulp for x >= -87");
}

}  // namespace

TEST_CASE("math: SiLU of every float is within 4 ulp") {
  check_every_float(
      "silu", silu, [](double x) { return x / (1.0 + std::exp(-x)); },
      [](double x) { return x / (2.0 - x); });
  // Above 100 it is x itself.
  CHECK(largest_error(bits(100.0f), bits(INFINITY), silu, [](double x) { return x; }).ulps == 0.0);
}

TEST_CASE("math: sigmoid of every float is within 4 ulp") {
  check_every_float(
      "sigmoid", sigmoid, [](double x) { return 1.0 / (1.0 + std::exp(-x)); },
      [](double x) { return 1.0 / (2.0 - x); });
  CHECK(largest_error(bits(100.0f), bits(INFINITY), sigmoid, [](double) { return 1.0; }).ulps == 0.0);
}

TEST_CASE("math: below -87 SiLU lies in [-2^-118, -0] and sigmoid in [0, 2^-125]") {
  const std::uint64_t sign = 0x80000000u;
  const auto outside = [](float low, float high) {
    return [low, high](const float* v, std::size_t n) {
      for (std::size_t i = 0; i < n; ++i)
        if (!(v[i] >= low && v[i] <= high)) return true;
      return false;
    };
  };
  const auto silu_outside = outside(-std::ldexp(1.0f, -118), -0.0f),
             sigmoid_outside = outside(0.0f, std::ldexp(1.0f, -125));
  constexpr auto lanes = static_cast<std::size_t>(simd::width<arch>);
  int bad = 0, positive_zero = 0;
  for (std::uint64_t b = sign + bits(87.0f) + 1; b < sign + bits(INFINITY); b += step * lanes) {
    alignas(64) float in[lanes], out[lanes];
    for (std::size_t i = 0; i < lanes; ++i)
      in[i] = rexnet::float_from_bits(
          static_cast<std::uint32_t>(std::min(b + step * i, sign + bits(INFINITY) - 1)));
    simd::store<arch>(out, simd::silu<arch>(simd::load<arch>(in)));
    bad += silu_outside(out, lanes);
    for (const float v : out) positive_zero += v == 0.0f && !std::signbit(v);
    simd::store<arch>(out, simd::sigmoid<arch>(simd::load<arch>(in)));
    bad += sigmoid_outside(out, lanes);
  }
  CHECK(bad == 0);
  CHECK(positive_zero == 0);
}

TEST_CASE("math: NaN, infinities, zeros and denormals as PyTorch answers them") {
  const float inf = INFINITY, nan = NAN, denormal = std::numeric_limits<float>::denorm_min();
  // torch.nn.functional.silu(-inf) is NaN: -inf / inf.
  CHECK(one(silu, inf) == inf);
  CHECK(std::isnan(one(silu, -inf)));
  CHECK(std::isnan(one(silu, nan)));
  CHECK(bits(one(silu, 0.0f)) == bits(0.0f));
  CHECK(bits(one(silu, -0.0f)) == bits(-0.0f));
  const float half = simd::flushes_denormals<arch> ? 0.0f : 2 * denormal;
  CHECK(bits(one(silu, 4 * denormal)) == bits(half));
  CHECK(bits(one(silu, -4 * denormal)) == bits(-half));
  CHECK(one(sigmoid, inf) == 1.0f);
  CHECK(one(sigmoid, -inf) <= std::ldexp(1.0f, -125));
  CHECK(one(sigmoid, -inf) >= 0.0f);
  CHECK(std::isnan(one(sigmoid, nan)));
  CHECK(one(sigmoid, denormal) == 0.5f);
  const auto relu = [](const simd::vec<arch>& v) { return simd::relu<arch>(v); };
  const auto relu6 = [](const simd::vec<arch>& v) { return simd::relu6<arch>(v); };
  CHECK(std::isnan(one(relu, nan)));
  CHECK(one(relu, inf) == inf);
  CHECK(one(relu, -inf) == 0.0f);
  CHECK(one(relu, -denormal) == 0.0f);
  CHECK(std::isnan(one(relu6, nan)));
  CHECK(one(relu6, inf) == 6.0f);
  CHECK(one(relu6, 6.5f) == 6.0f);
  CHECK(one(relu6, 5.5f) == 5.5f);
  CHECK(one(relu6, -1.0f) == 0.0f);
}
