// SPDX-License-Identifier: MIT
// Which tensor plays which role: official names (clovaai/rexnet v1 and lite) and timm's (rexnet_*,
// rexnetr_*). Variant, width and class count are read from the tensors, never from a file name.
#ifndef REXNET_WEIGHTS_NAMES_HPP
#define REXNET_WEIGHTS_NAMES_HPP

#include "rexnet/config/config.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/core/views.hpp"
#include "rexnet/weights/network_names.hpp"
#include "rexnet/weights/tensor.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// The tensors of one convolution or dense layer; null where the layer has none.
struct layer_tensors {
  const tensor* weight = nullptr;    ///< of the convolution or the dense layer
  const tensor* bias = nullptr;      ///< of the convolution or the dense layer
  const tensor* gamma = nullptr;     ///< BatchNorm's weight
  const tensor* beta = nullptr;      ///< BatchNorm's bias
  const tensor* mean = nullptr;      ///< BatchNorm's running_mean
  const tensor* variance = nullptr;  ///< BatchNorm's running_var
};

struct block_tensors {
  layer_tensors expand, depthwise, squeeze, excite, project;
};

/// A checkpoint understood: its configuration, and every layer's tensors.
struct model_tensors {
  config shape;                       ///< as the tensors show it
  const char* naming = "";            ///< "official" or "timm"
  layer_tensors stem;                 ///< the first convolution
  block_tensors blocks[block_count];  ///< in the order of the network
  layer_tensors head;                 ///< the last 1x1 convolution
  layer_tensors hidden;               ///< lite's extra layer
  layer_tensors classifier;           ///< none in a backbone, which has no hidden layer then: classes is 0
};

namespace detail {

/// "-1e-07": short, whatever the magnitude.
[[nodiscard]] inline std::string number_text(double v) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", v);
  return text;
}

/// "v1 1.0x", "rexnetr 2.0x"
[[nodiscard]] inline std::string variant_text(const config& c) {
  const int w = c.width_hundredths;
  std::string digits = std::to_string(w / 100) + "." + std::to_string(w % 100 / 10);
  if (w % 10 != 0) digits += std::to_string(w % 10);
  return std::string(family_name(c.family)) + " " + digits + "x";
}

class model_reader {
 public:
  explicit model_reader(span<const tensor> tensors) : used_(tensors.size(), false) {
    for (const tensor& t : tensors) sorted_.push_back(&t);
    std::sort(sorted_.begin(), sorted_.end(),
              [](const tensor* a, const tensor* b) { return a->name < b->name; });
  }

  result<model_tensors> read() {
    for (std::size_t i = 1; i < sorted_.size(); ++i)
      if (sorted_[i]->name == sorted_[i - 1]->name)
        return fail(errc::model_duplicate_role,
                    sorted_[i]->name + ": two tensors have this name once prefixes are stripped");
    timm_ = any("stem.");
    if (!timm_ && !any("features.3.out."))
      return fail(errc::model_missing,
                  "neither features.3.out. (official names) nor stem. (timm) begins a name: not a ReXNet "
                  "state dict" +
                      first_names());
    m_.naming = timm_ ? "timm" : "official";
    for (const tensor* t : sorted_)
      if (const other_form* form = other_form_of(t->name))
        return fail(form->code, t->name + ": " + form->what);
    collect();
    if (!error_.empty()) return fail(code_, error_);
    if (status s = derive_config(); !s) return s.error();
    if (status s = check_shapes(); !s) return s.error();
    for (std::size_t i = 0; i < sorted_.size(); ++i) {
      const std::string& n = sorted_[i]->name;
      if (!used_[i] && !(is_counter(n) && sorted_[i]->elements() <= 1))
        return fail(errc::model_unexpected, n + ": unexpected, shape " + shape_text(sorted_[i]->shape) +
                                                " (" + variant_text(m_.shape) + ", " + m_.naming + " names)");
    }
    return m_;
  }

 private:
  [[nodiscard]] static error fail(errc code, const std::string& what) { return {code, what}; }

  [[nodiscard]] std::string first_names() const {
    std::string s = "; it has " + std::to_string(sorted_.size()) + " tensors";
    for (std::size_t i = 0; i < sorted_.size() && i < 3; ++i)
      s += (i == 0 ? ": " : ", ") + in_quotes(sorted_[i]->name);
    return s;
  }

  /// The first tensor whose name is not before this one.
  [[nodiscard]] std::vector<const tensor*>::const_iterator first_from(const std::string& name) const {
    return std::lower_bound(sorted_.begin(), sorted_.end(), name,
                            [](const tensor* t, const std::string& n) { return t->name < n; });
  }
  const tensor* find(const std::string& name) {
    const auto at = first_from(name);
    if (at == sorted_.end() || (*at)->name != name) return nullptr;
    used_[static_cast<std::size_t>(at - sorted_.begin())] = true;
    return *at;
  }
  /// Whether any tensor's name begins so: a layer of which one tensor is missing is still there.
  [[nodiscard]] bool any(const std::string& prefix) const {
    const auto at = first_from(prefix);
    return at != sorted_.end() && begins_with((*at)->name, prefix);
  }
  const tensor* need(const std::string& name, std::size_t rank) {
    const tensor* t = find(name);
    if (t == nullptr)
      note(errc::model_missing,
           name + ": missing (" + m_.naming + " names)" +
               (find(name + "_orig") != nullptr ? "; its _orig is there without _mask" : ""));
    else if (t->shape.size() != rank)
      note(errc::model_wrong_shape,
           name + ": expected " + std::to_string(rank) + " dimensions, found " + shape_text(t->shape));
    return t;
  }
  void note(errc code, const std::string& what) {
    if (error_.empty()) code_ = code, error_ = what;
  }

  /// A layer named `conv`, with BatchNorm `bn` unless empty, and a bias of its own when asked for.
  layer_tensors layer(const std::string& conv, const std::string& bn, bool bias, std::size_t rank = 4) {
    layer_tensors l;
    l.weight = need(conv + ".weight", rank);
    if (bias) l.bias = need(conv + ".bias", 1);
    if (!bn.empty()) {
      l.gamma = need(bn + ".weight", 1);
      l.beta = need(bn + ".bias", 1);
      l.mean = need(bn + ".running_mean", 1);
      l.variance = need(bn + ".running_var", 1);
    }
    return l;
  }

  /// A dense layer or a 1x1 convolution, which compute the same. @param rank of the naming's own, for errors
  layer_tensors classifier(const std::string& name, std::size_t rank) {
    const auto at = first_from(name + ".weight");
    const bool there = at != sorted_.end() && (*at)->name == name + ".weight";
    const std::size_t found = there ? (*at)->shape.size() : rank;
    return layer(name, "", true, found == 2 || found == 4 ? found : rank);
  }
  void collect() {
    m_.stem = timm_ ? layer("stem.conv", "stem.bn", false) : layer("features.0", "features.1", false);
    for (int i = 0; i < block_count; ++i) timm_ ? timm_block(i) : official_block(i);
    if (timm_) {
      m_.head = layer("features.16.conv", "features.16.bn", false);
      if (any("head.fc.")) m_.classifier = classifier("head.fc", 2);
      return;
    }
    m_.head = layer("features.19", "features.20", false);
    if (any("output.4.") || any("output.0.")) {
      m_.hidden = layer("output.0", "output.1", true);
      if (any("output.4.")) m_.classifier = layer("output.4", "", true);
    } else if (any("output.")) {
      m_.classifier = classifier("output.1", 4);
    }
  }
  void official_block(int i) {
    block_tensors& b = m_.blocks[i];
    const std::string out = "features." + std::to_string(i + 3) + ".out.";
    const auto at = [&out](int n) { return out + std::to_string(n); };
    int next = 0;
    if (i > 0) {
      b.expand = layer(at(0), at(1), false);
      next = 3;
    }
    b.depthwise = layer(at(next), at(next + 1), false);
    next += 2;
    if (any(at(next) + ".fc.")) {
      b.squeeze = layer(at(next) + ".fc.0", at(next) + ".fc.1", true);
      b.excite = layer(at(next) + ".fc.3", "", true);
      ++next;
    }
    b.project = layer(at(next + 1), at(next + 2), false);
  }
  void timm_block(int i) {
    block_tensors& b = m_.blocks[i];
    const std::string f = "features." + std::to_string(i) + ".";
    if (i > 0) b.expand = layer(f + "conv_exp.conv", f + "conv_exp.bn", false);
    b.depthwise = layer(f + "conv_dw.conv", f + "conv_dw.bn", false);
    if (any(f + "se.")) {
      b.squeeze = layer(f + "se.fc1", f + "se.bn", true);
      b.excite = layer(f + "se.fc2", "", true);
    }
    b.project = layer(f + "conv_pwl.conv", f + "conv_pwl.bn", false);
  }

  /// The formula whose channels the tensors have; the lowest width where several do.
  status derive_config() {
    constexpr std::int64_t limit = 1 << 20;
    const auto rows = [](const layer_tensors& l) { return l.weight == nullptr ? 0 : l.weight->shape[0]; };
    std::int64_t found[block_count + 1] = {rows(m_.stem)};
    for (int i = 0; i < block_count; ++i) found[i + 1] = rows(m_.blocks[i].project);
    bool lite = true;  // the only family without squeeze-excite
    for (const block_tensors& b : m_.blocks) lite = lite && b.squeeze.weight == nullptr;
    if (m_.classifier.weight != nullptr && rows(m_.classifier) == 0)
      return fail(errc::model_no_classes, m_.classifier.weight->name + ": 0 classes");
    if (rows(m_.classifier) > max_classes || rows(m_.head) > limit || rows(m_.hidden) > limit)
      return fail(errc::limit_exceeded, "over " + std::to_string(max_classes) + " classes or " +
                                            std::to_string(limit) + " features");

    config best;
    std::int64_t best_distance = -1;
    const auto consider = [&](const config& c) {
      std::int64_t distance = found[0] > c.stem_c ? found[0] - c.stem_c : c.stem_c - found[0];
      for (int i = 0; i < block_count; ++i) {
        const std::int64_t d = found[i + 1] - c.blocks[i].out_c;
        distance += d < 0 ? -d : d;
      }
      if (best_distance < 0 || distance < best_distance) best = c, best_distance = distance;
    };
    const int classes = static_cast<int>(rows(m_.classifier));
    for (int w = min_width_hundredths; w <= max_width_hundredths && best_distance != 0; ++w)
      consider(config_for(lite ? family::lite : family::v1, w, classes));
    if (!lite)
      for (const int divisor : {8, 16})
        for (int w = min_width_hundredths; w <= max_width_hundredths && best_distance != 0; ++w)
          consider(config_for(family::rexnetr, w, classes, divisor));

    for (int i = 0; i < block_count; ++i) {
      block_config& b = best.blocks[i];
      b.kernel = static_cast<int>((std::min)(m_.blocks[i].depthwise.weight->shape[2], limit));
      b.se_c = static_cast<int>((std::min)(rows(m_.blocks[i].squeeze), limit));
      if (b.kernel != 3 && b.kernel != 5)
        return fail(errc::unsupported, m_.blocks[i].depthwise.weight->name + ": a kernel of " +
                                           std::to_string(b.kernel) + ", 3 and 5 are supported");
    }
    // It runs as one with the stem, without a map whose mean could be taken.
    if (best.blocks[0].se_c > 0)
      return fail(errc::unsupported,
                  m_.blocks[0].squeeze.weight->name + ": squeeze-excite in the first block is not supported");
    best.head_c = static_cast<int>(rows(m_.head));
    best.hidden_c = static_cast<int>(rows(m_.hidden));
    m_.shape = best;
    return done;
  }

  status check_shapes() {
    const config& c = m_.shape;
    if (status s = check(m_.stem, {c.stem_c, 3, 3, 3}); !s) return s;
    for (int i = 0; i < block_count; ++i) {
      const block_config& b = c.blocks[i];
      const block_tensors& t = m_.blocks[i];
      if (b.expand)
        if (status s = check(t.expand, {b.mid_c, b.in_c, 1, 1}); !s) return s;
      if (status s = check(t.depthwise, {b.mid_c, 1, b.kernel, b.kernel}); !s) return s;
      if (b.se_c > 0) {
        if (status s = check(t.squeeze, {b.se_c, b.mid_c, 1, 1}); !s) return s;
        if (status s = check(t.excite, {b.mid_c, b.se_c, 1, 1}); !s) return s;
      }
      if (status s = check(t.project, {b.out_c, b.mid_c, 1, 1}); !s) return s;
    }
    if (status s = check(m_.head, {c.head_c, c.blocks[block_count - 1].out_c, 1, 1}); !s) return s;
    int features = c.head_c;
    if (c.hidden_c > 0) {
      if (status s = check(m_.hidden, {c.hidden_c, features, 1, 1}); !s) return s;
      features = c.hidden_c;
    }
    if (m_.classifier.weight == nullptr) return done;
    if (m_.classifier.weight->shape.size() == 2) return check(m_.classifier, {c.classes, features});
    return check(m_.classifier, {c.classes, features, 1, 1});
  }
  [[nodiscard]] status check(const layer_tensors& l, const std::vector<std::int64_t>& expected) const {
    const std::vector<std::int64_t> vector{expected[0]};
    for (const tensor* t : {l.weight, l.bias, l.gamma, l.beta, l.mean, l.variance}) {
      if (t == nullptr) continue;
      const auto& want = t == l.weight ? expected : vector;
      if (t->shape != want)
        return fail(errc::model_wrong_shape, t->name + ": expected " + shape_text(want) + " for " +
                                                 variant_text(m_.shape) + ", the nearest variant, found " +
                                                 shape_text(t->shape));
    }
    return done;
  }

  std::vector<const tensor*> sorted_;
  std::vector<bool> used_;
  model_tensors m_;
  bool timm_ = false;
  errc code_ = errc::ok;
  std::string error_;
};

}  // namespace detail

/// Finds variant, width and classes, and each layer's tensors; all shapes are checked. The tensors must
/// outlive the result. Errors: M1 to M4 and M7 of docs/refusals.md, unsupported.
[[nodiscard]] inline result<model_tensors> identify(span<const tensor> tensors) {
  return detail::model_reader(tensors).read();
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_WEIGHTS_NAMES_HPP
