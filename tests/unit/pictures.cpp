// SPDX-License-Identifier: MIT
// Real pictures: Pillow's pixels and PyTorch's decisions.
#include "rexnet/load.hpp"

#include "tests/support/must.hpp"
#include "tests/support/npz.hpp"
#include "tests/support/skip.hpp"
#include "tools/image_io.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

using rexnet_test::must;

namespace {

void check_top1(const std::string& name, const std::string& folder) {
  const std::string base = rexnet_test::shared_path("fixtures/trained/" + name);
  const rexnet::model m = must(rexnet::load(base + ".pth"));
  const auto answers = rexnet_test::read_npz(base + ".npz");
  const auto about = nlohmann::json::parse(std::ifstream(base + ".json"));
  rexnet::preprocessing input;
  input.input_size = about.at("input_size");
  auto classifier = must(rexnet::classifier::make(m, input, 2));
  const auto& paths = answers.at("paths").strings;
  const auto& expected = answers.at("logits").values;
  const auto classes = static_cast<std::size_t>(m.shape().classes);
  double worst = 0;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto picture = must(rexnet_tools::read_image(rexnet_test::shared_path(folder + "/" + paths[i])));
    const std::vector<float> logits = must(classifier.logits(picture.view()));
    const auto first = expected.begin() + static_cast<std::ptrdiff_t>(i * classes);
    const auto torch_top = std::max_element(first, first + static_cast<std::ptrdiff_t>(classes)) - first;
    const auto top = std::max_element(logits.begin(), logits.end()) - logits.begin();
    INFO(paths[i]);
    CHECK(top == torch_top);
    for (std::size_t c = 0; c < classes; ++c)
      worst =
          std::max(worst, std::fabs(static_cast<double>(logits[c]) - first[static_cast<std::ptrdiff_t>(c)]));
  }
  MESSAGE(name, ": ", paths.size(), " pictures, largest difference of a logit ", worst);
}

}  // namespace

TEST_CASE("pictures: all of fixtures/preprocess byte for byte") {
  REXNET_NEEDS("fixtures/preprocess/manifest.json");
  const std::string folder = rexnet_test::shared_path("fixtures/preprocess/");
  const auto manifest = nlohmann::json::parse(std::ifstream(folder + "manifest.json"));
  for (const auto& c : manifest.at("cases")) {
    const std::string source = c.at("source");
    rexnet::preprocessing p;
    p.input_size = c.at("input_size");
    p.crop_pct = c.at("crop_pct");
    p.interpolation = c.at("interpolation") == "bilinear" ? rexnet::interpolation::bilinear
                                                          : rexnet::interpolation::bicubic;
    const auto expected = must(rexnet_tools::read_image(folder + c.at("expected").get<std::string>()));
    std::vector<std::string> files{source.find('/') == source.npos ? folder + source
                                                                   : rexnet_test::shared_path(source)};
    if (c.contains("decoded") && c.at("decoded").is_string())
      files.push_back(folder + c.at("decoded").get<std::string>());
    for (const std::string& file : files) {
      const auto picture = must(rexnet_tools::read_image(file));
      const auto pixels = must(rexnet::preprocess_pixels(picture.view(), p));
      INFO(file, " -> ", c.at("expected").get<std::string>());
      CHECK(pixels.data == expected.data);
    }
  }
}

TEST_CASE("pictures: PyTorch's top-1 for every picture of clothing") {
  REXNET_NEEDS("data/clothing/test");
  check_top1("clothing_1.0x", "data/clothing/test");
}

TEST_CASE("pictures: PyTorch's top-1 for every picture of sign digits") {
  REXNET_NEEDS("data/sign_digits/validation");
  check_top1("sign_digits_1.0x", "data/sign_digits/validation");
}

TEST_CASE("pictures: the bundled model answers as PyTorch for the bundled pictures") {
  const rexnet::model m = must(rexnet::load(rexnet_test::source_path("models/clothing_1.0x.rexnet")));
  auto classifier = must(rexnet::classifier::make(m));
  const auto expected =
      nlohmann::json::parse(std::ifstream(rexnet_test::source_path("examples/pictures/expected.json")));
  REQUIRE(expected.size() == 5);
  for (const auto& item : expected.items()) {
    const std::string& file = item.key();
    const auto& answer = item.value();
    const auto picture =
        must(rexnet_tools::read_image(rexnet_test::source_path("examples/pictures/" + file)));
    const std::vector<float> logits = must(classifier.logits(picture.view()));
    double worst = 0, largest = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double torch = answer.at("logits")[i];
      worst = std::max(worst, std::fabs(static_cast<double>(logits[i]) - torch));
      largest = std::max(largest, std::fabs(torch));
    }
    INFO(file, ": largest difference of a logit ", worst, " of ", largest);
    // The bundled weights are float16: each is off by up to 2^-11, and 54 layers add up.
    CHECK(worst <= 8 * largest / 2048);
    const auto top =
        static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    CHECK(m.labels()[top] == answer.at("top5")[0].at("label").get<std::string>());
    CHECK(m.labels()[top] == file.substr(0, file.find('.')));
  }
}
