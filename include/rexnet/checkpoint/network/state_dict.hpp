// SPDX-License-Identifier: MIT
// The state dict inside the pickle of a torch.save file, and its tensors.
#ifndef REXNET_CHECKPOINT_NETWORK_STATE_DICT_HPP
#define REXNET_CHECKPOINT_NETWORK_STATE_DICT_HPP

#include "rexnet/checkpoint/network/network_choice.hpp"
#include "rexnet/checkpoint/pickle/pickle.hpp"
#include "rexnet/checkpoint/tensor.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

struct torch_storage {
  std::string_view key;
  byte_span data;
};

/// The element type of "FloatStorage" and its kin; null for what is not supported.
[[nodiscard]] inline const dtype* storage_dtype(std::string_view name) noexcept {
  struct entry {
    std::string_view name;
    dtype type;
  };
  static constexpr entry types[] = {{"FloatStorage", dtype::f32}, {"DoubleStorage", dtype::f64},
                                    {"HalfStorage", dtype::f16},  {"BFloat16Storage", dtype::bf16},
                                    {"LongStorage", dtype::i64},  {"IntStorage", dtype::i32},
                                    {"ShortStorage", dtype::i16}, {"CharStorage", dtype::i8},
                                    {"ByteStorage", dtype::u8},   {"BoolStorage", dtype::boolean}};
  for (const entry& e : types)
    if (e.name == name) return &e.type;
  return nullptr;
}

/// Bytes of an element of any storage that torch has had, also of kinds that are not read: legacy files have
/// them one behind the other. 0: none of torch's.
[[nodiscard]] inline int storage_element_bytes(std::string_view name) noexcept {
  if (const dtype* const known = storage_dtype(name)) return dtype_bytes(*known);
  for (const char* one :
       {"UntypedStorage", "QInt8Storage", "QUInt8Storage", "QUInt4x2Storage", "QUInt2x4Storage"})
    if (name == one) return 1;
  return name == "QInt32Storage"          ? 4
         : name == "ComplexFloatStorage"  ? 8
         : name == "ComplexDoubleStorage" ? 16
                                          : 0;
}

class state_dict_reader {
 public:
  /// @param storages sorted by key; byte-exact
  state_dict_reader(const pickle::program& p, const std::vector<torch_storage>& storages,
                    std::uint64_t file_bytes)
      : p_(p), storages_(storages), file_bytes_(file_bytes) {}

  /// @param key "" or the dictionary or prefix that the caller asks for. Errors: those of read_tensor(), T6,
  /// T8 (no dictionary at all), M1 (no tensors), M3, M16, M17, P8 and P11 of names.
  result<torch_content> read(std::string_view key) {
    key_ = key;
    walk();
    if (!found_.empty()) return network_chooser(*this, found_, key).choose(by_order());
    const pickle::value& root = p_[p_.root];
    if (root.type != pickle::kind::dict)
      return error(errc::tensor_unsupported,
                   "the checkpoint holds no dictionary of tensors (a pickled module, a list or a single "
                   "tensor): save model.state_dict()");
    return error(errc::model_missing, "no tensors in the state dict; its keys are " + keys_of(root));
  }

  /// What the tensors that read() gave point into, besides the file.
  [[nodiscard]] decoded_bytes take_decoded() { return std::move(decoded_); }

  // ---- what network_chooser needs ----

  [[nodiscard]] std::vector<named_value> entries(std::uint32_t index) const {
    std::vector<named_value> named;
    const pickle::value& dict = p_[index];
    std::size_t count = 0;
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) count += is_entry(dict, i) ? 1 : 0;
    named.reserve(count);
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2)
      if (is_entry(dict, i)) named.push_back({p_[dict.items[i]].text, dict.items[i + 1]});
    return named;
  }
  [[nodiscard]] result<tensor> tensor_at(std::string name, std::uint32_t value) {
    return read_tensor(std::move(name), p_[value]);
  }
  [[nodiscard]] std::uint64_t file_bytes() const noexcept { return file_bytes_; }

 private:
  [[nodiscard]] bool is_entry(const pickle::value& dict, std::size_t i) const {
    return p_[dict.items[i]].type == pickle::kind::string && pickle::is_tensor(p_[dict.items[i + 1]].type);
  }
  [[nodiscard]] std::string keys_of(const pickle::value& dict) const {
    std::string keys;
    for (std::size_t i = 0; i + 1 < dict.items.size() && i < 12; i += 2)
      keys += (i > 0 ? ", " : "") + in_quotes(p_[dict.items[i]].text);
    return keys.empty() ? "none" : keys;
  }

  // ---- the search ----

  struct step {
    std::uint32_t index;
    std::size_t next;         ///< item to look at
    std::size_t path_length;  ///< of the path to this container
    int rank;                 ///< of this container
  };
  /// Every container that the file's own leads to, once: that one, its entries, then what lies deeper, in the
  /// file's order.
  void walk() {
    seen_.assign(p_.values.size(), 0);
    if (!is_container(p_.root)) return;
    if (p_[p_.root].type == pickle::kind::dict) {
      count(p_.root, rank::top);
      count_entries(p_[p_.root]);
    }
    descend();
    if (larger_.tensors > 0) found_.push_back(std::move(larger_));
    settle_mmengine();
  }
  /// Of several keys of one dictionary the one that is asked for counts, or that of the lowest rank.
  void count_entries(const pickle::value& root) {
    struct entry {
      std::uint32_t index;
      int rank;
      std::size_t item;
    };
    std::vector<entry> entries;
    for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
      const pickle::value& key = p_[root.items[i]];
      const std::uint32_t index = root.items[i + 1];
      if (key.type != pickle::kind::string || p_[index].type != pickle::kind::dict || index == p_.root)
        continue;
      entries.push_back({index, !key_.empty() && key.text == key_ ? -1 : rank_of_key(key.text), i});
    }
    std::sort(entries.begin(), entries.end(), [](const entry& a, const entry& b) {
      return std::tie(a.index, a.rank, a.item) < std::tie(b.index, b.rank, b.item);
    });
    entries.erase(std::unique(entries.begin(), entries.end(),
                              [](const entry& a, const entry& b) { return a.index == b.index; }),
                  entries.end());
    std::sort(entries.begin(), entries.end(), [](const entry& a, const entry& b) { return a.item < b.item; });
    for (const entry& e : entries) {
      const std::string_view key = p_[root.items[e.item]].text;
      path_.clear();
      append(std::string(key.substr(0, 256)));
      count(e.index, rank_of_key(key));
    }
    path_.clear();
  }
  void descend() {
    std::vector<step> steps{{p_.root, 0, 0, rank::top}};
    seen_[p_.root] = entered;
    while (!steps.empty()) {
      step& top = steps.back();
      const pickle::value& v = p_[top.index];
      const bool dict = v.type == pickle::kind::dict;
      path_.resize(top.path_length);
      std::size_t at = top.next;
      while (at < v.items.size() && ((dict && at % 2 == 0) || !is_container(v.items[at]))) ++at;
      top.next = at + 1;
      if (at >= v.items.size()) {
        steps.pop_back();
        continue;
      }
      const std::string_view key = dict ? p_[v.items[at - 1]].text : std::string_view();
      append(dict && p_[v.items[at - 1]].type == pickle::kind::string
                 ? std::string(key.substr(0, 256))
                 : "[" + std::to_string(at / (dict ? 2 : 1)) + "]");
      int rank = steps.size() == 1 ? rank_of_key(key) : top.rank;
      if (rank > rank::average && names_an_average(key)) rank = rank::average;
      const std::uint32_t index = v.items[at];
      if (seen_[index] == 0 && p_[index].type == pickle::kind::dict) count(index, rank);
      seen_[index] = entered;
      steps.push_back({index, 0, path_.size(), rank});
    }
  }
  [[nodiscard]] bool is_container(std::uint32_t index) const {
    const pickle::kind type = p_[index].type;
    return (type == pickle::kind::dict || type == pickle::kind::list || type == pickle::kind::tuple) &&
           seen_[index] != entered;
  }
  /// Long paths are cut: one string of the file may stand in thousands of them.
  void append(const std::string& key) {
    if (path_.size() < 256) path_ += (path_.empty() ? "" : ".") + key;
  }
  /// Counts a dictionary's tensors, and keeps it where it may be asked for.
  void count(std::uint32_t index, int rank) {
    const pickle::value& dict = p_[index];
    seen_[index] = counted;
    found_dict d;
    d.dict = index, d.rank = rank;
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2)
      if (is_entry(dict, i)) d.add(p_[dict.items[i]].text, block_at(dict.items[i]));
    if (d.tensors == 0) return;
    bool whole = false;
    for (const found_network& n : d.networks) whole = whole || n.names >= whole_network_names;
    const bool keep = whole || few_ < most_few || path_ == key_;
    if (!keep && d.tensors <= larger_.tensors) return;
    if (!whole && keep) ++few_;
    d.path = path_;
    if (keep)
      found_.push_back(std::move(d));
    else
      larger_ = std::move(d);
  }
  /// block_name_at(), once for each string: thousands of entries may share one.
  [[nodiscard]] std::size_t block_at(std::uint32_t key) {
    const std::string_view name = p_[key].text;
    if (name.size() > 1024) return name.npos;
    if (seen_[key] == 0) {
      const std::size_t at = block_name_at(name);
      seen_[key] = static_cast<std::uint16_t>(at == name.npos ? 1 : at + 2);
    }
    return seen_[key] == 1 ? name.npos : seen_[key] - std::size_t{2};
  }
  /// mmengine swaps the two before it saves: its "state_dict" is the average, "ema_state_dict" is not.
  void settle_mmengine() {
    if (p_[p_.root].type != pickle::kind::dict || p_.find(p_[p_.root], "meta") == nullptr) return;
    for (found_dict& d : found_)
      if (d.path == "ema_state_dict") d.rank = rank::other;
  }
  /// Of a file without a ReXNet the dictionary that timm would take; null where there is none of its names.
  [[nodiscard]] const found_dict* by_order() const {
    const found_dict* best = nullptr;
    for (const found_dict& d : found_)
      if (rank_of_key(d.path) == d.rank && d.rank < rank::top && (best == nullptr || d.rank < best->rank))
        best = &d;
    return best;
  }

  result<tensor> read_tensor(std::string name, const pickle::value& v) {
    if (v.type == pickle::kind::array) return read_array(std::move(name), p_, v, file_bytes_, decoded_);
    if (v.type != pickle::kind::tensor)
      return error(errc::tensor_unsupported,
                   "tensor " + in_quotes(name) + ": " + in_quotes(v.text) +
                       ": quantized, sparse, nested, float8 and meta tensors are not supported; save dense "
                       "float tensors");
    tensor t;
    t.name = std::move(name);
    const pickle::value& storage = p_[v.items[0]];
    const std::string_view type = p_[storage.items[1]].text;
    const dtype* found = storage_dtype(type);
    if (found == nullptr)
      return error(errc::tensor_unsupported,
                   "tensor " + in_quotes(t.name) + ": " + in_quotes(type) +
                       " is not supported (quantized, complex and sparse tensors are not)");
    t.type = *found;
    if (p_[v.items[2]].items.size() > 8)
      return error(errc::tensor_rank, "tensor " + in_quotes(t.name) + ": " +
                                          std::to_string(p_[v.items[2]].items.size()) +
                                          " dimensions, at most 8");
    if (p_[v.items[3]].items.size() != p_[v.items[2]].items.size())
      return error(errc::tensor_rank, "tensor " + in_quotes(t.name) + ": " +
                                          std::to_string(p_[v.items[2]].items.size()) + " dimensions, but " +
                                          std::to_string(p_[v.items[3]].items.size()) + " strides");
    if (storage.items.size() > 5 && p_[storage.items[5]].type != pickle::kind::none)
      return error(errc::tensor_unsupported,
                   "tensor " + in_quotes(t.name) + ": a view of a storage, as torch before 0.4 wrote it");
    for (const auto& [list, out] : {std::pair{v.items[2], &t.shape}, std::pair{v.items[3], &t.strides}})
      for (const std::uint32_t item : p_[list].items) {
        if (p_[item].type != pickle::kind::integer)
          return error(errc::pickle_reduce, "tensor " + in_quotes(t.name) + ": a size that is no integer");
        out->push_back(p_[item].integer);
      }
    const std::string_view key = p_[storage.items[2]].text;
    const auto at =
        std::lower_bound(storages_.begin(), storages_.end(), key,
                         [](const torch_storage& one, std::string_view wanted) { return one.key < wanted; });
    if (at == storages_.end() || at->key != key)
      return error(errc::tensor_storage_size,
                   "tensor " + in_quotes(t.name) + ": storage " + in_quotes(key) + " is not in the file");
    const std::int64_t count = p_[storage.items[4]].integer;
    const checked bytes = checked(count < 0 ? 0 : static_cast<std::uint64_t>(count)) *
                          static_cast<std::uint64_t>(dtype_bytes(t.type));
    if (count < 0 || !bytes.valid() || bytes.get() != at->data.size())
      return error(errc::tensor_storage_size, "tensor " + in_quotes(t.name) + ": storage " + in_quotes(key) +
                                                  " of " + std::to_string(count) + " elements has " +
                                                  std::to_string(at->data.size()) + " bytes");
    if (status s = place_tensor(t, at->data, p_[v.items[1]].integer, file_bytes_); !s) return s.error();
    return t;
  }

  const pickle::program& p_;
  const std::vector<torch_storage>& storages_;
  std::uint64_t file_bytes_;
  decoded_bytes decoded_;
  std::string_view key_;
  static constexpr std::uint16_t counted = 1, entered = 2;
  std::vector<std::uint16_t> seen_;  ///< of a container: these; of a name: 1 or block_name_at() + 2
  std::vector<found_dict> found_;
  std::string path_;
  std::size_t few_ = 0;  ///< dictionaries in found_ that hold no whole network; then the largest alone
  found_dict larger_;
  static constexpr std::size_t most_few = 64;
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NETWORK_STATE_DICT_HPP
