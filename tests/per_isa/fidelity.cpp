// SPDX-License-Identifier: MIT
// PyTorch's answers for real checkpoints.
#include "rexnet/model.hpp"

#include "tests/support/npz.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace {

using rexnet_test::array;

struct checkpoint_case {
  const char* checkpoint;
  const char* answers;
  double torch_error;  ///< PyTorch's own float32 error, from fixtures/manifest.json
};

// fixtures/manifest.json
constexpr checkpoint_case cases[] = {
    {"official_v1_1.0x_1000c_zip.pth", "official_v1_1.0x_1000c_zip.1x224x224.npz", 1.1218709472515798e-05},
    {"official_v1_1.0x_1000c_zip.pth", "official_v1_1.0x_1000c_zip.2x160x192.npz", 1.2458976186735526e-05},
    {"official_v1_0.5x_10c_legacy.pth", "official_v1_0.5x_10c_legacy.1x224x224.npz", 6.229992326467482e-06},
    {"official_v1_0.5x_10c_legacy.pth", "official_v1_0.5x_10c_legacy.3x97x131.npz", 1.1162342462234243e-05},
    {"official_lite_0.5x_10c_zip.pth", "official_lite_0.5x_10c_zip.1x224x224.npz", 1.8749738182499698e-05},
    {"official_lite_0.5x_10c_zip.pth", "official_lite_0.5x_10c_zip.1x97x131.npz", 9.228363210045387e-06},
    {"official_v1_0.5x_10c_half.pth", "official_v1_0.5x_10c_half.1x128x128.npz", 8.955917122577262e-06},
    {"timm_rexnet_050_10c_train.pth", "timm_rexnet_050_10c_train.1x128x128.npz", 9.030797194498064e-06},
    {"timm_rexnetr_100_5c.safetensors", "timm_rexnetr_100_5c.1x224x224.npz", 3.925287125561283e-06},
    {"official_v1_0.5x_10c_zip.pth", "official_v1_0.5x_10c_legacy.1x224x224.npz", 6.229992326467482e-06},
    {"official_v1_0.5x_10c_zip.pth", "official_v1_0.5x_10c_legacy.3x97x131.npz", 1.1162342462234243e-05},
};

std::vector<float> nhwc(const array& a) {
  const std::int64_t n = a.shape[0], c = a.shape[1], px = a.shape[2] * a.shape[3];
  std::vector<float> out(a.values.size());
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t ch = 0; ch < c; ++ch)
      for (std::int64_t p = 0; p < px; ++p)
        out[static_cast<std::size_t>((i * px + p) * c + ch)] =
            static_cast<float>(a.values[static_cast<std::size_t>((i * c + ch) * px + p)]);
  return out;
}

std::vector<float> forward(const rexnet::model& m, const array& input,
                           const rexnet::feature_taps* taps = nullptr) {
  const int n = static_cast<int>(input.shape[0]), h = static_cast<int>(input.shape[2]),
            w = static_cast<int>(input.shape[3]);
  const std::vector<float> image = nhwc(input);
  const auto net = m.net();
  const rexnet::plan p = net.make_plan(h, w, 2).value();
  rexnet::aligned_buffer workspace(p.workspace_bytes());
  std::vector<float> logits(static_cast<std::size_t>(n) * static_cast<std::size_t>(net.shape().classes));
  rexnet::forward_options options;
  options.taps = taps;
  REQUIRE(net.forward(p, {image.data(), n, h, w, 3}, logits, {workspace.data(), workspace.size()}, options) ==
          rexnet::errc::ok);
  return logits;
}

}  // namespace

TEST_CASE(
    "fidelity: PyTorch's logits of every fixture, within the larger of 1e-5 and 4 times its own "
    "float32 error") {
  for (const checkpoint_case& c : cases) {
    REXNET_NEEDS(std::string("fixtures/") + c.checkpoint);
    const rexnet::model m =
        rexnet::load(rexnet_test::shared_path(std::string("fixtures/") + c.checkpoint)).value();
    const auto answers =
        rexnet_test::read_npz(rexnet_test::shared_path(std::string("fixtures/") + c.answers));
    const std::vector<double>& expected = answers.at("logits_f64").values;
    const std::vector<float> logits = forward(m, answers.at("input_nchw"));
    REQUIRE(logits.size() == expected.size());
    double worst = 0, largest = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double d = std::fabs(static_cast<double>(logits[i]) - expected[i]);
      worst = std::isnan(d) ? INFINITY : std::max(worst, d);
      largest = std::max(largest, std::fabs(expected[i]));
    }
    INFO(c.checkpoint, " ", c.answers, " error ", worst, " largest logit ", largest);
    CHECK(worst <= std::max(1e-5 * largest, 4 * c.torch_error));
  }
}

TEST_CASE("fidelity: every block of official_v1_0.5x_10c within a relative L2 of 1e-5") {
  REXNET_NEEDS("fixtures/official_v1_0.5x_10c.layers.npz");
  const rexnet::model m =
      rexnet::load(rexnet_test::shared_path("fixtures/official_v1_0.5x_10c_zip.pth")).value();
  const auto layers =
      rexnet_test::read_npz(rexnet_test::shared_path("fixtures/official_v1_0.5x_10c.layers.npz"));
  std::map<int, std::vector<float>> outputs;
  const auto target = [&](int index) {
    outputs[index].resize(layers.at("features." + std::to_string(index)).values.size());
    return outputs[index].data();
  };
  rexnet::feature_taps taps;
  taps.stem = target(2);
  for (int i = 0; i < 16; ++i) taps.blocks[i] = target(i + 3);
  taps.head = target(21);
  taps.pooled = target(22);
  forward(m, layers.at("input_nchw"), &taps);
  for (const auto& output : outputs) {
    const int index = output.first;
    const std::vector<float>& found = output.second;
    const std::vector<float> expected = nhwc(layers.at("features." + std::to_string(index)));
    double error = 0, norm = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      error += std::pow(static_cast<double>(found[i]) - static_cast<double>(expected[i]), 2);
      norm += std::pow(static_cast<double>(expected[i]), 2);
    }
    INFO("features.", index);
    CHECK(std::sqrt(error / norm) <= 1e-5);
  }
}
