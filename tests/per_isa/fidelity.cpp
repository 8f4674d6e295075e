// SPDX-License-Identifier: MIT
// PyTorch's answers for real checkpoints.
#include "rexnet/core/bytes.hpp"
#include "rexnet/load.hpp"
#include "rexnet/ops.hpp"

#include "tests/support/must.hpp"
#include "tests/support/npz.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <sstream>

namespace {

using rexnet_test::array;
using rexnet_test::must;

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
  const rexnet::plan p = must(net.make_plan(h, w, 2));
  rexnet::aligned_buffer workspace(p.workspace_bytes());
  std::vector<float> logits(static_cast<std::size_t>(n) * static_cast<std::size_t>(net.shape().classes));
  rexnet::forward_options options;
  options.taps = taps;
  REQUIRE(net.forward(p, {image.data(), n, h, w, 3}, logits, {workspace.data(), workspace.size()}, options) ==
          rexnet::errc::ok);
  return logits;
}

double relative_l2(const std::vector<float>& found, const array& nchw) {
  const std::vector<float> expected = nhwc(nchw);
  REQUIRE(found.size() == expected.size());
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(static_cast<double>(found[i]) - static_cast<double>(expected[i]), 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(error / norm);
}

}  // namespace

TEST_CASE(
    "fidelity: PyTorch's logits of every fixture, within the larger of 1e-5 and 4 times its own "
    "float32 error") {
  for (const checkpoint_case& c : cases) {
    REXNET_NEEDS(std::string("fixtures/") + c.checkpoint);
    const rexnet::model m =
        must(rexnet::load(rexnet_test::shared_path(std::string("fixtures/") + c.checkpoint)));
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
    INFO(std::string(c.checkpoint), " ", std::string(c.answers), " error ", worst, " largest logit ",
         largest);
    CHECK(worst <= std::max(1e-5 * largest, 4 * c.torch_error));
  }
}

TEST_CASE("fidelity: the bits of every fixture's logits are those that each set has always given") {
  // tests/golden/logit_bits.txt: set, answers, CRC-32 of the logits. A line changes with a kernel's
  // arithmetic only.
  std::ifstream golden(std::string(REXNET_SOURCE_DIR) + "/tests/golden/logit_bits.txt");
  REQUIRE(golden);
#if defined(__arm__) && defined(__ARM_FEATURE_FMA)
  const std::string set =
      "neon_fma";  // 32-bit ARM with VFPv4: the same kernels, with products that are not rounded
#else
  const std::string set = rexnet::default_kernels()->name;
#endif
  std::map<std::string, std::string> known;
  for (std::string line; std::getline(golden, line);) {
    std::istringstream words(line);
    std::string of, checkpoint, answers, crc;
    if (words >> of >> checkpoint >> answers >> crc && of == set) known[checkpoint + " " + answers] = crc;
  }
  if (known.empty()) {
    MESSAGE("not run: no bits are recorded for ", set);
    return;
  }
  for (const checkpoint_case& c : cases) {
    REXNET_NEEDS(std::string("fixtures/") + c.checkpoint);
    const rexnet::model m =
        must(rexnet::load(rexnet_test::shared_path(std::string("fixtures/") + c.checkpoint)));
    const auto answers =
        rexnet_test::read_npz(rexnet_test::shared_path(std::string("fixtures/") + c.answers));
    const std::vector<float> logits = forward(m, answers.at("input_nchw"));
    char crc[9];
    std::snprintf(crc, sizeof crc, "%08x",
                  static_cast<unsigned>(rexnet::crc32({reinterpret_cast<const unsigned char*>(logits.data()),
                                                       logits.size() * sizeof(float)})));
    const std::string of = std::string(c.checkpoint) + " " + c.answers;
    INFO(set, " ", of, " ", std::string(crc));
    CHECK(known[of] == crc);
  }
}

TEST_CASE("fidelity: every layer of official_v1_0.5x_10c within a relative L2 of 1e-5") {
  REXNET_NEEDS("fixtures/official_v1_0.5x_10c.layers.npz");
  const rexnet::model m =
      must(rexnet::load(rexnet_test::shared_path("fixtures/official_v1_0.5x_10c_zip.pth")));
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
    INFO("features.", output.first);
    CHECK(relative_l2(output.second, layers.at("features." + std::to_string(output.first))) <= 1e-5);
  }

  // 0, 1, 19 and 20 lie before BatchNorm or activation, which the network folds: through the operators.
  const rexnet::checkpoint file =
      must(rexnet::open_checkpoint(rexnet_test::shared_path("fixtures/official_v1_0.5x_10c_zip.pth")));
  const rexnet::weights_layout l = rexnet::layout_of(m.shape());
  const auto folded = [&m](const rexnet::layer_layout& at) {
    const auto layer = rexnet::numbers_of(m.payload().data(), at);
    return rexnet::filter{layer.weights, layer.bias, layer.k, layer.out_c};
  };
  const auto raw = [&file](const char* name) {  // [out][in][ky][kx] -> [out][ky][kx][in]
    const rexnet::tensor& t = *file.find(name);
    const std::vector<double> v = t.values();
    const std::int64_t in_c = t.shape[1], area = t.shape[2] * t.shape[3];
    std::vector<float> w(v.size());
    for (std::int64_t i = 0; i < t.elements(); ++i) {
      const std::int64_t o = i / (in_c * area), in = i / area % in_c, tap = i % area;
      w[static_cast<std::size_t>((o * area + tap) * in_c + in)] =
          static_cast<float>(v[static_cast<std::size_t>(i)]);
    }
    return must(rexnet::pack_filter(w, {}, static_cast<int>(t.shape[0]), static_cast<int>(in_c * area)));
  };
  const array& image = layers.at("input_nchw");
  const std::vector<float> pixels = nhwc(image), before_head = nhwc(layers.at("features.18"));
  const int h = static_cast<int>(image.shape[2]), w = static_cast<int>(image.shape[3]);
  std::vector<float> scratch(rexnet::convolution_scratch_floats(w, 3, 3));
  const rexnet::packed_filter stem = raw("features.0.weight"), head = raw("features.19.weight");
  for (const auto& [index, f] : {std::pair{0, stem.view()}, {1, folded(l.stem)}}) {
    std::vector<float> out(layers.at("features." + std::to_string(index)).values.size());
    REQUIRE(rexnet::convolution({pixels.data(), 1, h, w, 3}, f, 3, 2, {out.data(), 1, h / 2, w / 2, f.out_c},
                                scratch) == rexnet::errc::ok);
    CHECK(relative_l2(out, layers.at("features." + std::to_string(index))) <= 1e-5);
  }
  for (const auto& [index, f] : {std::pair{19, head.view()}, {20, folded(l.head)}}) {
    const array& expected = layers.at("features." + std::to_string(index));
    const int oh = static_cast<int>(expected.shape[2]), ow = static_cast<int>(expected.shape[3]);
    std::vector<float> out(expected.values.size());
    REQUIRE(rexnet::pointwise({before_head.data(), 1, oh, ow, f.k}, f, {out.data(), 1, oh, ow, f.out_c}) ==
            rexnet::errc::ok);
    CHECK(relative_l2(out, expected) <= 1e-5);
  }
}
