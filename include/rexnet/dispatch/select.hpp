// SPDX-License-Identifier: MIT
// Which of the instruction sets that this program was built with is used: the best that runs here, or the one
// that REXNET_ISA in the environment or use_instruction_set() names.
#ifndef REXNET_DISPATCH_SELECT_HPP
#define REXNET_DISPATCH_SELECT_HPP

#include "rexnet/core/views.hpp"
#include "rexnet/dispatch/kernel_set.hpp"
#include "rexnet/simd/cpu.hpp"

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>

namespace rexnet {
inline namespace REXNET_BUILD {

/// The kernels of this program, best first. Defined by dispatch/table.hpp: an undefined reference to it says
/// that rexnet_add_dispatch() was not called for the program.
[[nodiscard]] span<const kernel_set> built_kernel_sets() noexcept;

/// The set `name` of `built`, or the first that runs on `cpu` where name is empty.
/// Errors: unsupported, naming what was asked for, what is built and what runs.
[[nodiscard]] inline result<const kernel_set*> find_kernel_set(span<const kernel_set> built,
                                                               const cpu_words& cpu, std::string_view name) {
  std::string names, running;
  for (const kernel_set& set : built) {
    const bool good = runs(cpu, set.name);
    if (good && (name.empty() || name == set.name)) return &set;
    names.append(" ").append(set.name);
    if (good) running.append(" ").append(set.name);
  }
  const std::string what = name.empty() ? "" : "\"" + std::string(name) + "\" ";
  return error(errc::unsupported, "no instruction set " + what + "runs here: built with" + names +
                                      ", of which this CPU runs" + (running.empty() ? " none" : running));
}

namespace detail {

/// What use_instruction_set() chose; null: automatic.
inline std::atomic<const kernel_set*> forced_kernel_set{nullptr};

/// Chosen at the first call: REXNET_ISA, or the best.
[[nodiscard]] inline const result<const kernel_set*>& automatic_kernel_set() {
  static const result<const kernel_set*> chosen = [] {
    const char* name = std::getenv("REXNET_ISA");
    auto set = find_kernel_set(built_kernel_sets(), this_cpu(), name != nullptr ? name : "");
    return !set && name != nullptr && *name != '\0' ? result<const kernel_set*>(set.error().in("REXNET_ISA"))
                                                    : set;
  }();
  return chosen;
}

}  // namespace detail

/// The set of networks made from now on. Errors: those of find_kernel_set(), with what REXNET_ISA says.
[[nodiscard]] inline result<const kernel_set*> chosen_kernel_set() {
  if (const kernel_set* set = detail::forced_kernel_set.load()) return set;
  return detail::automatic_kernel_set();
}

/// Makes networks that are made from now on use the set `name`, whatever REXNET_ISA says; "" goes back to the
/// automatic choice. Networks that exist keep theirs. Errors: those of find_kernel_set(); nothing changes
/// then.
[[nodiscard]] inline status use_instruction_set(std::string_view name) {
  const kernel_set* set = nullptr;
  if (!name.empty()) {
    const auto found = find_kernel_set(built_kernel_sets(), this_cpu(), name);
    if (!found) return found.error();
    set = *found;
  }
  detail::forced_kernel_set = set;
  return done;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_DISPATCH_SELECT_HPP
