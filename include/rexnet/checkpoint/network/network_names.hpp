// SPDX-License-Identifier: MIT
// Names alone: where a ReXNet begins in them, which dictionary of a training file goes first, and what is no
// part of a network.
#ifndef REXNET_CHECKPOINT_NETWORK_NETWORK_NAMES_HPP
#define REXNET_CHECKPOINT_NETWORK_NETWORK_NAMES_HPP

#include "rexnet/core/error.hpp"

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Without "module." and "_orig_mod.", however often and in whatever order they are stacked.
[[nodiscard]] inline std::string_view strip_prefixes(std::string_view name) noexcept {
  for (;;) {
    if (name.substr(0, 7) == "module.")
      name.remove_prefix(7);
    else if (name.substr(0, 10) == "_orig_mod.")
      name.remove_prefix(10);
    else
      return name;
  }
}

[[nodiscard]] inline bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// What lies before the first point, which is removed from `rest` with it.
[[nodiscard]] inline std::string_view next_component(std::string_view& rest) noexcept {
  const std::size_t point = rest.find('.');
  const std::string_view head = rest.substr(0, point);
  rest.remove_prefix(point == rest.npos ? rest.size() : point + 1);
  return head;
}

/// Where the network's own name begins in that of a tensor of its blocks: "a.b.features.3.out.0.weight" gives
/// 4. npos for every other name. Sixteen blocks make at least 235 such tensors; no other well-known network
/// has any.
[[nodiscard]] inline std::size_t block_name_at(std::string_view name) noexcept {
  constexpr std::string_view features = "features.";
  for (std::size_t at = name.find(features); at != name.npos; at = name.find(features, at + 1)) {
    if (at > 0 && name[at - 1] != '.') continue;
    std::size_t i = at + features.size();
    const std::size_t digits = i;
    while (i < name.size() && i < digits + 2 && is_digit(name[i])) ++i;
    if (i == digits || i >= name.size() || name[i] != '.') continue;
    const std::string_view rest = name.substr(i + 1);
    for (const std::string_view block : {"out.", "conv_exp.", "conv_dw.", "conv_pwl."})
      if (begins_with(rest, block)) return at;
  }
  return name.npos;
}
/// A dictionary with fewer of them under one prefix holds no whole network.
inline constexpr std::size_t whole_network_names = 128;

/// Is "ema" a word of it, as in "state_dict_ema", "ema_model", "EMA"?
[[nodiscard]] inline bool names_an_average(std::string_view s) noexcept {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  for (std::size_t i = 0; i + 3 <= s.size(); ++i)
    if ((s[i] | 32) == 'e' && (s[i + 1] | 32) == 'm' && (s[i + 2] | 32) == 'a' &&
        (i == 0 || !letter(s[i - 1])) && (i + 3 == s.size() || !letter(s[i + 3])))
      return true;
  return false;
}

/// Which of several networks of a file is meant: the lowest rank. Two of the same are for the user to choose.
namespace rank {
inline constexpr int average = 2, top = 5, other = 6, before_average = 7;
}
/// Of an entry of the file's own dictionary: timm's order, other averages after timm's.
[[nodiscard]] inline int rank_of_key(std::string_view key) noexcept {
  constexpr std::string_view order[] = {"state_dict_ema", "model_ema", "", "state_dict", "model"};
  for (int i = 0; i < 5; ++i)
    if (i != rank::average && key == order[i]) return i;
  return names_an_average(key) ? rank::average : rank::other;
}

/// What counters and profilers leave among the weights; numbers, which say nothing about the network.
[[nodiscard]] inline bool is_counter(std::string_view name) noexcept {
  const std::size_t point = name.rfind('.');
  const std::string_view last = point == name.npos ? name : name.substr(point + 1);
  for (const std::string_view known : {"num_batches_tracked", "total_ops", "total_params", "n_averaged"})
    if (last == known) return true;
  return false;
}

/// A tensor that shows another form of the weights than the plain one: what it is, and what to do. Null for a
/// plain name.
struct other_form {
  errc code;
  const char* what;
};
[[nodiscard]] inline const other_form* other_form_of(std::string_view name) noexcept {
  static constexpr other_form quantized{errc::model_quantized,
                                        "a quantized model, or one prepared for it: save the float model's "
                                        "state_dict(), from before quantization"},
      lora{errc::unsupported,
           "a LoRA adapter: merge it first (peft: model.merge_and_unload()), then save state_dict()"},
      normed{errc::unsupported,
             "a parametrized weight (weight_norm, spectral_norm): remove it first "
             "(torch.nn.utils.remove_weight_norm(), remove_spectral_norm() or "
             "parametrize.remove_parametrizations()), then save state_dict()"};
  const auto one_of = [](std::string_view s, std::initializer_list<std::string_view> known) {
    for (const std::string_view k : known)
      if (s == k) return true;
    return false;
  };
  for (std::string_view rest = name; !rest.empty();) {
    const std::string_view part = next_component(rest);
    if (one_of(part, {"activation_post_process", "weight_fake_quant", "bias_fake_quant", "_packed_params",
                      "fake_quant_enabled", "observer_enabled", "zero_point", "input_scale", "output_scale",
                      "weight_scale", "absmax", "quant_map", "SCB"}) ||
        begins_with(part, "activation_post_process_") || (rest.empty() && part == "scale") ||
        part.find("_zero_point_") != part.npos)
      return &quantized;
    if (begins_with(part, "lora_") || part == "base_layer") return &lora;
    if (part == "parametrizations" || (rest.empty() && one_of(part, {"weight_g", "weight_v", "weight_u"})))
      return &normed;
  }
  return nullptr;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NETWORK_NETWORK_NAMES_HPP
