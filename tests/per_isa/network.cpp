// SPDX-License-Identifier: MIT
#include "rexnet/engine/network.hpp"

#include "rexnet/engine/reference.hpp"

#include "tests/per_isa/faulty_networks.hpp"
#include "tests/per_isa/random_networks.hpp"
#include "tests/support/allocation_trap.hpp"
#include "tests/support/network_case.hpp"
#include "tests/support/random_model.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace {

using rexnet::config;
using rexnet::config_for;
using rexnet::errc;
using rexnet::family;
using rexnet_test::same_bits;
using case_data = rexnet_test::network_case;

double worst_share = 0;  ///< of the tolerance that was needed

void compare_with_reference(const case_data& d) {
  const std::vector<float> logits = d.run(1);
  for (int i = 0; i < d.n; ++i) {
    const std::vector<double> expected = rexnet::reference::forward(
        d.c, d.payload(), d.image.data() + static_cast<std::size_t>(i) * d.h * d.w * 3, d.h, d.w);
    double worst = 0, largest = 0;
    for (int k = 0; k < rexnet::output_c(d.c); ++k) {
      const double diff = std::fabs(expected[static_cast<std::size_t>(k)] -
                                    logits[static_cast<std::size_t>(i) * rexnet::output_c(d.c) + k]);
      worst = std::isnan(diff) ? INFINITY : std::max(worst, diff);
      largest = std::max(largest, std::fabs(expected[static_cast<std::size_t>(k)]));
    }
    INFO(rexnet::family_name(d.c.family), " ", d.c.width_hundredths, " ", d.n, "x", d.h, "x", d.w);
    CHECK(worst <= rexnet_test::rounding_tolerance(d.c) * largest);
    worst_share = std::max(worst_share, worst / (rexnet_test::rounding_tolerance(d.c) * largest));
  }
}

}  // namespace

TEST_CASE("network: agrees with the double reference on sizes from 1x1 up, square or not") {
  for (const auto& [h, w] : {std::pair{1, 1}, {7, 5}, {32, 32}, {33, 97}, {64, 3}})
    compare_with_reference(case_data(config_for(family::v1, 50, 10), 1, h, w));
}

TEST_CASE("network: agrees with the double reference for every family and odd widths") {
  for (const config& c :
       {config_for(family::v1, 100, 7), config_for(family::v1, 130, 3), config_for(family::lite, 100, 11),
        config_for(family::lite, 50, 10), config_for(family::rexnetr, 100, 5), config_for(family::v1, 60, 1)})
    compare_with_reference(case_data(c, 1, 40, 56));
}

TEST_CASE("network: agrees with the double reference on maps that need rings and bands") {
  compare_with_reference(case_data(config_for(family::v1, 50, 10), 1, 193, 257));
  compare_with_reference(case_data(config_for(family::lite, 50, 10), 3, 97, 131));
}

TEST_CASE("network: 5x5 depthwise kernels and other squeeze-excite and head widths work") {
  config c = config_for(family::lite, 50, 4);
  for (int i = 2; i < 16; i += 2) c.blocks[i].kernel = 5;
  compare_with_reference(case_data(c, 1, 70, 61));
  config v = config_for(family::v1, 50, 4);
  v.head_c = 643;
  v.blocks[5].se_c = 5;
  compare_with_reference(case_data(v, 1, 50, 50));
}

TEST_CASE("network: a backbone without classifier gives its features") {
  for (const family f : {family::v1, family::lite, family::rexnetr}) {
    config c = config_for(f, 50, 0);
    CHECK(rexnet::output_c(c) == (f == family::lite ? c.hidden_c : c.head_c));
    compare_with_reference(case_data(c, 2, 40, 33));
  }
  config lite = config_for(family::lite, 50, 0);
  lite.hidden_c = 0;
  compare_with_reference(case_data(lite, 1, 33, 40));
}

TEST_CASE("network: rounding errors stay well below the tolerance") {
  MESSAGE("largest share of the tolerance: ", worst_share);
}

TEST_CASE("network: the same bits for every thread count, pool, batch position and with taps") {
  for (const config& c : {config_for(family::v1, 100, 10), config_for(family::lite, 50, 10)}) {
    const case_data d(c, 3, 97, 131);
    const std::vector<float> one = d.run(1);
    for (const int threads : {2, 3, 7}) {
      CHECK(same_bits(one, d.run(threads)));
      CHECK(same_bits(one, d.run(threads, {}, true)));
    }
    rexnet::forward_options serial;
    serial.threads.pool = [](void*, rexnet::task_function fn, void* context, int n) {
      for (int i = n; i-- > 0;) fn(context, i);
    };
    CHECK(same_bits(one, d.run(3, serial)));
    rexnet::forward_options own;
    own.threads.pool = [](void*, rexnet::task_function fn, void* context, int n) {
      std::vector<std::thread> threads;
      for (int i = 0; i < n; ++i) threads.emplace_back(fn, context, i);
      for (std::thread& t : threads) t.join();
    };
    CHECK(same_bits(one, d.run(4, own)));

    case_data last(c, 1, d.h, d.w);
    last.image.assign(d.image.begin() + 2 * d.h * d.w * 3, d.image.end());
    const std::vector<float> alone = last.run(1);
    CHECK(std::memcmp(alone.data(), one.data() + 2 * c.classes, alone.size() * sizeof(float)) == 0);

    std::vector<float> stem(static_cast<std::size_t>(3) * 49 * 66 * c.stem_c),
        pooled(static_cast<std::size_t>(3) * c.head_c),
        features(static_cast<std::size_t>(3) * rexnet::feature_c(c));
    std::vector<std::vector<float>> blocks;
    rexnet::feature_taps taps;
    taps.stem = stem.data();
    taps.pooled = pooled.data();
    taps.features = features.data();
    const rexnet::plan p = rexnet::make_plan(c, d.h, d.w, 1);
    for (int i = 0; i < 16; ++i) {
      blocks.emplace_back(static_cast<std::size_t>(3) * p.blocks[i].oh * p.blocks[i].ow * c.blocks[i].out_c);
      taps.blocks[i] = blocks.back().data();
    }
    std::vector<float> head(static_cast<std::size_t>(3) * p.blocks[15].oh * p.blocks[15].ow * c.head_c);
    taps.head = head.data();
    rexnet::forward_options tapped;
    tapped.taps = &taps;
    CHECK(same_bits(one, d.run(1, tapped)));
    CHECK(same_bits(one, d.run(2, tapped)));

    // The features are what the same weights give as a backbone.
    case_data backbone(c, 3, d.h, d.w);
    backbone.c.classes = 0;  // the classifier is the payload's end
    backbone.image = d.image;
    CHECK(same_bits(features, backbone.run(1)));
    CHECK(same_bits(features, pooled) == (c.hidden_c == 0));
  }
}

TEST_CASE("network: the same bits where small maps project by columns") {
  for (const config& c : {config_for(family::v1, 250, 10), config_for(family::lite, 250, 10)}) {
    const case_data d(c, 1, 70, 33);
    REQUIRE(rexnet::make_plan(c, 70, 33, 2).blocks[15].by_columns);
    REQUIRE_FALSE(rexnet::make_plan(c, 70, 33, 1).blocks[15].by_columns);
    CHECK(same_bits(d.run(1), d.run(2)));
  }
}

TEST_CASE("network: a compile-time and a run-time configuration give the same bits") {
  using static_net = rexnet::network<rexnet::static_config<family::v1, 50, 10>>;
  const case_data d(config_for(family::v1, 50, 10), 1, 64, 48);
  static_assert(static_net::workspace_bytes(64, 48, 2) ==
                rexnet::workspace_bytes(config_for(family::v1, 50, 10), 64, 48, 2));
  const static_net net(d.payload());
  const auto p = net.make_plan(64, 48, 2);
  REQUIRE(p.ok());
  rexnet::aligned_buffer workspace(static_net::workspace_bytes(64, 48, 2));
  std::vector<float> logits(10);
  REQUIRE(net.forward(*p, {d.image.data(), 1, 64, 48, 3}, logits, {workspace.data(), workspace.size()}) ==
          errc::ok);
  CHECK(same_bits(logits, d.run(1)));
}

TEST_CASE("network: forward allocates nothing after the first call") {
  const case_data d(config_for(family::v1, 50, 10), 2, 64, 64);
  const rexnet::network<rexnet::dynamic_config> net(d.c, d.payload());
  const auto p = net.make_plan(64, 64, 2);
  rexnet::aligned_buffer workspace(p->workspace_bytes());
  std::vector<float> logits(20);
  const rexnet::nhwc_view<const float> view(d.image.data(), 2, 64, 64, 3);
  for (int call = 0; call < 3; ++call) {
    rexnet_test::allocation_trap trap;
    const errc e = net.forward(*p, view, logits, {workspace.data(), workspace.size()});
    if (call > 0) CHECK(trap.count() == 0);
    REQUIRE(e == errc::ok);
  }
}

TEST_CASE("network: strided input views and bytes through a table give the bits of dense floats") {
  const case_data d(config_for(family::v1, 50, 10), 1, 37, 29);
  std::vector<unsigned char> bgra(37 * 29 * 4 + 37 * 5);
  std::vector<float> table(768), dense(37 * 29 * 3), strided_floats(37 * (29 * 5 + 3));
  for (int v = 0; v < 256; ++v)
    for (int ch = 0; ch < 3; ++ch)
      table[static_cast<std::size_t>(3 * v + ch)] =
          (static_cast<float>(v) / 255.0f - 0.4f) / (0.2f + 0.01f * static_cast<float>(ch));
  const int row = 29 * 4 + 5;
  for (int y = 0; y < 37; ++y)
    for (int x = 0; x < 29; ++x)
      for (int ch = 0; ch < 3; ++ch) {
        const auto v = static_cast<unsigned char>((y * 31 + x * 7 + ch * 91) % 256);
        bgra[static_cast<std::size_t>(y * row + x * 4 + 2 - ch)] = v;
        const float f = table[static_cast<std::size_t>(3 * v + ch)];
        dense[static_cast<std::size_t>((y * 29 + x) * 3 + ch)] = f;
        strided_floats[static_cast<std::size_t>(y * (29 * 5 + 3) + x * 5 + ch)] = f;
      }
  const rexnet::network<rexnet::dynamic_config> net(d.c, d.payload());
  const auto p = net.make_plan(37, 29, 1);
  rexnet::aligned_buffer workspace(p->workspace_bytes());
  std::vector<float> a(10), b(10), c(10);
  REQUIRE(net.forward(*p, {dense.data(), 1, 37, 29, 3}, a, {workspace.data(), workspace.size()}) == errc::ok);
  rexnet::nhwc_view<const float> view(strided_floats.data(), 1, 37, 29, 3, 5);
  view.row_stride = 29 * 5 + 3;
  REQUIRE(net.forward(*p, view, b, {workspace.data(), workspace.size()}) == errc::ok);
  const rexnet::image_view picture(bgra.data(), 29, 37, rexnet::pixel_format::bgra, row);
  REQUIRE(net.forward_u8(*p, picture, table, c, {workspace.data(), workspace.size()}) == errc::ok);
  CHECK(same_bits(a, b));
  CHECK(same_bits(a, c));
}

TEST_CASE("network: wrong arguments are answered, nothing is written") {
  const case_data d(config_for(family::v1, 50, 10), 1, 32, 32);
  const rexnet::network<rexnet::dynamic_config> net(d.c, d.payload());
  CHECK(net.make_plan(0, 32).code() == errc::invalid_argument);
  CHECK(net.make_plan(32, 32, 65).code() == errc::invalid_argument);
  CHECK(net.make_plan(20000, 32).error().message().find("20000") != std::string::npos);
  const auto p = net.make_plan(32, 32);
  rexnet::aligned_buffer workspace(p->workspace_bytes() + 64);
  std::vector<float> logits(10, 3.0f);
  const rexnet::nhwc_view<const float> view(d.image.data(), 1, 32, 32, 3);
  CHECK(net.forward(*p, view, {logits.data(), 9}, {workspace.data(), workspace.size()}) ==
        errc::shape_mismatch);
  CHECK(net.forward(*p, view, logits, {workspace.data(), p->workspace_bytes() - 1}) ==
        errc::workspace_too_small);
  CHECK(net.forward(*p, view, logits, {workspace.data() + 4, workspace.size() - 4}) == errc::misaligned);
  CHECK(net.forward(*p, {d.image.data(), 1, 31, 32, 3}, logits, {workspace.data(), workspace.size()}) ==
        errc::shape_mismatch);
  CHECK(net.forward(*p, {nullptr, 1, 32, 32, 3}, logits, {workspace.data(), workspace.size()}) ==
        errc::invalid_argument);
  for (const float v : logits) CHECK(v == 3.0f);
}

TEST_CASE("network: a batch of no images has no logits, with data or without") {
  const case_data d(config_for(family::v1, 50, 10), 1, 32, 32);
  const rexnet::network<rexnet::dynamic_config> net(d.c, d.payload());
  for (const int threads : {1, 3}) {
    const auto p = net.make_plan(32, 32, threads);
    rexnet::aligned_buffer workspace(net.batch_workspace_bytes(*p) + p->workspace_bytes());
    const rexnet::span<unsigned char> room(workspace.data(), workspace.size());
    std::vector<float> logits(10, 3.0f);
    CHECK(net.forward(*p, {nullptr, 0, 32, 32, 3}, {}, room) == errc::ok);
    CHECK(net.forward(*p, {nullptr, 0, 32, 32, 3}, logits, room) == errc::ok);
    CHECK(net.forward(*p, {d.image.data(), 0, 32, 32, 3}, logits, room) == errc::ok);
    CHECK(net.forward(*p, {nullptr, 0, 31, 32, 3}, logits, room) == errc::shape_mismatch);
    CHECK(net.forward(*p, {d.image.data(), -1, 32, 32, 3}, logits, room) == errc::shape_mismatch);
    CHECK(net.forward(*p, {nullptr, -1, 32, 32, 3}, logits, room) == errc::invalid_argument);
    for (const float v : logits) CHECK(v == 3.0f);
  }
}

// The memory targets of one thread and of each further one, at 224 x 224.
static_assert(rexnet::workspace_bytes(config_for(family::v1, 100, 1000), 224, 224, 1) <= 1600000);
static_assert(rexnet::workspace_bytes(config_for(family::v1, 300, 1000), 224, 224, 1) <= 4200000);
static_assert(rexnet::workspace_bytes(config_for(family::lite, 100, 1000), 224, 224, 1) <= 1500000);
