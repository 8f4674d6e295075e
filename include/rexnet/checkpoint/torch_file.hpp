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
[[nodiscard]] inline const pickle::value* object_instead(const pickle::program& program) {
  const pickle::value& root = program[program.root];
  if (root.type == pickle::kind::module || root.type == pickle::kind::inert) return &root;
  if (root.type != pickle::kind::dict) return nullptr;
  for (std::size_t i = 0; i + 1 < root.items.size(); i += 2)
    if (const pickle::value& v = program[root.items[i + 1]]; v.type == pickle::kind::module) return &v;
  return nullptr;
}

[[nodiscard]] inline result<torch_content> finish_torch(const pickle::program& program,
                                                        std::vector<torch_storage>& storages,
                                                        std::uint64_t file_bytes,
                                                        std::string_view wanted = {}) {
  std::sort(storages.begin(), storages.end(),
            [](const torch_storage& a, const torch_storage& b) { return a.key < b.key; });
  state_dict_reader reader(program, storages, file_bytes);
  auto content = reader.read(wanted);
  if (content) content->decoded = reader.take_decoded();
  // Tensors that lie beside a module are no network either: {"model": module, "loss": tensor}.
  const bool network = content ? content->is_network || (!content->state_key.empty() &&
                                                         rank_of_key(content->state_key) < rank::top)
                               : content.code() != errc::model_missing;
  const pickle::value* const object = object_instead(program);
  if (object == nullptr || (network && program[program.root].type == pickle::kind::dict)) return content;
  const std::string name = in_quotes(program.full_name(*object));
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
  const byte_span bytes = pickled->data;
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
  auto program = pickle::read(bytes);
  if (!program) return program.error();
  return finish_torch(*program, storages, file.size(), wanted);
}

/// Does the file begin with a pickle? The magic number is checked later.
[[nodiscard]] inline bool is_torch_legacy(byte_span file) noexcept {
  return file.size() > 2 && file[0] == 0x80 && file[1] >= 2 && file[1] <= 5;
}

/// A pickle and nothing else. Those of numpy's arrays are read.
[[nodiscard]] inline result<torch_content> read_plain_pickle(const pickle::program& program, byte_span file,
                                                             std::string_view wanted) {
  std::vector<torch_storage> none;
  auto content = finish_torch(program, none, file.size(), wanted);
  const error other(errc::legacy_magic,
                    "a pickle, but not one of torch.save: it does not begin with torch's magic number");
  if (content && program.consumed != file.size())
    return error(errc::legacy_magic, "a pickle of numpy arrays, behind which " +
                                         std::to_string(file.size() - program.consumed) + " bytes follow");
  if (!content &&
      (content.code() == errc::model_missing || program[program.root].type != pickle::kind::dict) &&
      content.code() != errc::model_pickled_module)
    return other;
  if (content) content->container = "pickle";
  return content;
}

/// The legacy form: five pickles (magic, protocol, system, object, storage keys), then for each key an int64
/// element count and the elements.
class legacy_reader {
 public:
  explicit legacy_reader(byte_span file) : file_(file) {}

  result<torch_content> read(std::string_view wanted) {
    if (status s = read_pickle(magic); !s) return s.error();
    if (root(magic).text != magic_number) return read_plain_pickle(pickles_[magic], file_, wanted);
    for (const int which : {protocol, system, object, keys})
      if (status s = read_pickle(which); !s) return s.error();
    if (status s = check_origin(); !s) return s.error();
    if (status s = find_element_sizes(); !s) return s.error();
    if (status s = find_storages(); !s) return s.error();
    auto content = finish_torch(pickles_[object], storages_, file_.size(), wanted);
    if (content) content->container = "torch legacy";
    return content;
  }

 private:
  enum : int { magic, protocol, system, object, keys, pickle_count };
  // 0x1950a86a20f9469cfc6c
  static constexpr std::string_view magic_number = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

  [[nodiscard]] static error fail(errc code, const std::string& what) {
    return {code, "legacy torch file: " + what};
  }
  [[nodiscard]] const pickle::value& root(int which) const { return pickles_[which][pickles_[which].root]; }

  status read_pickle(int which) {
    auto read = pickle::read(file_.subspan(at_, file_.size() - at_));
    if (!read)
      return which > 0 && at_ + 2 >= file_.size()
                 ? fail(errc::legacy_truncated, "ends after pickle " + std::to_string(which))
                 : read.error();
    at_ += read->consumed;
    pickles_[which] = std::move(*read);
    return done;
  }

  [[nodiscard]] status check_origin() const {
    const pickle::value& version = root(protocol);
    if (version.type != pickle::kind::integer || version.integer != 1001)
      return fail(errc::legacy_magic, "protocol " + std::to_string(version.integer) + ", expected 1001");
    const pickle::value* little = pickles_[system].find(root(system), "little_endian");
    if (little != nullptr && little->integer == 0)
      return fail(errc::tensor_big_endian, "written on a big-endian machine");
    return done;
  }

  /// The element size of a storage is known from the tensors that use it.
  status find_element_sizes() {
    const pickle::program& tensors = pickles_[object];
    for (const pickle::value& v : tensors.values)
      if (v.type == pickle::kind::storage) {
        const std::string_view type = tensors[v.items[1]].text;
        const int bytes = storage_element_bytes(type);
        if (bytes == 0) return fail(errc::tensor_unsupported, in_quotes(type) + " is not supported");
        element_sizes_.emplace_back(tensors[v.items[2]].text, bytes);
      }
    std::sort(element_sizes_.begin(), element_sizes_.end());
    element_sizes_.erase(std::unique(element_sizes_.begin(), element_sizes_.end()), element_sizes_.end());
    for (std::size_t i = 1; i < element_sizes_.size(); ++i)
      if (element_sizes_[i].first == element_sizes_[i - 1].first)
        return fail(errc::legacy_storage_count,
                    "storage " + in_quotes(element_sizes_[i].first) + " has elements of two sizes");
    return done;
  }

  /// The storages in the order of their keys, to the end of the file.
  status find_storages() {
    const pickle::value& listed = root(keys);
    if (listed.type != pickle::kind::list) return fail(errc::legacy_storage_count, "no list of storages");
    if (listed.items.size() != element_sizes_.size())
      return fail(errc::legacy_storage_count, std::to_string(listed.items.size()) +
                                                  " storages are listed, tensors use " +
                                                  std::to_string(element_sizes_.size()));
    for (const std::uint32_t item : listed.items)
      if (status s = read_storage(pickles_[keys][item].text); !s) return s;
    if (at_ != file_.size())
      return fail(errc::legacy_storage_count,
                  std::to_string(file_.size() - at_) + " bytes after the last storage");
    return done;
  }
  status read_storage(std::string_view key) {
    const auto size = std::lower_bound(element_sizes_.begin(), element_sizes_.end(), std::pair(key, 0));
    if (size == element_sizes_.end() || size->first != key)
      return fail(errc::legacy_storage_count, "storage " + in_quotes(key) + " belongs to no tensor");
    if (file_.size() - at_ < 8) return fail(errc::legacy_truncated, "ends before storage " + in_quotes(key));
    const checked bytes =
        checked(little_endian<8>(file_.data() + at_)) * static_cast<std::uint64_t>(size->second);
    at_ += 8;
    if (!bytes.at_most(file_.size() - at_))
      return fail(errc::legacy_truncated, "storage " + in_quotes(key) + " reaches beyond the file's " +
                                              std::to_string(file_.size()) + " bytes");
    storages_.push_back({key, file_.subspan(at_, static_cast<std::size_t>(bytes.get()))});
    at_ += static_cast<std::size_t>(bytes.get());
    return done;
  }

  byte_span file_;
  std::size_t at_ = 0;
  pickle::program pickles_[pickle_count];
  std::vector<std::pair<std::string_view, int>> element_sizes_;  ///< by the storage's key, sorted
  std::vector<torch_storage> storages_;
};

[[nodiscard]] inline result<torch_content> read_torch_legacy(byte_span file, std::string_view wanted = {}) {
  return legacy_reader(file).read(wanted);
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_TORCH_FILE_HPP
