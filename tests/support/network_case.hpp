// SPDX-License-Identifier: MIT
// A network with random weights and a batch of random images, run in a workspace that shows what goes wrong.
#ifndef REXNET_TESTS_SUPPORT_NETWORK_CASE_HPP
#define REXNET_TESTS_SUPPORT_NETWORK_CASE_HPP

#include "rexnet/core/aligned_buffer.hpp"
#include "rexnet/engine/network.hpp"

#include "tests/support/random_model.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

namespace rexnet_test {

struct network_case {
  rexnet::config c;
  rexnet::aligned_buffer weights;
  std::vector<float> image;
  int n, h, w;

  network_case(const rexnet::config& c_, int n_, int h_, int w_, unsigned seed = 1)
      : network_case(c_, n_, h_, w_, seed, random_payload(c_, seed)) {}
  network_case(const rexnet::config& c_, int n_, int h_, int w_, unsigned seed,
               const std::vector<float>& payload)
      : c(c_), n(n_), h(h_), w(w_) {
    weights = rexnet::aligned_buffer(payload.size() * sizeof(float));
    std::memcpy(weights.data(), payload.data(), payload.size() * sizeof(float));
    std::mt19937 engine(seed + 1);
    std::normal_distribution<float> value;
    image.resize(static_cast<std::size_t>(n) * h * w * 3);
    for (float& v : image) v = value(engine);
  }
  [[nodiscard]] const float* payload() const { return weights.floats().data(); }

  [[nodiscard]] std::vector<float> run(int threads, const rexnet::forward_options& options = {},
                                       bool batch_workspace = false) const {
    const rexnet::network<rexnet::dynamic_config> net(c, payload());
    auto made = net.make_plan(h, w, threads);
    REQUIRE(made.ok());
    const rexnet::plan& p = *made;
    const std::size_t bytes =
        batch_workspace ? std::max(net.batch_workspace_bytes(p), p.workspace_bytes()) : p.workspace_bytes();
    // A workspace full of NaN proves that nothing is read before it is written; guards behind it catch
    // overruns.
    const std::size_t guard = 4096;
    rexnet::aligned_buffer workspace(bytes + guard);
    std::memset(workspace.data(), 0xff, workspace.size());
    std::vector<float> logits(static_cast<std::size_t>(n) * rexnet::output_c(c) + 64, -12345.0f);
    const rexnet::nhwc_view<const float> view(image.data(), n, h, w, 3);
    const rexnet::errc e =
        net.forward(p, view, {logits.data(), logits.size() - 64}, {workspace.data(), bytes}, options);
    REQUIRE(e == rexnet::errc::ok);
    REQUIRE(std::count(workspace.data() + bytes, workspace.data() + bytes + guard, 0xff) ==
            static_cast<std::ptrdiff_t>(guard));
    REQUIRE(std::count(logits.end() - 64, logits.end(), -12345.0f) == 64);
    logits.resize(logits.size() - 64);
    return logits;
  }
};

inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_NETWORK_CASE_HPP
