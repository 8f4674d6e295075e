// SPDX-License-Identifier: MIT
// Which tensor of a detector's state dict plays which role: the backbone below "backbone." by timm's names or
// the official ones, extra blocks and heads by torchvision's. What the tensors show is read from them: the
// backbone's variant, the tap by the channels of the first head, the number of classes.
#ifndef REXNET_CHECKPOINT_NETWORK_IDENTIFY_DETECTOR_HPP
#define REXNET_CHECKPOINT_NETWORK_IDENTIFY_DETECTOR_HPP

#include "rexnet/arch/detector.hpp"
#include "rexnet/checkpoint/network/identify.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// What identify_detector() finds.
struct detector_tensors {
  detector_config shape;                             ///< as the tensors show it
  model_tensors backbone;                            ///< of the tensors below "backbone."
  block_tensors extra[ssd_extra_blocks];             ///< each on the map before
  block_tensors logits[ssd_levels];                  ///< heads: depthwise and project
  block_tensors codes[ssd_levels];                   ///< likewise
  std::shared_ptr<const std::vector<tensor>> named;  ///< the backbone's tensors under their own names
};

namespace detail {

/// Whether a name is one of SSD's heads.
[[nodiscard]] inline bool names_ssd_head(std::string_view name) noexcept {
  return begins_with(name, "head.classification_head.") || begins_with(name, "head.regression_head.");
}

}  // namespace detail

/// Whether a state dict is one of a detector: it has SSD's heads or extra blocks.
[[nodiscard]] inline bool is_detector(span<const tensor> tensors) noexcept {
  for (const tensor& t : tensors)
    if (detail::names_ssd_head(t.name) || detail::begins_with(t.name, "backbone.extra.")) return true;
  return false;
}

namespace detail {

class detector_reader {
 public:
  explicit detector_reader(span<const tensor> tensors) : used_(tensors.size(), false) {
    for (const tensor& t : tensors) sorted_.push_back(&t);
    std::sort(sorted_.begin(), sorted_.end(),
              [](const tensor* a, const tensor* b) { return a->name < b->name; });
  }

  result<detector_tensors> read() {
    const auto named = std::make_shared<std::vector<tensor>>();
    std::vector<tensor>& backbone = *named;
    d_.named = named;
    for (std::size_t i = 0; i < sorted_.size(); ++i) {
      const tensor& t = *sorted_[i];
      if (i > 0 && sorted_[i - 1]->name == t.name)
        return error(errc::model_duplicate_role, t.name + ": two tensors have this name");
      if (!begins_with(t.name, prefix) || begins_with(t.name, "backbone.extra.")) continue;
      used_[i] = true;
      backbone.push_back(t);
      backbone.back().name.erase(0, prefix.size());
    }
    auto m = identify(backbone);
    if (!m) return m.error().in("backbone");
    d_.backbone = *m;
    detector_config& shape = d_.shape;
    shape.backbone = d_.backbone.shape;
    for (const layer_tensors* l : {&d_.backbone.hidden, &d_.backbone.classifier})
      if (l->weight != nullptr)
        return error(errc::model_unexpected, "backbone." + l->weight->name +
                                                 ": the backbone has a classifier still, which no detector "
                                                 "has: leave it out of the state dict");
    if (status s = check_heads(); !s) return s.error();
    collect();
    if (!error_.empty()) return error(code_, error_);
    if (status s = derive(); !s) return s.error();
    if (status s = check_shapes(); !s) return s.error();
    for (std::size_t i = 0; i < sorted_.size(); ++i)
      if (!used_[i] && !(is_counter(sorted_[i]->name) && sorted_[i]->elements() <= 1))
        return error(errc::model_unexpected, sorted_[i]->name + ": unexpected, shape " +
                                                 shape_text(sorted_[i]->shape) + " (SSDLite on " +
                                                 variant_text(shape.backbone) + ")");
    return d_;
  }

 private:
  static constexpr std::string_view prefix = "backbone.";

  /// The first tensor whose name is not before this one.
  [[nodiscard]] std::vector<const tensor*>::const_iterator first_from(const std::string& name) const {
    return std::lower_bound(sorted_.begin(), sorted_.end(), name,
                            [](const tensor* t, const std::string& wanted) { return t->name < wanted; });
  }
  /// The first tensor whose name begins so; null: there is none.
  [[nodiscard]] const tensor* first_of(const std::string& prefix_) const {
    const auto at = first_from(prefix_);
    return at != sorted_.end() && begins_with((*at)->name, prefix_) ? *at : nullptr;
  }

  /// Heads of other detectors: those of other layers, on another number of maps, for other numbers of boxes.
  [[nodiscard]] status check_heads() const {
    for (const char* kind : {"head.classification_head.", "head.regression_head."}) {
      const std::string list = kind + std::string("module_list");
      const auto head = [&list](int k) { return list + "." + std::to_string(k) + "."; };
      const tensor* const any = first_of(kind);
      if (any != nullptr && first_of(list + ".") == nullptr)
        return error(errc::model_missing, list + ": missing, the heads of an SSD on several maps; " +
                                              any->name + " belongs to another kind of detector");
      if (const tensor* const plain = first_of(head(0) + "weight"))
        return error(errc::model_wrong_shape,
                     plain->name + ": a head of one layer, as SSD's; SSDLite's are depthwise and 1x1 (" +
                         head(0) + "0.0.weight, " + head(0) + "1.weight)");
      int maps = 0;
      while (first_of(head(maps)) != nullptr) ++maps;
      if (maps == ssd_levels || any == nullptr) continue;
      bool beyond = false;  // a head that is missing between others is missed by name
      for (int k = maps + 1; k < ssd_levels; ++k) beyond = beyond || first_of(head(k)) != nullptr;
      if (!beyond)
        return error(maps < ssd_levels ? errc::model_missing : errc::model_unexpected,
                     list + ": heads on " + std::to_string(maps) + " maps, expected " +
                         std::to_string(ssd_levels) +
                         ": those of block 10, of the last convolution and of four extra blocks");
    }
    return done;
  }

  const tensor* need(const std::string& name, std::size_t rank) {
    const auto at = first_from(name);
    if (at == sorted_.end() || (*at)->name != name) {
      note(errc::model_missing, name + ": missing (torchvision's names of SSDLite)");
      return nullptr;
    }
    used_[static_cast<std::size_t>(at - sorted_.begin())] = true;
    if ((*at)->shape.size() != rank)
      note(errc::model_wrong_shape,
           name + ": expected " + std::to_string(rank) + " dimensions, found " + shape_text((*at)->shape));
    return *at;
  }
  void note(errc code, const std::string& what) {
    if (error_.empty()) code_ = code, error_ = what;
  }
  layer_tensors conv_bn(const std::string& name) {
    layer_tensors l;
    l.weight = need(name + ".0.weight", 4);
    l.gamma = need(name + ".1.weight", 1);
    l.beta = need(name + ".1.bias", 1);
    l.mean = need(name + ".1.running_mean", 1);
    l.variance = need(name + ".1.running_var", 1);
    return l;
  }
  block_tensors head(const std::string& name) {
    block_tensors b;
    b.depthwise = conv_bn(name + ".0");
    b.project.weight = need(name + ".1.weight", 4);
    b.project.bias = need(name + ".1.bias", 1);
    return b;
  }
  void collect() {
    for (int k = 0; k < ssd_extra_blocks; ++k) {
      const std::string name = "backbone.extra." + std::to_string(k);
      d_.extra[k].expand = conv_bn(name + ".0");
      d_.extra[k].depthwise = conv_bn(name + ".1");
      d_.extra[k].project = conv_bn(name + ".2");
    }
    for (int k = 0; k < ssd_levels; ++k) {
      const std::string number = ".module_list." + std::to_string(k);
      d_.logits[k] = head("head.classification_head" + number);
      d_.codes[k] = head("head.regression_head" + number);
    }
  }

  /// Classes, tap and the extra blocks' channels.
  status derive() {
    detector_config& shape = d_.shape;
    const tensor &logits = *d_.logits[0].project.weight, &codes = *d_.codes[0].project.weight;
    if (codes.shape[0] != std::int64_t{ssd_anchors_a_place} * 4)
      return error(errc::model_wrong_shape,
                   codes.name + ": " + std::to_string(codes.shape[0]) + " outputs, expected " +
                       std::to_string(ssd_anchors_a_place * 4) + ": four for each of " +
                       std::to_string(ssd_anchors_a_place) + " boxes at a place (aspect ratios 1, 2 and 3)");
    const std::int64_t outputs = logits.shape[0];
    if (outputs % ssd_anchors_a_place != 0 || outputs < std::int64_t{2} * ssd_anchors_a_place ||
        outputs > std::int64_t{ssd_anchors_a_place} * max_detector_classes)
      return error(errc::model_wrong_shape, logits.name + ": " + std::to_string(outputs) +
                                                " outputs, expected 6 for each of 2 to " +
                                                std::to_string(max_detector_classes) + " classes");
    shape.classes = static_cast<int>(outputs / ssd_anchors_a_place);
    // The last block of stride 16 with so many channels; channels grow from block to block.
    const std::int64_t tapped = logits.shape[1];
    shape.tap = -1;
    int stride = 2;
    for (int i = 0; i < shape.backbone.block_count; ++i) {
      stride *= shape.backbone.blocks[i].stride;
      if (stride == 16 && shape.backbone.blocks[i].out_c == tapped) shape.tap = i;
    }
    if (shape.tap < 0)
      return error(errc::model_wrong_shape, logits.name + ": a head on " + std::to_string(tapped) +
                                                " channels, which no block of stride 16 of " +
                                                variant_text(shape.backbone) + " has");
    connect_extra_blocks(shape);
    return done;
  }

  [[nodiscard]] status check_shapes() const {
    for (int k = 0; k < ssd_extra_blocks; ++k) {
      const block_config& b = d_.shape.extra[k];
      if (status s = check(d_.extra[k].expand, {b.mid_c, b.in_c, 1, 1}); !s) return s;
      if (status s = check(d_.extra[k].depthwise, {b.mid_c, 1, 3, 3}); !s) return s;
      if (status s = check(d_.extra[k].project, {b.out_c, b.mid_c, 1, 1}); !s) return s;
    }
    for (int k = 0; k < ssd_levels; ++k)
      for (const auto& [tensors, b] : {std::pair{&d_.logits[k], logits_head(d_.shape, k)},
                                       std::pair{&d_.codes[k], codes_head(d_.shape, k)}}) {
        if (status s = check(tensors->depthwise, {b.mid_c, 1, 3, 3}); !s) return s;
        if (status s = check(tensors->project, {b.out_c, b.mid_c, 1, 1}); !s) return s;
      }
    return done;
  }
  [[nodiscard]] status check(const layer_tensors& l, const std::vector<std::int64_t>& expected) const {
    const std::vector<std::int64_t> vector{expected[0]};
    for (const tensor* t : {l.weight, l.bias, l.gamma, l.beta, l.mean, l.variance}) {
      if (t == nullptr) continue;
      const auto& want = t == l.weight ? expected : vector;
      if (t->shape != want)
        return error(errc::model_wrong_shape,
                     t->name + ": expected " + shape_text(want) + " for SSDLite on " +
                         variant_text(d_.shape.backbone) + " with " + std::to_string(d_.shape.classes) +
                         " classes (the background is one), found " + shape_text(t->shape));
    }
    return done;
  }

  std::vector<const tensor*> sorted_;
  std::vector<bool> used_;
  detector_tensors d_;
  errc code_ = errc::ok;
  std::string error_;
};

}  // namespace detail

/// Finds a detector's backbone, tap and classes, and each layer's tensors; all shapes are checked.
/// @param tensors must outlive the result
/// Errors: M1 to M4 and M7 of docs/refusals.md, unsupported.
[[nodiscard]] inline result<detector_tensors> identify_detector(span<const tensor> tensors) {
  return detail::detector_reader(tensors).read();
}

/// The tensors of a network of either kind.
struct network_tensors {
  bool is_detector = false;   ///< which of the two it is
  model_tensors classifier;   ///< or a backbone; unless is_detector
  detector_tensors detector;  ///< if is_detector

  /// Of the network, or of the detector's backbone.
  [[nodiscard]] const config& shape() const noexcept {
    return is_detector ? detector.shape.backbone : classifier.shape;
  }
};

/// identify(), or identify_detector() where SSD's heads are there.
[[nodiscard]] inline result<network_tensors> identify_network(span<const tensor> tensors) {
  network_tensors n;
  n.is_detector = is_detector(tensors);
  if (n.is_detector) {
    auto d = identify_detector(tensors);
    if (!d) return d.error();
    n.detector = std::move(*d);
  } else {
    auto m = identify(tensors);
    if (!m) return m.error();
    n.classifier = *m;
  }
  return n;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NETWORK_IDENTIFY_DETECTOR_HPP
