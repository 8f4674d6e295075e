// SPDX-License-Identifier: MIT
// From named tensors to the packed payload: folded layers, in panels of 16 channels, as float32.
#ifndef REXNET_PAYLOAD_PACK_HPP
#define REXNET_PAYLOAD_PACK_HPP

#include "rexnet/core/aligned_buffer.hpp"
#include "rexnet/payload/fold.hpp"
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

/// Folds a layer and packs it. @param to zeros
[[nodiscard]] inline status pack_layer(const layer_tensors& l, double bn_eps,
                                       const layer_numbers<float>& to) {
  auto f = fold_batchnorm(l, to.out_c, bn_eps);
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
  float* panel = to.weights;
  double scale = f->scale[0];
  l.weight->for_each([&](std::int64_t, double v) {
    put(panel[(tap * in_c + in) * panel_c], v * scale);
    if (++tap < taps) return;
    tap = 0;
    if (++in < in_c) return;
    in = 0;
    if (++o == to.out_c) return;
    panel = &to.weight(static_cast<int>(o), 0);
    scale = f->scale[static_cast<std::size_t>(o)];
  });
  for (int c = 0; c < to.out_c; ++c) put(to.bias[c], f->shift[static_cast<std::size_t>(c)]);
  if (finite) return done;
  if (status s = check_finite(l); !s) return s;
  return error(errc::model_not_finite, l.weight->name + ": passes float32 once its BatchNorm is folded in");
}

/// Packs layer after layer into memory that is large enough for each, and emits it.
template <class Emit>
class layer_packer {
 public:
  explicit layer_packer(Emit& emit) : emit_(emit) {}
  /// Before the first is packed: the layers that will be.
  void reserve(const layer_layout& l) noexcept { largest_ = (std::max)(largest_, numbers(l)); }
  [[nodiscard]] status operator()(const layer_tensors& t, double bn_eps, const layer_layout& l) {
    if (l.out_c == 0) return done;
    if (buffer_.data() == nullptr) buffer_ = aligned_buffer(largest_ * sizeof(float));
    if (buffer_.data() == nullptr)
      return error(errc::out_of_memory,
                   "no memory for a layer of " + std::to_string(largest_ * 4) + " bytes");
    const span<float> layer(buffer_.floats().data(), numbers(l));
    std::fill(layer.begin(), layer.end(), 0.0f);
    float* const bias = layer.data() + panel_numbers(l.k, l.out_c);
    if (status s = pack_layer(t, bn_eps, {layer.data(), bias, l.k, l.out_c}); !s) return s;
    return emit_(span<const float>(layer));
  }

 private:
  [[nodiscard]] static std::size_t numbers(const layer_layout& l) noexcept {
    return static_cast<std::size_t>(panel_numbers(l.k, l.out_c) + round_up(std::int64_t{l.out_c}, panel_c));
  }
  Emit& emit_;
  aligned_buffer buffer_;
  std::size_t largest_ = 0;
};

/// All that pack_layers() emits of `m`, in memory.
template <class Tensors>
[[nodiscard]] result<aligned_buffer> packed_buffer(const Tensors& m, std::int64_t floats) {
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

}  // namespace detail

/// Folds and packs layer after layer, for write_packed(): emit(span) gets runs of the payload in order.
/// Memory: the largest layer. Errors: M5 (not finite), M6 (negative variance), out_of_memory, those of emit.
template <class Emit>
[[nodiscard]] status pack_layers(const model_tensors& m, Emit&& emit) {
  const weights_layout layout = layout_of(m.shape);
  const auto each = [&](auto&& visit) -> status {
    const double eps = m.shape.bn_eps;
    if (status s = visit(m.stem, eps, layout.stem); !s) return s;
    for (int i = 0; i < m.shape.block_count; ++i) {
      const block_tensors& t = m.blocks[i];
      const block_layout& l = layout.blocks[i];
      for (const auto& [tensors, at] :
           {std::pair{&t.expand, &l.expand}, std::pair{&t.depthwise, &l.depthwise},
            std::pair{&t.squeeze, &l.squeeze}, std::pair{&t.excite, &l.excite},
            std::pair{&t.project, &l.project}})
        if (status s = visit(*tensors, m.shape.blocks[i].bn_eps, *at); !s) return s;
    }
    if (status s = visit(m.head, eps, layout.head); !s) return s;
    if (status s = visit(m.hidden, eps, layout.hidden); !s) return s;
    return visit(m.classifier, eps, layout.classifier);
  };
  detail::layer_packer pack(emit);
  static_cast<void>(each([&pack](const layer_tensors&, double, const layer_layout& l) -> status {
    pack.reserve(l);
    return done;
  }));
  return each(pack);
}

/// The whole payload in memory, in the layout of layout_of(m.shape). Errors: those of pack_layers().
[[nodiscard]] inline result<aligned_buffer> pack_weights(const model_tensors& m) {
  return detail::packed_buffer(m, packed_numbers(m.shape));
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_PACK_HPP
