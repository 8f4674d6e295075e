// SPDX-License-Identifier: MIT
// config.json beside the weights: what is taken from it, when it is another network's, and when it is refused
// (M18). Layouts as timm 1.0 and transformers 5 write them (tests/python/training_files.py has theirs).
#include "rexnet/load.hpp"

#include "tests/support/craft_model.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

using namespace rexnet_test;
using rexnet::errc;
using rexnet::family;

namespace {

const rexnet::config shape = rexnet::config_for(family::v1, 100, 2);

/// As timm writes it, with other members in the place of some.
std::string timm(const std::string& inner = "", const std::string& outer = "") {
  return R"({"architecture": "rexnet_100", "num_classes": 2, "num_features": 1280, )" + outer +
         R"("pretrained_cfg": {"tag": "nav_in1k", "custom_load": false, "pool_size": [7, 7], )" + inner +
         R"("first_conv": "stem.conv", "fixed_input_size": false}})";
}
rexnet::model_config taken(const std::string& json, const rexnet::config& c = shape) {
  auto m = must(rexnet::read_model_config(json, c));
  CHECK_MESSAGE(m.applies, (m.notes.empty() ? "" : m.notes[0]));
  return m;
}
void check_refused(const std::string& json, const std::string& part) {
  const auto m = rexnet::read_model_config(json, shape);
  const std::string other = otherwise(m ? rexnet::error(errc::ok, "") : m.error(), errc::model_config, part);
  CHECK_MESSAGE(other.empty(), json, ": ", other);
}
void check_ignored(const std::string& json, const std::string& part, const rexnet::config& c = shape) {
  const auto m = must(rexnet::read_model_config(json, c));
  CHECK(!m.applies);
  REQUIRE(m.notes.size() == 1);
  CHECK_MESSAGE(m.notes[0].find(part) != std::string::npos, m.notes[0]);
}

}  // namespace

TEST_CASE("config: preprocessing is what timm's resolve_data_config() makes of it") {
  const rexnet::preprocessing defaults;
  auto m = taken(timm());
  CHECK(m.input.input_size == 224);
  CHECK(m.input.crop_pct == defaults.crop_pct);
  CHECK(m.input.mean == defaults.mean);
  CHECK(m.labels.empty());
  CHECK(m.test_size == 0);
  m = taken(timm(
      R"("input_size": [3, 192, 192], "test_input_size": [3, 288, 288], "crop_pct": 0.95, "test_crop_pct": 1.0,
      "mean": [0.5, 0.25, 0.485], "std": [0.5, 1e-1, 0.229], "interpolation": "bilinear", "crop_mode": "center", )"));
  CHECK(m.input.input_size == 192);
  CHECK(m.input.crop_pct == 0.95);
  CHECK(m.input.mean == std::array<float, 3>{0.5f, 0.25f, 0.485f});
  CHECK(m.input.std == std::array<float, 3>{0.5f, 0.1f, 0.229f});
  CHECK(m.input.interpolation == rexnet::interpolation::bilinear);
  CHECK(m.test_size == 288);
  CHECK(m.test_crop_pct == 1.0);
  // What is empty, null or zero is not there, as in Python's `if`.
  m = taken(
      timm(R"("input_size": null, "crop_pct": 0, "mean": [], "interpolation": "", "crop_mode": null, )"));
  CHECK(m.input.crop_pct == 0.875);
  // The older layout is flat; a byte order mark is no harm.
  m = taken(
      "\xef\xbb\xbf"
      R"({"architecture": "rexnet_100", "num_classes": 2, "crop_pct": 0.9, "labels": ["a", "b"]})");
  CHECK(m.input.crop_pct == 0.9);
  CHECK(m.labels == std::vector<std::string>{"a", "b"});
  m = taken(R"({"architecture": "rexnetr_200.sw_in12k", "pretrained_cfg": {"crop_pct": 0.9}})",
            rexnet::config_for(family::rexnetr, 200, 11821));
  CHECK(m.input.crop_pct == 0.9);
}

TEST_CASE("config: names of the classes") {
  CHECK(taken(timm("", R"("label_names": ["caf\u00e9", "\ud83d\ude00"], )")).labels ==
        std::vector<std::string>{"caf\xc3\xa9", "\xf0\x9f\x98\x80"});
  CHECK(taken(timm(R"("label_names": ["a", "b"], )")).labels.size() == 2);
  CHECK(taken(timm("", R"("id2label": {"1": "b", "0": "a"}, )")).labels ==
        std::vector<std::string>{"a", "b"});
  auto m = taken(timm(R"("label_names": "imagenet-1k", )"));
  CHECK(m.labels.empty());
  CHECK(m.notes.size() == 1);
  CHECK(taken(timm("", R"("label_names": ["LABEL_0", "LABEL_1"], )")).labels.empty());
  check_refused(timm("", R"("label_names": ["a"], )"), "label_names: 1 names for 2 classes");
  check_refused(timm("", R"("label_names": ["a", 7], )"), "label_names: a name that is no text");
  check_refused(timm("", R"("label_names": ["a", "b\u001b[2J"], )"), "has a control character");
  check_refused(timm("", R"("id2label": {"0": "a", "2": "b"}, )"), "\"2\" is not one of the numbers 0 to 1");
  check_refused(timm("", R"("id2label": {"0": "a", "zero": "b"}, )"), "\"zero\"");
  check_refused(timm("", R"("label_names": 12, )"), "label_names: expected a list");
}

TEST_CASE("config: M18 what cannot be done, and nonsense") {
  check_refused(timm(R"("interpolation": "lanczos", )"),
                "interpolation \"lanczos\": bicubic and bilinear are supported");
  check_refused(timm(R"("crop_mode": "squash", )"), "crop_mode \"squash\"");
  check_refused(timm(R"("input_size": [3, 224, 256], )"), "input_size [3, 224, 256]");
  check_refused(timm(R"("input_size": [1, 224, 224], )"), "three channels");
  check_refused(timm(R"("input_size": [3, 224.5, 224.5], )"), "a side must be 1 to 16384");
  check_refused(timm(R"("input_size": [3, NaN, NaN], )"), "input_size [3, nan, nan]");
  check_refused(timm(R"("input_size": [3, 1e99, 1e99], )"), "a side must be 1 to 16384");
  check_refused(timm(R"("input_size": 224, )"), "input_size: expected three numbers");
  check_refused(timm(R"("test_input_size": [3, 0, 0], )"), "test_input_size");
  check_refused(timm(R"("crop_pct": NaN, )"), "crop_pct nan: must be above 0");
  check_refused(timm(R"("crop_pct": 1.5, )"), "crop_pct 1.5");
  check_refused(timm(R"("crop_pct": "0.9", )"), "crop_pct \"0.9\": must be a number");
  check_refused(timm(R"("test_crop_pct": -1, )"), "crop_pct -1");
  check_refused(timm(R"("mean": [0.5, NaN, 0.5], )"), "mean nan");
  check_refused(timm(R"("mean": [123.675, 116.28, 103.53], )"), "mean 123.675: must be 0 to 1");
  check_refused(timm(R"("mean": [0.5], )"), "mean: expected three numbers");
  check_refused(timm(R"("std": [0.5, 0, 0.5], )"), "std 0");
  check_refused(timm(R"("std": [-Infinity, 1, 1e999], )"), "std ");
}

TEST_CASE("config: another network's, another program's, and what is no JSON, is not taken") {
  check_ignored(timm(), "it is of \"rexnet_100\", the tensors are of v1 1.3x",
                rexnet::config_for(family::v1, 130, 2));
  check_ignored(timm(), "the tensors are of lite 1.0x", rexnet::config_for(family::lite, 100, 2));
  check_ignored(timm(), "the tensors are of rexnetr 1.0x", rexnet::config_for(family::rexnetr, 100, 2));
  check_ignored(timm(), "it is of 2 classes, the tensors have 10", rexnet::config_for(family::v1, 100, 10));
  check_ignored(R"({"model_type": "bert", "hidden_size": 768})", "it names no architecture");
  check_ignored(R"({"architecture": ["rexnet_100"]})", "it names no architecture");
  check_ignored("[]", "it names no architecture");
  for (const char* text : {"", "{", "{\"a\": }", "{\"a\": 1,}", "nul", "01", "1.", "\"\\x\"", "\"\\ud800\"",
                           "\"\xff\"", "{} {}", "{\"a\" 1}", "[1 2]", "\"a\nb\"", "+1", "\"\\u12\""})
    check_ignored(text, "JSON: ");
  check_ignored(std::string(40, '['), "nested deeper than 32");
  std::string many = "[0";
  for (int i = 0; i < 300000; ++i) many += ",0";
  check_ignored(many + "]", "more than 262144 values");
  check_ignored(std::string((16u << 20) + 1, ' '), "more than 16777216 bytes");
}

TEST_CASE("config: load() takes the one in the folder, another one, or none") {
  const scratch folder;
  const state_dict d = craft_model(rexnet::config_for(family::v1, 100, 2), true);
  const std::string path = folder.path("model.bin"), config = folder.path("config.json"),
                    other = folder.path("other.json");
  write_bytes(path, d.torch_zip());
  auto m = must(rexnet::load(path));
  CHECK(m.input().crop_pct == 0.875);
  CHECK(m.origin().input_from == "defaults of v1 1.0x");
  CHECK(m.origin().number_type == "float32");
  CHECK(m.origin().notes.empty());
  write_bytes(config, timm(R"("crop_pct": 0.9, )", R"("label_names": ["a", "b"], )"));
  write_bytes(other, timm(R"("crop_pct": 0.8, )"));
  for (const bool copy : {false, true}) {
    m = must(copy ? rexnet::load_copy(path) : rexnet::load(path));
    CHECK(m.input().crop_pct == 0.9);
    CHECK(m.labels() == std::vector<std::string>{"a", "b"});
    CHECK(m.origin().input_from == "config.json");
    CHECK(m.origin().labels_from == "config.json");
  }
  rexnet::load_options how;
  how.config = "none";
  CHECK(must(rexnet::load(path, how)).input().crop_pct == 0.875);
  how.config = other;
  CHECK(must(rexnet::load(path, how)).input().crop_pct == 0.8);
  how.config = folder.path("not there");
  CHECK(rexnet::load(path, how).code() == errc::io_error);
  write_bytes(config, timm(R"("interpolation": "lanczos", )"));
  CHECK(rexnet::load(path).error().message().find("config.json: interpolation \"lanczos\"") !=
        std::string::npos);
  write_bytes(config, "{");
  m = must(rexnet::load(path));
  REQUIRE(m.origin().notes.size() == 1);
  CHECK(m.origin().notes[0].find("config.json: was not taken: JSON: ") == 0);
  how.config = config;
  CHECK(rexnet::load(path, how).code() == errc::model_config);
  // From memory there is no folder, and a packed file needs none.
  const std::string bytes = d.torch_zip();
  CHECK(must(rexnet::load(bytes_of(bytes))).origin().input_from == "defaults of v1 1.0x");
  m = must(rexnet::load(source_path("models/clothing_1.0x.rexnet")));
  CHECK(m.origin().input_from == "packed file");
  CHECK(m.origin().number_type == "float16");
  CHECK(m.origin().labels_from == "packed file");
  CHECK(rexnet::load(source_path("models/clothing_1.0x.rexnet"), how).code() == errc::model_config);
}

TEST_CASE("config: without one, the defaults are those of timm's own configurations") {
  for (const family f : {family::v1, family::lite, family::rexnetr})
    for (const int w : {100, 130, 150, 200, 300}) {
      const bool published = f == family::rexnetr && w >= 200;
      CHECK(rexnet::default_preprocessing(rexnet::config_for(f, w, 10)).crop_pct ==
            (published ? 0.95 : 0.875));
      CHECK(rexnet::default_preprocessing(rexnet::config_for(f, w, 10)).input_size == 224);
    }
}
