// SPDX-License-Identifier: MIT
// config.json as timm writes it beside the weights (timm.models.save_for_hf, hub folders), and as
// transformers' TimmWrapper does: how pictures are prepared, and the names of the classes.
// Source: timm.data.resolve_data_config and timm.models._hub of timm 1.0.
#ifndef REXNET_CHECKPOINT_MODEL_CONFIG_HPP
#define REXNET_CHECKPOINT_MODEL_CONFIG_HPP

#include "rexnet/arch/config.hpp"
#include "rexnet/checkpoint/json/json.hpp"
#include "rexnet/checkpoint/network/identify.hpp"
#include "rexnet/image/preprocess.hpp"
#include "rexnet/labels/label_text.hpp"
#include "rexnet/system/folder.hpp"

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// What a config.json says.
struct model_config {
  bool applies = false;             ///< it belongs to this network; else only `notes` say something
  preprocessing input;              ///< timm's defaults where it says nothing
  int test_size = 0;                ///< test_input_size, where there is one that differs
  double test_crop_pct = 0;         ///< and the crop for it
  std::vector<std::string> labels;  ///< empty, or one per class
  std::vector<std::string> notes;   ///< what was not taken, and why
};

namespace detail {

class config_reader {
 public:
  explicit config_reader(const config& shape) : shape_(shape) {}

  result<model_config> read(std::string_view text) {
    auto parsed = json_reader(text).read();
    if (!parsed) return not_taken(parsed.error().message());
    const json_value& root = *parsed;
    const json_value* inner = root.find("pretrained_cfg");
    const json_value& cfg = inner != nullptr && inner->type == json_value::kind::object ? *inner : root;
    const json_value* architecture = first(root, cfg, "architecture");
    if (architecture == nullptr || architecture->type != json_value::kind::string)
      return not_taken("it names no architecture, as timm's do");
    if (std::string other = contradiction(architecture->text, first(root, cfg, "num_classes"));
        !other.empty())
      return not_taken(other);
    c_.applies = true;
    picture(cfg);
    if (shape_.classes > 0) labels(root, cfg);
    if (!wrong_.empty()) return error(errc::model_config, wrong_);
    return std::move(c_);
  }

 private:
  using kind = json_value::kind;
  model_config not_taken(const std::string& why) {
    model_config none;
    none.notes.push_back("was not taken: " + why);
    return none;
  }
  void wrong(const std::string& what) {
    if (wrong_.empty()) wrong_ = what;
  }
  /// To timm absent, null, empty and 0 are the same.
  [[nodiscard]] static const json_value* get(const json_value& from, std::string_view name) {
    const json_value* v = from.find(name);
    const bool nothing =
        v == nullptr || v->type == kind::null || (v->type == kind::string && v->text.empty()) ||
        (v->type == kind::array && v->members.empty()) || (v->type == kind::number && v->number() == 0.0);
    return nothing ? nullptr : v;
  }
  [[nodiscard]] static const json_value* first(const json_value& root, const json_value& cfg,
                                               std::string_view name) {
    const json_value* v = get(root, name);
    return v != nullptr ? v : get(cfg, name);
  }
  [[nodiscard]] static std::string shown(const json_value& v) {
    return v.type == kind::string   ? in_quotes(v.text)
           : v.type == kind::number ? v.text.substr(0, 60)
                                    : "no number or text";
  }

  /// Why the file is of another network; empty where it may be of this one.
  [[nodiscard]] std::string contradiction(std::string_view architecture, const json_value* classes) const {
    const std::string_view name = architecture.substr(0, architecture.find('.'));
    std::string digits = std::to_string(shape_.width_hundredths);
    while (digits.size() < 3) digits.insert(digits.begin(), '0');
    const std::string own = (shape_.family == family::rexnetr ? "rexnetr_" : "rexnet_") + digits;
    if (shape_.family == family::lite || name != own)
      return "it is of " + in_quotes(architecture) + ", the tensors are of " + variant_text(shape_);
    if (classes != nullptr && classes->number() != static_cast<double>(shape_.classes))
      return "it is of " + shown(*classes) + " classes, the tensors have " + std::to_string(shape_.classes);
    return {};
  }

  // ---- pictures ----

  /// The side of [3, side, side]; 0 where there is none.
  int side(const json_value& cfg, const char* name) {
    const json_value* v = get(cfg, name);
    if (v == nullptr) return 0;
    double sides[3] = {};
    if (!numbers(v, sides))
      return wrong(std::string(name) + ": expected three numbers, [3, height, width]"), 0;
    const std::string text = std::string(name) + " [" + number_text(sides[0]) + ", " + number_text(sides[1]) +
                             ", " + number_text(sides[2]) + "]";
    if (sides[0] != 3 || sides[1] != sides[2])
      return wrong(text + ": pictures of three channels and equal sides are supported"), 0;
    if (!(sides[1] >= 1 && sides[1] <= 16384) || sides[1] != std::floor(sides[1]))
      return wrong(text + ": a side must be 1 to 16384"), 0;
    return static_cast<int>(sides[1]);
  }
  [[nodiscard]] static bool numbers(const json_value* v, double (&out)[3]) {
    if (v->type != kind::array || v->members.size() != 3) return false;
    for (std::size_t i = 0; i < 3; ++i) {
      if (v->members[i].second.type != kind::number) return false;
      out[i] = v->members[i].second.number();
    }
    return true;
  }
  void fraction(const json_value& cfg, const char* name, double& out) {
    const json_value* v = get(cfg, name);
    if (v == nullptr) return;
    if (v->type != kind::number) return wrong(std::string(name) + " " + shown(*v) + ": must be a number");
    out = v->number();
  }
  void channels(const json_value& cfg, const char* name, std::array<float, 3>& out) {
    const json_value* v = get(cfg, name);
    if (v == nullptr) return;
    double values[3] = {};
    if (!numbers(v, values)) return wrong(std::string(name) + ": expected three numbers");
    // Beyond float's range the conversion would be undefined; the check below refuses either.
    for (std::size_t i = 0; i < 3; ++i)
      out[i] = std::fabs(values[i]) < 1e30 ? static_cast<float>(values[i]) : 1e30f;
    for (std::size_t i = 0; i < 3; ++i)
      if (std::isnan(values[i])) out[i] = std::numeric_limits<float>::quiet_NaN();
  }
  void picture(const json_value& cfg) {
    preprocessing& p = c_.input;
    if (const int size = side(cfg, "input_size"); size > 0) p.input_size = size;
    fraction(cfg, "crop_pct", p.crop_pct);
    channels(cfg, "mean", p.mean);
    channels(cfg, "std", p.std);
    if (const json_value* v = get(cfg, "interpolation")) {
      if (v->type == kind::string && v->text == "bilinear")
        p.interpolation = interpolation::bilinear;
      else if (v->type != kind::string || v->text != "bicubic")
        wrong("interpolation " + shown(*v) + ": bicubic and bilinear are supported");
    }
    if (const json_value* v = get(cfg, "crop_mode");
        v != nullptr && (v->type != kind::string || v->text != "center"))
      wrong("crop_mode " + shown(*v) + ": only \"center\" is supported");
    check(p);
    preprocessing test = p;
    if (const int size = side(cfg, "test_input_size"); size > 0) test.input_size = size;
    fraction(cfg, "test_crop_pct", test.crop_pct);
    check(test);
    if (test.input_size == p.input_size) return;
    c_.test_size = test.input_size, c_.test_crop_pct = test.crop_pct;
  }
  void check(const preprocessing& p) {
    std::string why;
    if (check_preprocessing(p, report_text{why}) != errc::ok) wrong(why);
  }

  // ---- names ----

  void labels(const json_value& root, const json_value& cfg) {
    const json_value* v = nullptr;
    for (const char* name : {"label_names", "labels", "id2label"})
      if (v == nullptr && (v = first(root, cfg, name)) != nullptr) source_ = name;
    if (v == nullptr) return;
    if (v->type == kind::string) {
      c_.notes.push_back(source_ + " is the name " + in_quotes(v->text) +
                         ", not a list: no names were taken");
      return;
    }
    std::vector<std::string> names;
    if (v->type == kind::array) {
      for (const auto& [none, name] : v->members)
        if (name.type != kind::string)
          return wrong(source_ + ": a name that is no text");
        else
          names.push_back(name.text);
    } else if (v->type == kind::object) {
      if (!by_number(*v, names)) return;
    } else {
      return wrong(source_ + ": expected a list of names");
    }
    if (names.size() != static_cast<std::size_t>(shape_.classes))
      return wrong(source_ + ": " + std::to_string(names.size()) + " names for " +
                   std::to_string(shape_.classes) + " classes");
    std::string why;
    if (check_labels(names, report_text{why}) != errc::ok) return wrong(source_ + ": " + why);
    if (placeholders(names)) {
      c_.notes.push_back(source_ + " has placeholders (\"LABEL_0\"): no names were taken");
      return;
    }
    c_.labels = std::move(names);
  }
  /// {"0": "cat", "1": "dog"}: each number once.
  bool by_number(const json_value& v, std::vector<std::string>& names) {
    names.assign(v.members.size(), {});
    std::vector<bool> seen(names.size(), false);
    for (const auto& [key, name] : v.members) {
      std::size_t number = 0;
      bool good = !key.empty() && key.size() < 8 && name.type == kind::string;
      for (const char c : key)
        good = good && is_digit(c), number = number * 10 + static_cast<std::size_t>(c - '0');
      if (!good || number >= names.size() || seen[number])
        return wrong(source_ + ": " + in_quotes(key) + " is not one of the numbers 0 to " +
                     std::to_string(names.size() - 1) + ", each with a name"),
               false;
      seen[number] = true;
      names[number] = name.text;
    }
    return true;
  }
  /// What transformers writes for a model that was never given names.
  [[nodiscard]] static bool placeholders(const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < names.size(); ++i)
      if (names[i] != "LABEL_" + std::to_string(i)) return false;
    return true;
  }

  const config& shape_;
  model_config c_;
  std::string wrong_, source_;
};

/// Where the file of this name would stand.
[[nodiscard]] inline std::string beside(const std::string& path, const char* name) {
#if defined(_WIN32)
  const std::size_t slash = path.find_last_of("/\\:");
#else
  const std::size_t slash = path.rfind('/');
#endif
  return (slash == path.npos ? std::string() : path.substr(0, slash + 1)) + name;
}
[[nodiscard]] inline bool is_there(const std::string& path) noexcept {
  return file_is_there(path);
}

}  // namespace detail

/// Reads the text of a config.json for a network of this shape. What is no JSON, not of timm's layout, or of
/// another network (its `architecture` or `num_classes` differ) is not taken, and notes say so.
/// input_size and crop_pct are those for inference that timm's resolve_data_config() gives; test_* are what
/// its validation script uses. Errors: M18 (it is of this network, but what it says cannot be done or is
/// nonsense).
[[nodiscard]] inline result<model_config> read_model_config(std::string_view json, const config& shape) {
  return detail::config_reader(shape).read(json);
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_MODEL_CONFIG_HPP
