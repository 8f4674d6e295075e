// SPDX-License-Identifier: MIT
// Which tensors of a file are the network. A training file holds many (weights, averages of them, optimizer,
// losses), under keys and prefixes of its own; what is looked for is a dictionary with the names of a whole
// ReXNet, whatever stands before them.
//
//   1. Every dictionary of the file is a candidate, and each prefix in it under which a ReXNet's blocks lie.
//   2. The lowest rank goes first: state_dict_ema, model_ema, others with "ema" in their name, state_dict,
//      model, the file's own dictionary, the rest.
//   3. A candidate that is no whole network, or an average that was never updated or is not finite, is passed
//      over where another one is whole: a note says why.
//   4. Two whole ones of the same rank: M16. A key chooses by hand.
#ifndef REXNET_CHECKPOINT_NETWORK_NETWORK_CHOICE_HPP
#define REXNET_CHECKPOINT_NETWORK_NETWORK_CHOICE_HPP

#include "rexnet/checkpoint/network/foreign_names.hpp"
#include "rexnet/checkpoint/network/found_networks.hpp"
#include "rexnet/checkpoint/network/identify_detector.hpp"
#include "rexnet/checkpoint/network/pruned.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {

/// Source: `std::vector<named_value> entries(dict)`, the tensors of a dictionary; `result<tensor>
/// tensor_at(name, value)`; `std::uint64_t file_bytes()`.
template <class Source>
class network_chooser {
 public:
  /// @param found in the file's order. @param key "" or what the user asks for
  network_chooser(Source& source, const std::vector<found_dict>& found, std::string_view key)
      : source_(source), found_(found), key_(key) {}

  /// The tensors of the chosen network. `otherwise`: the dictionary to take where no network is found (null:
  /// the largest).
  result<torch_content> choose(const found_dict* otherwise) {
    for (const found_dict& d : found_)
      for (const found_network& n : d.networks)
        if (n.names >= whole_network_names) add(d, n);
    if (!key_.empty() && !by_hand()) return no_such_key();
    if (candidates_.empty()) return any_dictionary(otherwise);
    // In the file's order within a rank. Not stable_sort(), whose temporary memory clang 19 warns of.
    std::sort(candidates_.begin(), candidates_.end(), [](const candidate& a, const candidate& b) {
      return std::tie(a.rank, a.dict, a.network) < std::tie(b.rank, b.dict, b.network);
    });
    if (candidates_.size() > 1) return decide();
    auto content = read(candidates_[0]);
    if (content && candidates_[0].rank <= rank::average && averages_nothing(candidates_[0]))
      content->notes.push_back("n_averaged is 0: an average of nothing, but the only network in the file");
    return content;
  }

 private:
  struct candidate {
    const found_dict* dict;
    const found_network* network;
    int rank;
    bool by_prefix = false;
    /// What chooses it: the dictionary's key, and the prefix where that has several networks.
    [[nodiscard]] std::string name() const {
      std::size_t whole = 0;
      for (const found_network& n : dict->networks) whole += n.names >= whole_network_names ? 1 : 0;
      if (!dict->path.empty() && whole < 2) return dict->path;
      std::string prefix = network->shown;
      if (!prefix.empty() && prefix.back() == '.') prefix.pop_back();
      if (dict->path.empty()) return prefix.empty() ? "the file's own dictionary" : prefix;
      return prefix.empty() ? dict->path : dict->path + "." + prefix;
    }
  };

  void add(const found_dict& d, const found_network& n) {
    int r = d.rank;
    std::string_view rest = n.shown;
    while (!rest.empty() && r > rank::average)
      if (names_an_average(next_component(rest))) r = rank::average;
    candidates_.push_back({&d, &n, r});
  }

  // ---- by hand ----

  /// Keeps what the key means: a dictionary, one that holds it, or a prefix, with or without its dictionary.
  bool by_hand() {
    std::vector<candidate> kept;
    for (candidate c : candidates_) {
      std::string_view inner = key_;
      const std::string& path = c.dict->path;
      if (!path.empty() && begins_with(key_, path) && key_.size() > path.size() + 1 &&
          key_[path.size()] == '.')
        inner = key_.substr(path.size() + 1);
      c.by_prefix = names_prefix(inner, c.network->shown) || names_prefix(inner, c.network->prefix);
      if (c.by_prefix || names_path(path)) kept.push_back(c);
    }
    candidates_ = kept;
    if (!kept.empty()) return true;
    for (const found_dict& d : found_) asked_ = asked_ == nullptr && d.path == key_ ? &d : asked_;
    for (const found_dict& d : found_) asked_ = asked_ == nullptr && names_path(d.path) ? &d : asked_;
    return asked_ != nullptr;
  }
  [[nodiscard]] bool names_path(const std::string& path) const {
    return !path.empty() && (path == key_ || (begins_with(path, key_) && path[key_.size()] == '.'));
  }
  [[nodiscard]] static bool names_prefix(std::string_view key, std::string_view prefix) {
    if (prefix.empty() || !begins_with(prefix, key)) return false;
    return key.back() == '.' || prefix.substr(key.size(), 1) == ".";
  }
  [[nodiscard]] error no_such_key() const {
    std::string there;
    std::size_t named = 0;
    for (const found_dict& d : found_) {
      if (d.networks.empty() && named < 12 && !d.path.empty())
        there += (named++ > 0 ? ", " : "") + in_quotes(d.path);
      for (const found_network& n : d.networks)
        if (named < 12 && !(d.path.empty() && n.shown.empty()))
          there += (named++ > 0 ? ", " : "") + in_quotes(candidate{&d, &n, 0}.name());
    }
    return {errc::model_no_such_key,
            "no " + in_quotes(key_) + " in the file; it has " +
                (there.empty() ? "no keys: a bare state dict without prefix" : there)};
  }

  // ---- several ----

  /// A candidate's tensors, and why it is not to be taken: an error, or a useless average.
  struct trial {
    result<torch_content> content;
    std::string against;
  };
  [[nodiscard]] trial attempt(const candidate& c) {
    trial tried{read(c), {}};
    if (!tried.content) return tried.against = tried.content.error().message(), std::move(tried);
    const span<const tensor> tensors{tried.content->tensors.data(), tried.content->tensors.size()};
    auto m = identify_network(tensors);
    if (!m) return tried.against = m.error().message(), std::move(tried);
    if (c.rank <= rank::average) tried.against = useless_average(c, tensors);
    return tried;
  }
  /// torch's AveragedModel counts what it has averaged.
  [[nodiscard]] bool averages_nothing(const candidate& c) {
    for (const named_value& e : source_.entries(c.dict->dict)) {
      if (e.name != "n_averaged" && !ends_with(e.name, ".n_averaged")) continue;
      const auto count = source_.tensor_at(std::string(e.name), e.value);
      if (count && count->elements() == 1 && count->element(0) == 0.0) return true;
    }
    return false;
  }
  [[nodiscard]] std::string useless_average(const candidate& c, span<const tensor> tensors) {
    if (averages_nothing(c)) return "its n_averaged is 0, it averages nothing";
    for (const tensor& t : tensors) {
      bool finite = true;
      t.for_each([&finite](std::int64_t, double v) { finite = finite && std::isfinite(v); });
      if (!finite) return t.name + " is not finite";
    }
    return {};
  }
  /// The same bytes under two names are one network.
  [[nodiscard]] static bool same(const torch_content& a, const torch_content& b) {
    return std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(),
                      [](const tensor& x, const tensor& y) {
                        return x.data == y.data && x.shape == y.shape && x.name == y.name;
                      });
  }

  result<torch_content> decide() {
    std::vector<std::string> notes;
    for (std::size_t i = 0; i < candidates_.size();) {
      std::size_t end = i;
      while (end < candidates_.size() && candidates_[end].rank == candidates_[i].rank) ++end;
      result<torch_content> chosen = error(errc::model_missing, "none");
      std::size_t whole = 0, which = 0;
      std::string names;
      for (; i < end; ++i) {
        trial tried = attempt(candidates_[i]);
        if (!tried.against.empty()) {
          notes.push_back(candidates_[i].name() + " was passed over: " + tried.against);
          continue;
        }
        if (whole > 0 && same(*chosen, *tried.content)) continue;
        names += (whole > 0 ? ", " : "") + in_quotes(candidates_[i].name());
        if (whole++ == 0) chosen = std::move(tried.content), which = i;
      }
      if (whole > 1)
        return error(errc::model_ambiguous, std::to_string(whole) +
                                                " networks are in the file, and nothing says "
                                                "which one is meant: " +
                                                names + "; choose one by its key (--key)");
      if (whole == 1) return with_others(std::move(*chosen), which, std::move(notes));
    }
    // None is whole: the first one's own error says what is wrong.
    auto first = read(candidates_[0]);
    return first ? result<torch_content>(with_others(std::move(*first), 0, std::move(notes))) : first;
  }
  [[nodiscard]] torch_content with_others(torch_content content, std::size_t chosen,
                                          std::vector<std::string> notes) const {
    for (std::size_t i = 0; i < candidates_.size(); ++i)
      if (i != chosen) content.others.push_back(candidates_[i].name());
    content.notes.insert(content.notes.begin(), std::make_move_iterator(notes.begin()),
                         std::make_move_iterator(notes.end()));
    return content;
  }

  // ---- one ----

  /// Of a file without a whole ReXNet: any model's tensors, for programs that read them themselves, and for
  /// identify() to say what is missing.
  result<torch_content> any_dictionary(const found_dict* otherwise) {
    const found_dict* d = asked_ != nullptr ? asked_ : otherwise;
    if (d == nullptr)
      for (const found_dict& f : found_)
        if (d == nullptr || f.tensors > d->tensors) d = &f;
    // Some of a ReXNet's names are there: most of this dictionary's.
    for (const found_network& n : d->networks)
      if (2 * n.names > d->tensors) return read({d, &n, d->rank});
    const found_network whole;
    return read({d, &whole, d->rank});
  }

  result<torch_content> read(const candidate& c) {
    torch_content content;
    content.state_key = c.dict->path;
    content.prefix = c.network->shown;
    content.by_prefix = c.by_prefix;
    std::vector<named_value> inside, outside;
    for (const named_value& e : source_.entries(c.dict->dict)) {
      if (e.name.size() > 1024)  // before strip_prefixes() walks through it
        return error(errc::pickle_length, "a tensor's name has " + std::to_string(e.name.size()) +
                                              " bytes, at most 1024: " + in_quotes(e.name));
      const std::string_view name = strip_prefixes(e.name);
      const found_network* of = c.network->names == 0 ? c.network : owner(c, name);
      if (of == c.network)
        inside.push_back({name.substr(c.network->prefix.size()), e.value});
      else if (of == nullptr && !is_head_of_another(c, name))
        outside.push_back(e);
    }
    attached_.clear(), renamed_.clear();
    if (const std::size_t backbone = attach_detector(c, inside, outside); backbone > 0)
      content.prefix.erase(content.prefix.size() - backbone);
    else
      attach_classifier(inside, outside);
    std::vector<std::string_view> names;
    names.reserve(inside.size());
    for (const named_value& e : inside) names.push_back(e.name);
    if (status s = check_distinct(std::move(names)); !s) return s.error();
    for (const named_value& e : inside)
      if (!is_utf8(e.name))
        return error(errc::pickle_utf8, "the tensor name " + in_quotes(e.name) + " is not valid UTF-8");
    if (status s = read_tensors(inside, content.tensors); !s) return s.error();
    for (const named_value& e : outside) {
      auto t = source_.tensor_at(std::string(e.name), e.value);
      content.left_out.push_back(
          {std::string(e.name), t ? std::move(t->shape) : std::vector<std::int64_t>()});
    }
    if (!attached_.empty())
      content.notes.push_back("\"" + attached_ + "\", beside \"" + c.network->shown +
                              "\", is taken for its classifier");
    if (status s = translate_names(content.tensors); !s) return s.error();
    content.is_network = c.network->names > 0;
    if (!content.is_network) return content;
    auto pruned = multiply_out(content.tensors, content.computed);
    if (!pruned) return pruned.error();
    if (*pruned > 0)
      content.notes.push_back(std::to_string(*pruned) +
                              " pruned tensors were multiplied out (_orig * _mask)");
    return content;
  }

  /// The network that a tensor belongs to: of this one and the other whole ones that with the longest prefix.
  /// Null outside of all.
  [[nodiscard]] static const found_network* owner(const candidate& c, std::string_view name) {
    const found_network* best = nullptr;
    for (const found_network& n : c.dict->networks)
      if ((&n == c.network || n.names >= whole_network_names) && begins_with(name, n.prefix) &&
          (best == nullptr || n.prefix.size() > best->prefix.size()))
        best = &n;
    return best;
  }

  /// Bytes at the end of a prefix that are "backbone.", or wrapped "backbone._orig_mod."; 0: it has another
  /// end.
  [[nodiscard]] static std::size_t backbone_at_end(std::string_view prefix) noexcept {
    std::string_view rest = prefix;
    for (const std::string_view wrapper : {"_orig_mod.", "module.", "_orig_mod."})
      if (ends_with(rest, wrapper)) rest.remove_suffix(wrapper.size());
    constexpr std::string_view name = "backbone.";
    if (!ends_with(rest, name)) return 0;
    rest.remove_suffix(name.size());
    return rest.empty() || rest.back() == '.' ? prefix.size() - rest.size() : 0;
  }

  /// Whether a name is a head of another detector: "ema.head." beside "backbone.", "head." beside
  /// "ema.backbone.".
  [[nodiscard]] static bool is_head_of_another(const candidate& c, std::string_view name) noexcept {
    const auto front = [](const found_network& n) {
      return std::string_view(n.prefix).substr(0, n.prefix.size() - backbone_at_end(n.prefix));
    };
    for (const found_network& n : c.dict->networks)
      if (n.names >= whole_network_names && backbone_at_end(n.prefix) > 0 && front(n) != front(*c.network) &&
          begins_with(name, front(n)) && names_ssd_head(name.substr(front(n).size())))
        return true;
    return false;
  }

  /// A detector's heads stand beside its backbone: everything below what both have in front is one network.
  /// Returns the bytes that the prefix has of the backbone; 0: it is no detector's.
  [[nodiscard]] std::size_t attach_detector(const candidate& c, std::vector<named_value>& inside,
                                            std::vector<named_value>& outside) {
    const std::string_view prefix = c.network->prefix;
    const std::size_t backbone = backbone_at_end(prefix);
    if (backbone == 0) return 0;
    const std::string_view common = prefix.substr(0, prefix.size() - backbone);
    const auto heads = [common](const named_value& e) {
      const std::string_view name = strip_prefixes(e.name);
      return begins_with(name, common) && names_ssd_head(name.substr(common.size()));
    };
    if (std::none_of(outside.begin(), outside.end(), heads) &&
        std::none_of(inside.begin(), inside.end(),
                     [](const named_value& e) { return begins_with(e.name, "extra."); }))
      return 0;
    constexpr std::string_view before = "backbone.";
    for (named_value& e : inside)
      if (backbone == before.size()) {  // the names' own bytes go on in front
        e.name = {e.name.data() - before.size(), e.name.size() + before.size()};
      } else {
        renamed_.push_back(std::string(before) + std::string(e.name));
        e.name = renamed_.back();
      }
    std::vector<named_value> others;
    for (const named_value& e : outside) {
      const std::string_view name = strip_prefixes(e.name);
      if (begins_with(name, common))
        inside.push_back({name.substr(common.size()), e.value});
      else
        others.push_back(e);
    }
    outside = std::move(others);
    return backbone;
  }

  /// A backbone's classifier that stands beside its prefix: mmpretrain's "head.fc", Lightning's "classifier".
  /// Only where it is all that stands there.
  void attach_classifier(std::vector<named_value>& inside, std::vector<named_value>& outside) {
    bool timm = false;
    for (const named_value& e : inside) {
      if (begins_with(e.name, "head.") || begins_with(e.name, "output.")) return;
      timm = timm || begins_with(e.name, "stem.");
    }
    const named_value *weight = nullptr, *bias = nullptr;
    std::string_view layer;
    for (const named_value& e : outside) {
      if (is_counter(e.name)) continue;
      const std::string_view name = strip_prefixes(e.name);
      const bool is_bias = ends_with(name, ".bias");
      const named_value*& role = is_bias ? bias : weight;
      const std::string_view here = name.substr(0, name.rfind('.'));
      if (role != nullptr || !(is_bias || ends_with(name, ".weight")) || (!layer.empty() && layer != here))
        return;
      role = &e, layer = here;
    }
    if (weight == nullptr || bias == nullptr || !names_a_classifier(layer)) return;
    attached_ = std::string(layer);
    inside.push_back({timm ? "head.fc.weight" : "output.1.weight", weight->value});
    inside.push_back({timm ? "head.fc.bias" : "output.1.bias", bias->value});
    outside.erase(std::remove_if(outside.begin(), outside.end(),
                                 [](const named_value& e) { return !is_counter(e.name); }),
                  outside.end());
  }

  [[nodiscard]] status read_tensors(const std::vector<named_value>& entries, std::vector<tensor>& out) {
    out.reserve(entries.size());  // exactly: a growing vector would need three times as much for a moment
    checked total = 0;
    for (const named_value& e : entries) {
      auto t = source_.tensor_at(std::string(e.name), e.value);
      if (!t) return t.error();
      total = total + checked(static_cast<std::uint64_t>(t->elements())) *
                          static_cast<std::uint64_t>(dtype_bytes(t->type));
      if (!total.at_most((checked(source_.file_bytes()) * max_blow_up).get()))
        return error(errc::tensor_blow_up, "tensors that share storages take more than " +
                                               std::to_string(max_blow_up) + " times the file's " +
                                               std::to_string(source_.file_bytes()) + " bytes");
      out.push_back(std::move(*t));
    }
    return done;
  }

  Source& source_;
  const std::vector<found_dict>& found_;
  std::string_view key_;
  std::vector<candidate> candidates_;
  const found_dict* asked_ = nullptr;
  std::string attached_;
  std::deque<std::string> renamed_;  ///< names that do not stand in the file
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NETWORK_NETWORK_CHOICE_HPP
