// SPDX-License-Identifier: MIT
// What random operators are drawn from, and what judges them: the bound that rounding explains, and the
// chain of multiply-adds that the bit rule prescribes, element by element.
#ifndef REXNET_TESTS_SUPPORT_DRAWN_OPERATORS_HPP
#define REXNET_TESTS_SUPPORT_DRAWN_OPERATORS_HPP

#include "rexnet/core/half.hpp"
#include "rexnet/ops.hpp"

#include "tests/support/bounded.hpp"
#include "tests/support/guarded_map.hpp"
#include "tests/support/random_cases.hpp"

#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace random_operators {

using rexnet::activation;
using rexnet::errc;
using rexnet::nhwc_view;
using rexnet_test::bounded;
using rexnet_test::bounded_sum;
using rexnet_test::dice;
using rexnet_test::guarded_map;
using arch = rexnet::simd::default_arch;

template <class Function>
float lane(Function&& f) {
  float out[64];
  rexnet::simd::store<arch>(out, f());
  return out[0];
}
inline rexnet::simd::vec<arch> all(float x) {
  return rexnet::simd::broadcast<arch>(x);
}

/// One link of the chain: rounded once where the set has FMA, twice elsewhere. Said here for each set, not
/// asked of the library, which could forget it (xsimd 8.1 does on AVX-512).
inline float link(float x, float w, float sum) {
#if defined(REXNET_EMULATED_BITS)
  static const bool fused =
      lane([] {
        return rexnet::simd::fma<arch>(all(1 + 0x1p-12f), all(1 + 0x1p-12f), all(-(1 + 0x1p-11f)));
      }) != 0.0f;
#elif XSIMD_WITH_AVX512BW || XSIMD_WITH_FMA3_AVX2 || defined(__ARM_FEATURE_FMA)
  constexpr bool fused = true;
#else
  constexpr bool fused = false;
#endif
  if (fused) return std::fma(x, w, sum);
  const float product = x * w;
  return product + sum;
}

/// An element in both ways.
struct expected_sum {
  bounded_sum bound;
  float bits;
  explicit expected_sum(float bias) : bound(bias), bits(bias) {}
  void add(float w, float x) {
    bound.add(static_cast<double>(w), bounded(x));
    bits = link(x, w, bits);
  }
};

inline bounded after(activation act, const bounded& x) {
  switch (act) {
    case activation::none: break;
    case activation::relu: return rexnet_test::relu(x);
    case activation::relu6: return rexnet_test::relu6(x);
    case activation::silu: return rexnet_test::silu(x);
    case activation::sigmoid: return rexnet_test::sigmoid(x);
  }
  return x;
}
inline float after(activation act, float x) {
  switch (act) {
    case activation::none: break;
    case activation::relu: return lane([x] { return rexnet::simd::relu<arch>(all(x)); });
    case activation::relu6: return lane([x] { return rexnet::simd::relu6<arch>(all(x)); });
    case activation::silu: return lane([x] { return rexnet::simd::silu<arch>(all(x)); });
    case activation::sigmoid: return lane([x] { return rexnet::simd::sigmoid<arch>(all(x)); });
  }
  return x;
}

/// Collects a case's worst element; a wrong bit is infinitely wrong.
struct judge {
  double worst = 0;
  void element(float found, const bounded& expected, float bits) {
    const bool same = rexnet::bits_of(found) == rexnet::bits_of(bits) || (found == 0.0f && bits == 0.0f);
    const double share = same ? expected.share(found) : INFINITY;
    if (!(share <= worst)) worst = share;
  }
  void element(float found, const bounded& expected) {
    const double share = expected.share(found);
    if (!(share <= worst)) worst = share;
  }
  void must(bool good) {
    if (!good) worst = INFINITY;
  }
};

/// Values of one scale a tensor, a power of two, so that sums neither overflow nor leave the normal floats.
inline float scale(dice& d) {
  return d.one_in(4) ? std::ldexp(1.0f, d.between(-12, 12)) : 1.0f;
}
inline void fill(guarded_map& m, dice& d) {
  const float s = scale(d);
  m.each([&](float& v, int, int, int, int) { v = s * d.value(); });
}

struct drawn_filter {
  int k;
  std::vector<float> weights, bias;
  rexnet::packed_filter packed;

  drawn_filter(int out_c, int k_, dice& d) : k(k_), weights(static_cast<std::size_t>(out_c * k_)) {
    const float s = scale(d);
    for (float& v : weights) v = s * d.value();
    if (!d.one_in(8)) bias.resize(static_cast<std::size_t>(out_c));
    for (float& v : bias) v = d.value();
    auto f = rexnet::pack_filter(weights, bias, out_c, k);
    REQUIRE(f.ok());
    packed = std::move(*f);
  }
  [[nodiscard]] float w(int o, int i) const { return weights[static_cast<std::size_t>(o * k + i)]; }
  [[nodiscard]] float b(int o) const { return bias.empty() ? 0.0f : bias[static_cast<std::size_t>(o)]; }
};

/// Mostly a vector or two, sometimes several panels.
inline int channels(dice& d) {
  return d.one_in(12) ? d.between(33, 90) : d.one_in(3) ? d.between(17, 36) : d.between(1, 17);
}
inline int gap(dice& d) {
  return d.one_in(2) ? 0 : d.between(1, 7);
}
/// One thread, a pool that runs its tasks backwards, or (slower) OpenMP's threads.
inline rexnet::op_threads threads(dice& d) {
  rexnet::op_threads t;
  if (d.one_in(2)) return t;
  t.count = d.between(2, 5);
  if (d.one_in(20)) return t;
  t.pool.pool = [](void*, rexnet::task_function fn, void* context, int n) {
    for (int i = n; i-- > 0;) fn(context, i);
  };
  return t;
}

template <class... Values>
std::string text_of(const char* format, Values... values) {
  char text[200];
  std::snprintf(text, sizeof(text), format, values...);
  return text;
}

}  // namespace random_operators

#endif  // REXNET_TESTS_SUPPORT_DRAWN_OPERATORS_HPP
