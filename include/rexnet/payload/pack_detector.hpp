// SPDX-License-Identifier: MIT
// From a detector's named tensors to its packed payload.
#ifndef REXNET_PAYLOAD_PACK_DETECTOR_HPP
#define REXNET_PAYLOAD_PACK_DETECTOR_HPP

#include "rexnet/checkpoint/network/identify_detector.hpp"
#include "rexnet/payload/detector_layout.hpp"
#include "rexnet/payload/pack.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {

/// The whole payload in memory, in the layout of layout_of(t.shape). Errors: M5 (not finite), M6 (negative
/// variance), out_of_memory.
[[nodiscard]] inline result<aligned_buffer> pack_weights(const detector_tensors& t) {
  const detector_layout layout = layout_of(t.shape);
  aligned_buffer buffer = float_buffer(layout.bytes / 4);
  if (buffer.data() == nullptr)
    return error(errc::out_of_memory, "no memory for " + std::to_string(layout.bytes) + " bytes of weights");
  const span<float> floats = buffer.floats();
  std::fill(floats.begin(), floats.end(), 0.0f);
  auto backbone = pack_weights(t.backbone);
  if (!backbone) return backbone.error();
  const span<const float> first = backbone->floats();
  std::copy(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(layout.backbone.bytes / 4),
            floats.begin());
  // The same walk over tensors and layout: their members are called alike.
  const detector_tensors* tensors = &t;
  std::vector<const layer_tensors*> layers;
  for_each_detector_layer(t.shape, *tensors, [&](const layer_tensors& l, const block_config&, int, int) {
    layers.push_back(&l);
  });
  std::size_t next = 0;
  status packed = done;
  for_each_detector_layer(t.shape, layout, [&](const layer_layout& l, const block_config& b, int, int) {
    if (packed) packed = detail::pack_layer(*layers[next], b.bn_eps, numbers_of(floats.data(), l));
    ++next;
  });
  if (!packed) return packed.error();
  return buffer;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_PACK_DETECTOR_HPP
