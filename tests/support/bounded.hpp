// SPDX-License-Identifier: MIT
// Numbers in double with a bound of how far float32 arithmetic may be from them: a reference that says what
// rounding explains, element by element. Bounds are for the worst case, they cannot be passed by bad luck.
// Source: N. Higham, Accuracy and Stability of Numerical Algorithms, section 3.1.
#ifndef REXNET_TESTS_SUPPORT_BOUNDED_HPP
#define REXNET_TESTS_SUPPORT_BOUNDED_HPP

#include <cmath>

namespace rexnet_test {

/// A float32 result lies in value +- error.
struct bounded {
  double value = 0;
  double error = 0;

  bounded() = default;
  bounded(double v, double e) : value(v), error(e) {}
  explicit bounded(float exact) : value(static_cast<double>(exact)) {}

  /// The error that was found, as a share of the one that is explained; infinity for NaN.
  [[nodiscard]] double share(float found) const {
    const double difference = std::fabs(static_cast<double>(found) - value);
    if (difference == 0) return 0;
    return difference <= 1e300 ? difference / error : INFINITY;
  }
};

inline constexpr double half_ulp = 5.9604644775390625e-8;  // 2^-24, relative to the value
/// simd/math.hpp: at most 4 ulp, an ulp being at most 2^-23 of the value.
inline constexpr double activation_error = 8 * half_ulp;

/// bias + sum of w x in any order, with or without FMA: n products and the bias are rounded n + 1 times at
/// most, each time by half an ulp of a sum of magnitudes.
class bounded_sum {
 public:
  explicit bounded_sum(float bias) : value_(static_cast<double>(bias)), magnitude_(std::fabs(value_)) {}
  void add(double w, const bounded& x) {
    value_ += w * x.value;
    magnitude_ += std::fabs(w) * (std::fabs(x.value) + x.error);
    carried_ += std::fabs(w) * x.error;
    ++count_;
  }
  [[nodiscard]] bounded result() const {
    const double roundings = (count_ + 1) * half_ulp;
    return {value_, carried_ + roundings / (1 - roundings) * magnitude_};
  }

 private:
  double value_, magnitude_, carried_ = 0;
  int count_ = 0;
};

/// The slope of SiLU is at most 1.1, that of sigmoid at most 1/4; the rest is simd/math.hpp's promise.
[[nodiscard]] inline bounded silu(const bounded& x) {
  const double v = x.value / (1 + std::exp(-x.value)), carried = 1.1 * x.error;
  return {v, carried + activation_error * (std::fabs(v) + carried) + std::ldexp(1.0, -118)};
}
[[nodiscard]] inline bounded sigmoid(const bounded& x) {
  const double v = 1 / (1 + std::exp(-x.value)), carried = x.error / 4;
  return {v, carried + activation_error * (v + carried) + std::ldexp(1.0, -125)};
}
[[nodiscard]] inline bounded relu(const bounded& x) {
  return {x.value < 0 ? 0 : x.value, x.error};
}
[[nodiscard]] inline bounded relu6(const bounded& x) {
  return {x.value < 0 ? 0 : x.value > 6 ? 6 : x.value, x.error};
}
[[nodiscard]] inline bounded plus(const bounded& a, const bounded& b) {
  const double v = a.value + b.value, carried = a.error + b.error;
  return {v, carried + half_ulp * (std::fabs(v) + carried)};
}
[[nodiscard]] inline bounded times(const bounded& a, const bounded& b) {
  const double v = a.value * b.value,
               carried = std::fabs(a.value) * b.error + std::fabs(b.value) * a.error + a.error * b.error;
  return {v, carried + half_ulp * (std::fabs(v) + carried)};
}
/// The mean of what was added to `sum` with w = 1: the sum times 1 / n, both rounded.
[[nodiscard]] inline bounded mean(const bounded_sum& sum, int n) {
  const double v = sum.result().value / n, carried = sum.result().error / n;
  return {v, carried + 3 * half_ulp * (std::fabs(v) + carried)};
}

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_BOUNDED_HPP
