// SPDX-License-Identifier: MIT
// Writes the tests' packed detector, for programs in other languages and for scripts.
// Usage: write_detector OUT.rexnet
#include "tests/support/packed_detector.hpp"
#include "tests/support/scratch.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  rexnet_test::write_bytes(argv[1], rexnet_test::packed_detector().bytes);
  return 0;
}
