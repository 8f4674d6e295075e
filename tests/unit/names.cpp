// SPDX-License-Identifier: MIT
// Whole models: recognised by their tensors, folded, and refused with names and numbers (M1 to M7).
#include "rexnet/payload/pack.hpp"

#include "tests/support/craft_model.hpp"
#include "tests/support/must.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace rexnet_test;
using rexnet::config;
using rexnet::config_for;
using rexnet::errc;
using rexnet::family;

namespace {

rexnet::error refusal(const std::vector<rexnet::tensor>& tensors) {
  auto m = rexnet::identify({tensors.data(), tensors.size()});
  if (!m) return m.error();
  auto packed = rexnet::pack_weights(*m);
  return packed ? rexnet::error(errc::ok, "") : packed.error();
}
void check_refused(const rexnet::error& e, errc code, const std::string& part) {
  const std::string other = otherwise(e, code, part);
  CHECK_MESSAGE(other.empty(), other);
}
bool is_counter(const std::string& name) {
  return name.find("num_batches_tracked") != std::string::npos;
}

}  // namespace

TEST_CASE("names: family, width, classes and naming are read from the tensors") {
  for (const bool timm : {false, true})
    for (const config& c :
         {config_for(family::v1, 50, 10), config_for(family::v1, 60, 3), config_for(family::v1, 90, 1000),
          config_for(family::v1, 130, 1), config_for(family::lite, 50, 10), config_for(family::lite, 100, 7),
          config_for(family::rexnetr, 100, 5), config_for(family::rexnetr, 200, 4, 16)}) {
      if (timm && c.family == family::lite) continue;
      const state_dict d = craft_model(c, timm);
      auto m = rexnet::identify(d.tensors);
      INFO(rexnet::detail::variant_text(c), timm ? " timm" : " official");
      REQUIRE_MESSAGE(m.ok(), m.error().message());
      CHECK(m->shape.family == c.family);
      CHECK(m->shape.width_hundredths == c.width_hundredths);
      CHECK(m->shape.classes == c.classes);
      CHECK(m->shape.head_c == c.head_c);
      CHECK(m->shape.hidden_c == c.hidden_c);
      CHECK(std::string(m->naming) == (timm ? "timm" : "official"));
      for (int i = 0; i < rexnet::rexnet_blocks; ++i) {
        CHECK(m->shape.blocks[i].out_c == c.blocks[i].out_c);
        CHECK(m->shape.blocks[i].se_c == c.blocks[i].se_c);
      }
    }
}

TEST_CASE("names: squeeze-excite in the first block, which would be left out, is refused") {
  config c = config_for(family::v1, 50, 3);
  c.blocks[0].se_c = 4;
  check_refused(refusal(craft_model(c).tensors), errc::unsupported,
                "features.3.out.2.fc.0.weight: squeeze-excite");
  check_refused(refusal(craft_model(c, true).tensors), errc::unsupported,
                "features.0.se.fc1.weight: squeeze-excite");
}

TEST_CASE("pack: BatchNorm is folded in double, weights lie in panels of 16") {
  const config c = config_for(family::v1, 50, 10);
  state_dict d = craft_model(c);
  const auto m = must(rexnet::identify(d.tensors));
  const auto packed = must(rexnet::pack_weights(m));
  const rexnet::weights_layout l = rexnet::layout_of(c);
  const float* p = packed.floats().data();
  const auto value = [&d](const std::string& name, std::int64_t i) { return d.at(name).element(i); };
  const auto scale = [&](const std::string& bn, int o) {
    return value(bn + ".weight", o) / std::sqrt(value(bn + ".running_var", o) + 1e-5);
  };
  // features.8.out: expand 0 and 1, depthwise 3 and 4, squeeze-excite 5, project 7 and 8.
  const rexnet::block_layout& b = l.blocks[5];
  const rexnet::block_config& shape = c.blocks[5];
  const std::string f = "features.8.out.";
  bool same = true;
  for (int o = 0; o < shape.mid_c; ++o) {
    for (int k = 0; k < shape.in_c; ++k)
      same = same && p[b.expand.weights / 4 + (o / 16 * shape.in_c + k) * 16 + o % 16] ==
                         static_cast<float>(value(f + "0.weight", std::int64_t{o} * shape.in_c + k) *
                                            scale(f + "1", o));
    for (int k = 0; k < 9; ++k)
      same = same && p[b.depthwise.weights / 4 + (o / 16 * 9 + k) * 16 + o % 16] ==
                         static_cast<float>(value(f + "3.weight", o * 9 + k) * scale(f + "4", o));
    same = same && p[b.depthwise.bias / 4 + o] ==
                       static_cast<float>((0.0 - value(f + "4.running_mean", o)) * scale(f + "4", o) +
                                          value(f + "4.bias", o));
  }
  for (int o = 0; o < shape.se_c; ++o)
    same =
        same && p[b.squeeze.bias / 4 + o] ==
                    static_cast<float>((value(f + "5.fc.0.bias", o) - value(f + "5.fc.1.running_mean", o)) *
                                           scale(f + "5.fc.1", o) +
                                       value(f + "5.fc.1.bias", o));
  // The stem's input index runs over rows, columns, channels; PyTorch's over channels, rows, columns.
  for (int o = 0; o < c.stem_c; ++o)
    for (int ch = 0; ch < 3; ++ch)
      for (int tap = 0; tap < 9; ++tap)
        same = same && p[l.stem.weights / 4 + (o / 16 * 27 + tap * 3 + ch) * 16 + o % 16] ==
                           static_cast<float>(value("features.0.weight", o * 27 + ch * 9 + tap) *
                                              scale("features.1", o));
  CHECK(same);
  for (int o = c.classes; o < 16; ++o) CHECK(p[l.classifier.bias / 4 + o] == 0.0f);
}

TEST_CASE("pack: denormal weights become zero") {
  state_dict d = craft_model(config_for(family::v1, 50, 10));
  d.set("output.1.weight", 3, 1e-40f);
  const auto packed = must(rexnet::pack_weights(must(rexnet::identify(d.tensors))));
  CHECK(packed.floats()[static_cast<std::size_t>(
            rexnet::layout_of(config_for(family::v1, 50, 10)).classifier.weights / 4 + 3 * 16)] == 0.0f);
}

TEST_CASE("names: M1 every tensor that is missing is missed by name") {
  for (const config& c : {config_for(family::v1, 50, 10), config_for(family::lite, 50, 10)})
    for (const bool timm : {false, true}) {
      if (timm && c.family == family::lite) continue;
      const state_dict d = craft_model(c, timm);
      for (std::size_t i = 0; i < d.tensors.size(); ++i) {
        std::vector<rexnet::tensor> some = d.tensors;
        some.erase(some.begin() + static_cast<std::ptrdiff_t>(i));
        const rexnet::error e = refusal(some);
        if (is_counter(d.tensors[i].name))
          CHECK_MESSAGE(e.code() == errc::ok, e.message());
        else
          check_refused(e, errc::model_missing, d.tensors[i].name + ": missing");
      }
    }
  check_refused(refusal({}), errc::model_missing, "it has 0 tensors");
  state_dict other;
  other.add("conv1.weight", {1}, {0});
  check_refused(refusal(other.tensors), errc::model_missing, "\"conv1.weight\"");
}

TEST_CASE("names: M2 a tensor that the architecture does not have") {
  state_dict d = craft_model(config_for(family::v1, 50, 10));
  d.add("features.4.out.77.weight", {2, 3}, std::vector<float>(6));
  check_refused(refusal(d.tensors), errc::model_unexpected,
                "features.4.out.77.weight: unexpected, shape [2,3] (v1 0.5x, official names)");
}

TEST_CASE("names: M3 two tensors of one name") {
  state_dict d = craft_model(config_for(family::v1, 50, 10));
  d.add("features.1.bias", {32}, std::vector<float>(32));
  check_refused(refusal(d.tensors), errc::model_duplicate_role, "features.1.bias");
}

TEST_CASE(
    "names: M4 every tensor of a wrong shape is answered with expected, found and the nearest variant") {
  const state_dict d = craft_model(config_for(family::v1, 50, 10));
  for (std::size_t i = 0; i < d.tensors.size(); ++i) {
    if (is_counter(d.tensors[i].name)) continue;
    std::vector<rexnet::tensor> bent = d.tensors;
    bent[i].shape.push_back(1), bent[i].strides.push_back(1);
    check_refused(refusal(bent), errc::model_wrong_shape, d.tensors[i].name + ": expected ");
    bent = d.tensors;
    --bent[i].shape[0];
    check_refused(refusal(bent), errc::model_wrong_shape, "v1 0.5x, the nearest variant, found ");
  }
  // One block of another width among those of 1.0x.
  state_dict mixed = craft_model(config_for(family::v1, 100, 10)),
             wide = craft_model(config_for(family::v1, 130, 10));
  mixed.at("features.5.out.0.weight") = wide.at("features.5.out.0.weight");
  check_refused(
      refusal(mixed.tensors), errc::model_wrong_shape,
      "features.5.out.0.weight: expected [162,27,1,1] for v1 1.0x, the nearest variant, found [210,35,1,1]");
}

TEST_CASE("names: M5 NaN and infinity are named with their place") {
  const config c = config_for(family::v1, 50, 10);
  for (const char* name : {"features.0.weight", "features.1.weight", "features.1.bias",
                           "features.1.running_mean", "features.1.running_var", "features.9.out.5.fc.0.bias",
                           "features.20.running_var", "output.1.weight", "output.1.bias"})
    for (const float v : {NAN, INFINITY, -INFINITY}) {
      state_dict d = craft_model(c);
      if (std::string(name).find("var") != std::string::npos && !(v >= 0 || std::isnan(v))) continue;
      d.set(name, 2, v);
      check_refused(refusal(d.tensors), errc::model_not_finite, std::string(name) + ": element 2 of ");
    }
  state_dict d = craft_model(c);
  d.set("features.1.weight", 0, 3e38f), d.set("features.1.running_var", 0, 0.0f),
      d.set("features.0.weight", 0, 1.0f);
  check_refused(refusal(d.tensors), errc::model_not_finite, "features.0.weight: passes float32");
}

TEST_CASE("names: M6 a negative running_var") {
  state_dict d = craft_model(config_for(family::v1, 50, 10));
  d.set("features.20.running_var", 1, -1e-7f);
  check_refused(refusal(d.tensors), errc::model_negative_variance, "features.20.running_var[1] is -1e-07");
}

TEST_CASE("names: M7 a classifier without classes") {
  state_dict d = craft_model(config_for(family::v1, 50, 10));
  d.at("output.1.weight").shape[0] = 0;
  check_refused(refusal(d.tensors), errc::model_no_classes, "output.1.weight: 0 classes");
}

TEST_CASE("names: absurd sizes are refused before anything is allocated") {
  state_dict d = craft_model(config_for(family::v1, 50, 10));
  d.at("output.1.weight").shape[0] = std::int64_t{1} << 40;
  check_refused(refusal(d.tensors), errc::limit_exceeded, "1048576 classes");
  d = craft_model(config_for(family::v1, 50, 10));
  d.at("features.5.out.3.weight").shape = {96, 1, 7, 7};
  check_refused(refusal(d.tensors), errc::unsupported, "a kernel of 7");
}
