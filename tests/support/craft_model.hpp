// SPDX-License-Identifier: MIT
// Whole state dicts with random values, under official and timm names, made from the architecture's
// description and not from the reader's code.
#ifndef REXNET_TESTS_SUPPORT_CRAFT_MODEL_HPP
#define REXNET_TESTS_SUPPORT_CRAFT_MODEL_HPP

#include "rexnet/arch/detector.hpp"
#include "rexnet/checkpoint/tensor.hpp"

#include "tests/support/craft.hpp"
#include "tests/support/must.hpp"

#include <deque>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace rexnet_test {

/// Tensors and the bytes they view. Copies share the bytes of the original, which must outlive them.
struct state_dict {
  std::vector<rexnet::tensor> tensors;
  std::deque<std::string> bytes;

  rexnet::tensor& at(const std::string& name) {
    for (auto& t : tensors)
      if (t.name == name) return t;
    give_up("the crafted state dict has no " + name);
  }
  void add(const std::string& name, const std::vector<std::int64_t>& shape,
           const std::vector<float>& values) {
    rexnet::tensor t;
    t.name = name;
    t.shape = shape;
    t.strides.assign(shape.size(), 1);
    for (std::size_t d = shape.size(); d-- > 1;) t.strides[d - 1] = t.strides[d] * shape[d];
    bytes.push_back(floats(values));
    t.data = bytes_of(bytes.back()).data();
    tensors.push_back(t);
  }
  /// Writes one element.
  void set(const std::string& name, std::int64_t index, float v) {
    for (auto& b : bytes)
      if (bytes_of(b).data() == at(name).data)
        b.replace(static_cast<std::size_t>(index) * 4, 4, number(rexnet::bits_of(v), 4));
  }
  /// Names and pickled tensors, for dictionaries that hold others beside. @param first storage of this one's
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> items(const std::string& prefix = "",
                                                                       std::size_t first = 0) const {
    std::vector<std::pair<std::string, std::string>> all;
    for (std::size_t i = 0; i < tensors.size(); ++i)
      all.emplace_back(prefix + tensors[i].name,
                       tensor_of(storage(std::to_string(first + i), tensors[i].elements()), 0,
                                 tensors[i].shape, tensors[i].strides));
    return all;
  }
  /// As torch.save writes it.
  [[nodiscard]] std::string torch_zip() const { return torch_zip(ordered_dict(items())); }
  /// The storages of this one and, behind them, of `more`, under a pickle of the caller's.
  [[nodiscard]] std::string torch_zip(const std::string& pickled, const state_dict* more = nullptr) const {
    std::vector<std::string> storages(bytes.begin(), bytes.end());
    if (more != nullptr) storages.insert(storages.end(), more->bytes.begin(), more->bytes.end());
    return rexnet_test::torch_zip(program(pickled), storages);
  }
};

class model_writer {
 public:
  model_writer(const rexnet::config& c, bool timm, unsigned seed) : c_(c), timm_(timm), engine_(seed) {}

  state_dict write() {
    conv(timm_ ? "stem.conv" : "features.0", {c_.stem_c, 3, 3, 3});
    norm(timm_ ? "stem.bn" : "features.1", c_.stem_c);
    for (int i = 0; i < rexnet::rexnet_blocks; ++i) block(i);
    const int last = c_.blocks[rexnet::rexnet_blocks - 1].out_c;
    conv(timm_ ? "features.16.conv" : "features.19", {c_.head_c, last, 1, 1});
    norm(timm_ ? "features.16.bn" : "features.20", c_.head_c);
    int features = c_.head_c;
    if (c_.hidden_c > 0) {
      conv("output.0", {c_.hidden_c, features, 1, 1}, true);
      norm("output.1", c_.hidden_c);
      features = c_.hidden_c;
    }
    if (c_.classes == 0) return std::move(dict_);
    if (timm_)
      conv("head.fc", {c_.classes, features}, true);
    else
      conv(c_.hidden_c > 0 ? "output.4" : "output.1", {c_.classes, features, 1, 1}, true);
    return std::move(dict_);
  }

  /// The backbone's tensors under "backbone.", extra blocks and heads beside them. @param d c_ is its
  /// backbone
  state_dict write_detector(const rexnet::detector_config& d) {
    dict_ = write();
    for (rexnet::tensor& t : dict_.tensors) t.name.insert(0, "backbone.");
    const auto conv_bn = [this](const std::string& name, const std::vector<std::int64_t>& shape) {
      conv(name + ".0", shape);
      norm(name + ".1", static_cast<int>(shape[0]));
    };
    for (int k = 0; k < rexnet::ssd_extra_blocks; ++k) {
      const rexnet::block_config& b = d.extra[k];
      const std::string name = "backbone.extra." + std::to_string(k);
      conv_bn(name + ".0", {b.mid_c, b.in_c, 1, 1});
      conv_bn(name + ".1", {b.mid_c, 1, 3, 3});
      conv_bn(name + ".2", {b.out_c, b.mid_c, 1, 1});
    }
    for (const bool logits : {true, false})
      for (int k = 0; k < rexnet::ssd_levels; ++k) {
        const int in_c = rexnet::level_c(d, k), outputs = logits ? d.classes : 4;
        const std::string name = std::string("head.") + (logits ? "classification" : "regression") +
                                 "_head.module_list." + std::to_string(k);
        conv_bn(name + ".0", {in_c, 1, 3, 3});
        conv(name + ".1", {6 * outputs, in_c, 1, 1}, true);
      }
    return std::move(dict_);
  }

 private:
  void block(int i) {
    const rexnet::block_config& b = c_.blocks[i];
    const std::string f =
        timm_ ? "features." + std::to_string(i) + "." : "features." + std::to_string(i + 3) + ".out.";
    int next = 0;  // official names number the layers of a block, activations included
    const auto pair = [&](const char* timm_name, const std::vector<std::int64_t>& shape) {
      conv(timm_ ? f + timm_name + ".conv" : f + std::to_string(next), shape);
      norm(timm_ ? f + timm_name + ".bn" : f + std::to_string(next + 1), static_cast<int>(shape[0]));
      next += 2;
    };
    if (i > 0) {
      pair("conv_exp", {b.mid_c, b.in_c, 1, 1});
      ++next;  // the activation
    }
    pair("conv_dw", {b.mid_c, 1, b.kernel, b.kernel});
    if (b.se_c > 0) {
      const std::string se = timm_ ? f + "se." : f + std::to_string(next) + ".";
      conv(se + (timm_ ? "fc1" : "fc.0"), {b.se_c, b.mid_c, 1, 1}, true);
      norm(se + (timm_ ? "bn" : "fc.1"), b.se_c);
      conv(se + (timm_ ? "fc2" : "fc.3"), {b.mid_c, b.se_c, 1, 1}, true);
      ++next;
    }
    ++next;  // ReLU6
    pair("conv_pwl", {b.out_c, b.mid_c, 1, 1});
  }
  void conv(const std::string& name, const std::vector<std::int64_t>& shape, bool bias = false) {
    std::int64_t n = 1, fan_in = 1;
    for (std::size_t d = 0; d < shape.size(); ++d) n *= shape[d], fan_in *= d > 0 ? shape[d] : 1;
    add(name + ".weight", shape, n, 0.0f, std::sqrt(2.0f / static_cast<float>(fan_in)));
    if (bias) add(name + ".bias", {shape[0]}, shape[0], 0.05f, 0.1f);
  }
  void norm(const std::string& name, int n) {
    add(name + ".weight", {n}, n, 1.0f, 0.05f);
    add(name + ".bias", {n}, n, 0.05f, 0.1f);
    add(name + ".running_mean", {n}, n, 0.0f, 0.1f);
    add(name + ".running_var", {n}, n, 1.0f, 0.02f);
    dict_.add(name + ".num_batches_tracked", {}, {7.0f});
  }
  void add(const std::string& name, const std::vector<std::int64_t>& shape, std::int64_t n, float mean,
           float deviation) {
    std::normal_distribution<float> value(mean, deviation);
    std::vector<float> v;
    for (std::int64_t i = 0; i < n; ++i) v.push_back(value(engine_));
    dict_.add(name, shape, v);
  }

  const rexnet::config& c_;
  bool timm_;
  std::mt19937 engine_;
  state_dict dict_;
};

inline state_dict craft_model(const rexnet::config& c, bool timm = false, unsigned seed = 1) {
  return model_writer(c, timm, seed).write();
}

/// As torchvision's SSD names its tensors. @param d its backbone has no classes
inline state_dict craft_detector(const rexnet::detector_config& d, bool timm = false, unsigned seed = 1) {
  return model_writer(d.backbone, timm, seed).write_detector(d);
}

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_CRAFT_MODEL_HPP
