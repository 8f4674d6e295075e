// SPDX-License-Identifier: MIT
// The workspace's size is a promise to embedded users: a constant expression below these limits.
#include "rexnet/network/plan.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>

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

/// A buffer of the workspace, in floats.
struct area {
  std::int64_t first, floats;
  [[nodiscard]] bool apart(const area& other) const {
    return first + floats <= other.first || other.first + other.floats <= first || floats == 0 ||
           other.floats == 0;
  }
};

/// Whether all that is in use at the same time lies apart, behind the vectors and within the workspace.
bool areas_lie_apart(const rexnet::config& c, const rexnet::plan& p) {
  const std::int64_t low = p.hidden + rexnet::round_up(std::int64_t{c.hidden_c}, 16);
  const auto inside = [&](const area& a) { return a.first >= low && a.first + a.floats <= p.total_floats; };
  bool good = true;
  for (int i = 0; i < rexnet::block_count; ++i) {
    const rexnet::block_plan& b = p.blocks[i];
    const rexnet::block_config& shape = c.blocks[i];
    // Block 0 has its input from the stem, row by row.
    const area in{b.in, i == 0 ? 0 : std::int64_t{b.h} * b.w * rexnet::padded_c(shape.in_c)},
        out{b.out, std::int64_t{b.oh} * b.ow * rexnet::padded_c(shape.out_c)},
        mid{b.mid, b.bands ? 0 : std::int64_t{b.oh} * b.ow * rexnet::mid_step(shape.mid_c)},
        scratch{b.scratch, b.scratch_floats * p.threads};
    for (const area& a : {in, out, mid, scratch}) good = good && inside(a);
    good = good && in.apart(mid) && in.apart(scratch) && mid.apart(scratch) && mid.apart(out) &&
           scratch.apart(out);
    const bool in_place = !b.bands && !shape.residual();
    good = good && (in_place || in.apart(out));
  }
  const rexnet::block_plan& last = p.blocks[rexnet::block_count - 1];
  const area map{last.out,
                 std::int64_t{last.oh} * last.ow * rexnet::padded_c(c.blocks[rexnet::block_count - 1].out_c)},
      head{p.head_scratch, p.head_scratch_floats * p.threads};
  return good && inside(head) && head.apart(map);
}

}  // namespace

TEST_CASE("plan: what is in use at the same time lies apart, for every number of threads") {
  for (const family f : {family::v1, family::lite, family::rexnetr})
    for (const int width : {30, 100, 300})
      for (const auto& size : {std::pair{1, 1}, {7, 33}, {64, 64}, {224, 224}, {130, 513}})
        for (const int threads : {1, 2, 5, 64}) {
          const rexnet::config c = config_for(f, width, 10);
          const int h = size.first, w = size.second;
          INFO(std::string(rexnet::family_name(f)), " ", width, " ", h, " x ", w, " threads ", threads);
          CHECK(areas_lie_apart(c, rexnet::make_plan(c, h, w, threads)));
        }
}

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
