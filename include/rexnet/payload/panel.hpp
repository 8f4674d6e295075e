// SPDX-License-Identifier: MIT
// How a layer's weights are packed: panels of 16 output channels, [ceil(out_c / 16)][ceil(k / g)][16][g],
// zero padded. g inputs lie together, as many as make four bytes: what a dot product of 8-bit or bfloat16
// numbers takes in one step. float16 is stored only, expanded before it is used, and keeps g = 1.
#ifndef REXNET_PAYLOAD_PANEL_HPP
#define REXNET_PAYLOAD_PANEL_HPP

#include "rexnet/core/padding.hpp"

#include <cstdint>

namespace rexnet {
inline namespace REXNET_BUILD {

/// The type of a packed file's numbers. These values are in files.
enum class element_type : std::uint8_t {
  f32 = 0,   ///< float
  f16 = 1,   ///< IEEE 754 binary16, as a form to store
  bf16 = 2,  ///< bfloat16: room in the layout, no kernels yet
  i8 = 3     ///< signed 8-bit integers: room in the layout, no kernels yet
};

[[nodiscard]] constexpr int element_bytes(element_type t) noexcept {
  return t == element_type::f32 ? 4 : t == element_type::i8 ? 1 : 2;
}
/// "float32", as files and tools print it.
[[nodiscard]] constexpr const char* element_name(element_type t) noexcept {
  switch (t) {
    case element_type::f32: return "float32";
    case element_type::f16: return "float16";
    case element_type::bf16: return "bfloat16";
    case element_type::i8: return "int8";
  }
  return "unknown";
}

/// Inputs that lie together: g.
[[nodiscard]] constexpr int panel_group(element_type t) noexcept {
  return t == element_type::i8 ? 4 : t == element_type::bf16 ? 2 : 1;
}
/// Numbers of a whole layer, padding included.
[[nodiscard]] constexpr std::int64_t panel_numbers(int k, int out_c, int group = 1) noexcept {
  return round_up(std::int64_t{out_c}, panel_c) * round_up(std::int64_t{k}, group);
}
/// Where the weight of output channel o for input i is. Precondition: 0 <= o, 0 <= i < k.
[[nodiscard]] constexpr std::int64_t panel_index(int k, int o, int i, int group = 1) noexcept {
  const std::int64_t step = round_up(std::int64_t{k}, group) / group;
  return ((o / panel_c * step + i / group) * panel_c + o % panel_c) * group + i % group;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_PANEL_HPP
