// SPDX-License-Identifier: MIT
// Every family through the C interface, and backbones: logits are the C++ library's, features are what the
// classifying layer turns into them.
#include "rexnet.h"

#include "rexnet/rexnet.hpp"

#include "tests/support/craft_model.hpp"
#include "tests/support/must.hpp"
#include "tests/support/random_model.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace {

using rexnet::config_for;
using rexnet::family;
using rexnet_test::must;

constexpr int classes = 7, side = 32, width = 50, height = 40;

struct deleter {
  void operator()(rexnet_model* m) const { rexnet_model_free(m); }
  void operator()(rexnet_classifier* c) const { rexnet_classifier_free(c); }
};
using model_ptr = std::unique_ptr<rexnet_model, deleter>;
using classifier_ptr = std::unique_ptr<rexnet_classifier, deleter>;

model_ptr load(const std::string& file) {
  rexnet_error error;
  rexnet_model* m = nullptr;
  const rexnet_status s = rexnet_model_load_memory(file.data(), file.size(), 0, &m, &error);
  INFO(std::string(error.message));
  REQUIRE(s == REXNET_OK);
  return model_ptr(m);
}

classifier_ptr classifier_of(const model_ptr& m, int threads) {
  rexnet_options options = REXNET_OPTIONS_INIT;
  options.threads = threads;
  options.input_size = side;
  rexnet_classifier* c = nullptr;
  REQUIRE(rexnet_classifier_new(m.get(), &options, &c, nullptr) == REXNET_OK);
  return classifier_ptr(c);
}

std::vector<std::uint8_t> some_pixels() {
  std::vector<std::uint8_t> pixels(width * height * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<std::uint8_t>(i * 2654435761u >> 13);
  return pixels;
}

/// What the C++ library says.
std::vector<float> expected_outputs(const std::string& file, const std::vector<std::uint8_t>& pixels) {
  const rexnet::model m = must(rexnet::load_copy(rexnet_test::bytes_of(file)));
  rexnet::preprocessing input = m.input();
  input.input_size = side;
  return must(must(rexnet::classifier::make(m, input)).logits({pixels.data(), width, height}));
}

void check_close(const std::vector<float>& found, const std::vector<float>& expected, double tolerance) {
  REQUIRE(found.size() == expected.size());
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    largest = std::fmax(largest, std::fabs(static_cast<double>(expected[i])));
    worst = std::fmax(worst, std::fabs(static_cast<double>(found[i]) - static_cast<double>(expected[i])));
  }
  CHECK(largest > 0);
  CHECK(worst <= tolerance * largest);
}

/// weight x features + bias
std::vector<float> classified(rexnet_test::state_dict& dict, const std::string& layer,
                              const std::vector<float>& features) {
  const std::vector<double> weight = dict.at(layer + ".weight").values(),
                            bias = dict.at(layer + ".bias").values();
  std::vector<float> logits;
  for (std::size_t o = 0; o < bias.size(); ++o) {
    double sum = bias[o];
    for (std::size_t i = 0; i < features.size(); ++i)
      sum += weight[o * features.size() + i] * static_cast<double>(features[i]);
    logits.push_back(static_cast<float>(sum));
  }
  return logits;
}

void check_family(family f, bool timm, const std::string& layer, const char* variant) {
  const rexnet::config shape = config_for(f, 50, classes);
  rexnet_test::state_dict dict = rexnet_test::model_writer(shape, timm, 3).write();
  const std::string file = dict.torch_zip();
  const std::vector<std::uint8_t> pixels = some_pixels();
  const rexnet_picture picture = {pixels.data(), width, height, 0, REXNET_RGB};
  const model_ptr m = load(file);
  CHECK(std::string(rexnet_model_variant(m.get())) == variant);
  CHECK(rexnet_model_class_count(m.get()) == classes);
  CHECK(rexnet_model_label(m.get(), 0) == nullptr);
  CHECK(rexnet_model_input_size(m.get()) == 224);
  std::vector<float> features(static_cast<std::size_t>(rexnet_model_feature_count(m.get()))), logits(classes);
  const auto c = classifier_of(m, 2);
  REQUIRE(rexnet_features(c.get(), &picture, features.data(), features.size(), nullptr) == REXNET_OK);
  REQUIRE(rexnet_logits(c.get(), &picture, logits.data(), logits.size(), nullptr) == REXNET_OK);
  const double tolerance = rexnet_test::rounding_tolerance(shape);
  check_close(logits, expected_outputs(file, pixels), 2 * tolerance);  // may be of another instruction set
  check_close(classified(dict, layer, features), logits, tolerance);
}

}  // namespace

TEST_CASE("c_api: v1, lite and rexnetr checkpoints give the library's logits and the features beneath") {
  check_family(family::v1, false, "output.1", "v1 0.5x");
  check_family(family::lite, false, "output.4", "lite 0.5x");
  check_family(family::rexnetr, true, "head.fc", "rexnetr 0.5x");
}

TEST_CASE("c_api: a backbone has features and no classes") {
  const rexnet::config shape = config_for(family::v1, 50, 0);
  const std::string file = rexnet_test::model_writer(shape, true, 4).write().torch_zip();
  const std::vector<std::uint8_t> pixels = some_pixels();
  const rexnet_picture picture = {pixels.data(), width, height, 0, REXNET_RGB};
  const model_ptr m = load(file);
  CHECK(rexnet_model_class_count(m.get()) == 0);
  const auto c = classifier_of(m, 1);
  std::vector<float> features(static_cast<std::size_t>(rexnet_model_feature_count(m.get())));
  CHECK(rexnet_features(c.get(), &picture, features.data(), features.size(), nullptr) == REXNET_OK);
  check_close(features, expected_outputs(file, pixels), 2 * rexnet_test::rounding_tolerance(shape));
  rexnet_error error;
  rexnet_scored_class top[5];
  CHECK(rexnet_classify(c.get(), &picture, top, 5, nullptr, &error) == REXNET_UNSUPPORTED);
  CHECK(std::string(error.message).find("rexnet_features()") != std::string::npos);
  CHECK(rexnet_logits(c.get(), &picture, features.data(), features.size(), &error) == REXNET_UNSUPPORTED);
}

TEST_CASE("c_api: a checkpoint of a thousand classes has ImageNet's names") {
  const model_ptr m =
      load(rexnet_test::model_writer(config_for(family::v1, 50, 1000), false, 6).write().torch_zip());
  CHECK(std::string(rexnet_model_label(m.get(), 0)) == "tench");
  CHECK(std::string(rexnet_model_label(m.get(), 281)) == "tabby");
  CHECK(std::string(rexnet_model_label(m.get(), 999)) == "toilet tissue");
  CHECK(rexnet_model_label(m.get(), 1000) == nullptr);
}

TEST_CASE("c_api: a checkpoint that is no ReXNet is named") {
  rexnet_test::state_dict dict = rexnet_test::model_writer(config_for(family::v1, 50, 3), true, 5).write();
  dict.at("head.fc.bias").name = "head.bias";
  const std::string file = dict.torch_zip();
  rexnet_error error;
  rexnet_model* m = nullptr;
  CHECK(rexnet_model_load_memory(file.data(), file.size(), 0, &m, &error) == REXNET_BAD_FILE);
  CHECK(std::string(error.message).find("bias") != std::string::npos);
  CHECK(m == nullptr);
}
