// SPDX-License-Identifier: MIT
#include "rexnet/system/cpus.hpp"

#include "rexnet/system/cgroup.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <string>

namespace fs = std::filesystem;
using rexnet::detail::cgroup_cpus;

namespace {

/// A made-up root with the given files.
struct fake_system {
  rexnet_test::scratch root;
  fake_system& file(const std::string& path, const std::string& text) {
    fs::create_directories(fs::u8path(root.path(path)).parent_path());
    rexnet_test::write_bytes(root.path(path), text);
    return *this;
  }
  [[nodiscard]] int cpus() const { return cgroup_cpus(root.folder().c_str()); }
};

}  // namespace

TEST_CASE("cgroup: none, or not a Linux system") {
  CHECK(fake_system().cpus() == 0);
  CHECK(fake_system().file("proc/self/cgroup", "").cpus() == 0);
  CHECK(fake_system().file("proc/self/cgroup", "0::/\n").cpus() == 0);
}

TEST_CASE("cgroup 2: quotas are rounded up to whole CPUs") {
  const auto with = [](const std::string& cpu_max) {
    return fake_system().file("proc/self/cgroup", "0::/a\n").file("sys/fs/cgroup/a/cpu.max", cpu_max).cpus();
  };
  CHECK(with("150000 100000\n") == 2);
  CHECK(with("200000 100000\n") == 2);
  CHECK(with("200001 100000\n") == 3);
  CHECK(with("1000 100000\n") == 1);
  CHECK(with("max 100000\n") == 0);
}

TEST_CASE("cgroup 2: what makes no sense limits nothing") {
  for (const char* text : {"", "\n", "max", "100000", "100000\n", "0 100000", "-1 100000", "100000 0",
                           "100000 -5", "cpu max", "99999999999999999999999 1", "1 max", "\0\0 5"}) {
    CAPTURE(text);
    CHECK(fake_system().file("proc/self/cgroup", "0::/a\n").file("sys/fs/cgroup/a/cpu.max", text).cpus() ==
          0);
  }
  for (const char* text : {"nonsense", ":", "::", "0::", "0::a", "0:/a", "\n\n::::\n", "0:cpu", "0:cpu:"}) {
    CAPTURE(text);
    CHECK(fake_system()
              .file("proc/self/cgroup", text)
              .file("sys/fs/cgroup/a/cpu.max", "100000 100000\n")
              .cpus() == 0);
  }
  // A directory where a file should be.
  CHECK(fake_system()
            .file("proc/self/cgroup", "0::/a\n")
            .file("sys/fs/cgroup/a/cpu.max/x", "100000 100000\n")
            .cpus() == 0);
}

TEST_CASE("cgroup 2: the tightest group on the way up counts") {
  const auto tree = [](const char* top, const char* middle, const char* own) {
    fake_system s;
    s.file("proc/self/cgroup", "0::/pods.slice/pod-7/box\n");
    s.file("sys/fs/cgroup/pods.slice/cpu.max", top);
    s.file("sys/fs/cgroup/pods.slice/pod-7/cpu.max", middle);
    s.file("sys/fs/cgroup/pods.slice/pod-7/box/cpu.max", own);
    s.file("sys/fs/cgroup/pods.slice/pod-8/cpu.max", "100000 100000");  // somebody else's
    return s.cpus();
  };
  CHECK(tree("800000 100000", "400000 100000", "300000 100000") == 3);
  CHECK(tree("800000 100000", "200000 100000", "300000 100000") == 2);
  CHECK(tree("100000 100000", "max 100000", "300000 100000") == 1);
  CHECK(tree("max 100000", "max 100000", "max 100000") == 0);
  CHECK(tree("40000 20000", "300000 100000", "max 100000") == 2);
}

TEST_CASE("cgroup 2: a container's own root") {
  // With a namespace of its own the process is in "/", and the limit stands in the mounted root.
  CHECK(fake_system()
            .file("proc/self/cgroup", "0::/\n")
            .file("sys/fs/cgroup/cpu.max", "300000 100000\n")
            .cpus() == 3);
  // Without one the path is the host's, and only the mounted root exists.
  CHECK(fake_system()
            .file("proc/self/cgroup", "0::/system.slice/box-1.scope\n")
            .file("sys/fs/cgroup/cpu.max", "300000 100000\n")
            .cpus() == 3);
  // Moved out of its namespace's root: nothing outside of what is mounted is read.
  CHECK(fake_system()
            .file("proc/self/cgroup", "0::/../other\n")
            .file("sys/fs/other/cpu.max", "100000 100000\n")
            .file("sys/fs/cgroup/cpu.max", "300000 100000\n")
            .cpus() == 3);
}

TEST_CASE("cgroup 1: the cpu controller's quota, by whatever name it is mounted") {
  const std::string groups =
      "12:cpuset:/a\n5:cpuacct:/a\n4:cpu:/a/b\n3:memory:/a\n1:name=systemd:/a\n0::/a\n";
  const auto at = [&](const std::string& folder, const std::string& quota, const std::string& period) {
    return fake_system()
        .file("proc/self/cgroup", groups)
        .file("sys/fs/cgroup/" + folder + "/cpu.cfs_quota_us", quota)
        .file("sys/fs/cgroup/" + folder + "/cpu.cfs_period_us", period)
        .cpus();
  };
  CHECK(at("cpu/a/b", "150000\n", "100000\n") == 2);
  CHECK(at("cpu/a", "150000\n", "50000\n") == 3);
  CHECK(at("cpu", "100000\n", "100000\n") == 1);
  CHECK(at("cpu/a/b", "-1\n", "100000\n") == 0);
  CHECK(at("cpu/a/b", "150000\n", "0\n") == 0);
  CHECK(at("cpu/a/b", "", "") == 0);
  CHECK(at("cpu/a/c", "150000\n", "100000\n") == 0);
  CHECK(at("cpuset/a", "150000\n", "100000\n") == 0);
  for (const char* mount : {"cpu,cpuacct", "cpu"})
    CHECK(fake_system()
              .file("proc/self/cgroup", "4:cpu,cpuacct:/a\n")
              .file(std::string("sys/fs/cgroup/") + mount + "/a/cpu.cfs_quota_us", "150000\n")
              .file(std::string("sys/fs/cgroup/") + mount + "/a/cpu.cfs_period_us", "100000\n")
              .cpus() == 2);
  // A quota without its period is none.
  CHECK(fake_system()
            .file("proc/self/cgroup", "4:cpu:/a\n")
            .file("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "150000\n")
            .cpus() == 0);
}

TEST_CASE("cgroup: paths of any length") {
  const std::string deep(5000, 'x');
  CHECK(fake_system()
            .file("proc/self/cgroup", "0::/" + deep + "\n4:cpu:/a\n")
            .file("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "200000\n")
            .file("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n")
            .cpus() == 2);
  CHECK(cgroup_cpus(deep.c_str()) == 0);
  std::string nested;
  for (int i = 0; i < 40; ++i) nested += "/l" + std::to_string(i);  // short: Windows has 260 characters
  CHECK(fake_system()
            .file("proc/self/cgroup", "0::" + nested + "\n")
            .file("sys/fs/cgroup" + nested + "/cpu.max", "500000 100000\n")
            .file("sys/fs/cgroup/l0/cpu.max", "400000 100000\n")
            .cpus() == 4);
}

TEST_CASE("available_cpus: at least one, at most the machine's") {
  CHECK(rexnet::available_cpus() >= 1);
  CHECK(rexnet::available_cpus() <= static_cast<int>(std::thread::hardware_concurrency()));
}

#if defined(__linux__)
#include <sys/wait.h>
#include <unistd.h>

TEST_CASE("available_cpus: the affinity mask") {
  cpu_set_t before;
  REQUIRE(sched_getaffinity(0, sizeof(before), &before) == 0);
  int first = 0;
  while (!CPU_ISSET(first, &before)) ++first;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  REQUIRE(sched_setaffinity(0, sizeof(one), &one) == 0);
  CHECK(rexnet::available_cpus() == 1);
  REQUIRE(sched_setaffinity(0, sizeof(before), &before) == 0);
  if (rexnet::detail::cgroup_cpus() == 0) CHECK(rexnet::available_cpus() == CPU_COUNT(&before));
}

namespace {

bool write(const fs::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  return out.good();
}

/// A control group of this system, version 1 or 2, where it may be made.
struct real_group {
  fs::path own;
  bool version_2 = false;
  real_group() {
    for (const char* mount : {"/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"}) {
      const fs::path parent = mount;
      own = parent / ("rexnet_test_" + std::to_string(getpid()));
      std::error_code e;
      version_2 = fs::exists(parent / "cgroup.controllers", e);
      if ((!version_2 && !fs::exists(parent / "cpu.cfs_period_us", e)) || !fs::create_directory(own, e))
        continue;
      if (limit("100000") && cpus_inside() > 0) return;
      fs::remove(own, e);
    }
    own.clear();
  }
  ~real_group() {
    std::error_code e;
    if (!own.empty()) fs::remove(own, e);
  }
  [[nodiscard]] bool limit(const std::string& quota) const {
    return version_2 ? write(own / "cpu.max", quota + " 100000") : write(own / "cpu.cfs_quota_us", quota);
  }
  /// available_cpus() of a process inside; 0 when none may enter.
  [[nodiscard]] int cpus_inside() const {
    const pid_t child = fork();
    if (child == 0)
      _exit(write(own / "cgroup.procs", std::to_string(getpid())) ? rexnet::available_cpus() : 0);
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  }
};

}  // namespace

TEST_CASE("available_cpus: a real control group") {
  const int before = rexnet::available_cpus();
  const real_group group;
  if (group.own.empty() || before < 2) {
    ++rexnet_test::skipped_cases();
    std::puts("skipped: a real control group needs two CPUs and the right to make one");
    return;
  }
  CHECK(group.cpus_inside() == 1);  // 100000 of 100000
  REQUIRE(group.limit("150000"));
  CHECK(group.cpus_inside() == 2);
  REQUIRE(group.limit("50000"));
  CHECK(group.cpus_inside() == 1);
  REQUIRE(group.limit(group.version_2 ? "max" : "-1"));
  CHECK(group.cpus_inside() >= before);
}
#endif
