// SPDX-License-Identifier: MIT
// Real pictures: Pillow's pixels and PyTorch's decisions.
#include "rexnet/load.hpp"

#include "tests/support/jpeg.hpp"
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

bool is_jpeg(const std::string& path) {
  return path.size() > 4 && path.substr(path.size() - 4) == ".jpg";
}

/// Mean difference of two pictures' bytes.
double distance(const rexnet::rgb_image& a, const rexnet::rgb_image& b) {
  REQUIRE(a.data.size() == b.data.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.data.size(); ++i) sum += std::abs(int{a.data[i]} - int{b.data[i]});
  return sum / static_cast<double>(a.data.size());
}

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
  std::size_t others = 0;  // answers that the system's own JPEG decoder changed
  // An emulator takes seconds for a picture: a sample.
  const std::size_t step = std::getenv("REXNET_SAMPLE") != nullptr ? 23 : 1;
  std::size_t compared = 0;
  for (std::size_t i = 0; i < paths.size(); i += step, ++compared) {
    const auto picture = must(rexnet_tools::read_image(rexnet_test::shared_path(folder + "/" + paths[i])));
    const std::vector<float> logits = must(classifier.logits(picture.view()));
    const auto first = expected.begin() + static_cast<std::ptrdiff_t>(i * classes);
    const auto torch_top = std::max_element(first, first + static_cast<std::ptrdiff_t>(classes)) - first;
    const auto top = std::max_element(logits.begin(), logits.end()) - logits.begin();
    INFO(paths[i]);
    if (rexnet_test::jpeg_as_pillow)
      CHECK(top == torch_top);
    else
      others += top != torch_top;
    for (std::size_t c = 0; c < classes; ++c)
      worst =
          std::max(worst, std::fabs(static_cast<double>(logits[c]) - first[static_cast<std::ptrdiff_t>(c)]));
  }
  MESSAGE(name, ": ", compared, " pictures, largest difference of a logit ", worst,
          ", another top-1: ", others);
  CHECK(others * 50 <= compared);
}

}  // namespace

TEST_CASE("pictures: all of fixtures/preprocess byte for byte") {
  REXNET_NEEDS("fixtures/preprocess/manifest.json");
  const std::string folder = rexnet_test::shared_path("fixtures/preprocess/");
  const auto manifest = nlohmann::json::parse(std::ifstream(folder + "manifest.json"));
  int compared = 0;
  double worst = 0;
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
    if (files.size() == 2 && is_jpeg(source))
      worst = std::max(worst, distance(must(rexnet_tools::read_image(files[0])),
                                       must(rexnet_tools::read_image(files[1]))));
    for (const std::string& file : files) {
      if (is_jpeg(file) && !rexnet_test::jpeg_as_pillow) continue;
      ++compared;
      const auto picture = must(rexnet_tools::read_image(file));
      const auto pixels = must(rexnet::preprocess_pixels(picture.view(), p));
      INFO(file, " -> ", c.at("expected").get<std::string>());
      CHECK(pixels.data == expected.data);
    }
  }
  MESSAGE(compared, " pictures compared; decoded JPEGs are ", worst,
          " levels from Pillow's in the mean at most");
  CHECK(worst <= (rexnet_test::jpeg_as_pillow ? 0.0 : 2.0));
  CHECK(compared == (rexnet_test::jpeg_as_pillow ? 43 : 25));
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
