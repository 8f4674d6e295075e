// SPDX-License-Identifier: MIT
// Stages, extractor and class activation maps against the double reference and against PyTorch's maps.
#include "rexnet/heads/features.hpp"
#include "rexnet/engine/reference.hpp"
#include "rexnet/heads/cam.hpp"
#include "rexnet/load.hpp"

#include "tests/support/craft_model.hpp"
#include "tests/support/must.hpp"
#include "tests/support/npz.hpp"
#include "tests/support/random_model.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

namespace {

using rexnet::config;
using rexnet::config_for;
using rexnet::errc;
using rexnet::family;
using rexnet_test::must;

constexpr std::pair<int, int> sizes[] = {{1, 1}, {7, 5}, {33, 97}};

rexnet::model random_model(const config& c) {
  const std::vector<float> payload = rexnet_test::random_payload(c, 3);
  rexnet::aligned_buffer weights = rexnet::float_buffer(static_cast<std::int64_t>(payload.size()));
  std::copy(payload.begin(), payload.end(), weights.floats().data());
  return rexnet::detail::model_maker::from_weights(c, {}, std::move(weights), "random");
}

std::vector<float> random_images(int n, int h, int w) {
  std::mt19937 engine(5);
  std::normal_distribution<float> value;
  std::vector<float> image(static_cast<std::size_t>(n * h * w * 3));
  for (float& v : image) v = value(engine);
  return image;
}

/// The largest difference as a share of what rounding explains, relative to the largest value.
template <class Expected>
double share_of_tolerance(const config& c, const float* found, const Expected& expected) {
  double worst = 0, largest = 0;
  for (Eigen::Index i = 0; i < expected.size(); ++i) {
    const double d = std::fabs(static_cast<double>(found[i]) - expected.data()[i]);
    worst = std::isnan(d) ? INFINITY : std::max(worst, d);
    largest = std::max(largest, std::fabs(expected.data()[i]));
  }
  return worst / (rexnet_test::rounding_tolerance(c) * largest);
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

config lite_without_hidden(int classes) {
  config c = config_for(family::lite, 50, classes);
  c.hidden_c = 0;
  return c;
}

std::vector<config> all_shapes() {
  return {config_for(family::v1, 50, 10),     config_for(family::lite, 50, 10),
          config_for(family::rexnetr, 50, 5), lite_without_hidden(4),
          config_for(family::v1, 50, 0),      config_for(family::lite, 50, 0)};
}

constexpr bool is(const rexnet::feature_stage& s, int stride, int block, int h, int w, int c) {
  return s.stride == stride && s.block == block && s.h == h && s.w == w && s.c == c;
}

// timm: create_model("rexnet_100", features_only=True), reductions 2 to 32 and their channels.
constexpr auto of_224 = rexnet::feature_stages(config_for(family::v1, 100, 1000), 224, 224);
static_assert(is(of_224[0], 2, 0, 112, 112, 16) && is(of_224[1], 4, 2, 56, 56, 38) &&
              is(of_224[2], 8, 4, 28, 28, 61) && is(of_224[3], 16, 10, 14, 14, 128) &&
              is(of_224[4], 32, 15, 7, 7, 185));

}  // namespace

TEST_CASE("features: the stages have the sizes of the plan's maps, from 1x1 up") {
  for (const config& c : all_shapes())
    for (const auto& size : sizes) {
      const int h = size.first, w = size.second;
      const rexnet::plan p = rexnet::make_plan(c, h, w, 1);
      int stride = 2;
      for (const rexnet::feature_stage& s : rexnet::feature_stages(c, h, w)) {
        CHECK(is(s, stride, s.block, p.blocks[s.block].oh, p.blocks[s.block].ow, c.blocks[s.block].out_c));
        CHECK((s.block == 15 || p.blocks[s.block + 1].oh < s.h || s.h == 1));
        stride *= 2;
      }
    }
}

TEST_CASE("features: every map and vector agrees with the double reference, every family and odd sizes") {
  for (const config& c : all_shapes()) {
    const rexnet::model m = random_model(c);
    auto extractor = must(rexnet::feature_extractor::make(m, 2));
    for (const auto& size : sizes) {
      const int h = size.first, w = size.second;
      const std::vector<float> image = random_images(1, h, w);
      const auto found = must(extractor.extract({image.data(), 1, h, w, 3}));
      const auto expected = rexnet::reference::run(c, m.payload().data(), image.data(), h, w);
      INFO(rexnet::family_name(c.family), " ", c.classes, " classes, ", h, " x ", w);
      const auto stages = rexnet::feature_stages(c, h, w);
      for (std::size_t i = 0; i < stages.size(); ++i) {
        const auto& map = expected.blocks[static_cast<std::size_t>(stages[i].block)];
        REQUIRE(static_cast<Eigen::Index>(found.stages[i].data.size()) == map.v.size());
        CHECK(is(stages[i], stages[i].stride, stages[i].block, found.stages[i].h, found.stages[i].w,
                 found.stages[i].c));
        CHECK(share_of_tolerance(c, found.stages[i].data.data(), map.v) <= 1);
      }
      REQUIRE(static_cast<Eigen::Index>(found.head.data.size()) == expected.head.v.size());
      CHECK(share_of_tolerance(c, found.head.data.data(), expected.head.v) <= 1);
      REQUIRE(static_cast<int>(found.pooled.size()) == c.head_c);
      CHECK(share_of_tolerance(c, found.pooled.data(), expected.pooled) <= 1);
      REQUIRE(static_cast<int>(found.features.size()) == rexnet::feature_c(c));
      CHECK(share_of_tolerance(c, found.features.data(), expected.features) <= 1);
      REQUIRE(static_cast<int>(found.logits.size()) == c.classes);
      if (c.classes > 0) CHECK(share_of_tolerance(c, found.logits.data(), expected.outputs) <= 1);
    }
  }
}

TEST_CASE("features: a picture gives the classifier's logits, whatever was asked for and run before") {
  const rexnet::model m = random_model(config_for(family::lite, 50, 10));
  rexnet::preprocessing input;
  input.input_size = 64;
  std::vector<std::uint8_t> pixels(90 * 70 * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * i / 77);
  const rexnet::image_view picture(pixels.data(), 90, 70);
  const auto logits = must(must(rexnet::classifier::make(m, input)).logits(picture));
  auto extractor = must(rexnet::feature_extractor::make(m, input));
  const auto all = must(extractor.extract(picture));
  CHECK(same(all.logits, logits));
  CHECK(all.stages[4].h == 2);

  const std::vector<float> image = random_images(2, 97, 131);  // larger, of another shape, and two of them
  const auto two = must(extractor.extract({image.data(), 2, 97, 131, 3}));
  const auto second = must(extractor.extract({image.data() + 97 * 131 * 3, 1, 97, 131, 3}));
  const auto half = [](const std::vector<float>& v) {
    return std::vector<float>(v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  };
  for (std::size_t i = 0; i < 5; ++i) CHECK(same(half(two.stages[i].data), second.stages[i].data));
  CHECK(same(half(two.head.data), second.head.data));
  CHECK(same(half(two.features), second.features));
  CHECK(same(half(two.logits), second.logits));

  rexnet::feature_choice vectors;
  vectors.stages = vectors.head = false;
  const auto few = must(extractor.extract(picture, vectors));
  CHECK(same(few.logits, logits));
  CHECK(same(few.features, all.features));
  CHECK((few.head.data.empty() && few.stages[0].data.empty()));
}

TEST_CASE("features: wrong arguments are named") {
  const rexnet::model m = random_model(config_for(family::v1, 50, 10));
  CHECK(rexnet::feature_extractor::make(m, 65).code() == errc::invalid_argument);
  auto extractor = must(rexnet::feature_extractor::make(m));
  const float image[4 * 4 * 4] = {};
  CHECK(extractor.extract({image, 1, 4, 4, 4}).error().message().find("4 channels") != std::string::npos);
  CHECK(extractor.extract({image, 1, 0, 4, 3}).code() == errc::invalid_argument);
  CHECK(extractor.extract(rexnet::nhwc_view<const float>()).code() == errc::invalid_argument);
  CHECK(extractor.extract(rexnet::image_view()).code() == errc::invalid_argument);
  CHECK(extractor.extract({image, 1, 4, 4, 3}).ok());
}

TEST_CASE("features: checkpoints without classifier load as backbones, with the features of the whole") {
  const auto features = [](const config& c, bool timm) {
    const std::string file = rexnet_test::craft_model(c, timm).torch_zip();
    const rexnet::model m = must(rexnet::load_copy(rexnet_test::bytes_of(file)));
    CHECK(m.shape().classes == c.classes);
    CHECK(m.shape().hidden_c == c.hidden_c);
    CHECK(m.shape().family == c.family);
    const unsigned char pixel[] = {1, 2, 3};
    const auto answer = must(rexnet::classifier::make(m)).classify({pixel, 1, 1});
    CHECK(answer.code() == (c.classes == 0 ? rexnet::errc::unsupported : rexnet::errc::ok));
    const std::vector<float> image = random_images(1, 40, 33);
    return must(must(rexnet::feature_extractor::make(m)).extract({image.data(), 1, 40, 33, 3}));
  };
  for (const bool timm : {false, true})
    for (config c : {config_for(family::v1, 50, 10), config_for(family::rexnetr, 100, 3),
                     config_for(family::lite, 50, 10)}) {
      if (timm && c.family == family::lite) continue;
      INFO(rexnet::family_name(c.family), timm ? " timm" : " official");
      const auto whole = features(c, timm);
      c.classes = 0;
      const auto backbone = features(c, timm);
      CHECK(same(backbone.features, whole.features));
      CHECK(same(backbone.head.data, whole.head.data));
      CHECK(backbone.logits.empty());
      if (c.family != family::lite) continue;
      c.hidden_c = 0;
      CHECK(same(features(c, timm).features, whole.pooled));
    }
}

TEST_CASE("cam: the map's mean plus the bias is the logit where the classifier is linear") {
  for (const config& c :
       {config_for(family::v1, 50, 10), config_for(family::rexnetr, 50, 19), lite_without_hidden(4)}) {
    const rexnet::model m = random_model(c);
    const float* const bias = rexnet::numbers_of(m.payload().data(), rexnet::layout_of(c).classifier).bias;
    auto extractor = must(rexnet::feature_extractor::make(m));
    for (const auto& size : sizes) {
      const int h = size.first, w = size.second;
      const std::vector<float> image = random_images(1, h, w);
      const auto found = must(extractor.extract({image.data(), 1, h, w, 3}));
      std::vector<double> sums;
      for (int k = 0; k < c.classes; ++k) {
        const auto map = must(rexnet::class_activation_map(m, found.head.view(), k));
        REQUIRE(map.size() == static_cast<std::size_t>(found.head.h * found.head.w));
        double mean = 0;
        for (const float v : map) mean += static_cast<double>(v) / static_cast<double>(map.size());
        sums.push_back(mean + static_cast<double>(bias[k]));
      }
      INFO(rexnet::family_name(c.family), " ", h, " x ", w);
      CHECK(share_of_tolerance(c, found.logits.data(),
                               Eigen::Map<const Eigen::VectorXd>(sums.data(), c.classes)) <= 1);
    }
  }
}

TEST_CASE("cam: agrees with the double reference place by place, with lite's hidden layer, too") {
  for (const config& c : {config_for(family::v1, 50, 10), config_for(family::lite, 50, 21)}) {
    const rexnet::model m = random_model(c);
    auto extractor = must(rexnet::feature_extractor::make(m));
    for (const auto& size : {std::pair{1, 1}, {65, 40}}) {
      const int h = size.first, w = size.second;
      const std::vector<float> image = random_images(2, h, w);
      const auto found = must(extractor.extract({image.data(), 2, h, w, 3}));
      const auto expected =
          rexnet::reference::run(c, m.payload().data(), image.data() + h * w * 3, h, w);  // of the second
      for (const int k : {0, c.classes - 1}) {
        const auto map = must(rexnet::class_activation_map(m, found.head.view(), k));
        const auto wanted = rexnet::reference::class_activation_map(c, m.payload().data(), expected.head, k);
        REQUIRE(static_cast<Eigen::Index>(map.size()) == 2 * wanted.size());
        INFO(rexnet::family_name(c.family), " ", h, " x ", w, " class ", k);
        CHECK(share_of_tolerance(c, map.data() + wanted.size(), wanted) <= 1);
      }
    }
  }
}

TEST_CASE("cam: lite's map of one place plus the bias is the logit") {
  const config c = config_for(family::lite, 50, 10);
  const rexnet::model m = random_model(c);
  const std::vector<float> image = random_images(1, 20, 31);
  const auto found = must(must(rexnet::feature_extractor::make(m)).extract({image.data(), 1, 20, 31, 3}));
  REQUIRE(found.head.h * found.head.w == 1);
  for (int k = 0; k < c.classes; ++k) {
    const float sum = must(rexnet::class_activation_map(m, found.head.view(), k))[0] +
                      m.payload()[static_cast<std::size_t>(rexnet::layout_of(c).classifier.bias / 4 + k)];
    CHECK(sum ==
          doctest::Approx(static_cast<double>(found.logits[static_cast<std::size_t>(k)])).epsilon(1e-5));
  }
}

TEST_CASE("cam: a place of the head looks around the pixel at 32 times its position") {
  const config c = config_for(family::lite, 50, 1);
  const rexnet::model m = random_model(c);
  auto extractor = must(rexnet::feature_extractor::make(m));
  constexpr int side = 320;
  std::vector<float> image = random_images(1, side, side);
  const auto before = must(extractor.extract({image.data(), 1, side, side, 3}));
  double shift = 0;
  for (const int at :
       {128, 136, 144, 152, 160, 168, 176, 184}) {  // far from the border: a place sees some 200 pixels
    std::vector<float> changed = image;
    for (int y = at - 2; y <= at + 2; ++y)
      for (int x = at - 2; x <= at + 2; ++x)
        for (int ch = 0; ch < 3; ++ch) changed[static_cast<std::size_t>((y * side + x) * 3 + ch)] += 3;
    const auto after = must(extractor.extract({changed.data(), 1, side, side, 3}));
    double sum = 0, weighted = 0;
    for (std::size_t i = 0; i < after.head.data.size(); ++i) {
      const double d = static_cast<double>(after.head.data[i]) - static_cast<double>(before.head.data[i]);
      sum += d * d;
      const std::size_t place = i / static_cast<std::size_t>(c.head_c);
      weighted += d * d * static_cast<double>(place % 10 + place / 10) / 2;
    }
    shift += (weighted / sum - at / 32.0) / 8;
  }
  CHECK(std::fabs(shift) < 0.2);  // half a place if it were the middle of the 32 x 32 pixels
  MESSAGE("centre of the response: ", shift, " places from there");
}

TEST_CASE("cam: strided heads, and wrong arguments by name") {
  const config c = config_for(family::v1, 50, 10);
  const rexnet::model m = random_model(c);
  std::vector<float> dense(static_cast<std::size_t>(6 * c.head_c)), wide;
  for (std::size_t i = 0; i < dense.size(); ++i) dense[i] = std::sin(static_cast<float>(i));
  for (int p = 0; p < 6; ++p) {
    wide.insert(wide.end(), dense.begin() + p * c.head_c, dense.begin() + (p + 1) * c.head_c);
    wide.resize(wide.size() + 5, NAN);
  }
  const rexnet::nhwc_view<const float> view(dense.data(), 1, 2, 3, c.head_c);
  CHECK(same(must(rexnet::class_activation_map(m, view, 7)),
             must(rexnet::class_activation_map(m, {wide.data(), 1, 2, 3, c.head_c, c.head_c + 5}, 7))));
  CHECK(rexnet::class_activation_map(m, view, -1).code() == errc::invalid_argument);
  const auto beyond = rexnet::class_activation_map(m, view, 10);
  CHECK(beyond.code() == errc::invalid_argument);
  CHECK(beyond.error().message().find("class 10 of 10") != std::string::npos);
  CHECK(rexnet::class_activation_map(m, {dense.data(), 1, 2, 3, 16}, 0).code() == errc::shape_mismatch);
  CHECK(rexnet::class_activation_map(m, {nullptr, 1, 2, 3, c.head_c}, 0).code() == errc::invalid_argument);
  const rexnet::model backbone = random_model(config_for(family::v1, 50, 0));
  CHECK(rexnet::class_activation_map(backbone, view, 0).code() == errc::unsupported);
}

TEST_CASE("cam: the part of a picture that the network sees is where preprocessing looks") {
  rexnet::preprocessing p;
  p.input_size = 64;
  p.interpolation = rexnet::interpolation::bilinear;
  for (const auto& size : {std::pair{256, 256}, {500, 200}, {90, 301}, {31, 20}}) {
    const int w = size.first, h = size.second;
    const rexnet::picture_box box = rexnet::seen_part(w, h, p);
    CHECK(box.width == doctest::Approx(box.height).epsilon(0.02));
    CHECK(box.x + box.width / 2 == doctest::Approx(w / 2.0).epsilon(0.02));
    CHECK(box.y + box.height / 2 == doctest::Approx(h / 2.0).epsilon(0.02));
    // White within the box and black outside, and a pixel's width more black: the borders of the network's
    // input must fall from white to grey.
    const double pixel = std::max(box.width / 64, 1.0);
    for (const double inset : {-2.5 * pixel, 2.5 * pixel}) {
      rexnet::rgb_image picture{w, h, std::vector<std::uint8_t>(static_cast<std::size_t>(w * h * 3))};
      for (int y = 0; y < h; ++y)
        for (int x = 0; x < w; ++x)
          if (x + 0.5 >= box.x + inset && x + 0.5 <= box.x + box.width - inset && y + 0.5 >= box.y + inset &&
              y + 0.5 <= box.y + box.height - inset)
            for (int ch = 0; ch < 3; ++ch) picture.data[static_cast<std::size_t>((y * w + x) * 3 + ch)] = 255;
      const rexnet::rgb_image seen = must(rexnet::preprocess_pixels(picture.view(), p));
      const auto at = [&seen](int y, int x) { return seen.data[static_cast<std::size_t>((y * 64 + x) * 3)]; };
      INFO(w, " x ", h, " inset ", inset);
      for (const auto& [y, x] : {std::pair{0, 32}, {32, 0}, {63, 32}, {32, 63}})
        CHECK(static_cast<int>(at(y, x)) == (inset < 0 ? 255 : 0));
      CHECK(static_cast<int>(at(32, 32)) == 255);
    }
  }
  CHECK(rexnet::seen_part(0, 10, p).width == 0);
}

TEST_CASE("features: the fixture's maps are PyTorch's within a relative L2 of 1e-5") {
  REXNET_NEEDS("fixtures/official_v1_0.5x_10c.layers.npz");
  const rexnet::model m =
      must(rexnet::load(rexnet_test::shared_path("fixtures/official_v1_0.5x_10c_zip.pth")));
  const auto layers =
      rexnet_test::read_npz(rexnet_test::shared_path("fixtures/official_v1_0.5x_10c.layers.npz"));
  const auto nhwc = [&layers](int index) {
    const rexnet_test::array& a = layers.at(index < 0 ? "input_nchw" : "features." + std::to_string(index));
    const std::int64_t n = a.shape[0], c = a.shape[1], px = a.shape[2] * a.shape[3];
    std::vector<float> out;
    for (std::int64_t i = 0; i < n * px * c; ++i)
      out.push_back(static_cast<float>(
          a.values[static_cast<std::size_t>((i / (px * c) * c + i % c) * px + i / c % px)]));
    return out;
  };
  const std::vector<float> input = nhwc(-1);
  const auto& shape = layers.at("input_nchw").shape;
  const int n = static_cast<int>(shape[0]), h = static_cast<int>(shape[2]), w = static_cast<int>(shape[3]);
  const auto found = must(must(rexnet::feature_extractor::make(m, 2)).extract({input.data(), n, h, w, 3}));
  const auto compare = [](const std::vector<float>& a, const std::vector<float>& expected) {
    REQUIRE(a.size() == expected.size());
    double error = 0, norm = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      error += std::pow(static_cast<double>(a[i]) - static_cast<double>(expected[i]), 2);
      norm += std::pow(static_cast<double>(expected[i]), 2);
    }
    CHECK(std::sqrt(error / norm) <= 1e-5);
  };
  const auto stages = rexnet::feature_stages(m.shape(), h, w);
  for (std::size_t i = 0; i < stages.size(); ++i) compare(found.stages[i].data, nhwc(stages[i].block + 3));
  compare(found.head.data, nhwc(21));
  compare(found.pooled, nhwc(22));
  compare(found.features, nhwc(22));
}
