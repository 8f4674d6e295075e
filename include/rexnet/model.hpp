// SPDX-License-Identifier: MIT
// The convenient layer: a model, and pictures in, probabilities out. load.hpp opens any file as a model; this
// header alone opens packed files.
#ifndef REXNET_MODEL_HPP
#define REXNET_MODEL_HPP

#if defined(REXNET_DISPATCH)
#include "rexnet/dispatch/any_network.hpp"
#else
#include "rexnet/network/network.hpp"
#endif
#include "rexnet/network/scores.hpp"
#include "rexnet/weights/file_bytes.hpp"
#include "rexnet/weights/origin.hpp"
#include "rexnet/weights/packed_file.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// What runs a model: kernels chosen when the program runs, where rexnet_add_dispatch() built some; else
/// those of the instruction set that this translation unit is compiled for.
#if defined(REXNET_DISPATCH)
using model_network = any_network;
#else
using model_network = network<dynamic_config>;
#endif

namespace detail {
struct model_maker;
}

/// A loaded model: immutable, shareable between threads, movable. Made by load() or load_packed().
class model {
 public:
  /// Family, width, classes.
  [[nodiscard]] const config& shape() const noexcept { return header_.shape; }
  /// How it wants its pictures; origin().input_from says where that comes from.
  [[nodiscard]] const preprocessing& input() const noexcept { return header_.input; }
  /// One name per class; empty where there are none.
  [[nodiscard]] const std::vector<std::string>& labels() const noexcept { return header_.labels; }
  /// All that the file says beside its weights.
  [[nodiscard]] const packed_header& header() const noexcept { return header_; }
  /// The packed payload, layout_of(shape()).floats floats, 64-byte aligned.
  [[nodiscard]] span<const float> payload() const noexcept { return payload_; }
  /// "torch zip", "torch legacy", "safetensors" or "packed".
  [[nodiscard]] const std::string& container() const noexcept { return container_; }
  /// Where its weights, preprocessing and names come from, and what was left out.
  [[nodiscard]] const model_origin& origin() const noexcept { return origin_; }
  /// The network on these weights, which the model keeps.
  [[nodiscard]] model_network net() const noexcept { return {header_.shape, payload_.data()}; }

 private:
  friend struct detail::model_maker;
  packed_header header_;
  model_origin origin_;
  std::string container_;
  file_bytes file_;
  aligned_buffer owned_;
  span<const float> payload_;
};

namespace detail {
/// Fills a model in; load() and load_packed() are made of it.
struct model_maker {
  /// From a packed file. Its float32 payload is used in place: `bytes` must outlive the model.
  [[nodiscard]] static result<model> from_packed(byte_span bytes, check depth) {
    model m;
    auto v = read_packed(bytes, depth);
    if (!v) return v.error();
    m.container_ = "packed";
    if (v->header.half) {
      m.owned_ = float_buffer(layout_of(v->header.shape).floats);
      if (m.owned_.data() == nullptr) return error(errc::out_of_memory, "no memory for the weights");
      if (const errc e = expand_half(v->payload, m.owned_.floats()); e != errc::ok)
        return error(e, "packed file: float16 weights of another size");
      m.payload_ = m.owned_.floats();
    } else {
      m.payload_ = {reinterpret_cast<const float*>(v->payload.data()), v->payload.size() / sizeof(float)};
    }
    m.header_ = std::move(v->header);
    m.origin_.number_type = m.header_.half ? "float16" : "float32";
    m.origin_.input_from = "packed file";
    if (!m.header_.labels.empty()) m.origin_.labels_from = "packed file";
    return m;
  }
  /// From weights in memory.
  [[nodiscard]] static model from_weights(const config& shape, std::vector<std::string> labels,
                                          aligned_buffer weights, std::string container) {
    model m;
    m.container_ = std::move(container);
    m.header_.shape = shape;
    m.header_.labels = std::move(labels);
    m.owned_ = std::move(weights);
    m.payload_ = m.owned_.floats();
    return m;
  }
  /// What is known beside the weights.
  static void describe(model& m, packed_header header, model_origin origin) {
    m.header_ = std::move(header);
    m.origin_ = std::move(origin);
  }
  /// The same from a file, mapped or read, which the model keeps where it needs it. Errors get the path in
  /// front.
  template <class Load>
  [[nodiscard]] static result<model> from_file(const std::string& path, result<file_bytes> file,
                                               Load&& load_bytes) {
    if (!file) return file.error();
    result<model> m = load_bytes(file->bytes());
    if (!m) return m.error().in(path);
    if (m->owned_.data() == nullptr) m->file_ = std::move(*file);
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
    if (m && m->owned_.data() == nullptr) m->owned_ = std::move(copy);
    return m;
  }
};
}  // namespace detail

/// Opens a packed file in memory. A float32 payload is used in place: `bytes` must be 64-byte aligned and
/// outlive the model; float16 is expanded into memory of the model's own. Programs that read nothing but
/// packed files are a third smaller with this than with load(). @param depth check::full reads the whole file
/// and compares its checksum. Errors: those of read_packed(), out_of_memory.
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

namespace detail {

/// What classifier and feature_extractor are made of: a model's network, how it wants its pictures, and plan
/// and workspace for one size of input at a time.
class model_runner {
 public:
  model_runner(const model& m, const preprocessing& input, int threads)
      : net_(m.net()), input_(input), threads_(threads), table_(normalise_table(input)) {}

  [[nodiscard]] const config& shape() const noexcept { return net_.shape(); }
  [[nodiscard]] const preprocessing& input() const noexcept { return input_; }

  /// For inputs of h x w pixels. A workspace that is large enough stays.
  /// Errors: those of make_plan(), out_of_memory.
  [[nodiscard]] status prepare(int h, int w) {
    if (plan_.h == h && plan_.w == w) return done;
    auto p = net_.make_plan(h, w, threads_);
    if (!p) return p.error();
    if (workspace_.size() < p->workspace_bytes()) {
      aligned_buffer larger(p->workspace_bytes());
      if (larger.data() == nullptr)
        return error(errc::out_of_memory,
                     "no memory for a workspace of " + std::to_string(p->workspace_bytes()) + " bytes");
      workspace_ = std::move(larger);
    }
    plan_ = *p;
    return done;
  }
  /// For the network's own pictures.
  [[nodiscard]] status prepare() { return prepare(input_.input_size, input_.input_size); }

  /// A picture of any size, preprocessed. @param out output_c(shape()) floats
  [[nodiscard]] status run(const image_view& picture, span<float> out, const forward_options& how = {}) {
    auto pixels = preprocess_pixels(picture, input_, net_.resample());
    if (!pixels) return pixels.error();
    if (status s = prepare(); !s) return s;
    return answered(net_.forward_u8(plan_, pixels->view(), table_, out, workspace(), how));
  }
  /// Normalised images. @param out n * output_c(shape()) floats
  [[nodiscard]] status run(nhwc_view<const float> images, span<float> out, const forward_options& how = {}) {
    if (status s = prepare(images.h, images.w); !s) return s;
    return answered(net_.forward(plan_, images, out, workspace(), how));
  }

 private:
  [[nodiscard]] span<unsigned char> workspace() noexcept { return {workspace_.data(), workspace_.size()}; }
  [[nodiscard]] static status answered(errc e) {
    if (e != errc::ok) return error(e, std::string("forward: ") + to_string(e));
    return done;
  }
  model_network net_;
  preprocessing input_;
  int threads_;
  std::array<float, 768> table_;
  rexnet::plan plan_;  ///< of 0 x 0 pixels before the first prepare()
  aligned_buffer workspace_;
};

}  // namespace detail

/// Keeps a model's workspace between pictures. One per thread; the model must outlive it.
class classifier {
 public:
  /// @param threads 1 to max_threads
  /// Errors: invalid_argument (threads, input size), out_of_memory.
  [[nodiscard]] static result<classifier> make(const model& m, const preprocessing& input, int threads = 1) {
    classifier c(m, input, threads);
    if (status s = c.runner_.prepare(); !s) return s.error();
    return c;
  }
  /// The same with the model's own preprocessing.
  [[nodiscard]] static result<classifier> make(const model& m, int threads = 1) {
    return make(m, m.input(), threads);
  }

  /// Logits (features, where the model has no classifier) of a picture of any size. Errors: those of
  /// preprocess_pixels().
  [[nodiscard]] result<std::vector<float>> logits(const image_view& picture) {
    std::vector<float> out(static_cast<std::size_t>(output_c(runner_.shape())));
    if (status s = runner_.run(picture, out); !s) return s.error();
    return out;
  }
  /// The k most probable classes.
  [[nodiscard]] result<std::vector<scored_class>> classify(const image_view& picture, int k = 5) {
    if (runner_.shape().classes == 0)
      return error(errc::unsupported,
                   "the model is a backbone without classifier: use logits() for its features");
    auto scores = logits(picture);
    if (!scores) return scores.error();
    softmax(*scores);
    return top_k(*scores, k);
  }

 private:
  classifier(const model& m, const preprocessing& input, int threads) : runner_(m, input, threads) {}
  detail::model_runner runner_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_MODEL_HPP
