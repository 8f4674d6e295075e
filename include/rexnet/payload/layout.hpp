// SPDX-License-Identifier: MIT
// Where each folded weight lies in the packed payload: offsets in bytes, computed from the configuration and
// the type of the numbers alone, at compile time or at run time. Independent of the instruction set.
//
//   1x1 convolution, dense layer   panels (payload/panel.hpp) of k = in_c inputs
//   stem 3x3                       panels of k = 3 * 3 * 3: rows, columns, RGB
//   depthwise KxK                  panels of k = K * K, each channel with its own taps
//   bias                           [ceil(out_c / 16) * 16], float32 (float16 where the weights are)
// all zero padded; every offset is a multiple of 16 numbers, and of 64 bytes except in float16.
#ifndef REXNET_PAYLOAD_LAYOUT_HPP
#define REXNET_PAYLOAD_LAYOUT_HPP

#include "rexnet/arch/config.hpp"
#include "rexnet/payload/panel.hpp"

#include <cstdint>

namespace rexnet {
inline namespace REXNET_BUILD {

/// A layer's weights, then its bias. What a number type adds (scales, sums of columns) gets offsets of its
/// own here.
struct layer_layout {
  std::int64_t weights = 0;  ///< offset in bytes
  std::int64_t bias = 0;     ///< offset in bytes
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
  std::int64_t bytes = 0;                 ///< of the whole payload
  std::uint64_t fingerprint = 0;          ///< of the network
  element_type type = element_type::f32;  ///< of the weights
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

[[nodiscard]] constexpr weights_layout layout_of(const config& c,
                                                 element_type type = element_type::f32) noexcept {
  const int bias_bytes = type == element_type::f16 ? 2 : 4;
  weights_layout l;
  std::int64_t next = 0;
  for_each_layer(c, l, [&](layer_layout& layer, int k, int out_c) {
    layer.k = k;
    layer.out_c = out_c;
    layer.weights = next;
    layer.bias = next + panel_numbers(k, out_c, panel_group(type)) * element_bytes(type);
    next = layer.bias + round_up(std::int64_t{out_c}, panel_c) * bias_bytes;
  });
  l.bytes = next;
  l.fingerprint = fingerprint(c);
  l.type = type;
  return l;
}

namespace detail {

/// For visits that need no offsets: 3 kB less of stack.
struct no_layout {
  struct block {
    int expand = 0, depthwise = 0, squeeze = 0, excite = 0, project = 0;
  };
  struct any_block {
    block one;
    constexpr block& operator[](int) noexcept { return one; }
  };
  int stem = 0;
  any_block blocks;
  int head = 0, hidden = 0, classifier = 0;
};

}  // namespace detail

/// Numbers in the payload of a network: each is 4 bytes in memory, 2 in a file of float16.
[[nodiscard]] constexpr std::int64_t packed_numbers(const config& c) noexcept {
  std::int64_t numbers = 0;
  detail::no_layout none;
  for_each_layer(c, none, [&numbers](int&, int k, int out_c) {
    numbers += panel_numbers(k, out_c) + round_up(std::int64_t{out_c}, panel_c);
  });
  return numbers;
}

/// A layer of a float32 payload in memory.
/// @tparam Float float, or const float
template <class Float>
struct layer_numbers {
  Float* weights;  ///< panels
  Float* bias;     ///< out_c
  int k;           ///< inputs per output
  int out_c;       ///< output channels

  /// Of output channel o for input i.
  [[nodiscard]] constexpr Float& weight(int o, int i) const noexcept { return weights[panel_index(k, o, i)]; }
  /// From output channel first_c, a multiple of 16, on.
  [[nodiscard]] constexpr layer_numbers from(int first_c) const noexcept {
    return {weights + panel_index(k, first_c, 0), bias + first_c, k, out_c - first_c};
  }
};

/// Precondition: a payload in the layout of layout_of() for float32, of which `l` is a layer.
template <class Float>
[[nodiscard]] constexpr layer_numbers<Float> numbers_of(Float* payload, const layer_layout& l) noexcept {
  return {payload + l.weights / 4, payload + l.bias / 4, l.k, l.out_c};
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_LAYOUT_HPP
