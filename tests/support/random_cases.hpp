// SPDX-License-Identifier: MIT
// Cases drawn from a seed: how many, which one was worst, and the line that repeats a failing one alone.
//
//   REXNET_SEED   another seed
//   REXNET_CASES  how many cases of each kind, in place of the few that every change is tested with
//   REXNET_CASE   the index of a single case
//
// A tenth of the usual number under AddressSanitizer, and where REXNET_SAMPLE says that the machine is slow.
#ifndef REXNET_TESTS_SUPPORT_RANDOM_CASES_HPP
#define REXNET_TESTS_SUPPORT_RANDOM_CASES_HPP

#include "tests/support/sanitizers.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>

namespace rexnet_test {

/// A case's own numbers (splitmix64): the same on every machine, whatever cases ran before.
class dice {
 public:
  dice(std::uint64_t seed, std::uint64_t index) noexcept : state_(seed * 0x9e3779b97f4a7c15u + index) {
    state_ = next();
  }
  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  int between(int low, int high) noexcept {
    return low + static_cast<int>(next() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool one_in(int n) noexcept { return between(1, n) == 1; }
  template <class T>
  T one_of(std::initializer_list<T> values) noexcept {
    return values.begin()[between(0, static_cast<int>(values.size()) - 1)];
  }
  /// In (-2, 2), a multiple of 2^-23; now and then 0, of either sign.
  float value() noexcept {
    const std::uint64_t bits = next();
    const float magnitude = bits % 32 == 0 ? 0.0f : static_cast<float>(bits >> 40) / 8388608.0f;
    return (bits & 32) != 0 ? -magnitude : magnitude;
  }
  /// Of mean 0 and variance 1, nearly normal: the sum of four even numbers. Fast, for millions of weights.
  float normal() noexcept {
    const std::uint64_t bits = next();
    const auto sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    return (static_cast<float>(sum) - 131070.0f) * (1.7320508f / 65536.0f);
  }

 private:
  std::uint64_t state_;
};

[[nodiscard]] inline std::int64_t number_from_environment(const char* name, std::int64_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr && *text != '\0' ? std::strtoll(text, nullptr, 10) : otherwise;
}

[[nodiscard]] inline std::int64_t cases_of(std::int64_t usual_count) {
#if defined(REXNET_ADDRESS_SANITIZER)
  constexpr bool slow = true;
#else
  const bool slow = std::getenv("REXNET_SAMPLE") != nullptr;
#endif
  return number_from_environment("REXNET_CASES", slow ? (usual_count + 9) / 10 : usual_count);
}

/// Runs the cases: run(dice, text) gives the largest error as a share of what rounding explains, 1 at most
/// in a library that is right, infinity for anything but a rounding error; text says what the case was.
template <class Run>
void each_case(const char* kind, std::int64_t usual_count, Run&& run) {
  const std::int64_t seed = number_from_environment("REXNET_SEED", 20261124),
                     single = number_from_environment("REXNET_CASE", -1), count = cases_of(usual_count);
  const std::int64_t first = single >= 0 ? single : 0, end = single >= 0 ? single + 1 : count;
  const auto start = std::chrono::steady_clock::now();
  double worst = 0;
  std::int64_t worst_index = first, failures = 0;
  std::string worst_text;
  for (std::int64_t i = first; i < end; ++i) {
    dice d(static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(i));
    std::string text;
    const double share = run(d, text);
    if (!(share <= worst)) worst = share, worst_index = i, worst_text = text;
    if (share <= 1) continue;
    std::printf("failed: REXNET_SEED=%lld REXNET_CASE=%lld  %s: %g of the bound: %s\n",
                static_cast<long long>(seed), static_cast<long long>(i), kind, share, text.c_str());
    if (++failures == 10) break;  // more would only hide the first ones
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%s: %lld cases of seed %lld in %.1f s, worst %.3f of its bound: case %lld, %s\n", kind,
              static_cast<long long>(end - first), static_cast<long long>(seed), seconds.count(), worst,
              static_cast<long long>(worst_index), worst_text.c_str());
  CHECK(failures == 0);
}

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_RANDOM_CASES_HPP
