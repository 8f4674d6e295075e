// SPDX-License-Identifier: MIT
// The workspace's size is a promise to embedded users: a constant expression below these limits.
#include "rexnet/engine/plan.hpp"

#include <doctest/doctest.h>

namespace {

using rexnet::config_for;
using rexnet::family;

constexpr std::size_t bytes(family f, int width, int threads) {
  return rexnet::workspace_bytes(config_for(f, width, 1000), 224, 224, threads);
}
static_assert(bytes(family::v1, 100, 1) <= 1600000);
static_assert(bytes(family::v1, 300, 1) <= 4200000);
static_assert(bytes(family::lite, 100, 1) <= 1500000);

/// What the last of `threads` threads adds.
long added(family f, int width, int threads) {
  return static_cast<long>(bytes(f, width, threads)) - static_cast<long>(bytes(f, width, threads - 1));
}

}  // namespace

TEST_CASE("plan: each further thread adds little, up to 64 threads") {
  for (int threads = 2; threads <= rexnet::max_threads; ++threads) {
    CHECK(added(family::v1, 100, threads) <= 250000);
    CHECK(added(family::lite, 100, threads) <= 250000);
    CHECK(added(family::v1, 300, threads) <= 500000);
  }
}

TEST_CASE("plan: expanded maps have an odd number of cache lines a pixel") {
  for (int c = 1; c < 4000; ++c) {
    const int step = rexnet::mid_step(c);
    CHECK(step >= c);
    CHECK(step % 16 == 0);
    CHECK(step / 16 % 2 == 1);
    CHECK(step < c + 32);
  }
}
