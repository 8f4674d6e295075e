// SPDX-License-Identifier: MIT
// The network: configuration + packed weights -> logits, with the kernels of one instruction set, compiled
// where it is used.
#ifndef REXNET_ENGINE_NETWORK_HPP
#define REXNET_ENGINE_NETWORK_HPP

#include "rexnet/engine/detector_network.hpp"
#include "rexnet/kernels/kernels.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {

/// Kernels of this translation unit.
template <class Arch>
struct compiled {
  [[nodiscard]] static status ready() { return done; }
  [[nodiscard]] static constexpr const kernel_table* kernels() noexcept { return &kernels_of<Arch>; }
};

}  // namespace detail

/// A ReXNet on one instruction set: see basic_network for what it does.
/// @tparam Config static_config<family::v1, 100, 1000>: sizes are compile-time constants; or dynamic_config
/// @tparam Arch   instruction set, one that the translation unit is compiled for
template <class Config, class Arch = simd::default_arch>
using network = basic_network<Config, detail::compiled<Arch>>;

/// A detector on one instruction set: see basic_detector_network.
/// @tparam Config static_detector<family::v1, 100, 91>, or dynamic_config
template <class Config, class Arch = simd::default_arch>
using detector_network = basic_detector_network<Config, detail::compiled<Arch>>;

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_NETWORK_HPP
