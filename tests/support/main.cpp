// SPDX-License-Identifier: MIT
// The entry of every test program. Exit code 77 tells ctest "skipped": every test case that ran asked for
// fixtures that are not there.
#define DOCTEST_CONFIG_IMPLEMENT
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

namespace rexnet_test {
skip_counts& skips() {
  static skip_counts counts;
  return counts;
}
}  // namespace rexnet_test

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int failed = context.run();
  if (failed != 0 || context.shouldExit()) return failed;
  return rexnet_test::skips().skipped > 0 && rexnet_test::skips().ran == 0 ? 77 : 0;
}
