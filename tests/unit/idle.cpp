// SPDX-License-Identifier: MIT
// After a call nobody burns CPU: 20 ms later under default settings, at once with OMP_WAIT_POLICY=passive
// (registered a second time as idle.passive) or a pool of the user's own.
#include "rexnet/engine/network.hpp"

#include "tests/support/must.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr double limit_ms = 2.0;

/// CPU seconds of this process, all threads.
double cpu_seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void sleep_ms(int ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

/// CPU milliseconds spent in the 200 ms that begin `delay_ms` after a forward pass on two threads: the least
/// of five tries, because on a busy machine a thread may get to its last spins late. One that does not stop
/// spinning spends 200 ms in all of them.
double cpu_ms_after_forward(const rexnet::executor& threads, int delay_ms) {
  const rexnet::config c = rexnet::config_for(rexnet::family::v1, 50, 10);
  const rexnet::aligned_buffer weights(static_cast<std::size_t>(rexnet::layout_of(c).bytes));
  const rexnet::network<rexnet::dynamic_config> net(c, weights.floats().data());
  const auto p = rexnet_test::must(net.make_plan(64, 64, 2));
  rexnet::aligned_buffer workspace(p.workspace_bytes());
  std::vector<float> image(64 * 64 * 3, 0.25f), logits(10);
  rexnet::forward_options how;
  how.threads = threads;
  double least = 1e9;
  for (int attempt = 0; attempt < 5 && least >= limit_ms; ++attempt) {
    for (int i = 0; i < 3; ++i)
      REQUIRE(net.forward(p, {image.data(), 1, 64, 64, 3}, logits, {workspace.data(), workspace.size()},
                          how) == rexnet::errc::ok);
    if (delay_ms > 0) sleep_ms(delay_ms);
    const double before = cpu_seconds();
    sleep_ms(200);
    least = (std::min)(least, (cpu_seconds() - before) * 1e3);
  }
  return least;
}

bool passive() {
  const char* policy = std::getenv("OMP_WAIT_POLICY");
  return policy != nullptr && std::string(policy) == "passive";
}

}  // namespace

TEST_CASE("idle: OpenMP's threads are asleep after the call") {
  const double spent = cpu_ms_after_forward({}, passive() ? 0 : 20);
  MESSAGE("CPU in the 200 ms after the call: ", spent, " ms");
  CHECK(spent < limit_ms);
}

TEST_CASE("idle: with the user's own pool nothing of ours is left running") {
  rexnet::executor own;
  own.pool = [](void*, rexnet::task_function fn, void* context, int n) {
    std::vector<std::thread> threads;
    for (int i = 0; i < n; ++i) threads.emplace_back(fn, context, i);
    for (auto& t : threads) t.join();
  };
  CHECK(cpu_ms_after_forward(own, 0) < limit_ms);
}
