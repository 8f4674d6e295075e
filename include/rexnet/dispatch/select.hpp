// SPDX-License-Identifier: MIT
// Which of the instruction sets that this program was built with is used: the best that runs here, or the one
// that REXNET_ISA in the environment or use_instruction_set() names.
#ifndef REXNET_DISPATCH_SELECT_HPP
#define REXNET_DISPATCH_SELECT_HPP

#include "rexnet/core/error.hpp"
#include "rexnet/core/views.hpp"
#include "rexnet/kernels/table.hpp"
#include "rexnet/simd/tiers.hpp"

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>

namespace rexnet {
inline namespace REXNET_BUILD {

/// The kernels of this program, best first. Defined by dispatch/table.hpp: an undefined reference to it says
/// that rexnet_add_dispatch() was not called for the program.
[[nodiscard]] span<const kernel_table> built_kernel_tables() noexcept;

namespace detail {

/// Copies the tables of a program's units; what one leaves out comes from the tier that it builds on.
/// Precondition: best first, so that a tier's base follows it.
inline void resolve_tables(const kernel_table* const* units, std::size_t count, kernel_table* out) noexcept {
  for (std::size_t i = count; i-- > 0;) {
    out[i] = *units[i];
    const tier* const of = find_tier(out[i].name);
    for (std::size_t k = i + 1; of != nullptr && k < count; ++k)
      if (std::string_view(of->base) == out[k].name) out[i] = inherit(out[i], out[k]);
  }
}

}  // namespace detail

/// The table `name` of `built`, or the first that runs on `cpu` where name is empty.
/// Errors: unsupported, naming what was asked for, what is built, what runs, and what the CPU lacks for it;
/// or that the kernels were compiled from other headers.
[[nodiscard]] inline result<const kernel_table*> find_kernel_table(span<const kernel_table> built,
                                                                   const cpu_words& cpu,
                                                                   std::string_view name) {
  for (const kernel_table& table : built)
    if (table.border != detail::border_hash)
      return error(errc::unsupported, std::string("the kernels of ") + table.name +
                                          " were compiled from other headers than this program: compile "
                                          "its dispatch units again");
  for (const kernel_table& table : built)
    if ((name.empty() || name == table.name) && runs(cpu, table.name)) return &table;
  std::string names, running, lacks;
  for (const kernel_table& table : built) {
    names.append(" ").append(table.name);
    if (runs(cpu, table.name)) running.append(" ").append(table.name);
    if (const tier* t = find_tier(table.name); name == table.name && t != nullptr)
      lacks = std::string("; it lacks ") + feature_name(missing_feature(cpu, *t));
  }
  const std::string what = name.empty() ? "" : "\"" + std::string(name) + "\" ";
  return error(errc::unsupported, "no instruction set " + what + "runs here: built with" + names +
                                      ", of which this CPU runs" + (running.empty() ? " none" : running) +
                                      lacks);
}

namespace detail {

/// What use_instruction_set() chose; null: automatic.
inline std::atomic<const kernel_table*> forced_table{nullptr};

/// Chosen at the first call: REXNET_ISA, or the best.
[[nodiscard]] inline const result<const kernel_table*>& automatic_table() {
  static const result<const kernel_table*> chosen = [] {
    const char* name = std::getenv("REXNET_ISA");
    auto table = find_kernel_table(built_kernel_tables(), this_cpu(), name != nullptr ? name : "");
    return !table && name != nullptr && *name != '\0'
               ? result<const kernel_table*>(table.error().in("REXNET_ISA"))
               : table;
  }();
  return chosen;
}

}  // namespace detail

/// The kernels of networks made from now on. Errors: those of find_kernel_table(), with what REXNET_ISA says.
[[nodiscard]] inline result<const kernel_table*> chosen_kernel_table() {
  if (const kernel_table* table = detail::forced_table.load()) return table;
  return detail::automatic_table();
}

/// Makes networks that are made from now on use the set `name`, whatever REXNET_ISA says; "" goes back to the
/// automatic choice. Networks that exist keep theirs. Errors: those of find_kernel_table(); nothing changes
/// then.
[[nodiscard]] inline status use_instruction_set(std::string_view name) {
  const kernel_table* table = nullptr;
  if (!name.empty()) {
    const auto found = find_kernel_table(built_kernel_tables(), this_cpu(), name);
    if (!found) return found.error();
    table = *found;
  }
  detail::forced_table = table;
  return done;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_DISPATCH_SELECT_HPP
