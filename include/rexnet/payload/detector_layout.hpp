// SPDX-License-Identifier: MIT
// Where a detector's weights lie: the backbone's payload, then extra blocks and heads, layer after layer in
// the same form (payload/layout.hpp).
#ifndef REXNET_PAYLOAD_DETECTOR_LAYOUT_HPP
#define REXNET_PAYLOAD_DETECTOR_LAYOUT_HPP

#include "rexnet/arch/detector.hpp"
#include "rexnet/payload/layout.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {

struct detector_layout {
  weights_layout backbone;
  block_layout extra[ssd_extra_blocks];
  block_layout logits[ssd_levels], codes[ssd_levels];  ///< depthwise and project
  std::int64_t bytes = 0;                              ///< of the whole payload
  std::uint64_t fingerprint = 0;                       ///< of the detector
};

namespace detail {
/// For walks that need no layout.
struct no_detector_layout {
  no_layout::any_block extra, logits, codes;
};
}  // namespace detail

/// Calls visit(layer, block, k, out_c) for every layer behind the backbone, in the order of the file. The
/// layers of `l`, a detector_layout or something of the same members, are handed to it.
template <class Layout, class Visit>
constexpr void for_each_detector_layer(const detector_config& d, Layout& l, Visit visit) {
  const auto block = [&visit](const block_config& b, auto& of) {
    if (b.expand) visit(of.expand, b, b.in_c, b.mid_c);
    visit(of.depthwise, b, b.kernel * b.kernel, b.mid_c);
    visit(of.project, b, b.mid_c, b.out_c);
  };
  for (int k = 0; k < ssd_extra_blocks; ++k) block(d.extra[k], l.extra[k]);
  for (int k = 0; k < ssd_levels; ++k) {
    block(logits_head(d, k), l.logits[k]);
    block(codes_head(d, k), l.codes[k]);
  }
}

/// Numbers in the payload of a detector, as packed_numbers() of a classifier.
[[nodiscard]] constexpr std::int64_t packed_numbers(const detector_config& d) noexcept {
  std::int64_t numbers = packed_numbers(d.backbone);
  detail::no_detector_layout none;
  for_each_detector_layer(d, none, [&numbers](int&, const block_config&, int k, int out_c) {
    numbers += panel_numbers(k, out_c) + round_up(std::int64_t{out_c}, panel_c);
  });
  return numbers;
}

[[nodiscard]] constexpr detector_layout layout_of(const detector_config& d) noexcept {
  detector_layout l;
  l.backbone = layout_of(d.backbone);
  std::int64_t next = l.backbone.bytes;
  for_each_detector_layer(d, l, [&](layer_layout& layer, const block_config&, int k, int out_c) {
    layer.k = k;
    layer.out_c = out_c;
    layer.weights = next;
    layer.bias = next + panel_numbers(k, out_c) * 4;
    next = layer.bias + round_up(std::int64_t{out_c}, panel_c) * 4;
  });
  l.bytes = next;
  l.fingerprint = fingerprint(d);
  return l;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_DETECTOR_LAYOUT_HPP
