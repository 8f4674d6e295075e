// SPDX-License-Identifier: MIT
// What a search through a file of tensors finds, and the tensors that are chosen in the end.
#ifndef REXNET_CHECKPOINT_NETWORK_FOUND_NETWORKS_HPP
#define REXNET_CHECKPOINT_NETWORK_FOUND_NETWORKS_HPP

#include "rexnet/checkpoint/network/network_names.hpp"
#include "rexnet/checkpoint/pickle/numpy_array.hpp"
#include "rexnet/checkpoint/tensor.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// A tensor that a file holds beside the chosen network.
struct left_out_tensor {
  std::string name;                 ///< as in the file
  std::vector<std::int64_t> shape;  ///< empty where it could not be read, too
};

namespace detail {

/// The tensors that were chosen in a file, and how.
struct torch_content {
  const char* container = "torch zip";
  std::vector<tensor> tensors;
  decoded_bytes decoded;    ///< arrays that the file has in another form; some `tensors` point into it
  bool is_network = false;  ///< a ReXNet's names were found
  std::string state_key;    ///< the entry that held them: "model.state_dict"; empty for a bare one
  std::string prefix;       ///< what was removed in front of the network's names
  bool by_prefix = false;   ///< the caller's key named the prefix
  std::vector<std::string> others;        ///< networks that were not chosen, as keys that choose them
  std::vector<left_out_tensor> left_out;  ///< of the same dictionary, outside of the prefix
  std::vector<std::string> notes;         ///< in words, for people
  std::vector<std::vector<unsigned char>> computed;  ///< what `tensors` do not find in the file
};

/// An entry of a dictionary of tensors; only the source that gave it can read `value`.
struct named_value {
  std::string_view name;
  std::uint32_t value;
};

/// A prefix in a dictionary, under which names of a ReXNet's blocks lie.
struct found_network {
  std::string prefix;     ///< of names without module. and _orig_mod.
  std::string shown;      ///< as it stands in the file
  std::size_t names = 0;  ///< of blocks
};

/// A dictionary that holds tensors.
struct found_dict {
  std::uint32_t dict = 0;
  std::string path;  ///< keys from the file's own dictionary, with points between
  int rank = rank::other;
  std::size_t tensors = 0;
  std::vector<found_network> networks;

  /// Counts a tensor's name. `at`: block_name_at() of the whole name.
  void add(std::string_view name, std::size_t at) {
    ++tensors;
    if (at == name.npos) return;
    const std::string_view inner = strip_prefixes(name);
    const std::size_t skipped = name.size() - inner.size();
    const std::string_view prefix = inner.substr(0, at > skipped ? at - skipped : 0);
    for (found_network& n : networks)
      if (n.prefix == prefix) {
        ++n.names;
        return;
      }
    if (networks.size() < most_networks)
      networks.push_back({std::string(prefix), std::string(name.substr(0, at)), 1});
  }
  /// Prefixes beyond are no candidates: each name is compared with all of them.
  static constexpr std::size_t most_networks = 16;
};

[[nodiscard]] inline status check_distinct(std::vector<std::string_view> names) {
  // First by place: one pickled string of a kilobyte may name thousands of tensors, and comparing it with
  // itself is slow. What remains lies in different places and is as long as the file at most.
  std::sort(names.begin(), names.end(), [](std::string_view a, std::string_view b) {
    return std::less<const char*>()(a.data(), b.data());
  });
  auto same = std::adjacent_find(names.begin(), names.end(), [](std::string_view a, std::string_view b) {
    return a.data() == b.data() && a.size() == b.size();
  });
  if (same == names.end()) {
    std::sort(names.begin(), names.end());
    same = std::adjacent_find(names.begin(), names.end());
  }
  if (same != names.end())
    return error(errc::model_duplicate_role,
                 "two tensors are named " + in_quotes(*same) + " once prefixes are stripped");
  return done;
}

/// "head.fc" as mmpretrain has it, "fc", "classifier.1": where the last layer stands whose backbone is
/// another module. Every part is one of these words or a number.
[[nodiscard]] inline bool names_a_classifier(std::string_view layer) noexcept {
  while (!layer.empty()) {
    const std::string_view part = next_component(layer);
    bool known = part.size() < 3 && !part.empty();
    for (const char c : part) known = known && is_digit(c);
    for (const std::string_view word :
         {"head", "fc", "classifier", "cls_head", "linear", "last_linear", "logits"})
      known = known || part == word;
    if (!known) return false;
  }
  return true;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NETWORK_FOUND_NETWORKS_HPP
