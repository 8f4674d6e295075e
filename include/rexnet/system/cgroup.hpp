// SPDX-License-Identifier: MIT
// CPU time that a Linux control group grants, in whole CPUs. Containers are limited this way: on a machine
// with 64 CPUs and a quota of two, 64 threads would spend most of their time stopped.
// Source: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max), scheduler/sched-bwc.rst (version 1).
#ifndef REXNET_SYSTEM_CGROUP_HPP
#define REXNET_SYSTEM_CGROUP_HPP

#include "rexnet/core/build.hpp"

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

inline constexpr std::size_t cgroup_path_bytes = 4096;  // PATH_MAX

/// The beginning of file directory/name as text. False when it cannot be read.
[[nodiscard]] inline bool read_text(const char* directory, const char* name, char* text,
                                    std::size_t size) noexcept {
  char path[cgroup_path_bytes + 64];
  const int length = std::snprintf(path, sizeof(path), "%s/%s", directory, name);
  if (length < 0 || static_cast<std::size_t>(length) >= sizeof(path)) return false;
  std::FILE* file = std::fopen(path, "r");
  if (file == nullptr) return false;
  text[std::fread(text, 1, size - 1, file)] = '\0';
  std::fclose(file);
  return true;
}

/// CPUs that `quota` microseconds of every `period` are worth, rounded up; 0 for no limit, which version 1
/// writes as -1 and version 2 as "max". Anything else but two positive numbers is no limit, too.
[[nodiscard]] inline int quota_cpus(const char* quota, const char* period) noexcept {
  const long long q = std::strtoll(quota, nullptr, 10), p = std::strtoll(period, nullptr, 10);
  if (q <= 0 || p <= 0) return 0;
  const long long cpus = q / p + (q % p != 0 ? 1 : 0);
  return cpus < 1 << 20 ? static_cast<int>(cpus) : 0;
}

/// The limit of one control group, whichever version's files its directory has; 0 for none.
[[nodiscard]] inline int directory_cpus(const char* directory) noexcept {
  char quota[64], period[64];
  if (read_text(directory, "cpu.max", quota, sizeof(quota))) {  // "150000 100000"
    const char* space = std::strchr(quota, ' ');
    return space != nullptr ? quota_cpus(quota, space) : 0;
  }
  if (read_text(directory, "cpu.cfs_quota_us", quota, sizeof(quota)) &&
      read_text(directory, "cpu.cfs_period_us", period, sizeof(period)))
    return quota_cpus(quota, period);
  return 0;
}

/// The smaller of two limits, of which 0 is none.
[[nodiscard]] inline int tighter(int a, int b) noexcept {
  return a == 0 || (b != 0 && b < a) ? b : a;
}

/// The smallest limit of the group at `path` below the file system mounted at root + mount, and of all groups
/// above it. A container may see its own group as the mounted root and name it as the host does: directories
/// that are not there count for nothing.
[[nodiscard]] inline int path_cpus(const char* root, const char* mount, const char* path) noexcept {
  char directory[cgroup_path_bytes];
  const int base = std::snprintf(directory, sizeof(directory), "%s%s", root, mount);
  if (base < 0 || static_cast<std::size_t>(base) >= sizeof(directory)) return 0;
  // A path that leaves the namespace ("/../other") says nothing about what is mounted here.
  const bool inside = std::strstr(path, "/..") == nullptr && std::strcmp(path, "/") != 0;
  const std::size_t bytes = std::strlen(path) + 1;
  if (inside && bytes <= sizeof(directory) - static_cast<std::size_t>(base))
    std::memcpy(directory + base, path, bytes);
  for (int limit = 0;;) {
    limit = tighter(limit, directory_cpus(directory));
    char* slash = std::strrchr(directory + base, '/');
    if (slash == nullptr) return limit;
    *slash = '\0';
  }
}

/// Whether `list`, "cpu,cpuacct", names the controller "cpu".
[[nodiscard]] inline bool has_cpu_controller(const char* list) noexcept {
  for (const char* at = list; at != nullptr; at = std::strchr(at, ',')) {
    if (*at == ',') ++at;
    if (std::strncmp(at, "cpu", 3) == 0 && (at[3] == ',' || at[3] == '\0')) return true;
  }
  return false;
}

/// CPUs that the quotas of this process's control groups leave, rounded up; 0 where nothing limits them or
/// there are no control groups.
/// @param root put before every path: "" for this system, or a folder with files made up by a test
[[nodiscard]] inline int cgroup_cpus(const char* root = "") noexcept {
  char line[cgroup_path_bytes + 256];
  std::snprintf(line, sizeof(line), "%s/proc/self/cgroup", root);
  std::FILE* file = std::fopen(line, "r");
  if (file == nullptr) return 0;
  int limit = 0;
  while (std::fgets(line, sizeof(line), file) != nullptr) {  // "4:cpu,cpuacct:/a/b", version 2: "0::/a/b"
    line[std::strcspn(line, "\n")] = '\0';
    char* controllers = std::strchr(line, ':');
    char* path = controllers != nullptr ? std::strchr(controllers + 1, ':') : nullptr;
    if (path == nullptr || path[1] != '/') continue;
    *path++ = '\0';
    ++controllers;
    if (*controllers == '\0') {
      limit = tighter(limit, path_cpus(root, "/sys/fs/cgroup", path));
    } else if (has_cpu_controller(controllers)) {
      char mount[256];
      std::snprintf(mount, sizeof(mount), "/sys/fs/cgroup/%s", controllers);
      limit = tighter(limit, path_cpus(root, mount, path));
      limit = tighter(limit, path_cpus(root, "/sys/fs/cgroup/cpu", path));  // where only the link exists
    }
  }
  std::fclose(file);
  return limit;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SYSTEM_CGROUP_HPP
