// SPDX-License-Identifier: MIT
// Detectors in checkpoints: found beside what training programs add, under timm's and the official names, and
// refused by name (M1 to M6, M16).
#include "rexnet/load.hpp"

#include "tests/support/craft_model.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace rexnet_test;
using rexnet::errc;
using rexnet::family;

namespace {

using items = std::vector<std::pair<std::string, std::string>>;

const rexnet::detector_config shape = rexnet::detector_for(family::v1, 30, 4);
const state_dict& network() {
  static const state_dict d = craft_detector(shape, true);
  return d;
}
/// Of the same shape, with other values.
const state_dict& second() {
  static const state_dict d = craft_detector(shape, true, 2);
  return d;
}
const std::size_t behind = network().bytes.size();  ///< storages of second()

items joined(items a, const items& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
items of_first(const std::string& prefix = "") {
  return network().items(prefix);
}
items of_second(const std::string& prefix = "") {
  return second().items(prefix, behind);
}

struct opened {
  std::string bytes;
  rexnet::result<rexnet::checkpoint> file;
  explicit opened(const std::string& pickled, const std::string& key = "")
      : bytes(network().torch_zip(pickled, &second())), file(rexnet::read_checkpoint(bytes_of(bytes), key)) {}
  /// Whether it is this detector, whole.
  [[nodiscard]] bool is(const state_dict& d) const {
    if (!file) return false;
    const auto n = rexnet::identify_network(*file);
    const auto stem = [](const state_dict& of) { return of.tensors[0].values(); };
    const auto last = [](const state_dict& of) { return of.tensors.back().values(); };
    return n && n->is_detector && n->detector.backbone.stem.weight->values() == stem(d) &&
           n->detector.codes[rexnet::ssd_levels - 1].project.bias->values() == last(d) &&
           rexnet::same_part(n->detector.shape, shape);
  }
  [[nodiscard]] std::string said() const {
    return file ? "prefix " + file->prefix() : file.error().message();
  }
};
void check_refused(const rexnet::error& e, errc code, const std::string& part) {
  const std::string other = otherwise(e, code, part);
  CHECK_MESSAGE(other.empty(), other);
}
rexnet::error refusal(const std::vector<rexnet::tensor>& tensors) {
  auto n = rexnet::identify_network({tensors.data(), tensors.size()});
  if (!n) return n.error();
  auto packed = rexnet::pack_weights(*n);
  return packed ? rexnet::error(errc::ok, "") : packed.error();
}
std::vector<rexnet::tensor> without(const state_dict& d, const std::string& start) {
  std::vector<rexnet::tensor> some;
  for (const rexnet::tensor& t : d.tensors)
    if (t.name.compare(0, start.size(), start) != 0) some.push_back(t);
  return some;
}
bool is_counter(const std::string& name) {
  return name.find("num_batches_tracked") != std::string::npos;
}

const std::string logits = "head.classification_head.module_list", codes = "head.regression_head.module_list";

}  // namespace

TEST_CASE("detector names: every family and naming, without the classifier") {
  for (const bool timm : {false, true})
    for (const auto& [f, width, divisor] :
         {std::tuple{family::v1, 50, 8}, std::tuple{family::v1, 130, 8}, std::tuple{family::lite, 50, 8},
          std::tuple{family::lite, 100, 8}, std::tuple{family::rexnetr, 100, 8}}) {
      if (timm && f == family::lite) continue;
      const rexnet::detector_config c = rexnet::detector_for(f, width, 7, divisor);
      const state_dict d = craft_detector(c, timm);
      const auto n = rexnet::identify_network(d.tensors);
      INFO(rexnet::detail::variant_text(c.backbone), std::string(timm ? " timm" : " official"));
      REQUIRE_MESSAGE(n.ok(), n.error().message());
      REQUIRE(n->is_detector);
      CHECK(rexnet::same_shape(n->detector.shape.backbone, c.backbone));
      CHECK(rexnet::same_part(n->detector.shape, c));
      CHECK(rexnet::pack_weights(*n).ok());
    }
  // The same numbers under both namings are the same payload.
  const state_dict theirs = craft_detector(shape);
  const auto a = must(rexnet::pack_weights(must(rexnet::identify_network(network().tensors))));
  const auto b = must(rexnet::pack_weights(must(rexnet::identify_network(theirs.tensors))));
  REQUIRE(a.size() == b.size());
  CHECK(std::equal(a.floats().begin(), a.floats().end(), b.floats().begin()));
}

TEST_CASE("detector names: what wraps a detector, and what stands beside it") {
  for (const std::string prefix :
       {"", "module.", "_orig_mod.", "model.", "a.b.", "module.model._orig_mod."}) {
    const opened o(ordered_dict(of_first(prefix)));
    INFO(o.said());
    CHECK(o.is(network()));
    CHECK(o.file->prefix() == prefix);
  }
  // A backbone that was wrapped alone.
  for (const std::string wrapper : {"_orig_mod.", "module.", "_orig_mod.module.", "module._orig_mod."}) {
    items all;
    for (auto& [name, value] : of_first())
      all.emplace_back(name.compare(0, 9, "backbone.") == 0 ? "backbone." + (wrapper + name.substr(9)) : name,
                       value);
    const opened o(ordered_dict(all));
    INFO(wrapper, o.said());
    CHECK(o.is(network()));
    CHECK(o.file->prefix() == "");
  }
  const std::string matrix = tensor_of(storage("0", network().tensors[0].elements()), 0, {4, 3}, {3, 1});
  const opened beside(ordered_dict(joined(of_first("net."), {{"loss.weight", matrix}})));
  CHECK(beside.is(network()));
  REQUIRE(beside.file->left_out().size() == 1);
  CHECK(beside.file->left_out()[0].name == "loss.weight");
  // "my_backbone." is no "backbone." of "my_head.".
  items odd;
  for (auto& [name, value] : of_first()) odd.emplace_back("my_" + name, value);
  const opened other(ordered_dict(odd));
  check_refused(rexnet::identify_network(*other.file).error(), errc::model_unexpected, "extra.0.0.0.weight");
}

TEST_CASE("detector names: two detectors of one file do not take each other's heads") {
  const opened above(ordered_dict(joined(of_first(), of_second("ema."))));
  CHECK(above.is(second()));
  CHECK(above.file->others() == std::vector<std::string>{"backbone"});
  CHECK(above.file->left_out().empty());
  const opened by_hand(ordered_dict(joined(of_first(), of_second("ema."))), "backbone");
  CHECK(by_hand.is(network()));
  CHECK(by_hand.file->left_out().empty());
  const std::string two = ordered_dict(joined(of_first("student."), of_second("teacher.")));
  check_refused(opened(two).file.error(), errc::model_ambiguous,
                "\"student.backbone\", \"teacher.backbone\"");
  CHECK(opened(two, "teacher").is(second()));
  CHECK(opened(two, "student.backbone").is(network()));
  const opened average(
      dict({{"model", ordered_dict(of_first())}, {"model_ema", ordered_dict(of_second("module."))}}));
  CHECK(average.is(second()));
  CHECK(average.file->others() == std::vector<std::string>{"model"});
}

TEST_CASE("detector names: M1 every tensor that is missing is missed by name") {
  const state_dict& d = network();
  for (std::size_t i = 0; i < d.tensors.size(); ++i) {
    const std::string& name = d.tensors[i].name;
    if (name.compare(0, 17, "backbone.features") == 0 && i % 7 != 0) continue;  // tests/unit/names.cpp
    std::vector<rexnet::tensor> some = d.tensors;
    some.erase(some.begin() + static_cast<std::ptrdiff_t>(i));
    const bool below =
        name.compare(0, 13, "backbone.stem") == 0 || name.compare(0, 17, "backbone.features") == 0;
    if (is_counter(name))
      CHECK(refusal(some).code() == errc::ok);
    else
      check_refused(refusal(some), errc::model_missing,
                    (below ? "backbone: " + name.substr(9) : name) + ": missing");
  }
  check_refused(refusal(without(d, "head.")), errc::model_missing, logits + ".0.0.0.weight: missing");
  check_refused(refusal(without(d, codes)), errc::model_missing, codes + ".0.0.0.weight: missing");
  check_refused(refusal(without(d, logits + ".3.")), errc::model_missing, logits + ".3.0.0.weight: missing");
  check_refused(refusal(without(d, "backbone.extra.")), errc::model_missing,
                "backbone.extra.0.0.0.weight: missing");
  check_refused(refusal(without(d, "backbone.")), errc::model_missing, "backbone: neither features.3.out.");
}

TEST_CASE("detector names: heads of other detectors") {
  state_dict d = network();
  check_refused(refusal(without(d, codes + ".5.")), errc::model_missing,
                codes + ": heads on 5 maps, expected 6");
  for (rexnet::tensor t : network().tensors)
    if (t.name.compare(0, logits.size() + 3, logits + ".5.") == 0) {
      t.name[logits.size() + 1] = '6';
      d.tensors.push_back(t);
    }
  check_refused(refusal(d.tensors), errc::model_unexpected, logits + ": heads on 7 maps, expected 6");
  std::vector<rexnet::tensor> retina = without(network(), "head.");
  retina.push_back(network().tensors[0]);
  retina.back().name = "head.classification_head.conv.0.0.weight";
  check_refused(
      refusal(retina), errc::model_missing,
      logits + ": missing, the heads of an SSD on several maps; head.classification_head.conv.0.0.weight");
  std::vector<rexnet::tensor> plain = without(network(), "head.");
  plain.push_back(network().tensors[0]);
  plain.back().name = logits + ".0.weight";
  check_refused(refusal(plain), errc::model_wrong_shape, logits + ".0.weight: a head of one layer, as SSD's");
}

TEST_CASE("detector names: M2 what a detector does not have") {
  state_dict d = network();
  d.add("head.more", {2}, {0, 0});
  check_refused(refusal(d.tensors), errc::model_unexpected,
                "head.more: unexpected, shape [2] (SSDLite on v1 0.3x)");
  for (const bool timm : {false, true}) {
    rexnet::detector_config with = shape;
    with.backbone.classes = 3;
    check_refused(refusal(craft_detector(with, timm).tensors), errc::model_unexpected,
                  std::string(timm ? "backbone.head.fc" : "backbone.output.1") +
                      ".weight: the backbone has a classifier still");
  }
  rexnet::detector_config lite = rexnet::detector_for(family::lite, 50, 4);
  lite.backbone.hidden_c = 1024;
  check_refused(refusal(craft_detector(lite).tensors), errc::model_unexpected,
                "backbone.output.0.weight: the backbone");
  d = network();
  d.tensors.push_back(d.tensors.back());
  check_refused(refusal(d.tensors), errc::model_duplicate_role, d.tensors.back().name + ": two tensors");
}

TEST_CASE("detector names: M4 shapes that do not fit, each with what was expected") {
  const auto bent = [](const std::string& name, const std::vector<std::int64_t>& sides) {
    std::vector<rexnet::tensor> tensors = network().tensors;
    for (rexnet::tensor& t : tensors)
      if (t.name == name) t.shape = sides, t.strides.assign(sides.size(), 0);
    return refusal(tensors);
  };
  const int tap_c = rexnet::level_c(shape, 0);
  check_refused(bent(codes + ".0.1.weight", {16, tap_c, 1, 1}), errc::model_wrong_shape,
                codes + ".0.1.weight: 16 outputs, expected 24: four for each of 6 boxes at a place");
  check_refused(bent(codes + ".4.1.weight", {16, 256, 1, 1}), errc::model_wrong_shape,
                "expected [24,256,1,1]");
  check_refused(bent(logits + ".0.1.weight", {20, tap_c, 1, 1}), errc::model_wrong_shape,
                "20 outputs, expected 6");
  check_refused(bent(logits + ".0.1.weight", {6, tap_c, 1, 1}), errc::model_wrong_shape,
                "6 outputs, expected 6");
  check_refused(bent(logits + ".0.1.weight", {std::int64_t{1} << 40, tap_c, 1, 1}), errc::model_wrong_shape,
                "1099511627776 outputs");
  check_refused(bent(logits + ".0.1.weight", {24, 999, 1, 1}), errc::model_wrong_shape,
                "a head on 999 channels, which no block of stride 16 of v1 0.3x has");
  check_refused(bent(logits + ".2.1.bias", {30}), errc::model_wrong_shape,
                logits +
                    ".2.1.bias: expected [24] for SSDLite on v1 0.3x with 4 classes (the background is one), "
                    "found [30]");
  for (const char* name : {"backbone.extra.1.0.0.weight", "backbone.extra.3.2.1.bias",
                           "head.regression_head.module_list.2.0.0.weight"}) {
    check_refused(bent(name, {1, 2, 3, 4, 5}), errc::model_wrong_shape, std::string(name) + ": expected ");
    check_refused(bent(name, {}), errc::model_wrong_shape, std::string(name) + ": expected ");
  }
}

TEST_CASE("detector names: M5 and M6 name the tensor, and where it is") {
  for (const char* name : {"stem.conv.weight", "features.10.conv_pwl.bn.running_var", "extra.2.1.1.bias"}) {
    state_dict d = craft_detector(shape, true);
    d.set("backbone." + std::string(name), 2, NAN);
    check_refused(refusal(d.tensors), errc::model_not_finite, name + std::string(": element 2 of ["));
    CHECK(std::string(refusal(d.tensors).what()).compare(0, 8, "backbone") == 0);
  }
  state_dict d = craft_detector(shape, true);
  d.set(codes + ".3.1.bias", 5, INFINITY);
  check_refused(refusal(d.tensors), errc::model_not_finite, codes + ".3.1.bias: element 5 of [24] is inf");
  d = craft_detector(shape, true);
  d.set(logits + ".1.0.1.running_var", 1, -1);
  check_refused(refusal(d.tensors), errc::model_negative_variance, logits + ".1.0.1.running_var[1] is -1");
}
