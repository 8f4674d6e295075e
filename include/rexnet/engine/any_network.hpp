// SPDX-License-Identifier: MIT
// A network whose kernels are chosen when the program runs: one binary for every CPU. Each forward() makes
// one indirect call.
#ifndef REXNET_ENGINE_ANY_NETWORK_HPP
#define REXNET_ENGINE_ANY_NETWORK_HPP

#include "rexnet/dispatch/select.hpp"
#include "rexnet/engine/basic_network.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {

/// Kernels of a dispatch unit: those that chosen_kernel_set() gives when the network is made.
class dispatched {
 public:
  dispatched() {
    if (auto set = chosen_kernel_set()) set_ = *set;
  }
  [[nodiscard]] status ready() const {
    if (set_ != nullptr) return done;
    const auto again = chosen_kernel_set();  // for its message
    return again ? status(error(errc::unsupported, "no instruction set was chosen when the network was made"))
                 : status(again.error());
  }
  [[nodiscard]] const char* name() const noexcept { return set_ != nullptr ? set_->name : "none"; }
  [[nodiscard]] resample_kernels resample() const noexcept {
    return set_ != nullptr ? set_->resample : resample_kernels{};
  }
  errc forward(const config& net, const weights_layout& layout, const float* payload, const plan& p,
               const forward_request& r) const noexcept {
    if (set_ == nullptr) return errc::unsupported;
    unit_call call;
    call.values[0] = &net;
    call.values[1] = &layout;
    call.values[2] = &p;
    call.values[3] = &r;
    call.payload = payload;
    return static_cast<errc>(set_->forward(&call));
  }

 private:
  const kernel_set* set_ = nullptr;
};

}  // namespace detail

/// A ReXNet with the best kernels for this CPU among those that rexnet_add_dispatch() compiled: see
/// basic_network for what it does. instruction_set() tells which. Where none runs, or REXNET_ISA names one
/// that does not, make_plan() says so and forward() returns unsupported.
using any_network = basic_network<dynamic_config, detail::dispatched>;

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_ANY_NETWORK_HPP
