// SPDX-License-Identifier: MIT
// The state dict inside the pickle of a torch.save file, and its tensors.
#ifndef REXNET_WEIGHTS_STATE_DICT_HPP
#define REXNET_WEIGHTS_STATE_DICT_HPP

#include "rexnet/weights/pickle.hpp"
#include "rexnet/weights/tensor.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

struct torch_content {
  std::vector<tensor> tensors;
  std::string state_key;  ///< the entry of a training file that held the state dict; empty for a bare one
};

struct torch_storage {
  std::string_view key;
  byte_span data;
};

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

class state_dict_reader {
 public:
  /// @param storages sorted by key; byte-exact
  state_dict_reader(const pickle::program& p, const std::vector<torch_storage>& storages,
                    std::uint64_t file_bytes)
      : p_(p), storages_(storages), file_bytes_(file_bytes) {}

  result<torch_content> read() {
    const pickle::value* dict = &p_[p_.root];
    torch_content content;
    if (dict->type == pickle::kind::dict)
      for (const char* key : {"state_dict_ema", "model_ema", "state_dict", "model"}) {
        const pickle::value* inner = p_.find(*dict, key);
        if (inner == nullptr || inner->type != pickle::kind::dict || !holds_tensors(*inner)) continue;
        content.state_key = key;
        dict = inner;
        break;
      }
    if (dict->type != pickle::kind::dict)
      return error(errc::tensor_unsupported,
                   "the checkpoint holds no dictionary of tensors (a pickled module, a list or a single "
                   "tensor): save model.state_dict()");
    if (!holds_tensors(*dict))
      return error(errc::model_missing, "no tensors in the state dict; its keys are " + keys_of(*dict));
    std::size_t count = 0;
    if (status s = check_names(*dict, count); !s) return s.error();
    content.tensors.reserve(count);  // exactly: a growing vector would need three times as much for a moment
    checked total = 0;
    for (std::size_t i = 0; i + 1 < dict->items.size(); i += 2) {
      const pickle::value& key = p_[dict->items[i]];
      const pickle::value& v = p_[dict->items[i + 1]];
      if (!is_entry(*dict, i)) continue;  // scalars of training scripts
      auto t = read_tensor(std::string(strip_prefixes(key.text)), v);
      if (!t) return t.error();
      total = total + checked(static_cast<std::uint64_t>(t->elements())) *
                          static_cast<std::uint64_t>(dtype_bytes(t->type));
      if (!total.at_most((checked(file_bytes_) * max_blow_up).get()))
        return error(errc::tensor_blow_up, "tensors that share storages take more than " +
                                               std::to_string(max_blow_up) + " times the file's " +
                                               std::to_string(file_bytes_) + " bytes");
      content.tensors.push_back(std::move(*t));
    }
    return content;
  }

 private:
  [[nodiscard]] bool is_entry(const pickle::value& dict, std::size_t i) const {
    return p_[dict.items[i]].type == pickle::kind::string &&
           p_[dict.items[i + 1]].type == pickle::kind::tensor;
  }
  [[nodiscard]] bool holds_tensors(const pickle::value& dict) const {
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2)
      if (is_entry(dict, i)) return true;
    return false;
  }
  [[nodiscard]] std::string keys_of(const pickle::value& dict) const {
    std::string s;
    for (std::size_t i = 0; i + 1 < dict.items.size() && i < 12; i += 2)
      s += (i > 0 ? ", " : "") + in_quotes(p_[dict.items[i]].text);
    return s.empty() ? "none" : s;
  }
  /// Before names are copied: one pickled string may be referred to millions of times.
  [[nodiscard]] status check_names(const pickle::value& dict, std::size_t& count) const {
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      if (!is_entry(dict, i)) continue;
      const std::string_view name = p_[dict.items[i]].text;
      if (name.size() > 1024)  // also before "module." is looked for a thousand times in each
        return error(errc::pickle_length, "a tensor's name has " + std::to_string(name.size()) +
                                              " bytes, at most 1024: " + in_quotes(name));
      names.push_back(strip_prefixes(name));
    }
    count = names.size();
    if (status s = check_distinct(names); !s) return s;
    for (const std::string_view name : names)
      if (!is_utf8(name))
        return error(errc::pickle_utf8, "the tensor name " + in_quotes(name) + " is not valid UTF-8");
    return done;
  }

  result<tensor> read_tensor(std::string name, const pickle::value& v) {
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
    const auto at = std::lower_bound(storages_.begin(), storages_.end(), key,
                                     [](const torch_storage& s, std::string_view k) { return s.key < k; });
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
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_WEIGHTS_STATE_DICT_HPP
