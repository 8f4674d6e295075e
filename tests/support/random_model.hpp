// SPDX-License-Identifier: MIT
// Networks with random weights, and how far float32 may be from the double reference on them.
#ifndef REXNET_TESTS_SUPPORT_RANDOM_MODEL_HPP
#define REXNET_TESTS_SUPPORT_RANDOM_MODEL_HPP

#include "rexnet/payload/detector_layout.hpp"

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace rexnet_test {

/// A layer's random weights, with which activations neither die nor explode: variance 2 / k, a little bias.
template <class Normal>
void fill_layer(float* payload, const rexnet::layer_layout& at, Normal&& normal) {
  const rexnet::layer_numbers<float> layer = rexnet::numbers_of(payload, at);
  const float deviation = std::sqrt(2.0f / static_cast<float>(layer.k > 0 ? layer.k : 1));
  for (int o = 0; o < layer.out_c; ++o) {
    for (int k = 0; k < layer.k; ++k) layer.weight(o, k) = deviation * normal();
    layer.bias[o] = 0.05f + 0.2f * normal();
  }
}
/// Random weights of the layout.
/// @param normal gives numbers of mean 0 and variance 1
/// @{
template <class Normal>
std::vector<float> payload_from(const rexnet::config& c, Normal&& normal) {
  rexnet::weights_layout l = rexnet::layout_of(c);
  std::vector<float> payload(static_cast<std::size_t>(l.bytes / 4));
  rexnet::for_each_layer(
      c, l, [&](const rexnet::layer_layout& at, int, int) { fill_layer(payload.data(), at, normal); });
  return payload;
}
template <class Normal>
std::vector<float> payload_from(const rexnet::detector_config& d, Normal&& normal) {
  rexnet::detector_layout l = rexnet::layout_of(d);
  std::vector<float> payload = payload_from(d.backbone, normal);
  payload.resize(static_cast<std::size_t>(l.bytes / 4));
  rexnet::for_each_detector_layer(d, l,
                                  [&](const rexnet::layer_layout& at, const rexnet::block_config&, int, int) {
                                    fill_layer(payload.data(), at, normal);
                                  });
  return payload;
}
/// @}
inline std::vector<float> random_payload(const rexnet::config& c, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> value;
  return payload_from(c, [&] { return value(engine); });
}

/// Largest |float32 - double| of a logit, relative to the largest logit, that rounding explains.
///
/// A layer's output is a chain of k FMAs, each rounded by at most u = 2^-24 of a partial sum; independent
/// roundings add up to u * sqrt(k). An activation is within 4 ulp: as much as 16 more roundings.
/// random_payload() keeps the scale of activations, so the errors of all layers arrive with gain 1 and add in
/// quadrature. Four standard deviations cover the largest of a thousand logits.
/// @{
inline double roundings_of(const rexnet::config& c) {
  double roundings = 0;
  rexnet::weights_layout l;
  rexnet::for_each_layer(c, l, [&roundings](rexnet::layer_layout&, int k, int out_c) {
    if (out_c > 0) roundings += k + 16;
  });
  return roundings;
}
inline double rounding_tolerance(const rexnet::config& c) {
  return 4 * std::ldexp(std::sqrt(roundings_of(c)), -24);
}
inline double rounding_tolerance(const rexnet::detector_config& d) {
  double roundings = roundings_of(d.backbone);
  rexnet::detector_layout l;
  rexnet::for_each_detector_layer(
      d, l,
      [&roundings](rexnet::layer_layout&, const rexnet::block_config&, int k, int) { roundings += k + 16; });
  return 4 * std::ldexp(std::sqrt(roundings), -24);
}
/// @}

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_RANDOM_MODEL_HPP
