// SPDX-License-Identifier: MIT
// From a detector's named tensors to its packed payload.
#ifndef REXNET_PAYLOAD_PACK_DETECTOR_HPP
#define REXNET_PAYLOAD_PACK_DETECTOR_HPP

#include "rexnet/checkpoint/network/identify_detector.hpp"
#include "rexnet/payload/detector_layout.hpp"
#include "rexnet/payload/pack.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {

/// pack_layers() of a detector: the backbone's layers, then those of extra blocks and heads.
template <class Emit>
[[nodiscard]] status pack_layers(const detector_tensors& t, Emit&& emit) {
  if (status s = pack_layers(t.backbone, emit); !s) return s.error().in("backbone");
  const detector_layout layout = layout_of(t.shape);
  // The same walk over tensors and layout: their members are called alike.
  std::vector<const layer_tensors*> tensors;
  for_each_detector_layer(
      t.shape, t, [&](const layer_tensors& l, const block_config&, int, int) { tensors.push_back(&l); });
  detail::layer_packer pack(emit);
  for_each_detector_layer(t.shape, layout,
                          [&](const layer_layout& l, const block_config&, int, int) { pack.reserve(l); });
  status s = done;
  std::size_t next = 0;
  for_each_detector_layer(t.shape, layout, [&](const layer_layout& l, const block_config& b, int, int) {
    if (s) s = pack(*tensors[next], b.bn_eps, l);
    ++next;
  });
  return s;
}

/// The whole payload in memory, in the layout of layout_of(t.shape). Errors: those of pack_layers().
[[nodiscard]] inline result<aligned_buffer> pack_weights(const detector_tensors& t) {
  return detail::packed_buffer(t, packed_numbers(t.shape));
}

/// The same of a network of either kind.
/// @{
template <class Emit>
[[nodiscard]] status pack_layers(const network_tensors& t, Emit&& emit) {
  return t.is_detector ? pack_layers(t.detector, emit) : pack_layers(t.classifier, emit);
}
[[nodiscard]] inline result<aligned_buffer> pack_weights(const network_tensors& t) {
  return t.is_detector ? pack_weights(t.detector) : pack_weights(t.classifier);
}
/// @}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_PACK_DETECTOR_HPP
