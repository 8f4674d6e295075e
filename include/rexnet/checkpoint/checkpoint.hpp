// SPDX-License-Identifier: MIT
// Any checkpoint file as a list of named tensors. Useful on its own, for any model:
//
//   auto file = rexnet::open_checkpoint("model.pth");
//   if (!file) return complain(file.error().message());
//   for (const rexnet::tensor& t : file->tensors()) use(t.name, t.shape, t.values());
#ifndef REXNET_CHECKPOINT_CHECKPOINT_HPP
#define REXNET_CHECKPOINT_CHECKPOINT_HPP

#include "rexnet/checkpoint/impostors.hpp"
#include "rexnet/checkpoint/mindspore.hpp"
#include "rexnet/checkpoint/safetensors.hpp"
#include "rexnet/checkpoint/torch_file.hpp"
#include "rexnet/system/file_bytes.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

class checkpoint;

namespace detail {
/// The checkpoint of a file, which it keeps; `path` is for errors.
[[nodiscard]] result<checkpoint> own_checkpoint(const std::string& path, result<file_bytes> file,
                                                std::string_view key);
}  // namespace detail

/// What is read: the tensors of the ReXNet that the file holds, under whatever key and prefix
/// (network_choice.hpp has the rule), and of a file without one those of state_dict_ema, model_ema,
/// state_dict, model (timm's order), else of the largest dictionary. Entries that are no tensors (numbers,
/// strings, None, objects of any class) are ignored. Names of PaddleClas and MindCV are translated
/// (foreign_names.hpp). In front of names the network's prefix is removed, of other models "module."
/// and "_orig_mod.", however stacked. Names are distinct. Pruned layers are multiplied out.
///
/// Tensors in the order of the file; their data points into the mapped file (or the caller's memory).
class checkpoint {
 public:
  /// All tensors, as long as the checkpoint lives: not of a temporary, as all that points into it.
  [[nodiscard]] span<const tensor> tensors() const& noexcept {
    return {content_.tensors.data(), content_.tensors.size()};
  }
  [[nodiscard]] span<const tensor> tensors() const&& = delete;
  /// The tensor of this name, or null.
  [[nodiscard]] const tensor* find(std::string_view name) const& noexcept {
    for (const tensor& t : content_.tensors)
      if (t.name == name) return &t;
    return nullptr;
  }
  [[nodiscard]] const tensor* find(std::string_view name) const&& = delete;
  /// "torch zip", "torch legacy", "safetensors", "pickle" (numpy's arrays, PaddleClas) or "mindspore"
  /// (MindCV).
  /// @{
  [[nodiscard]] const std::string& container() const& noexcept { return container_; }
  [[nodiscard]] std::string container() const&& { return container_; }
  /// @}
  /// Which entry of a training file was taken ("state_dict_ema", "model.state_dict"); empty when the file is
  /// a bare state dict.
  /// @{
  [[nodiscard]] const std::string& state_key() const& noexcept { return content_.state_key; }
  [[nodiscard]] std::string state_key() const&& { return content_.state_key; }
  /// @}
  /// What stood in front of all names of the network ("module.model."); empty where nothing did, and for
  /// other models.
  /// @{
  [[nodiscard]] const std::string& prefix() const& noexcept { return content_.prefix; }
  [[nodiscard]] std::string prefix() const&& { return content_.prefix; }
  /// @}
  /// Keys of the other networks that the file holds; each chooses its own when it is given as key.
  /// @{
  [[nodiscard]] const std::vector<std::string>& others() const& noexcept { return content_.others; }
  [[nodiscard]] std::vector<std::string> others() const&& { return content_.others; }
  /// @}
  /// Tensors beside the network in its dictionary, outside of its prefix ("criterion.weight").
  /// @{
  [[nodiscard]] const std::vector<left_out_tensor>& left_out() const& noexcept { return content_.left_out; }
  [[nodiscard]] std::vector<left_out_tensor> left_out() const&& { return content_.left_out; }
  /// @}
  /// What was done that the file does not say, a sentence each: an average that was passed over, layers that
  /// were multiplied out.
  /// @{
  [[nodiscard]] const std::vector<std::string>& notes() const& noexcept { return content_.notes; }
  [[nodiscard]] std::vector<std::string> notes() const&& { return content_.notes; }
  /// @}

  /// What the file says about itself: the strings of safetensors' __metadata__. Empty for torch files.
  [[nodiscard]] span<const std::pair<std::string, std::string>> metadata() const& noexcept {
    return {metadata_.data(), metadata_.size()};
  }
  [[nodiscard]] span<const std::pair<std::string, std::string>> metadata() const&& = delete;

 private:
  friend result<checkpoint> read_checkpoint(byte_span bytes, std::string_view key);
  friend result<network_tensors> identify_network(const checkpoint& c);
  friend result<checkpoint> detail::own_checkpoint(const std::string& path, result<file_bytes> file,
                                                   std::string_view key);
  file_bytes file_;
  detail::torch_content content_;
  std::vector<std::pair<std::string, std::string>> metadata_;
  std::string container_;
};

namespace detail {

/// safetensors and MindSpore's files are one dictionary, whose names alone tell networks apart.
struct flat_source {
  std::vector<tensor>& tensors;
  std::uint64_t size;

  [[nodiscard]] std::vector<named_value> entries(std::uint32_t) const {
    std::vector<named_value> named;
    named.reserve(tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i)
      named.push_back({tensors[i].name, static_cast<std::uint32_t>(i)});
    return named;
  }
  [[nodiscard]] result<tensor> tensor_at(std::string name, std::uint32_t i) const {
    tensor t = tensors[i];
    t.name = std::move(name);
    return t;
  }
  [[nodiscard]] std::uint64_t file_bytes() const noexcept { return size; }
};

[[nodiscard]] inline result<torch_content> choose_among(std::vector<tensor>& tensors,
                                                        std::uint64_t file_bytes, std::string_view key) {
  std::vector<found_dict> one(1);
  one[0].rank = rank::top;
  for (const tensor& t : tensors)
    one[0].add(t.name, t.name.size() > 1024 ? t.name.npos : block_name_at(t.name));
  flat_source source{tensors, file_bytes};
  return network_chooser(source, one, key).choose(nullptr);
}

}  // namespace detail

/// Reads a checkpoint from memory, which must outlive it. The format is recognised by content. Memory: at
/// most 100 bytes for each byte of the file (ordinary files: a kilobyte for each tensor). Time: linear.
/// @param key of a dictionary of the file ("model_ema", "model.state_dict"), or the prefix of a network's
/// names ("student."), with or without its dictionary's key in front; empty: the rule decides
/// Errors: everything in docs/refusals.md but M1 to M7 and K; unknown_format names the first bytes.
[[nodiscard]] inline result<checkpoint> read_checkpoint(byte_span bytes, std::string_view key = {}) {
  if (status s = detail::refuse_impostors(bytes); !s) return s.error();
  checkpoint c;
  // safetensors first: a header of 19280 bytes begins with "PK", one of 640 like a pickle.
  if (is_safetensors(bytes)) {
    auto content = read_safetensors(bytes);
    if (!content) return content.error();
    c.container_ = "safetensors";
    c.metadata_ = std::move(content->metadata);
    auto chosen = detail::choose_among(content->tensors, bytes.size(), key);
    if (!chosen) return chosen.error();
    c.content_ = std::move(*chosen);
    return c;
  }
  if (detail::is_mindspore(bytes)) {
    auto tensors = detail::read_mindspore(bytes);
    if (!tensors) return tensors.error();
    auto chosen = detail::choose_among(*tensors, bytes.size(), key);
    if (!chosen) return chosen.error();
    c.container_ = "mindspore";
    c.content_ = std::move(*chosen);
    return c;
  }
  const bool zip = bytes.size() >= 4 && bytes[0] == 'P' && bytes[1] == 'K';
  if (!zip && !detail::is_torch_legacy(bytes)) {
    if (status s = detail::refuse_other_models(bytes); !s) return s.error();
    return detail::unknown_file(bytes);
  }
  auto content = zip ? detail::read_torch_zip(bytes, key) : detail::read_torch_legacy(bytes, key);
  if (!content) return content.error();
  c.container_ = content->container;
  c.content_ = std::move(*content);
  return c;
}

/// identify_network() of a checkpoint's tensors. Errors say under which key and prefix they stand; M2 also
/// for what stands beside the network and may be part of it: anything with two or more dimensions where the
/// network has neither classifier nor a detector's heads, a layer on top of a classifier's classes. With the
/// prefix as key the network is taken without it.
[[nodiscard]] inline result<network_tensors> identify_network(const checkpoint& c) {
  std::string where;
  if (!c.state_key().empty()) where = "key " + detail::in_quotes(c.state_key());
  if (!c.prefix().empty()) where += (where.empty() ? "" : ", ") + ("prefix " + detail::in_quotes(c.prefix()));
  auto m = identify_network(c.tensors());
  if (!m) return where.empty() ? m.error() : m.error().in(where);
  if (c.content_.by_prefix || m->is_detector) return m;
  for (const left_out_tensor& left : c.left_out()) {
    if (left.shape.size() < 2) continue;
    if (m->classifier.classifier.weight != nullptr && left.shape[1] != m->shape().classes) continue;
    return error(errc::model_unexpected,
                 left.name + ": beside the network (" + where + "), shape " + shape_text(left.shape) +
                     ": it may be part of it, a head that no ReXNet has; the key " +
                     detail::in_quotes(c.prefix()) + " takes the network without it (--key)");
  }
  return m;
}
/// The same of a classifier or backbone. Errors: also unsupported (a detector).
[[nodiscard]] inline result<model_tensors> identify(const checkpoint& c) {
  auto n = identify_network(c);
  if (!n) return n.error();
  if (n->is_detector) return error(errc::unsupported, "a detector, not a classifier: see identify_network()");
  return n->classifier;
}
/// Its tensors would be gone.
/// @{
result<network_tensors> identify_network(const checkpoint&& c) = delete;
result<model_tensors> identify(const checkpoint&& c) = delete;
/// @}

namespace detail {

inline result<checkpoint> own_checkpoint(const std::string& path, result<file_bytes> file,
                                         std::string_view key) {
  if (!file) return file.error();
  auto c = read_checkpoint(file->bytes(), key);
  if (!c) return c.error().in(path);
  c->file_ = std::move(*file);
  return c;
}

}  // namespace detail

/// Maps and reads a checkpoint file. It must not shrink while the checkpoint lives: on POSIX the next access
/// would end the program (SIGBUS). @param path UTF-8. @param key as read_checkpoint()'s. Errors: io_error and
/// those of read_checkpoint(), with the path in front.
[[nodiscard]] inline result<checkpoint> open_checkpoint(const std::string& path, std::string_view key = {}) {
  return detail::own_checkpoint(path, file_bytes::map(path), key);
}

/// The same, read into memory instead of mapped: nothing that happens to the file afterwards matters. Errors:
/// also out_of_memory.
[[nodiscard]] inline result<checkpoint> open_checkpoint_copy(const std::string& path,
                                                             std::string_view key = {}) {
  return detail::own_checkpoint(path, file_bytes::read(path), key);
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_CHECKPOINT_HPP
