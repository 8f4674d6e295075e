// SPDX-License-Identifier: MIT
// A model from any file: torch checkpoints, safetensors, packed files.
#ifndef REXNET_LOAD_HPP
#define REXNET_LOAD_HPP

#include "rexnet/imagenet.hpp"
#include "rexnet/model.hpp"
#include "rexnet/weights/checkpoint.hpp"
#include "rexnet/weights/pack.hpp"

#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// The names of a checkpoint's classes: ImageNet-1k's for a thousand, as all published files have them, else
/// none. (Checkpoints bring no names; packed files may.)
[[nodiscard]] inline std::vector<std::string> default_labels(const config& shape) {
  std::vector<std::string> names;
  if (shape.classes == static_cast<int>(imagenet_1k().size()))
    for (const imagenet_class& c : imagenet_1k()) names.emplace_back(c.name);
  return names;
}

/// Weights in memory may be at most this many times the bytes of their checkpoint: float16 doubles, channels
/// are rounded up to 16, and more comes only from tensors that repeat their elements (stride 0).
inline constexpr std::uint64_t max_weights_blow_up = 32;

namespace detail {

/// Whether a checkpoint of so many bytes may become a model of this shape. Errors: T6.
[[nodiscard]] inline status check_blow_up(const config& shape, std::size_t file_bytes) {
  const auto weights = checked(static_cast<std::uint64_t>(layout_of(shape).floats)) * sizeof(float);
  if (weights.at_most((checked(file_bytes) * max_weights_blow_up).get())) return done;
  return error(errc::tensor_blow_up, std::to_string(weights.get()) + " bytes of weights out of a file of " +
                                         std::to_string(file_bytes) + " bytes, at most " +
                                         std::to_string(max_weights_blow_up) + " times as many");
}

}  // namespace detail

/// Loads a checkpoint (its weights are folded and packed in memory) or a packed file from memory. The payload
/// of a packed float32 file is borrowed: `bytes` must be 64-byte aligned and outlive the model, its copies
/// and their classifiers; load_copy() has no such condition. Everything else is copied. @param depth
/// check::full reads the whole of a packed file and compares its checksum. Errors: those of
/// read_checkpoint(), identify(), pack_weights() and read_packed(); T6 beyond max_weights_blow_up. A
/// checkpoint gets the default preprocessing and default_labels(). Memory: the file's size once for an honest
/// checkpoint (float16: twice) and a megabyte, 200 times for the worst that can be made; see
/// docs/refusals.md.
[[nodiscard]] inline result<model> load(byte_span bytes, check depth = check::header) {
  if (is_packed(bytes)) return load_packed(bytes, depth);
  auto c = read_checkpoint(bytes);
  if (!c) return c.error();
  auto t = identify(c->tensors());
  if (!t) return t.error();
  if (status s = detail::check_blow_up(t->shape, bytes.size()); !s) return s.error();
  auto packed = pack_weights(*t);
  if (!packed) return packed.error();
  return detail::model_maker::from_weights(t->shape, default_labels(t->shape), std::move(*packed),
                                           c->container());
}

/// load() from memory of any alignment that may go away afterwards. Errors: also out_of_memory.
[[nodiscard]] inline result<model> load_copy(byte_span bytes, check depth = check::header) {
  return detail::model_maker::from_copy(bytes, [depth](byte_span copy) { return load(copy, depth); });
}

/// load() from a file, which is mapped: a packed float32 file is used in place and shared between processes.
/// Where the file shrinks or its disk fails while it is read, or later while a packed float32 model is used,
/// POSIX ends the program (SIGBUS). load_copy() is immune; so is everybody who replaces files by renaming, as
/// `pack` does: the mapping keeps the old file.
/// @param path UTF-8. Errors: those of load() from memory and io_error, with the path in front.
[[nodiscard]] inline result<model> load(const std::string& path, check depth = check::header) {
  return detail::model_maker::from_file(path, file_bytes::map(path),
                                        [depth](byte_span bytes) { return load(bytes, depth); });
}

/// The same, read into memory instead of mapped, for files that others may change: one that shrinks meanwhile
/// is an io_error, what happens afterwards does not matter. Also a little faster, see load_packed_copy().
/// Errors: also out_of_memory (no copy is begun that the machine's memory cannot hold).
[[nodiscard]] inline result<model> load_copy(const std::string& path, check depth = check::header) {
  return detail::model_maker::from_file(path, file_bytes::read(path),
                                        [depth](byte_span bytes) { return load(bytes, depth); });
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_LOAD_HPP
