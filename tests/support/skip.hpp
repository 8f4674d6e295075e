// SPDX-License-Identifier: MIT
// Tests that need files beside the project (../shared) say so with REXNET_NEEDS and skip visibly without.
#ifndef REXNET_TESTS_SUPPORT_SKIP_HPP
#define REXNET_TESTS_SUPPORT_SKIP_HPP

#include <cstdio>
#include <filesystem>
#include <string>

namespace rexnet_test {

/// How many test cases skipped themselves; a program in which all did reports itself as skipped.
int& skipped_cases();

inline std::string shared_path(const std::string& relative) {
  return std::string(REXNET_SHARED_DIR) + "/" + relative;
}
inline std::string source_path(const std::string& relative) {
  return std::string(REXNET_SOURCE_DIR) + "/" + relative;
}

/// True when `relative` exists in the shared folder; otherwise prints that the test case is skipped.
inline bool shared_available(const std::string& relative, const char* test) {
  if (std::filesystem::exists(shared_path(relative))) return true;
  ++skipped_cases();
  std::printf("skipped: %s needs %s\n", test, shared_path(relative).c_str());
  return false;
}

}  // namespace rexnet_test

/// First line of a test case that reads ../shared: returns from the test case when `relative` is absent.
#define REXNET_NEEDS(relative) \
  if (!rexnet_test::shared_available(relative, __func__)) return

#endif  // REXNET_TESTS_SUPPORT_SKIP_HPP
