// SPDX-License-Identifier: MIT
// Where each folded weight lies in the packed payload: offsets in floats, computed from the configuration
// alone, at compile time or at run time. Independent of the instruction set.
//
//   1x1 convolution, dense layer   [ceil(out_c / 16)][in_c][16]
//   stem 3x3                       [ceil(out_c / 16)][3 * 3 * 3][16], rows, columns, RGB
//   depthwise KxK                  [ceil(c / 16)][K * K][16]
//   bias                           [ceil(out_c / 16) * 16]
// all zero padded, so every offset is a multiple of 16 floats = 64 bytes.
#ifndef REXNET_PAYLOAD_LAYOUT_HPP
#define REXNET_PAYLOAD_LAYOUT_HPP

#include "rexnet/arch/config.hpp"
#include "rexnet/core/padding.hpp"

#include <cstdint>

namespace rexnet {
inline namespace REXNET_BUILD {

/// A layer's weights, then its bias.
struct layer_layout {
  std::int64_t weights = 0;  ///< offset in floats
  std::int64_t bias = 0;     ///< offset in floats
  int k = 0;                 ///< inputs per output: in_c, 27, K * K, or features
  int out_c = 0;             ///< 0: the layer does not exist
};

struct block_layout {
  layer_layout expand, depthwise, squeeze, excite, project;
};

struct weights_layout {
  layer_layout stem;
  block_layout blocks[max_blocks];
  layer_layout head, hidden, classifier;
  std::int64_t floats = 0;        ///< of the whole payload
  std::uint64_t fingerprint = 0;  ///< of the network
};

/// Calls visit(layer, k, out_c) for every layer in the order of the file.
template <class Layout, class Visit>
constexpr void for_each_layer(const config& c, Layout& l, Visit visit) {
  visit(l.stem, 27, c.stem_c);
  for (int i = 0; i < c.block_count; ++i) {
    const block_config& b = c.blocks[i];
    auto& block = l.blocks[i];
    visit(block.expand, b.in_c, b.expand ? b.mid_c : 0);
    visit(block.depthwise, b.kernel * b.kernel, b.mid_c);
    visit(block.squeeze, b.mid_c, b.se_c);
    visit(block.excite, b.se_c, b.se_c > 0 ? b.mid_c : 0);
    visit(block.project, b.mid_c, b.out_c);
  }
  visit(l.head, last_block(c).out_c, c.head_c);
  visit(l.hidden, c.head_c, c.hidden_c);
  visit(l.classifier, c.hidden_c > 0 ? c.hidden_c : c.head_c, c.classes);
}

[[nodiscard]] constexpr weights_layout layout_of(const config& c) noexcept {
  weights_layout l;
  std::int64_t next = 0;
  for_each_layer(c, l, [&next](layer_layout& layer, int k, int out_c) {
    const std::int64_t padded = round_up(std::int64_t{out_c}, panel_c);
    layer.k = k;
    layer.out_c = out_c;
    layer.weights = next;
    layer.bias = next + padded * k;
    next = layer.bias + padded;
  });
  l.floats = next;
  l.fingerprint = fingerprint(c);
  return l;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_LAYOUT_HPP
