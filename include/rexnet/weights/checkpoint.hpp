// SPDX-License-Identifier: MIT
// Any checkpoint file as a list of named tensors. Useful on its own, for any model:
//
//   auto file = rexnet::open_checkpoint("model.pth");
//   if (!file) return complain(file.error().message());
//   for (const rexnet::tensor& t : file->tensors()) use(t.name, t.shape, t.values());
#ifndef REXNET_WEIGHTS_CHECKPOINT_HPP
#define REXNET_WEIGHTS_CHECKPOINT_HPP

#include "rexnet/weights/file_bytes.hpp"
#include "rexnet/weights/foreign_names.hpp"
#include "rexnet/weights/impostors.hpp"
#include "rexnet/weights/mindspore.hpp"
#include "rexnet/weights/safetensors.hpp"
#include "rexnet/weights/torch_file.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

class checkpoint;

namespace detail {
/// The checkpoint of a file, which it keeps; `path` is for errors.
[[nodiscard]] result<checkpoint> own_checkpoint(const std::string& path, result<file_bytes> file);
}  // namespace detail

/// What is read: of a training file the first of state_dict_ema, model_ema, state_dict, model (timm's order)
/// that is a dictionary with tensors, else the file's own dictionary. Entries that are no tensors (numbers,
/// strings, None, nested dictionaries, objects of any class) are ignored. Names of PaddleClas and MindCV are
/// translated (weights/foreign_names.hpp). "module." and "_orig_mod." in front of names are removed,
/// however stacked. Names are distinct.
///
/// Tensors in the order of the file; their data points into the mapped file (or the caller's memory).
class checkpoint {
 public:
  /// All tensors.
  [[nodiscard]] span<const tensor> tensors() const noexcept { return {tensors_.data(), tensors_.size()}; }
  /// The tensor of this name, or null.
  [[nodiscard]] const tensor* find(std::string_view name) const noexcept {
    for (const tensor& t : tensors_)
      if (t.name == name) return &t;
    return nullptr;
  }
  /// "torch zip", "torch legacy", "safetensors", "pickle" (numpy's arrays, PaddleClas) or "mindspore"
  /// (MindCV).
  [[nodiscard]] const std::string& container() const noexcept { return container_; }
  /// Which entry of a training file was taken ("state_dict_ema"); empty when the file is a bare state dict.
  [[nodiscard]] const std::string& state_key() const noexcept { return state_key_; }

  /// What the file says about itself: the strings of safetensors' __metadata__. Empty for torch files.
  [[nodiscard]] span<const std::pair<std::string, std::string>> metadata() const noexcept {
    return {metadata_.data(), metadata_.size()};
  }

 private:
  friend result<checkpoint> read_checkpoint(byte_span bytes);
  friend result<checkpoint> detail::own_checkpoint(const std::string& path, result<file_bytes> file);
  file_bytes file_;
  std::vector<tensor> tensors_;
  std::vector<std::pair<std::string, std::string>> metadata_;
  detail::decoded_bytes decoded_;  ///< of arrays that the file has in another form; tensors point into it
  std::string container_, state_key_;
};

/// Reads a checkpoint from memory, which must outlive it. The format is recognised by content. Memory: at
/// most 100 bytes for each byte of the file (honest ones: a kilobyte for each tensor). Time: linear.
/// Errors: everything in docs/refusals.md but M1 to M7 and K; unknown_format names the first bytes.
[[nodiscard]] inline result<checkpoint> read_checkpoint(byte_span bytes) {
  if (status s = detail::refuse_impostors(bytes); !s) return s.error();
  checkpoint c;
  // safetensors first: a header of 19280 bytes begins with "PK", one of 640 like a pickle.
  if (is_safetensors(bytes)) {
    auto content = read_safetensors(bytes);
    if (!content) return content.error();
    c.container_ = "safetensors";
    c.tensors_ = std::move(content->tensors);
    for (tensor& t : c.tensors_) t.name = std::string(detail::strip_prefixes(t.name));
    c.metadata_ = std::move(content->metadata);
    std::vector<std::string_view> names;
    for (const tensor& t : c.tensors_) names.push_back(t.name);
    if (status s = detail::check_distinct(std::move(names)); !s) return s.error();
    if (status s = detail::translate_names(c.tensors_); !s) return s.error();
    return c;
  }
  if (detail::is_mindspore(bytes)) {
    auto tensors = detail::read_mindspore(bytes);
    if (!tensors) return tensors.error();
    c.container_ = "mindspore";
    c.tensors_ = std::move(*tensors);
    if (status s = detail::translate_names(c.tensors_); !s) return s.error();
    return c;
  }
  const bool zip = bytes.size() >= 4 && bytes[0] == 'P' && bytes[1] == 'K';
  if (!zip && !detail::is_torch_legacy(bytes)) {
    if (status s = detail::refuse_other_models(bytes); !s) return s.error();
    return detail::unknown_file(bytes);
  }
  auto content = zip ? detail::read_torch_zip(bytes) : detail::read_torch_legacy(bytes);
  if (!content) return content.error();
  c.container_ = content->container;
  c.decoded_ = std::move(content->decoded);
  c.tensors_ = std::move(content->tensors);
  c.state_key_ = std::move(content->state_key);
  if (status s = detail::translate_names(c.tensors_); !s) return s.error();
  return c;
}

namespace detail {

inline result<checkpoint> own_checkpoint(const std::string& path, result<file_bytes> file) {
  if (!file) return file.error();
  auto c = read_checkpoint(file->bytes());
  if (!c) return c.error().in(path);
  c->file_ = std::move(*file);
  return c;
}

}  // namespace detail

/// Maps and reads a checkpoint file. It must not shrink while the checkpoint lives: on POSIX the next access
/// would end the program (SIGBUS). @param path UTF-8. Errors: io_error and those of read_checkpoint(), with
/// the path in front.
[[nodiscard]] inline result<checkpoint> open_checkpoint(const std::string& path) {
  return detail::own_checkpoint(path, file_bytes::map(path));
}

/// The same, read into memory instead of mapped: nothing that happens to the file afterwards matters. Errors:
/// also out_of_memory.
[[nodiscard]] inline result<checkpoint> open_checkpoint_copy(const std::string& path) {
  return detail::own_checkpoint(path, file_bytes::read(path));
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_WEIGHTS_CHECKPOINT_HPP
