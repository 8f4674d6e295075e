// SPDX-License-Identifier: MIT
// Forward passes in blocks of exactly the bytes that are promised to be enough, on every instruction set of
// this CPU.
#ifndef REXNET_TESTS_FUZZ_NETWORKS_HPP
#define REXNET_TESTS_FUZZ_NETWORKS_HPP

#include "rexnet/engine/any_network.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

namespace rexnet_fuzz {

/// The sets that this CPU runs, best first; what it lacks is said once.
inline const std::vector<const rexnet::kernel_table*>& running_sets() {
  static const std::vector<const rexnet::kernel_table*> sets = [] {
    std::vector<const rexnet::kernel_table*> found;
    for (const rexnet::kernel_table& set : rexnet::built_kernel_tables()) {
      if (rexnet::runs(rexnet::this_cpu(), set.name))
        found.push_back(&set);
      else
        std::fprintf(stderr, "not on this CPU, left out: %s\n", set.name);
    }
    REXNET_FUZZ_CHECK(!found.empty());
    return found;
  }();
  return sets;
}

/// A team of which one runs after the other: each phase finds the others not started or done, as no pool has
/// it.
inline void one_by_one(void*, rexnet::task_function task, void* context, int n) {
  for (int i = 0; i < n; ++i) task(context, i);
}

struct pass {
  rexnet::config c;
  const float* payload;
  const float* images;  ///< [n][h][w][3]
  int n, h, w;
};

/// Logits of one set. Workspace and logits are full of NaN before: what is not written, shows.
inline std::vector<float> forward(const rexnet::kernel_table& set, const pass& p, int threads) {
  REXNET_FUZZ_CHECK(rexnet::use_instruction_set(set.name).ok());
  const rexnet::any_network net(p.c, p.payload);
  const auto plan = net.make_plan(p.h, p.w, threads);
  REXNET_FUZZ_CHECK(plan.ok());
  rexnet::aligned_buffer workspace(plan->workspace_bytes());
  REXNET_FUZZ_CHECK(workspace.data() != nullptr);
  std::memset(workspace.data(), 0xff, workspace.size());
  std::vector<float> logits(static_cast<std::size_t>(p.n * rexnet::output_c(p.c)));
  std::memset(logits.data(), 0xff, logits.size() * sizeof(float));
  rexnet::forward_options options;
  options.threads = {one_by_one, nullptr};
  REXNET_FUZZ_CHECK(net.forward(*plan, {p.images, p.n, p.h, p.w, 3}, logits,
                                {workspace.data(), workspace.size()}, options) == rexnet::errc::ok);
  return logits;
}

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace rexnet_fuzz

#endif  // REXNET_TESTS_FUZZ_NETWORKS_HPP
