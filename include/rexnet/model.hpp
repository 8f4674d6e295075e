// SPDX-License-Identifier: MIT
// The convenient layer: a model, and pictures in, probabilities out. load.hpp opens any file as a model; this
// header alone opens packed files.
#ifndef REXNET_MODEL_HPP
#define REXNET_MODEL_HPP

#include "rexnet/checkpoint/origin.hpp"
#include "rexnet/engine/session.hpp"
#include "rexnet/heads/scores.hpp"
#include "rexnet/payload/file/read.hpp"
#include "rexnet/system/file_bytes.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {

struct model_maker;

/// What every copy of a model shares.
struct model_state {
  packed_header header;
  model_origin origin;
  std::string container;
  file_bytes file;
  aligned_buffer owned;
  span<const float> payload;
};

}  // namespace detail

/// A model, made by load() or load_packed(): immutable, shareable between threads. A copy is another
/// handle of the same weights, which live as long as one of them does; moving copies, so that none is ever
/// without weights. What a temporary model gives is a copy, or does not compile where it only points.
class model {
 public:
  /// Family, width, classes.
  /// @{
  [[nodiscard]] const config& shape() const& noexcept { return state_->header.shape; }
  [[nodiscard]] config shape() const&& noexcept { return state_->header.shape; }
  /// @}
  /// How it wants its pictures; origin().input_from says where that comes from.
  /// @{
  [[nodiscard]] const preprocessing& input() const& noexcept { return state_->header.input; }
  [[nodiscard]] preprocessing input() const&& noexcept { return state_->header.input; }
  /// @}
  /// One name per class; empty where there are none.
  /// @{
  [[nodiscard]] const std::vector<std::string>& labels() const& noexcept { return state_->header.labels; }
  [[nodiscard]] std::vector<std::string> labels() const&& { return state_->header.labels; }
  /// @}
  /// All that the file says beside its weights.
  /// @{
  [[nodiscard]] const packed_header& header() const& noexcept { return state_->header; }
  [[nodiscard]] packed_header header() const&& { return state_->header; }
  /// @}
  /// "packed", or checkpoint::container().
  /// @{
  [[nodiscard]] const std::string& container() const& noexcept { return state_->container; }
  [[nodiscard]] std::string container() const&& { return state_->container; }
  /// @}
  /// Where its weights, preprocessing and names come from, and what was left out.
  /// @{
  [[nodiscard]] const model_origin& origin() const& noexcept { return state_->origin; }
  [[nodiscard]] model_origin origin() const&& { return state_->origin; }
  /// @}

  /// The packed payload, packed_numbers(shape()) floats, 64-byte aligned. It is borrowed: keep the model.
  [[nodiscard]] span<const float> payload() const& noexcept { return state_->payload; }
  [[nodiscard]] span<const float> payload() const&& = delete;
  /// The network on these weights, which it borrows: keep the model.
  [[nodiscard]] model_network net() const& noexcept { return {shape(), state_->payload.data()}; }
  [[nodiscard]] model_network net() const&& = delete;

  /// Without weights, to be assigned to: classifiers and extractors refuse it.
  model() : state_(std::make_shared<detail::model_state>()) {}
  /// Another handle of the same weights.
  /// @{
  model(const model&) noexcept = default;
  model& operator=(const model&) noexcept = default;
  /// @}
  ~model() = default;

 private:
  friend struct detail::model_maker;
  std::shared_ptr<detail::model_state> state_;  ///< changed by model_maker alone, before there is a copy
};

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
      m.state_->owned = float_buffer(packed_numbers(v->header.shape));
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
    if (bytes.empty()) return load_bytes(bytes);  // which says what is wrong with it
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

/// Classifies pictures: a model and the workspace of a forward pass, kept between pictures. One per thread.
/// It keeps the model's weights alive; of load(bytes) and load_packed(bytes), which borrow, the caller keeps
/// the bytes.
class classifier {
 public:
  /// @param threads 1 to max_threads, of `pool` or of OpenMP
  /// Errors: all that has nothing to do with a picture: invalid_argument (preprocessing, threads),
  /// limit_exceeded, unsupported (no kernels for this CPU), out_of_memory.
  [[nodiscard]] static result<classifier> make(const model& m, const preprocessing& input, int threads = 1,
                                               const executor& pool = {}) {
    classifier c(m, input, threads, pool);
    if (status s = c.runner_.start(); !s) return s.error();
    return c;
  }
  /// The same with the model's own preprocessing.
  [[nodiscard]] static result<classifier> make(const model& m, int threads = 1, const executor& pool = {}) {
    return make(m, m.input(), threads, pool);
  }

  /// Logits (features, where the model has no classifier) of a picture of any size. Errors: those of
  /// preprocess_pixels().
  [[nodiscard]] result<std::vector<float>> logits(const image_view& picture) {
    std::vector<float> out(outputs());
    if (status s = runner_.run(picture, out); !s) return s.error();
    return out;
  }
  /// The same of many, [n][output_c(shape)]: bit by bit those of each alone. Each thread takes a picture at a
  /// time, preprocessing included; of fewer pictures than threads each is shared. No pictures: no logits.
  /// Memory: for each thread a workspace, which is kept, and the pixels of an input.
  /// Errors: invalid_argument, naming the first picture that cannot be ("pictures[3]: ..."), before any is
  /// computed; limit_exceeded, out_of_memory.
  [[nodiscard]] result<std::vector<float>> logits(span<const image_view> pictures) {
    std::vector<float> out(pictures.size() * outputs());
    if (status s = runner_.run(pictures, out); !s) return s.error();
    return out;
  }

  /// The k most probable classes, or all where there are fewer. Errors: those of logits(), invalid_argument
  /// (k below 1), unsupported (a model without classifier).
  [[nodiscard]] result<std::vector<scored_class>> classify(const image_view& picture, int k = 5) {
    if (status s = can_classify(k); !s) return s.error();
    auto scores = logits(picture);
    if (!scores) return scores.error();
    return answer(*scores, k);
  }
  /// The same of many pictures, an answer for each, as logits() of many computes them.
  [[nodiscard]] result<std::vector<std::vector<scored_class>>> classify(span<const image_view> pictures,
                                                                        int k = 5) {
    if (status s = can_classify(k); !s) return s.error();
    auto scores = logits(pictures);
    if (!scores) return scores.error();
    std::vector<std::vector<scored_class>> answers;
    answers.reserve(pictures.size());
    for (std::size_t i = 0; i < pictures.size(); ++i)
      answers.push_back(answer(span<float>(*scores).subspan(i * outputs(), outputs()), k));
    return answers;
  }

 private:
  classifier(const model& m, const preprocessing& input, int threads, const executor& pool)
      : model_(m), runner_(m.net(), input, threads, pool) {}
  [[nodiscard]] std::size_t outputs() const noexcept {
    return static_cast<std::size_t>(output_c(runner_.shape()));
  }
  /// Makes probabilities of the logits. Precondition: can_classify(k).
  [[nodiscard]] static std::vector<scored_class> answer(span<float> logits, int k) {
    softmax(logits);
    return detail::largest(logits, (std::min)(static_cast<std::size_t>(k), logits.size()));
  }
  [[nodiscard]] status can_classify(int k) const {
    if (runner_.shape().classes == 0)
      return error(errc::unsupported,
                   "the model is a backbone without classifier: use logits() for its features");
    return detail::check_top_k(k);
  }
  model model_;  ///< for its weights, which the runner borrows
  detail::picture_runner runner_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_MODEL_HPP
