// SPDX-License-Identifier: MIT
// torch.save files: the ZIP form (torch >= 1.6) and the legacy form (before). Both hold a pickle whose
// tensors name storages; the state dict is picked out of training files in timm's order. A pickle alone, of
// numpy's arrays, is what PaddleClas offers as .pdparams.
#ifndef REXNET_WEIGHTS_TORCH_FILE_HPP
#define REXNET_WEIGHTS_TORCH_FILE_HPP

#include "rexnet/weights/archives.hpp"
#include "rexnet/weights/numpy_array.hpp"
#include "rexnet/weights/pickle.hpp"
#include "rexnet/weights/tensor.hpp"
#include "rexnet/weights/zip.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

struct torch_content {
  const char* container = "torch zip";
  std::vector<tensor> tensors;
  decoded_bytes decoded;  ///< what some of the tensors point into
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

  /// What the tensors that read() gave point into, besides the file.
  [[nodiscard]] decoded_bytes take_decoded() { return std::move(decoded_); }

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
    return p_[dict.items[i]].type == pickle::kind::string && pickle::is_tensor(p_[dict.items[i + 1]].type);
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
  decoded_bytes decoded_;
};

/// The object that stands where a dictionary of tensors is expected, or null: the file's own, or the entry of
/// its dictionary that is a module.
[[nodiscard]] inline const pickle::value* object_instead(const pickle::program& p) {
  const pickle::value& root = p[p.root];
  if (root.type == pickle::kind::module || root.type == pickle::kind::inert) return &root;
  if (root.type != pickle::kind::dict) return nullptr;
  for (std::size_t i = 0; i + 1 < root.items.size(); i += 2)
    if (const pickle::value& v = p[root.items[i + 1]]; v.type == pickle::kind::module) return &v;
  return nullptr;
}

[[nodiscard]] inline result<torch_content> finish_torch(const pickle::program& p,
                                                        std::vector<torch_storage>& storages,
                                                        std::uint64_t file_bytes) {
  std::sort(storages.begin(), storages.end(),
            [](const torch_storage& a, const torch_storage& b) { return a.key < b.key; });
  state_dict_reader reader(p, storages, file_bytes);
  auto content = reader.read();
  if (content) content->decoded = reader.take_decoded();
  // Tensors that lie beside a module are no network either: {"model": module, "loss": tensor}.
  const bool network = content ? !content->state_key.empty() : content.code() != errc::model_missing;
  const pickle::value* const object = object_instead(p);
  if (object == nullptr || (network && p[p.root].type == pickle::kind::dict)) return content;
  const std::string name = in_quotes(p.full_name(*object));
  if (object->type == pickle::kind::module)
    return error(errc::model_pickled_module, "a pickled module of the class " + name +
                                                 ", which only its program can open: save "
                                                 "model.state_dict() with torch.save instead");
  return error(errc::tensor_unsupported, "the checkpoint holds an object of the class " + name +
                                             " and no dictionary of tensors: save a plain dict");
}

/// The ZIP form: <prefix>/data.pkl, <prefix>/data/<key>, <prefix>/byteorder.
[[nodiscard]] inline result<torch_content> read_torch_zip(byte_span file) {
  auto listed = zip_reader(file).list();
  if (!listed) return listed.error();
  if (status s = refuse_by_names(archive_signs, *listed); !s) return s.error();
  std::string prefix;
  const zip_entry* pickled = nullptr;
  for (const zip_entry& e : *listed) {
    if (!fits("data.pkl", e.name)) continue;
    if (pickled != nullptr)
      return error(errc::zip_malformed, "two entries are named data.pkl: " + in_quotes(pickled->name) +
                                            " and " + in_quotes(e.name));
    pickled = &e;
    prefix = std::string(e.name.substr(0, e.name.size() - 8));
  }
  if (pickled == nullptr) {
    if (status s = refuse_by_names(other_archive_signs, *listed); !s) return s.error();
    return error(errc::unknown_format, "a zip archive without data.pkl: not a torch checkpoint");
  }
  const byte_span program = pickled->data;
  auto entries = stored_entries(std::move(*listed));
  if (!entries) return entries.error();
  std::vector<torch_storage> storages;
  for (const zip_entry& e : *entries) {
    if (e.name.size() < prefix.size() || e.name.substr(0, prefix.size()) != prefix) continue;
    const std::string_view rest = e.name.substr(prefix.size());
    if (rest == "byteorder" && text(e.data) != "little")
      return error(errc::tensor_big_endian,
                   "byte order " + in_quotes(text(e.data)) + ": only little-endian checkpoints are read");
    if (rest.substr(0, 5) == "data/") storages.push_back({rest.substr(5), e.data});
  }
  auto p = pickle::read(program);
  if (!p) return p.error();
  return finish_torch(*p, storages, file.size());
}

/// Does the file begin with a pickle? The magic number is checked later.
[[nodiscard]] inline bool is_torch_legacy(byte_span file) noexcept {
  return file.size() > 2 && file[0] == 0x80 && file[1] >= 2 && file[1] <= 5;
}

/// A pickle and nothing else. Those of numpy's arrays are read.
[[nodiscard]] inline result<torch_content> read_plain_pickle(const pickle::program& p, byte_span file) {
  std::vector<torch_storage> none;
  auto content = finish_torch(p, none, file.size());
  const error other(errc::legacy_magic,
                    "a pickle, but not one of torch.save: it does not begin with torch's magic number");
  if (content && p.consumed != file.size())
    return error(errc::legacy_magic, "a pickle of numpy arrays, behind which " +
                                         std::to_string(file.size() - p.consumed) + " bytes follow");
  if (!content && (content.code() == errc::model_missing || p[p.root].type != pickle::kind::dict) &&
      content.code() != errc::model_pickled_module)
    return other;
  if (content) content->container = "pickle";
  return content;
}

/// The legacy form: five pickles (magic, protocol, system, object, storage keys), then for each key an int64
/// element count and the elements.
[[nodiscard]] inline result<torch_content> read_torch_legacy(byte_span file) {
  // 0x1950a86a20f9469cfc6c
  static constexpr std::string_view magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  std::size_t at = 0;
  pickle::program parts[5];
  for (int i = 0; i < 5; ++i) {
    auto p = pickle::read(file.subspan(at, file.size() - at));
    if (!p)
      return i > 0 && at + 2 >= file.size()
                 ? error(errc::legacy_truncated, "legacy torch file: ends after pickle " + std::to_string(i))
                 : p.error();
    at += p->consumed;
    parts[i] = std::move(*p);
    if (i == 0 && parts[0][parts[0].root].text != magic) return read_plain_pickle(parts[0], file);
  }
  const pickle::value& protocol = parts[1][parts[1].root];
  if (protocol.type != pickle::kind::integer || protocol.integer != 1001)
    return error(errc::legacy_magic,
                 "legacy torch file: protocol " + std::to_string(protocol.integer) + ", expected 1001");
  const pickle::value* little = parts[2].find(parts[2][parts[2].root], "little_endian");
  if (little != nullptr && little->integer == 0)
    return error(errc::tensor_big_endian, "legacy torch file: written on a big-endian machine");

  // The element size of a storage is known from the tensors that use it.
  const pickle::program& object = parts[3];
  std::vector<std::pair<std::string_view, int>> sizes;
  for (const pickle::value& v : object.values)
    if (v.type == pickle::kind::storage) {
      const std::string_view type = object[v.items[1]].text;
      const int element = storage_element_bytes(type);
      if (element == 0)
        return error(errc::tensor_unsupported, "legacy torch file: " + in_quotes(type) + " is not supported");
      sizes.emplace_back(object[v.items[2]].text, element);
    }
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  for (std::size_t i = 1; i < sizes.size(); ++i)
    if (sizes[i].first == sizes[i - 1].first)
      return error(errc::legacy_storage_count,
                   "legacy torch file: storage " + in_quotes(sizes[i].first) + " has elements of two sizes");
  const pickle::value& keys = parts[4][parts[4].root];
  if (keys.type != pickle::kind::list)
    return error(errc::legacy_storage_count, "legacy torch file: no list of storages");
  if (keys.items.size() != sizes.size())
    return error(errc::legacy_storage_count, "legacy torch file: " + std::to_string(keys.items.size()) +
                                                 " storages are listed, tensors use " +
                                                 std::to_string(sizes.size()));
  std::vector<torch_storage> storages;
  for (const std::uint32_t item : keys.items) {
    const std::string_view key = parts[4][item].text;
    const auto size = std::lower_bound(sizes.begin(), sizes.end(), std::pair(key, 0));
    if (size == sizes.end() || size->first != key)
      return error(errc::legacy_storage_count,
                   "legacy torch file: storage " + in_quotes(key) + " belongs to no tensor");
    if (file.size() - at < 8)
      return error(errc::legacy_truncated, "legacy torch file: ends before storage " + in_quotes(key));
    const checked bytes =
        checked(little_endian<8>(file.data() + at)) * static_cast<std::uint64_t>(size->second);
    at += 8;
    if (!bytes.at_most(file.size() - at))
      return error(errc::legacy_truncated, "legacy torch file: storage " + in_quotes(key) +
                                               " reaches beyond the file's " + std::to_string(file.size()) +
                                               " bytes");
    storages.push_back({key, file.subspan(at, static_cast<std::size_t>(bytes.get()))});
    at += static_cast<std::size_t>(bytes.get());
  }
  if (at != file.size())
    return error(errc::legacy_storage_count,
                 "legacy torch file: " + std::to_string(file.size() - at) + " bytes after the last storage");
  auto content = finish_torch(object, storages, file.size());
  if (content) content->container = "torch legacy";
  return content;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_WEIGHTS_TORCH_FILE_HPP
