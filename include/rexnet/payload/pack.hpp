// SPDX-License-Identifier: MIT
// From named tensors to the packed payload: BatchNorm folded in double precision, panels of 16 channels.
#ifndef REXNET_PAYLOAD_PACK_HPP
#define REXNET_PAYLOAD_PACK_HPP

#include "rexnet/checkpoint/network/identify.hpp"
#include "rexnet/core/aligned_buffer.hpp"
#include "rexnet/payload/layout.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Folded values below this are zero: a denormal weight contributes nothing and costs a hundred cycles.
inline constexpr double smallest_weight = 1.1754943508222875e-38;

/// y = scale * (W x) + shift, per output channel.
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

[[nodiscard]] inline result<folded> fold_batchnorm(const layer_tensors& l, int out_c) {
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
    f.scale[i] = gamma[i] / std::sqrt(variance[i] + 1e-5);
    f.shift[i] = (f.shift[i] - mean[i]) * f.scale[i] + beta[i];
  }
  return f;
}

[[nodiscard]] inline status pack_layer(const layer_tensors& l, const layer_layout& at, float* payload) {
  if (at.out_c == 0) return done;
  auto f = fold_batchnorm(l, at.out_c);
  if (!f) return f.error();
  bool finite = true;
  const auto put = [&finite](float& where, double v) {
    const auto rounded = static_cast<float>(v);
    finite = finite && std::isfinite(rounded);
    where = std::fabs(v) < smallest_weight ? 0.0f : rounded;
  };
  // PyTorch keeps [out][in][ky][kx]; the payload wants the input index as (ky, kx, in).
  const auto& shape = l.weight->shape;
  const std::int64_t taps = shape.size() == 4 ? shape[2] * shape[3] : 1, in_c = shape[1];
  // for_each goes through them in this order; counters take the place of three divisions an element.
  std::int64_t o = 0, in = 0, tap = 0;
  float* panel = payload + at.weights;
  double scale = f->scale[0];
  l.weight->for_each([&](std::int64_t, double v) {
    put(panel[(tap * in_c + in) * panel_c], v * scale);
    if (++tap < taps) return;
    tap = 0;
    if (++in < in_c) return;
    in = 0;
    if (++o == at.out_c) return;
    panel = payload + at.weights + o / panel_c * at.k * panel_c + o % panel_c;
    scale = f->scale[static_cast<std::size_t>(o)];
  });
  for (int c = 0; c < at.out_c; ++c) put(payload[at.bias + c], f->shift[static_cast<std::size_t>(c)]);
  if (finite) return done;
  if (status s = check_finite(l); !s) return s;
  return error(errc::model_not_finite, l.weight->name + ": passes float32 once its BatchNorm is folded in");
}

}  // namespace detail

/// Folds and packs layer after layer, for write_packed(): emit(span) gets runs of the payload in order.
/// Memory: the largest layer. Errors: M5 (not finite), M6 (negative variance), out_of_memory, those of emit.
template <class Emit>
[[nodiscard]] status pack_layers(const model_tensors& m, Emit&& emit) {
  const weights_layout layout = layout_of(m.shape);
  const auto each = [&](auto&& visit) -> status {
    if (status s = visit(m.stem, layout.stem); !s) return s;
    for (int i = 0; i < m.shape.block_count; ++i) {
      const block_tensors& t = m.blocks[i];
      const block_layout& l = layout.blocks[i];
      for (const auto& [tensors, at] :
           {std::pair{&t.expand, &l.expand}, std::pair{&t.depthwise, &l.depthwise},
            std::pair{&t.squeeze, &l.squeeze}, std::pair{&t.excite, &l.excite},
            std::pair{&t.project, &l.project}})
        if (status s = visit(*tensors, *at); !s) return s;
    }
    if (status s = visit(m.head, layout.head); !s) return s;
    if (status s = visit(m.hidden, layout.hidden); !s) return s;
    return visit(m.classifier, layout.classifier);
  };
  const auto floats_of = [](const layer_layout& l) {
    const std::int64_t columns = round_up(std::int64_t{l.out_c}, panel_c);
    return static_cast<std::size_t>(columns * (l.k + 1));
  };
  std::size_t largest = 0;
  static_cast<void>(each([&](const layer_tensors&, const layer_layout& l) -> status {
    largest = (std::max)(largest, floats_of(l));
    return done;
  }));
  aligned_buffer buffer(largest * sizeof(float));
  if (buffer.data() == nullptr)
    return error(errc::out_of_memory, "no memory for a layer of " + std::to_string(largest * 4) + " bytes");
  return each([&](const layer_tensors& t, layer_layout l) -> status {
    const std::size_t n = floats_of(l);
    if (n == 0) return done;
    l.bias -= l.weights;
    l.weights = 0;
    std::fill_n(buffer.floats().data(), n, 0.0f);
    if (status s = detail::pack_layer(t, l, buffer.floats().data()); !s) return s;
    return emit(span<const float>(buffer.floats().data(), n));
  });
}

/// The whole payload in memory, in the layout of layout_of(m.shape). Errors: those of pack_layers().
[[nodiscard]] inline result<aligned_buffer> pack_weights(const model_tensors& m) {
  const std::int64_t floats = layout_of(m.shape).floats;
  aligned_buffer buffer = float_buffer(floats);
  if (buffer.data() == nullptr)
    return error(errc::out_of_memory, "no memory for " + std::to_string(floats * 4) + " bytes of weights");
  float* next = buffer.floats().data();
  status s = pack_layers(m, [&next](span<const float> run) -> status {
    next = std::copy(run.begin(), run.end(), next);
    return done;
  });
  if (!s) return s.error();
  return buffer;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_PACK_HPP
