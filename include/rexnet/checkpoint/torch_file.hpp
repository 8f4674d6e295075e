// SPDX-License-Identifier: MIT
// torch.save files: the ZIP form (torch >= 1.6) and the legacy form (before). Both hold a pickle whose
// tensors name storages; network_choice.hpp says which of them are the network's. A pickle alone, of numpy's
// arrays, is what PaddleClas offers as .pdparams.
#ifndef REXNET_CHECKPOINT_TORCH_FILE_HPP
#define REXNET_CHECKPOINT_TORCH_FILE_HPP

#include "rexnet/checkpoint/archives.hpp"
#include "rexnet/checkpoint/network/state_dict.hpp"
#include "rexnet/checkpoint/pickle/pickle.hpp"
#include "rexnet/checkpoint/zip.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

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
                                                        std::uint64_t file_bytes,
                                                        std::string_view wanted = {}) {
  std::sort(storages.begin(), storages.end(),
            [](const torch_storage& a, const torch_storage& b) { return a.key < b.key; });
  state_dict_reader reader(p, storages, file_bytes);
  auto content = reader.read(wanted);
  if (content) content->decoded = reader.take_decoded();
  // Tensors that lie beside a module are no network either: {"model": module, "loss": tensor}.
  const bool network = content ? content->is_network || (!content->state_key.empty() &&
                                                         rank_of_key(content->state_key) < rank::top)
                               : content.code() != errc::model_missing;
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
[[nodiscard]] inline result<torch_content> read_torch_zip(byte_span file, std::string_view wanted = {}) {
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
  return finish_torch(*p, storages, file.size(), wanted);
}

/// Does the file begin with a pickle? The magic number is checked later.
[[nodiscard]] inline bool is_torch_legacy(byte_span file) noexcept {
  return file.size() > 2 && file[0] == 0x80 && file[1] >= 2 && file[1] <= 5;
}

/// A pickle and nothing else. Those of numpy's arrays are read.
[[nodiscard]] inline result<torch_content> read_plain_pickle(const pickle::program& p, byte_span file,
                                                             std::string_view wanted) {
  std::vector<torch_storage> none;
  auto content = finish_torch(p, none, file.size(), wanted);
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
[[nodiscard]] inline result<torch_content> read_torch_legacy(byte_span file, std::string_view wanted = {}) {
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
    if (i == 0 && parts[0][parts[0].root].text != magic) return read_plain_pickle(parts[0], file, wanted);
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
  auto content = finish_torch(object, storages, file.size(), wanted);
  if (content) content->container = "torch legacy";
  return content;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_TORCH_FILE_HPP
