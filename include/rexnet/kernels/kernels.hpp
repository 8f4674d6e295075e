// SPDX-License-Identifier: MIT
// The kernels of an instruction set as a table: a constant, which the optimiser sees through where a program
// is compiled for one set only.
#ifndef REXNET_KERNELS_KERNELS_HPP
#define REXNET_KERNELS_KERNELS_HPP

#include "rexnet/kernels/dense.hpp"
#include "rexnet/kernels/depthwise.hpp"
#include "rexnet/kernels/pointwise.hpp"
#include "rexnet/kernels/resample.hpp"
#include "rexnet/kernels/sweep.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {

/// @tparam Arch an instruction set that this translation unit is compiled for
template <class Arch>
inline constexpr kernel_table kernels_of = {
    simd::name<Arch>(),        detail::border_hash,         simd::width<Arch>,
    &detail::pointwise<Arch>,  &detail::depthwise<Arch>,    &detail::dense<Arch>,
    &detail::add_pixels<Arch>, &detail::scale_pixels<Arch>, detail::own_resample};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_KERNELS_KERNELS_HPP
