// SPDX-License-Identifier: MIT
// What a fuzzer is: a function that takes bytes and ends the program when a promise is broken, and one that
// changes bytes without losing their structure. The same targets are linked to libFuzzer (libfuzzer.cpp) and
// to a unit test that replays what they found (replay.cpp).
#ifndef REXNET_TESTS_FUZZ_FUZZ_HPP
#define REXNET_TESTS_FUZZ_FUZZ_HPP

#include "rexnet/core/bytes.hpp"

#include "tests/fuzz/dice.hpp"

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace rexnet_fuzz {

struct target {
  const char* name;
  /// Must accept any bytes.
  void (*run)(rexnet::byte_span input);
  /// Changes an input that may be anything, so that its checksums, lengths and offsets are right more often
  /// than not: bytes alone would end at the first checksum.
  void (*mutate)(std::string& input, dice& d);
};

/// All that are linked.
inline std::vector<target>& targets() {
  static std::vector<target> all;
  return all;
}

/// `const registered here{{"zip", run, mutate}};` in a target's file.
struct registered {
  explicit registered(const target& t) { targets().push_back(t); }
};

/// libFuzzer's own mutations where it is there, else simple ones.
void mutate_bytes(std::string& bytes, dice& d);

}  // namespace rexnet_fuzz

/// Active in every build: a broken promise is a crash, which libFuzzer keeps.
#define REXNET_FUZZ_CHECK(condition)                                                       \
  do {                                                                                     \
    if (!(condition)) {                                                                    \
      std::fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                        \
    }                                                                                      \
  } while (false)

#endif  // REXNET_TESTS_FUZZ_FUZZ_HPP
