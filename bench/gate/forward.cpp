// SPDX-License-Identifier: MIT
// One forward pass of v1 1.0x at 224 x 224 on one thread, for bench/compilers.py: `forward count` makes one
// pass in counted_pass(), which callgrind watches; `forward time N` prints the milliseconds of CPU time of N
// passes after one to warm up (CPU time, so that other programs on the core disturb less).
#include <rexnet/rexnet.hpp>

#include "bench/gate/fill.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

namespace {

using network = rexnet::network<rexnet::static_config<rexnet::family::v1, 100, 1000>>;
constexpr int side = 224;
alignas(64) unsigned char workspace[network::workspace_bytes(side, side, 1)];

struct pass {
  network net;
  rexnet::plan plan;
  std::vector<float> image, logits;
};

}  // namespace

extern "C" __attribute__((noinline)) int counted_pass(pass& p) {
  return static_cast<int>(
      p.net.forward(p.plan, {p.image.data(), 1, side, side, 3}, p.logits, {workspace, sizeof(workspace)}));
}

int main(int argc, char** argv) {
  const bool count = argc == 2 && std::strcmp(argv[1], "count") == 0;
  if (!count && !(argc == 3 && std::strcmp(argv[1], "time") == 0)) {
    std::fprintf(stderr, "usage: forward count | forward time N\n");
    return 2;
  }
  const rexnet::aligned_buffer payload =
      rexnet_bench::random_payload(rexnet::config_for(rexnet::family::v1, 100, 1000));
  pass p{network(payload.floats().data()), {}, std::vector<float>(side * side * 3), std::vector<float>(1000)};
  p.plan = p.net.make_plan(side, side, 1).value();
  rexnet_bench::fill(p.image.data(), p.image.size(), 1.0f);
  if (count) return counted_pass(p);
  const int passes = std::atoi(argv[2]);
  for (int i = -1; i < passes; ++i) {
    const std::clock_t start = std::clock();
    if (counted_pass(p) != 0) return 1;
    if (i >= 0) std::printf("%.3f\n", 1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
}
