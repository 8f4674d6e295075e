// SPDX-License-Identifier: MIT
// How many CPUs this process may use.
#ifndef REXNET_CORE_CPUS_HPP
#define REXNET_CORE_CPUS_HPP

#include "rexnet/core/build.hpp"

#include <thread>

#if defined(__linux__)
#include <sched.h>

#include <cstdio>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {

/// CPUs that this process may use: its affinity mask, limited by the cgroup's CPU quota where there is one.
/// The default thread count. At least 1.
[[nodiscard]] inline int available_cpus() noexcept {
  int cpus = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) cpus = CPU_COUNT(&set);
  if (std::FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
    long quota = 0, period = 0;
    if (std::fscanf(file, "%ld %ld", &quota, &period) == 2 && quota > 0 && period > 0) {
      const int limit = static_cast<int>((quota + period - 1) / period);
      if (limit < cpus) cpus = limit;
    }
    std::fclose(file);
  }
#endif
  return cpus > 1 ? cpus : 1;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_CPUS_HPP
