// SPDX-License-Identifier: MIT
// A network whose kernels are chosen when the program runs: one binary for every CPU.
#ifndef REXNET_ENGINE_ANY_NETWORK_HPP
#define REXNET_ENGINE_ANY_NETWORK_HPP

#include "rexnet/dispatch/select.hpp"
#include "rexnet/engine/detector_network.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {

/// Kernels of a dispatch unit: those that chosen_kernel_table() gives when the network is made.
/// The first one of a program may need memory for an error's text: its constructor is not noexcept.
class dispatched {
 public:
  dispatched() {
    if (auto table = chosen_kernel_table()) table_ = *table;
  }
  [[nodiscard]] status ready() const {
    if (table_ != nullptr) return done;
    const auto again = chosen_kernel_table();  // for its message
    return again ? status(error(errc::unsupported, "no instruction set was chosen when the network was made"))
                 : status(again.error());
  }
  [[nodiscard]] const kernel_table* kernels() const noexcept { return table_; }

 private:
  const kernel_table* table_ = nullptr;
};

}  // namespace detail

/// A ReXNet with the best kernels for this CPU among those that rexnet_add_dispatch() compiled: see
/// basic_network for what it does. instruction_set() tells which. Where none runs, or REXNET_ISA names one
/// that does not, make_plan() says so and forward() returns unsupported.
using any_network = basic_network<dynamic_config, detail::dispatched>;
/// The same of a detector: see basic_detector_network.
using any_detector_network = basic_detector_network<dynamic_config, detail::dispatched>;

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_ANY_NETWORK_HPP
