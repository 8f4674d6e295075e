// SPDX-License-Identifier: MIT
// A model from a packed file, in memory or by its path.
#ifndef REXNET_MODEL_LOAD_PACKED_HPP
#define REXNET_MODEL_LOAD_PACKED_HPP

#include "rexnet/model/model.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {
/// Fills a model in; load() and load_packed() are made of it.
struct model_maker {
  /// From a packed file. Its float32 payload is used in place: `bytes` must outlive the model.
  [[nodiscard]] static result<model> from_packed(byte_span bytes, check depth) {
    model m;
    auto v = read_packed(bytes, depth);
    if (!v) return v.error();
    m.state_->container = "packed";
    if (v->header.type == element_type::f16) {
      m.state_->owned = float_buffer(payload_numbers(v->header));
      if (m.state_->owned.data() == nullptr) return error(errc::out_of_memory, "no memory for the weights");
      if (const errc e = expand_half(v->payload, m.state_->owned.floats()); e != errc::ok)
        return error(e, "packed file: float16 weights of another size");
      m.state_->payload = m.state_->owned.floats();
    } else {
      m.state_->payload = {reinterpret_cast<const float*>(v->payload.data()),
                           v->payload.size() / sizeof(float)};
    }
    m.state_->header = std::move(v->header);
    m.state_->origin.number_type = element_name(m.state_->header.type);
    m.state_->origin.input_from = "packed file";
    if (!m.state_->header.labels.empty()) m.state_->origin.labels_from = "packed file";
    return m;
  }
  /// From weights in memory.
  [[nodiscard]] static model from_weights(const config& shape, std::vector<std::string> labels,
                                          aligned_buffer weights, std::string container) {
    model m;
    m.state_->container = std::move(container);
    m.state_->header.shape = shape;
    m.state_->header.labels = std::move(labels);
    m.state_->owned = std::move(weights);
    m.state_->payload = m.state_->owned.floats();
    return m;
  }
  /// What is known beside the weights.
  static void describe(model& m, packed_header header, model_origin origin) {
    m.state_->header = std::move(header);
    m.state_->origin = std::move(origin);
  }
  /// The same from a file, mapped or read, which the model keeps where it needs it. Errors get the path in
  /// front.
  template <class Load>
  [[nodiscard]] static result<model> from_file(const std::string& path, result<file_bytes> file,
                                               Load&& load_bytes) {
    if (!file) return file.error();
    result<model> m = load_bytes(file->bytes());
    if (!m) return m.error().in(path);
    if (m->state_->owned.data() == nullptr) m->state_->file = std::move(*file);
    return m;
  }
  /// The same from a copy of the bytes, which the model keeps where it needs it.
  template <class Load>
  [[nodiscard]] static result<model> from_copy(byte_span bytes, Load&& load_bytes) {
    if (bytes.empty()) return load_bytes(bytes);  // for its error
    aligned_buffer copy(bytes.size());
    if (copy.data() == nullptr)
      return error(errc::out_of_memory, "no memory for a copy of " + std::to_string(bytes.size()) + " bytes");
    std::copy(bytes.begin(), bytes.end(), copy.data());
    result<model> m = load_bytes(byte_span(copy.data(), bytes.size()));
    if (m && m->state_->owned.data() == nullptr) m->state_->owned = std::move(copy);
    return m;
  }
};
}  // namespace detail

/// Opens a packed file in memory. A float32 payload is borrowed: `bytes` must be 64-byte aligned and outlive
/// the model, its copies and their classifiers; float16 is expanded into memory of the model's own. Programs
/// that read nothing but packed files are a third smaller with this than with load(). @param depth
/// check::full reads the whole file and compares its checksum. Errors: those of read_packed(), out_of_memory.
[[nodiscard]] inline result<model> load_packed(byte_span bytes, check depth = check::header) {
  return detail::model_maker::from_packed(bytes, depth);
}

/// Opens a packed file, which is mapped: a float32 payload is used in place and shared between processes. A
/// file that shrinks while the model lives ends the program on POSIX (SIGBUS): see load_packed_copy().
/// @param path UTF-8. Errors: those of load_packed() from memory and io_error, with the path in front.
[[nodiscard]] inline result<model> load_packed(const std::string& path, check depth = check::header) {
  return detail::model_maker::from_file(path, file_bytes::map(path),
                                        [depth](byte_span bytes) { return load_packed(bytes, depth); });
}

/// The same, read into memory instead: nothing that happens to the file afterwards matters, a file that
/// shrinks meanwhile is an io_error, and large models run some percent faster, because the system backs
/// memory with larger pages than files. Errors: also out_of_memory.
[[nodiscard]] inline result<model> load_packed_copy(const std::string& path, check depth = check::header) {
  return detail::model_maker::from_file(path, file_bytes::read(path),
                                        [depth](byte_span bytes) { return load_packed(bytes, depth); });
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_MODEL_LOAD_PACKED_HPP
