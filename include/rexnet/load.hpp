// SPDX-License-Identifier: MIT
// A model from any file: torch checkpoints, safetensors, packed files.
#ifndef REXNET_LOAD_HPP
#define REXNET_LOAD_HPP

#include "rexnet/checkpoint/checkpoint.hpp"
#include "rexnet/checkpoint/model_config.hpp"
#include "rexnet/labels/imagenet.hpp"
#include "rexnet/model.hpp"
#include "rexnet/payload/pack_detector.hpp"

#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// The names of a classifier's classes: ImageNet-1k's for a thousand, as all published files have them, else
/// none. (Checkpoints bring no names; packed files and a config.json may.)
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

/// Whether a checkpoint of so many bytes may become a model of these tensors. Errors: T6.
[[nodiscard]] inline status check_blow_up(const network_tensors& t, std::size_t file_bytes) {
  const std::int64_t numbers =
      t.is_detector ? packed_numbers(t.detector.shape) : packed_numbers(t.classifier.shape);
  const auto weights = checked(static_cast<std::uint64_t>(numbers)) * 4;
  if (weights.at_most((checked(file_bytes) * max_weights_blow_up).get())) return done;
  return error(errc::tensor_blow_up, std::to_string(weights.get()) + " bytes of weights out of a file of " +
                                         std::to_string(file_bytes) + " bytes, at most " +
                                         std::to_string(max_weights_blow_up) + " times as many");
}

}  // namespace detail

/// How pictures are prepared for a checkpoint that does not say: as timm's own configurations do for the
/// architecture. Those of rexnetr 2.0x and 3.0x, the published ones, keep 0.95 of the short side
/// (and were measured at 288 pixels with 1.0); all others 0.875, at 224 pixels.
[[nodiscard]] inline preprocessing default_preprocessing(const config& shape) noexcept {
  preprocessing p;
  const int w = shape.width_hundredths;
  if (shape.family == family::rexnetr && (w == 200 || w == 300)) p.crop_pct = 0.95;
  return p;
}

/// The same for a detector: mean and deviation of torchvision's SSD. The rest is of no use there: see
/// detector_settings.
[[nodiscard]] inline preprocessing detector_preprocessing() noexcept {
  preprocessing p;
  p.input_size = 320;
  p.crop_pct = 1;
  p.interpolation = interpolation::bilinear;
  return p;
}

/// How a file is opened.
struct load_options {
  /// check::full reads the whole of a packed file and compares its checksum.
  check depth = check::header;
  /// Which network of a training file: read_checkpoint()'s key. Packed files have none (M17).
  std::string key;
  /// The config.json of a checkpoint: "" for the one in its folder, if it is there and of this network;
  /// "none"; or a path. load() from memory reads none but a path's.
  std::string config;

  load_options() = default;
  /// load(path, check::full)
  load_options(check how_deep) : depth(how_deep) {}  // NOLINT(google-explicit-constructor): as before
};

/// What a checkpoint's model is beside its weights.
struct model_description {
  packed_header header;  ///< shape, preprocessing, names of the classes
  model_origin origin;   ///< where they come from
};

namespace detail {

/// Preprocessing and names from a config.json. Errors: M18; io_error where a path was asked for.
[[nodiscard]] inline status apply_config(const std::string& path, bool asked_for, model_description& d) {
  auto file = file_bytes::map(path);
  if (file && file->bytes().size() > json_reader::max_bytes)
    file =
        error(errc::model_config, path + ": more than " + std::to_string(json_reader::max_bytes) + " bytes");
  else if (file)
    file = file_bytes::read(path);  // a mapping would end the program where others shorten it
  if (!file) {
    if (asked_for) return file.error();
    d.origin.notes.push_back("config.json was not taken: " + file.error().message());
    return done;
  }
  auto c = read_model_config(text(file->bytes()), d.header.shape);
  if (!c) return c.error().in(path);
  if (!c->applies && asked_for)
    return error(errc::model_config, path + ": " + (c->notes.empty() ? "not taken" : c->notes[0]));
  for (const std::string& note : c->notes) d.origin.notes.push_back("config.json: " + note);
  if (!c->applies) return done;
  d.header.input = c->input;
  d.origin.input_from = "config.json";
  d.origin.test_size = c->test_size, d.origin.test_crop_pct = c->test_crop_pct;
  if (c->labels.empty()) return done;
  d.header.labels = std::move(c->labels);
  d.origin.labels_from = "config.json";
  return done;
}

/// "float32", or all types that the weights have.
[[nodiscard]] inline std::string number_types(span<const tensor> tensors) {
  std::string types;
  for (const dtype type : {dtype::f32, dtype::f64, dtype::f16, dtype::bf16})
    for (const tensor& t : tensors)
      if (t.type == type && !is_counter(t.name)) {
        types += (types.empty() ? "" : ", ") + std::string(dtype_name(type));
        break;
      }
  return types;
}

}  // namespace detail

namespace detail {
/// "v1 1.0x", "SSDLite on v1 1.0x"
[[nodiscard]] inline std::string network_text(const packed_header& h) {
  return (h.ssd.classes > 0 ? "SSDLite on " : "") + variant_text(h.shape);
}
}  // namespace detail

/// What load() takes from a checkpoint beside its weights.
/// @param t    as identify_network() finds them in it
/// @param path of the file, for the config.json beside it; empty: there is none
/// Errors: M18, io_error (a config that was asked for).
[[nodiscard]] inline result<model_description> describe(const checkpoint& c, const network_tensors& t,
                                                        const std::string& path,
                                                        const load_options& how = {}) {
  model_description d;
  const config& shape = t.shape();
  d.header.shape = shape;
  if (t.is_detector) d.header.ssd = static_cast<const ssd_part&>(t.detector.shape);
  d.header.input = t.is_detector ? detector_preprocessing() : default_preprocessing(shape);
  d.header.labels = default_labels(shape);
  model_origin& o = d.origin;
  o.key = c.state_key(), o.prefix = c.prefix(), o.others = c.others(), o.notes = c.notes();
  for (const left_out_tensor& left : c.left_out()) o.left_out.push_back(left.name);
  o.number_type = detail::number_types(c.tensors());
  o.input_from = "defaults of " + detail::network_text(d.header);
  if (t.is_detector) {
    if (!how.config.empty() && how.config != "none")
      return error(errc::model_config,
                   how.config + ": config.json describes classifiers, this is a detector");
    return d;
  }
  if (d.header.input.crop_pct != preprocessing().crop_pct) o.test_size = 288, o.test_crop_pct = 1.0;
  if (!d.header.labels.empty()) o.labels_from = "ImageNet-1k";
  const bool asked_for = !how.config.empty();
  const std::string file = asked_for ? how.config : detail::beside(path, "config.json");
  if (how.config == "none" || (!asked_for && (path.empty() || !detail::is_there(file)))) return d;
  if (status s = detail::apply_config(file, asked_for, d); !s) return s.error();
  return d;
}

namespace detail {

[[nodiscard]] inline result<model> load_bytes(byte_span bytes, const load_options& how,
                                              const std::string& path) {
  if (is_packed(bytes)) {
    if (!how.key.empty())
      return error(errc::model_no_such_key, "no " + in_quotes(how.key) + ": a packed file holds one model");
    if (!how.config.empty() && how.config != "none")
      return error(errc::model_config, how.config + ": a packed file has preprocessing of its own");
    return load_packed(bytes, how.depth);
  }
  auto c = read_checkpoint(bytes, how.key);
  if (!c) return c.error();
  auto t = identify_network(*c);
  if (!t) return t.error();
  if (status s = check_blow_up(*t, bytes.size()); !s) return s.error();
  auto d = describe(*c, *t, path, how);
  if (!d) return d.error();
  auto packed = pack_weights(*t);
  if (!packed) return packed.error();
  model m = model_maker::from_weights(t->shape(), {}, std::move(*packed), c->container());
  model_maker::describe(m, std::move(d->header), std::move(d->origin));
  return m;
}

}  // namespace detail

/// Loads a checkpoint (its weights are folded and packed in memory) or a packed file from memory. The payload
/// of a packed float32 file is borrowed: `bytes` must be 64-byte aligned and outlive the model, its copies
/// and their classifiers; load_copy() has no such condition. Everything else is copied. Errors: those of
/// read_checkpoint(), identify_network(), pack_weights() and read_packed(); T6 beyond max_weights_blow_up. A
/// checkpoint gets default_preprocessing() and default_labels(), a detector's detector_preprocessing(),
/// detector_settings() and no labels. Memory: the file's size once for an ordinary checkpoint (float16:
/// twice) and a megabyte, 200 times for the worst that can be made; see docs/refusals.md.
[[nodiscard]] inline result<model> load(byte_span bytes, const load_options& how = {}) {
  return detail::load_bytes(bytes, how, {});
}

/// load() from memory of any alignment that may go away afterwards. Errors: also out_of_memory.
[[nodiscard]] inline result<model> load_copy(byte_span bytes, const load_options& how = {}) {
  return detail::model_maker::from_copy(bytes, [&how](byte_span copy) { return load(copy, how); });
}

/// load() from a file, which is mapped: a packed float32 file is used in place and shared between processes.
/// A checkpoint with a config.json of its own network beside it (timm's, transformers') has its preprocessing
/// and names from there. Where the file shrinks or its disk fails while it is read, or later while a packed
/// float32 model is used, POSIX ends the program (SIGBUS). load_copy() is immune. So are files that
/// are replaced by renaming, as `pack` does: the mapping keeps the old file.
/// @param path UTF-8. Errors: those of load() from memory, M18 (config.json) and io_error, with the path in
/// front.
[[nodiscard]] inline result<model> load(const std::string& path, const load_options& how = {}) {
  return detail::model_maker::from_file(
      path, file_bytes::map(path), [&](byte_span bytes) { return detail::load_bytes(bytes, how, path); });
}

/// The same, read into memory instead of mapped, for files that others may change: one that shrinks meanwhile
/// is an io_error, what happens afterwards does not matter. Also a little faster, see load_packed_copy().
/// Errors: also out_of_memory (no copy is begun that the machine's memory cannot hold).
[[nodiscard]] inline result<model> load_copy(const std::string& path, const load_options& how = {}) {
  return detail::model_maker::from_file(
      path, file_bytes::read(path), [&](byte_span bytes) { return detail::load_bytes(bytes, how, path); });
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_LOAD_HPP
