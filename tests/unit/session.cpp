// SPDX-License-Identifier: MIT
// The runner below classifier, feature_extractor, the C interface and the command: the network's own numbers,
// sizes prepared and not, options of a pass, refusals. (batches.cpp has pictures in batches.)
#include "rexnet/rexnet.hpp"

#include "tests/support/must.hpp"
#include "tests/support/random_model.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace {

using rexnet::errc;
using rexnet_test::must;
using floats = std::vector<float>;

rexnet::model random_model() {
  rexnet::packed_header header;
  header.shape = rexnet::config_for(rexnet::family::v1, 50, 3);
  header.input.input_size = 32;
  const floats payload = rexnet_test::random_payload(header.shape, 11);
  rexnet::aligned_buffer weights = rexnet::float_buffer(static_cast<std::int64_t>(payload.size()));
  std::copy(payload.begin(), payload.end(), weights.floats().data());
  rexnet::model m = rexnet::detail::model_maker::from_weights(header.shape, {}, std::move(weights), "random");
  rexnet::detail::model_maker::describe(m, header, {});
  return m;
}

/// A model of three classes at 32 pixels, and a picture of another size.
struct fixture {
  rexnet::model model = random_model();
  std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(60 * 40 * 3, 90);
  rexnet::image_view picture{bytes.data(), 60, 40};
};

/// n normalised images of h x w pixels, each another.
floats images_of(int n, int h, int w) {
  floats images(static_cast<std::size_t>(n) * static_cast<std::size_t>(h) * static_cast<std::size_t>(w) * 3);
  for (std::size_t i = 0; i < images.size(); ++i) images[i] = static_cast<float>(i % 251) / 100 - 1;
  return images;
}

/// The network's outputs without a session.
floats by_hand(const rexnet::model& m, const floats& images, int n, int h, int w) {
  const auto net = m.net();
  const rexnet::plan plan = must(net.make_plan(h, w));
  rexnet::aligned_buffer workspace(plan.workspace_bytes());
  floats out(static_cast<std::size_t>(n * rexnet::output_c(net.shape())));
  REQUIRE(net.forward(plan, {images.data(), n, h, w, 3}, out, {workspace.data(), workspace.size()}) ==
          errc::ok);
  return out;
}

}  // namespace

TEST_CASE("session: images of changing sizes get the network's own numbers") {
  const fixture f;
  for (const int threads : {1, 3}) {
    auto session = must(rexnet::session::make(f.model, threads));
    CHECK(session.threads() == threads);
    for (const auto& [n, h, w] : {std::array{2, 32, 32}, {1, 40, 17}, {4, 9, 33}, {0, 9, 33}, {2, 32, 32}}) {
      const floats images = images_of(n, h, w);
      floats out(static_cast<std::size_t>(n) * 3);
      REQUIRE(session.run({images.data(), n, h, w, 3}, out).ok());
      CHECK(out == by_hand(f.model, images, n, h, w));
      if (h == 9) CHECK(session.prepare_batch(h, w).ok());
    }
  }
}

TEST_CASE("session: a picture is prepared, its pixels run as they are") {
  const fixture f;
  auto session = must(rexnet::session::make(f.model));
  floats whole(3), of_pixels(3);
  REQUIRE(session.run(f.picture, whole).ok());
  const rexnet::rgb_image pixels = must(session.pixels_of(f.picture));
  CHECK((pixels.width == 32 && pixels.height == 32));
  CHECK(pixels.data == must(rexnet::preprocess_pixels(f.picture, f.model.input())).data);
  REQUIRE(session.run_pixels(pixels.view(), of_pixels).ok());
  CHECK(whole == of_pixels);
  CHECK(whole == must(must(rexnet::classifier::make(f.model)).logits(f.picture)));
  REQUIRE(session.run_pixels(f.picture, of_pixels).ok());  // not resized
  CHECK(whole != of_pixels);
}

TEST_CASE("session: plan_for() gives the plan of its threads, and reserves nothing") {
  const fixture f;
  const auto session = must(rexnet::session::make(f.model, 2));
  const rexnet::plan plan = must(session.plan_for(50, 70));
  CHECK(plan.threads == 2);
  CHECK(plan.workspace_bytes() == must(f.model.net().make_plan(50, 70, 2)).workspace_bytes());
  CHECK(session.plan_for(0, 70).code() == errc::invalid_argument);
}

TEST_CASE("session: taps and observer of a call, the executor of the session") {
  struct counts {
    int tasks = 0, phases = 0;
  } seen;
  rexnet::executor pool;
  pool.pool_context = &seen;
  pool.pool = [](void* context, rexnet::task_function task, void* of_task, int n) {
    ++static_cast<counts*>(context)->tasks;
    for (int i = 0; i < n; ++i) task(of_task, i);
  };
  const fixture f;
  auto session = must(rexnet::session::make(f.model, 2, pool));
  const rexnet::config& c = session.shape();
  floats out(3), features(static_cast<std::size_t>(rexnet::feature_c(c))), again = features;
  rexnet::feature_taps taps;
  taps.features = features.data();
  rexnet::forward_options how;
  how.taps = &taps;
  how.observer.context = &seen;
  how.observer.function = [](void* context, rexnet::phase, int) noexcept {
    ++static_cast<counts*>(context)->phases;
  };
  REQUIRE(session.run(f.picture, out, how).ok());
  CHECK(seen.tasks > 0);
  CHECK(seen.phases > c.block_count);
  // In a batch that shares its passes: both, too.
  seen = {};
  taps.features = again.data();
  REQUIRE(session.run(rexnet::span<const rexnet::image_view>(&f.picture, 1), out, how).ok());
  CHECK(again == features);
  CHECK(seen.phases > c.block_count);
  // In a batch of a picture per thread the observer would be called by all of them.
  const std::vector<rexnet::image_view> pictures(2, f.picture);
  floats two(6), maps(2 * features.size());
  seen = {};
  taps.features = maps.data();
  REQUIRE(session.run(pictures, two, how).ok());
  CHECK(floats(maps.begin() + static_cast<std::ptrdiff_t>(features.size()), maps.end()) == features);
  CHECK(seen.phases == 0);
}

TEST_CASE("session: what is refused, and that it can go on") {
  const fixture f;
  rexnet::preprocessing input = f.model.input();
  input.mean[1] = NAN;
  CHECK(rexnet::session::make(f.model, input).code() == errc::invalid_argument);
  CHECK(rexnet::session::make(f.model, rexnet::max_threads + 1).error().message() ==
        "65 threads: must be 1 to 64");
  CHECK(rexnet::session::make(f.model, 0).code() == errc::invalid_argument);
  auto session = must(rexnet::session::make(f.model));
  const floats images = images_of(1, 8, 8);
  floats out(3);
  // Before the first size: the plan that no call made is not one of 0 x 0 pixels.
  CHECK(session.prepare(0, 0).error().message() == "input of 0 x 0 pixels: each side must be 1 to 16384");
  CHECK(session.run({images.data(), 1, 0, 0, 3}, out).code() == errc::invalid_argument);
  CHECK(session.run({images.data(), 1, 8, 8, 4}, out).error().message() ==
        "forward: sizes that do not fit together");
  CHECK(session.run({nullptr, 1, 8, 8, 3}, out).code() == errc::invalid_argument);
  CHECK(session.run({images.data(), 1, 8, 8, 3}, {out.data(), 2}).code() == errc::shape_mismatch);
  CHECK(session.run_pixels({nullptr, 8, 8}, out).code() == errc::invalid_argument);
  CHECK(session.run(rexnet::image_view(nullptr, 8, 8), out).code() == errc::invalid_argument);
  REQUIRE(session.run({images.data(), 1, 8, 8, 3}, out).ok());
  CHECK(out == by_hand(f.model, images, 1, 8, 8));
}
