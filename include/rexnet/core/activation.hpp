// SPDX-License-Identifier: MIT
// The activations that layers have.
#ifndef REXNET_CORE_ACTIVATION_HPP
#define REXNET_CORE_ACTIVATION_HPP

#include "rexnet/core/build.hpp"

namespace rexnet {
inline namespace REXNET_BORDER {

/// What follows a layer's sums. Each kernel says which of them it knows (kernels/table.hpp).
enum class activation : unsigned char { none, relu, relu6, silu, sigmoid };

}  // namespace REXNET_BORDER
}  // namespace rexnet

#endif  // REXNET_CORE_ACTIVATION_HPP
