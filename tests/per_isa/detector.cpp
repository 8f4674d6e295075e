// SPDX-License-Identifier: MIT
// A detector's raw outputs: against the reference in double precision, and torchvision's stored answers.
#include "rexnet/checkpoint/checkpoint.hpp"
#include "rexnet/engine/network.hpp"
#include "rexnet/engine/reference.hpp"
#include "rexnet/payload/pack_detector.hpp"

#include "tests/support/allocation_trap.hpp"
#include "tests/support/must.hpp"
#include "tests/support/npz.hpp"
#include "tests/support/random_model.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

using rexnet::detector_config;
using rexnet::detector_for;
using rexnet::errc;
using rexnet::family;
using rexnet_test::must;
using network = rexnet::detector_network<rexnet::dynamic_config>;

/// What forward() gives for a batch.
struct raw_outputs {
  std::vector<float> logits, codes;
};

/// A detector with random weights and some images.
struct detector_case {
  detector_config shape;
  int n, h, w;
  rexnet::aligned_buffer payload;
  std::vector<float> images;

  detector_case(const detector_config& d, int count, int height, int width)
      : shape(d), n(count), h(height), w(width) {
    std::mt19937 engine(static_cast<unsigned>(7 * height + width));
    std::normal_distribution<float> value;
    const std::vector<float> weights = rexnet_test::payload_from(d, [&] { return value(engine); });
    payload = rexnet::float_buffer(static_cast<std::int64_t>(weights.size()));
    REQUIRE(payload.data() != nullptr);
    std::copy(weights.begin(), weights.end(), payload.floats().begin());
    images.resize(static_cast<std::size_t>(n) * static_cast<std::size_t>(h * w * 3));
    for (float& v : images) v = value(engine);
  }
  [[nodiscard]] network net() const { return {shape, payload.floats().data()}; }
  [[nodiscard]] rexnet::nhwc_view<const float> view() const { return {images.data(), n, h, w, 3}; }

  [[nodiscard]] raw_outputs run(int threads, const rexnet::executor& on = {}) const {
    const auto p = must(net().make_plan(h, w, threads));
    const auto rows = static_cast<std::size_t>(n) * static_cast<std::size_t>(p.rows);
    raw_outputs out{std::vector<float>(rows * static_cast<std::size_t>(shape.classes), NAN),
                    std::vector<float>(rows * 4, NAN)};
    rexnet::aligned_buffer workspace(p.workspace_bytes());
    std::memset(workspace.data(), 0xff, workspace.size());  // NaN: nothing is read before it is written
    const network with = net();
    const rexnet_test::allocation_trap trap;
    const errc code =
        with.forward(p, view(), out.logits, out.codes, {workspace.data(), workspace.size()}, on);
    const int allocations = trap.count();
    REQUIRE(code == errc::ok);
    if (threads == 1) CHECK(allocations == 0);
    return out;
  }
};

bool same_bits(const raw_outputs& a, const raw_outputs& b) {
  const auto same = [](const std::vector<float>& x, const std::vector<float>& y) {
    return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
  };
  return same(a.logits, b.logits) && same(a.codes, b.codes);
}

double worst_share = 0;

void compare_with_reference(const detector_case& d) {
  const raw_outputs ours = d.run(1);
  const double tolerance = rexnet_test::rounding_tolerance(d.shape);
  for (int image = 0; image < d.n; ++image) {
    const auto a = rexnet::reference::run(
        d.shape, d.payload.floats().data(),
        d.images.data() + static_cast<std::ptrdiff_t>(image) * d.h * d.w * 3, d.h, d.w);
    const auto compare = [&](const std::vector<float>& found, const rexnet::reference::matrix& expected) {
      const auto count = static_cast<std::size_t>(expected.size());
      REQUIRE(found.size() == count * static_cast<std::size_t>(d.n));
      const double largest = expected.cwiseAbs().maxCoeff();
      double worst = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const double v = static_cast<double>(found[static_cast<std::size_t>(image) * count + i]);
        worst = std::fmax(worst, std::isfinite(v) ? std::fabs(v - expected.data()[i]) : INFINITY);
      }
      worst_share = std::fmax(worst_share, worst / (largest * tolerance));
      CHECK(worst <= largest * tolerance);
    };
    compare(ours.logits, a.logits);
    compare(ours.codes, a.codes);
  }
}

void compare_with_torchvision(const char* checkpoint, const char* answers, double logits_error,
                              double codes_error) {
  const auto c = must(
      rexnet::open_checkpoint(rexnet_test::shared_path(std::string("fixtures/detection/") + checkpoint)));
  std::vector<rexnet::tensor> backbone;
  const auto t = must(rexnet::identify_detector(c.tensors()));
  const auto payload = must(rexnet::pack_weights(t));
  const network net(t.shape, payload.floats().data());
  const auto z =
      rexnet_test::read_npz(rexnet_test::shared_path(std::string("fixtures/detection/") + answers));
  const rexnet_test::array& input = z.at("input_nchw");
  const int h = static_cast<int>(input.shape[2]), w = static_cast<int>(input.shape[3]);
  const auto pixels = static_cast<std::size_t>(h * w);
  std::vector<float> image(pixels * 3);
  for (std::size_t i = 0; i < image.size(); ++i)
    image[i % pixels * 3 + i / pixels] = static_cast<float>(input.values[i]);
  const auto p = must(net.make_plan(h, w, 2));
  std::vector<float> logits(static_cast<std::size_t>(p.rows * t.shape.classes)),
      codes(static_cast<std::size_t>(p.rows * 4));
  rexnet::aligned_buffer workspace(p.workspace_bytes());
  REQUIRE(net.forward(p, {image.data(), 1, h, w, 3}, logits, codes, {workspace.data(), workspace.size()}) ==
          errc::ok);
  const auto compare = [&](const char* name, const std::vector<float>& found, double error) {
    const std::vector<double>& expected = z.at(std::string(name) + "_f64").values;
    REQUIRE(found.size() == expected.size());
    double worst = 0, largest = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      worst = std::fmax(worst, std::fabs(static_cast<double>(found[i]) - expected[i]));
      largest = std::fmax(largest, std::fabs(expected[i]));
    }
    MESSAGE(std::string(answers) << ", " << std::string(name) << ": within " << worst
                                 << ", PyTorch's float32 within " << error);
    CHECK(worst <= std::fmax(1e-5 * largest, 4 * error));
  };
  compare("cls_logits", logits, logits_error);
  compare("bbox_regression", codes, codes_error);
}

}  // namespace

TEST_CASE("detector: parameters and rows are torchvision's and the paper's") {
  CHECK(rexnet::parameter_count(detector_for(family::v1, 50, 4)) == 1773359);
  CHECK(rexnet::parameter_count(detector_for(family::v1, 90, 91)) == 4999101);
  CHECK(rexnet::parameter_count(detector_for(family::v1, 100, 91)) == 5691773);
  CHECK(rexnet::parameter_count(detector_for(family::v1, 130, 91)) == 8416711);
  CHECK(rexnet::multiply_adds(detector_for(family::v1, 100, 91), 320, 320) == 962813920);
  CHECK(rexnet::detector_rows(detector_for(family::v1, 100, 91), 320, 320) == 3234);
  using small = rexnet::static_detector<family::v1, 50, 4>;
  static_assert(rexnet::is_runnable(small::value));
  static_assert(rexnet::workspace_bytes(small::value, 320, 320, 1) < 3200000);
}

TEST_CASE("detector: agrees with the double reference, every family, odd sizes and class counts") {
  compare_with_reference({detector_for(family::v1, 50, 4), 2, 75, 101});
  compare_with_reference({detector_for(family::rexnetr, 50, 3), 1, 64, 96});
  compare_with_reference({detector_for(family::lite, 35, 2), 1, 33, 130});
  compare_with_reference({detector_for(family::v1, 35, 92), 1, 150, 37});
  compare_with_reference({detector_for(family::v1, 60, 8), 1, 1, 1});
  compare_with_reference({detector_for(family::v1, 35, 2), 1, 420, 16});
}

TEST_CASE("detector: rounding errors stay well below the tolerance") {
  MESSAGE("largest share of the tolerance: ", worst_share);
}

TEST_CASE("detector: the same bits for every thread count, pool and batch position") {
  const detector_case d(detector_for(family::v1, 100, 7), 3, 97, 131);
  const raw_outputs one = d.run(1);
  for (const int threads : {2, 3, 7}) CHECK(same_bits(one, d.run(threads)));
  rexnet::executor serial;
  serial.pool = [](void*, rexnet::task_function fn, void* context, int n) {
    for (int i = 0; i < n; ++i) fn(context, i);
  };
  CHECK(same_bits(one, d.run(4, serial)));
  detector_case alone(d.shape, 1, d.h, d.w);
  alone.payload = rexnet::float_buffer(static_cast<std::int64_t>(d.payload.floats().size()));
  std::copy(d.payload.floats().begin(), d.payload.floats().end(), alone.payload.floats().begin());
  alone.images.assign(d.images.end() - d.h * d.w * 3, d.images.end());
  const raw_outputs last = alone.run(1);
  CHECK(std::equal(last.logits.rbegin(), last.logits.rend(), one.logits.rbegin()));
  CHECK(std::equal(last.codes.rbegin(), last.codes.rend(), one.codes.rbegin()));
}

TEST_CASE("detector: what cannot be run is refused, and nothing is written") {
  const detector_case d(detector_for(family::v1, 35, 3), 1, 40, 40);
  const network net = d.net();
  CHECK(net.make_plan(0, 40).code() == errc::invalid_argument);
  CHECK(net.make_plan(40, 40, 65).code() == errc::invalid_argument);
  const auto p = must(net.make_plan(40, 40));
  rexnet::aligned_buffer workspace(p.workspace_bytes());
  const rexnet::span<unsigned char> room{workspace.data(), workspace.size()};
  std::vector<float> logits(static_cast<std::size_t>(p.rows * 3), 5.0f),
      codes(static_cast<std::size_t>(p.rows * 4), 5.0f);
  const std::vector<float> untouched = logits;
  CHECK(net.forward(p, {d.images.data(), 1, 40, 39, 3}, logits, codes, room) == errc::shape_mismatch);
  CHECK(net.forward(p, {nullptr, 1, 40, 40, 3}, logits, codes, room) == errc::invalid_argument);
  CHECK(net.forward(p, d.view(), {logits.data(), logits.size() - 1}, codes, room) == errc::shape_mismatch);
  CHECK(net.forward(p, d.view(), logits, {codes.data(), codes.size() - 1}, room) == errc::shape_mismatch);
  CHECK(net.forward(p, d.view(), logits, codes, {room.data(), room.size() - 1}) == errc::workspace_too_small);
  const network other(detector_for(family::v1, 35, 4), d.payload.floats().data());
  CHECK(other.forward(p, d.view(), logits, codes, room) == errc::shape_mismatch);
  CHECK(network(d.shape, nullptr).forward(p, d.view(), logits, codes, room) == errc::invalid_argument);
  CHECK(logits == untouched);
  CHECK(net.forward(p, {nullptr, 0, 40, 40, 3}, logits, codes, room) == errc::ok);
  CHECK(logits == untouched);
}

TEST_CASE("detector: raw outputs of fixtures/detection are torchvision's") {
  REXNET_NEEDS("fixtures/detection");
  compare_with_torchvision("ssdlite_050_320.pth", "ssdlite_050_320.0.npz", 0.00021160503784223295,
                           0.00017846172179880604);
  compare_with_torchvision("ssdlite_050_320.pth", "ssdlite_050_320.1.npz", 0.00026875683805621664,
                           0.00019495788076584475);
}
