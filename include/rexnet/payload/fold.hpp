// SPDX-License-Identifier: MIT
// BatchNorm folded into the layer before it, in double precision.
#ifndef REXNET_PAYLOAD_FOLD_HPP
#define REXNET_PAYLOAD_FOLD_HPP

#include "rexnet/checkpoint/network/identify.hpp"

#include <cmath>
#include <string>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// What a layer's tensors are folded to: y = scale * (W x) + shift, per output channel.
struct folded {
  std::vector<double> scale, shift;
};

/// Names the first value of a layer's tensors that is no finite number.
[[nodiscard]] inline status check_finite(const layer_tensors& l) {
  for (const tensor* t : {l.weight, l.bias, l.gamma, l.beta, l.mean, l.variance}) {
    if (t == nullptr) continue;
    std::int64_t bad = -1;
    double value = 0;
    t->for_each([&](std::int64_t i, double v) {
      if (bad < 0 && !std::isfinite(v)) bad = i, value = v;
    });
    if (bad >= 0)
      return error(errc::model_not_finite, t->name + ": element " + std::to_string(bad) + " of " +
                                               shape_text(t->shape) + " is " + number_text(value));
  }
  return done;
}

/// Errors: M5 (an infinite variance), M6 (a negative one).
[[nodiscard]] inline result<folded> fold_batchnorm(const layer_tensors& l, int out_c, double bn_eps) {
  const auto n = static_cast<std::size_t>(out_c);
  folded f{std::vector<double>(n, 1.0), l.bias != nullptr ? l.bias->values() : std::vector<double>(n, 0.0)};
  if (l.gamma == nullptr) return f;
  const std::vector<double> gamma = l.gamma->values(), beta = l.beta->values(), mean = l.mean->values(),
                            variance = l.variance->values();
  for (std::size_t i = 0; i < n; ++i) {
    if (variance[i] < 0)
      return error(errc::model_negative_variance,
                   l.variance->name + "[" + std::to_string(i) + "] is " + number_text(variance[i]));
    // An infinite variance would fold into a harmless zero: it is damage all the same.
    if (!std::isfinite(variance[i])) return check_finite(l).error();
    f.scale[i] = gamma[i] / std::sqrt(variance[i] + bn_eps);
    f.shift[i] = (f.shift[i] - mean[i]) * f.scale[i] + beta[i];
  }
  return f;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_FOLD_HPP
