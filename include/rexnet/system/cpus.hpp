// SPDX-License-Identifier: MIT
// How many CPUs this process may use.
#ifndef REXNET_SYSTEM_CPUS_HPP
#define REXNET_SYSTEM_CPUS_HPP

#include "rexnet/core/build.hpp"

#include <thread>

#if defined(__linux__)
#include "rexnet/system/cgroup.hpp"

#include <sched.h>
#elif defined(_WIN32)
#include "rexnet/system/windows.hpp"
#endif

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// CPUs in the process's affinity mask; 0 where it cannot be read.
[[nodiscard]] inline int affinity_cpus() noexcept {
#if defined(__linux__)
  cpu_set_t set;
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 0;
#elif defined(_WIN32)
  DWORD_PTR process = 0, system = 0;
  int cpus = 0;
  if (GetProcessAffinityMask(GetCurrentProcess(), &process, &system) != 0)
    for (; process != 0; process &= process - 1) ++cpus;
  return cpus;  // 0, too, for a process in several groups of 64 CPUs
#else
  return 0;
#endif
}

/// CPUs that a quota of the system leaves; 0 for no limit.
[[nodiscard]] inline int quota_of_process() noexcept {
#if defined(__linux__)
  return cgroup_cpus();
#else
  return 0;
#endif
}

}  // namespace detail

/// CPUs that this process may use: its affinity mask (Linux, Windows), limited by the CPU quotas of its
/// control groups (Linux); elsewhere those of the machine. At least 1. Reads small files: ask once and keep
/// the answer.
[[nodiscard]] inline int available_cpus() noexcept {
  int cpus = detail::affinity_cpus();
  if (cpus == 0) cpus = static_cast<int>(std::thread::hardware_concurrency());
  const int quota = detail::quota_of_process();
  if (quota != 0 && quota < cpus) cpus = quota;
  return cpus > 1 ? cpus : 1;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SYSTEM_CPUS_HPP
