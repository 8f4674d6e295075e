// SPDX-License-Identifier: MIT
// The entry of every test program. Exit code 77 tells ctest "skipped": every test case that ran asked for
// fixtures that are not there.
#define DOCTEST_CONFIG_IMPLEMENT
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

namespace rexnet_test {
int& skipped_cases() {
  static int count = 0;
  return count;
}
}  // namespace rexnet_test

namespace {

int started_cases = 0;

/// Counts the test cases that were started, skipped or not.
struct case_counter : doctest::IReporter {
  explicit case_counter(const doctest::ContextOptions&) {}
  void test_case_start(const doctest::TestCaseData&) override { ++started_cases; }
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

}  // namespace

REGISTER_LISTENER("case_counter", 1, case_counter);

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int failed = context.run();
  if (failed != 0 || context.shouldExit()) return failed;
  const int skipped = rexnet_test::skipped_cases();
  if (skipped > 0) std::printf("%d of %d test cases skipped\n", skipped, started_cases);
  return skipped > 0 && skipped == started_cases ? 77 : 0;
}
