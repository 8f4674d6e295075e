// SPDX-License-Identifier: MIT
// Names that other frameworks' ReXNets give their tensors, in the words of the official network or of timm.
// Sources: PaddleClas, ppcls/arch/backbone/model_zoo/rexnet.py; MindCV, mindcv/models/rexnet.py.
#ifndef REXNET_CHECKPOINT_NETWORK_FOREIGN_NAMES_HPP
#define REXNET_CHECKPOINT_NETWORK_FOREIGN_NAMES_HPP

#include "rexnet/checkpoint/tensor.hpp"
#include "rexnet/core/error.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// PaddleClas has the official layers under the official names, but for BatchNorm's statistics:
/// "features.1._mean" -> "features.1.running_mean".
[[nodiscard]] inline std::string paddle_name(std::string_view name) {
  for (const auto& [theirs, ours] : {std::pair<std::string_view, std::string_view>{"._mean", ".running_mean"},
                                     {"._variance", ".running_var"}})
    if (ends_with(name, theirs))
      return std::string(name.substr(0, name.size() - theirs.size())) + std::string(ours);
  return std::string(name);
}

/// MindCV has timm's layers in containers of its own:
/// "features.3.conv_exp.features.1.gamma" -> "features.3.conv_exp.bn.weight".
[[nodiscard]] inline std::string mindspore_name(std::string_view name) {
  std::string out(name);
  const auto end = [&out](std::string_view theirs, std::string_view ours) {
    if (!ends_with(out, theirs)) return;
    out.resize(out.size() - theirs.size());
    out += ours;
  };
  end(".moving_mean", ".running_mean");
  end(".moving_variance", ".running_var");
  end(".gamma", ".weight");
  end(".beta", ".bias");
  // A convolution and its BatchNorm are features.0 and features.1 of their container. At the end of a name
  // that is the layer, for the features of the network are longer: "features.0.conv_dw.features.0.weight".
  for (const char* leaf : {".weight", ".bias", ".running_mean", ".running_var"}) {
    end(std::string(".features.0") + leaf, std::string(".conv") + leaf);
    end(std::string(".features.1") + leaf, std::string(".bn") + leaf);
    end(std::string(".se.conv_reduce") + leaf, std::string(".se.fc1") + leaf);
    end(std::string(".se.conv_expand") + leaf, std::string(".se.fc2") + leaf);
    if (out == std::string("cls.1") + leaf) out = std::string("head.fc") + leaf;
    end(std::string(".cls.1") + leaf, std::string(".head.fc") + leaf);
  }
  return out;
}

/// Translates the names where one of them shows whose they are. Errors: M3, two names became one.
[[nodiscard]] inline status translate_names(std::vector<tensor>& tensors) {
  const auto any_ends = [&tensors](std::string_view end) {
    return std::any_of(tensors.begin(), tensors.end(),
                       [end](const tensor& t) { return ends_with(t.name, end); });
  };
  const bool paddle = any_ends("._variance"), mindspore = !paddle && any_ends(".moving_variance");
  if (!paddle && !mindspore) return done;
  std::vector<std::string_view> names;
  names.reserve(tensors.size());
  for (tensor& t : tensors) t.name = paddle ? paddle_name(t.name) : mindspore_name(t.name);
  for (const tensor& t : tensors) names.push_back(t.name);
  std::sort(names.begin(), names.end());
  const auto same = std::adjacent_find(names.begin(), names.end());
  if (same != names.end())
    return error(errc::model_duplicate_role, std::string("two tensors are named ") + in_quotes(*same) +
                                                 " once " + (paddle ? "PaddleClas'" : "MindCV's") +
                                                 " names are translated");
  return done;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NETWORK_FOREIGN_NAMES_HPP
