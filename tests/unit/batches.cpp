// SPDX-License-Identifier: MIT
// Many pictures in one call: the bits of each alone, for every number of threads and pictures; what make()
// refuses; empty batches.
#include "rexnet/rexnet.hpp"

#include "tests/support/must.hpp"
#include "tests/support/random_model.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace {

using rexnet::config;
using rexnet::config_for;
using rexnet::errc;
using rexnet::family;
using rexnet_test::must;

rexnet::model random_model(const config& c) {
  const std::vector<float> payload = rexnet_test::random_payload(c, 3);
  rexnet::aligned_buffer weights = rexnet::float_buffer(static_cast<std::int64_t>(payload.size()));
  std::copy(payload.begin(), payload.end(), weights.floats().data());
  return rexnet::detail::model_maker::from_weights(c, {}, std::move(weights), "random");
}

rexnet::preprocessing input_of(int side) {
  rexnet::preprocessing p;
  p.input_size = side;
  return p;
}

/// Pictures of different sizes and formats.
struct album {
  std::vector<std::vector<std::uint8_t>> pixels;
  std::vector<rexnet::image_view> views;
  explicit album(int n) {
    for (int i = 0; i < n; ++i) {
      const auto format = static_cast<rexnet::pixel_format>(i % 5);
      const int w = 20 + 13 * (i % 7), h = 90 - 11 * (i % 5), step = rexnet::bytes_per_pixel(format);
      pixels.emplace_back(static_cast<std::size_t>(w * h * step));
      for (std::size_t k = 0; k < pixels.back().size(); ++k)
        pixels.back()[k] =
            static_cast<std::uint8_t>((k * 2654435761u + static_cast<unsigned>(i) * 97u) >> 11);
      views.emplace_back(pixels.back().data(), w, h, format);
    }
  }
};

/// Runs its tasks one by one, the last first, and counts them.
void backwards(void* count, rexnet::task_function fn, void* context, int n) {
  for (int i = n; i-- > 0;) fn(context, i);
  if (count != nullptr) *static_cast<int*>(count) += n;
}
void on_threads(void*, rexnet::task_function fn, void* context, int n) {
  std::vector<std::thread> team;
  for (int i = 0; i < n; ++i) team.emplace_back(fn, context, i);
  for (std::thread& t : team) t.join();
}

bool same(const std::vector<rexnet::scored_class>& a, const std::vector<rexnet::scored_class>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.index == y.index && x.score == y.score; });
}

}  // namespace

TEST_CASE("batches: every number of pictures and threads gives the bits of each picture alone") {
  for (const config& c : {config_for(family::v1, 50, 7), config_for(family::lite, 50, 0)}) {
    const rexnet::model m = random_model(c);
    const auto outputs = static_cast<std::ptrdiff_t>(rexnet::output_c(c));
    const album a(9);
    std::vector<float> expected;
    std::vector<std::vector<rexnet::scored_class>> best;
    auto alone = must(rexnet::classifier::make(m, input_of(32)));
    for (const rexnet::image_view& v : a.views) {
      const auto logits = must(alone.logits(v));
      expected.insert(expected.end(), logits.begin(), logits.end());
      if (c.classes > 0) best.push_back(must(alone.classify(v, 3)));
    }
    int tasks = 0;
    for (const rexnet::executor& pool : {rexnet::executor{}, {on_threads, nullptr}, {backwards, &tasks}})
      for (const int threads : {1, 2, 3, 4, 9, 16}) {
        auto batch = must(rexnet::classifier::make(m, input_of(32), threads, pool));
        for (const std::size_t n : {0, 1, 2, 3, 5, 8, 9}) {
          INFO(threads, " threads, ", n, " pictures");
          const rexnet::span<const rexnet::image_view> some(a.views.data(), n);
          CHECK(must(batch.logits(some)) ==
                std::vector<float>(expected.begin(),
                                   expected.begin() + static_cast<std::ptrdiff_t>(n) * outputs));
          if (c.classes == 0) continue;
          const auto found = must(batch.classify(some, 3));
          REQUIRE(found.size() == n);
          for (std::size_t i = 0; i < n; ++i) CHECK(same(found[i], best[i]));
        }
        // A larger workspace than one picture's changes nothing for a picture alone.
        CHECK(must(batch.logits(a.views[0])) ==
              std::vector<float>(expected.begin(), expected.begin() + outputs));
      }
    CHECK(tasks > 0);
  }
}

TEST_CASE("batches: extractors give the maps of each picture alone, one after the other") {
  const rexnet::model m = random_model(config_for(family::lite, 50, 5));
  const album a(5);
  auto alone = must(rexnet::feature_extractor::make(m, input_of(40)));
  std::vector<rexnet::feature_maps> expected;
  for (const rexnet::image_view& v : a.views) expected.push_back(must(alone.extract(v)));
  for (const int threads : {1, 2, 8}) {
    auto batch = must(rexnet::feature_extractor::make(m, input_of(40), threads, {on_threads, nullptr}));
    const auto found = must(batch.extract(a.views));
    CHECK(found.n == 5);
    const auto part = [](const std::vector<float>& all, std::size_t i) {
      const auto each = static_cast<std::ptrdiff_t>(all.size() / 5),
                 at = static_cast<std::ptrdiff_t>(i) * each;
      return std::vector<float>(all.begin() + at, all.begin() + at + each);
    };
    for (std::size_t i = 0; i < 5; ++i) {
      INFO(threads, " threads, picture ", i);
      for (std::size_t s = 0; s < 5; ++s) CHECK(part(found.stages[s].data, i) == expected[i].stages[s].data);
      CHECK(part(found.head.data, i) == expected[i].head.data);
      CHECK(part(found.pooled, i) == expected[i].pooled);
      CHECK(part(found.features, i) == expected[i].features);
      CHECK(part(found.logits, i) == expected[i].logits);
    }
  }
}

TEST_CASE("batches: a picture that cannot be is named by its index, before any is computed") {
  const rexnet::model m = random_model(config_for(family::v1, 50, 3));
  album a(6);
  a.views[4].height = 0;
  a.views[5].data = nullptr;
  int tasks = 0;
  for (const int threads : {1, 2, 8}) {
    auto c = must(rexnet::classifier::make(m, input_of(32), threads, {backwards, &tasks}));
    const auto refused = c.classify(a.views);
    CHECK(refused.code() == errc::invalid_argument);
    CHECK(refused.error().message().find("pictures[4]: picture of ") == 0);
    CHECK(c.logits(a.views).error().message().find(" x 0 pixels") != std::string::npos);
    const rexnet::span<const rexnet::image_view> last(a.views.data() + 5, 1);
    CHECK(c.logits(last).error().message() == "pictures[0]: picture: no pixels (null pointer)");
    auto e = must(rexnet::feature_extractor::make(m, input_of(32), threads, {backwards, &tasks}));
    CHECK(e.extract(a.views).error().message().find("pictures[4]: ") == 0);
  }
  CHECK(tasks == 0);
}

TEST_CASE("batches: no pictures, no images: no answers, of the right shapes") {
  const config shape = config_for(family::v1, 50, 3);
  const rexnet::model m = random_model(shape);
  const std::vector<rexnet::image_view> none;
  for (const int threads : {1, 3}) {
    auto c = must(rexnet::classifier::make(m, input_of(32), threads));
    CHECK(must(c.logits(none)).empty());
    CHECK(must(c.classify(none, 2)).empty());
    auto e = must(rexnet::feature_extractor::make(m, input_of(32), threads));
    const auto pictures = must(e.extract(none));
    const auto images = must(e.extract(rexnet::nhwc_view<const float>(nullptr, 0, 64, 40, 3)));
    const auto stages = rexnet::feature_stages(shape, 64, 40);
    CHECK((pictures.n == 0 && images.n == 0));
    for (std::size_t i = 0; i < stages.size(); ++i) {
      const rexnet::feature_map& map = images.stages[i];
      CHECK((map.n == 0 && map.h == stages[i].h && map.w == stages[i].w && map.c == stages[i].c));
      CHECK((map.data.empty() && pictures.stages[i].h == rexnet::feature_stages(shape, 32, 32)[i].h));
    }
    CHECK((images.head.n == 0 && images.head.c == shape.head_c && images.pooled.empty() &&
           images.logits.empty()));
    CHECK(must(rexnet::class_activation_map(m, images.head.view(), 1)).empty());
    // Sides of 0 are an error in PyTorch, too, with images or without.
    CHECK(e.extract(rexnet::nhwc_view<const float>(nullptr, 0, 0, 8, 3)).error().message() ==
          "input of 0 x 8 pixels: each side must be 1 to 16384");
    CHECK(e.extract(rexnet::nhwc_view<const float>(nullptr, 0, 8, 8, 4)).code() == errc::shape_mismatch);
    CHECK(e.extract(rexnet::nhwc_view<const float>(nullptr, -1, 8, 8, 3)).error().message() ==
          "a batch of -1 images");
    CHECK(e.extract(rexnet::nhwc_view<const float>(nullptr, 1, 8, 8, 3)).code() == errc::invalid_argument);
  }
}

TEST_CASE("make: all that has nothing to do with a picture is refused at once") {
  const rexnet::model m = random_model(config_for(family::v1, 50, 3));
  const auto message = [&m](const rexnet::preprocessing& input, int threads) {
    const auto c = rexnet::classifier::make(m, input, threads);
    const auto e = rexnet::feature_extractor::make(m, input, threads);
    CHECK(c.code() == errc::invalid_argument);
    CHECK(e.code() == errc::invalid_argument);
    if (c || e) return std::string();
    CHECK(c.error().message() == e.error().message());
    return c.error().message();
  };
  const auto with = [](auto change) {
    rexnet::preprocessing p;
    change(p);
    return p;
  };
  using p = rexnet::preprocessing;
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  CHECK(message(with([](p& x) { x.input_size = 0; }), 1) == "input size 0: must be 1 to 16384");
  CHECK(message(with([](p& x) { x.input_size = -224; }), 1) == "input size -224: must be 1 to 16384");
  CHECK(message(with([](p& x) { x.input_size = 16385; }), 1) == "input size 16385: must be 1 to 16384");
  CHECK(message(with([](p& x) { x.mean[1] = nan; }), 1).find("mean nan") == 0);
  CHECK(message(with([](p& x) { x.mean[2] = -0.1f; }), 1).find("mean -0.1: ") == 0);
  CHECK(message(with([](p& x) { x.std[0] = 0; }), 1).find("std 0: ") == 0);
  CHECK(message(with([](p& x) { x.std[0] = inf; }), 1).find("std inf: ") == 0);
  CHECK(message(with([](p& x) { x.crop_pct = 0; }), 1).find("crop_pct 0: ") == 0);
  CHECK(message(with([](p& x) { x.crop_pct = std::nan(""); }), 1).find("crop_pct nan: ") == 0);
  CHECK(message(with([](p& x) { x.crop_pct = 1e308; }), 1).find("crop_pct 1e+308: ") == 0);
  CHECK(message(with([](p& x) { x.crop_pct = 1e-3; }), 1).find("crop_pct 0.001 of an input of 224") == 0);
  CHECK(message({}, 0) == "0 threads: must be 1 to 64");
  CHECK(message({}, -1).find("-1 threads") == 0);
  CHECK(message({}, 65).find("65 threads") == 0);
}

TEST_CASE("classify: fewer than one class is an error, more than there are gives all") {
  const rexnet::model m = random_model(config_for(family::v1, 50, 3));
  auto c = must(rexnet::classifier::make(m, input_of(32)));
  const album a(2);
  for (const int k : {0, -1, (std::numeric_limits<int>::min)()}) {
    const auto one = c.classify(a.views[0], k);
    CHECK(one.code() == errc::invalid_argument);
    CHECK(one.error().message() == "top " + std::to_string(k) + ": must be 1 or more classes");
    CHECK(c.classify(a.views, k).code() == errc::invalid_argument);
    CHECK(c.classify(rexnet::span<const rexnet::image_view>(), k).code() == errc::invalid_argument);
  }
  CHECK(must(c.classify(a.views[0], (std::numeric_limits<int>::max)())).size() == 3);
  CHECK(must(c.classify(a.views, 100))[1].size() == 3);
  auto backbone = must(rexnet::classifier::make(random_model(config_for(family::v1, 50, 0)), input_of(32)));
  CHECK(backbone.classify(a.views[0]).code() == errc::unsupported);
  CHECK(backbone.classify(a.views).code() == errc::unsupported);
}
