// SPDX-License-Identifier: MIT
// The fuzzers as unit tests, for every compiler and processor: all that they found once, and a few thousand
// mutations that are the same every time.
#include "tests/fuzz/fuzz.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace {

using rexnet_fuzz::dice;
using rexnet_fuzz::target;

/// tests/fuzz/FOLDER/NAME, in an order that is the same everywhere.
std::vector<std::string> inputs_of(const char* folder, const target& t) {
  std::vector<std::string> paths, inputs;
  std::error_code missing;
  const auto directory =
      std::filesystem::u8path(rexnet_test::source_path("tests/fuzz/") + folder + "/" + t.name);
  for (const auto& entry : std::filesystem::directory_iterator(directory, missing))
    paths.push_back(entry.path().u8string());
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) inputs.push_back(rexnet_test::read_bytes(path));
  return inputs;
}

/// In a block of its own, so that AddressSanitizer sees a byte read beyond the end.
void run(const target& t, const std::string& input) {
  const std::vector<unsigned char> exact(input.begin(), input.end());
  t.run(exact);
}

}  // namespace

/// Without libFuzzer: a byte changed, bytes taken out, put in or repeated.
void rexnet_fuzz::mutate_bytes(std::string& bytes, dice& d) {
  const std::size_t at = d.below(bytes.size() + 1), n = (std::min)(1 + d.below(8), bytes.size() - at);
  switch (d.below(4)) {
    case 0: bytes.insert(at, 1 + d.below(4), static_cast<char>(d.next())); break;
    case 1: bytes.erase(at, n); break;
    case 2: bytes.insert(d.below(bytes.size() + 1), bytes.substr(at, n)); break;
    default:
      if (n > 0)
        bytes[at] =
            static_cast<char>(d.one_in(2) ? bytes[at] ^ (1 << d.below(8)) : static_cast<int>(d.next()));
  }
}

TEST_CASE("fuzz: every input of the corpora keeps what is promised") {
  for (const target& t : rexnet_fuzz::targets()) {
    INFO(t.name);
    const std::vector<std::string> inputs = inputs_of("corpus", t);
    CHECK(inputs.size() >= 10);
    for (const std::string& input : inputs) run(t, input);
    run(t, "");
  }
}

TEST_CASE("fuzz: every input that once broke something keeps what is promised") {
  for (const target& t : rexnet_fuzz::targets())
    for (const std::string& input : inputs_of("crashers", t)) run(t, input);
}

TEST_CASE("fuzz: mutations of the corpora keep what is promised") {
  // An emulator is fifty times slower.
  const std::size_t rounds = std::getenv("REXNET_SAMPLE") != nullptr ? 20 : 500;
  for (const target& t : rexnet_fuzz::targets()) {
    INFO(t.name);
    const std::vector<std::string> inputs = inputs_of("corpus", t);
    REQUIRE(!inputs.empty());
    dice d(1);
    for (std::size_t i = 0; i < rounds; ++i) {
      std::string input = d.pick(inputs);
      for (std::size_t steps = 1 + d.below(4); steps > 0; --steps) t.mutate(input, d);
      if (input.size() <= 8192) run(t, input);
    }
  }
}
