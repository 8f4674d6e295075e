// SPDX-License-Identifier: MIT
// The convenient layer: a model from any file, and pictures in, probabilities out.
#ifndef REXNET_MODEL_HPP
#define REXNET_MODEL_HPP

#include "rexnet/network/network.hpp"
#include "rexnet/weights/checkpoint.hpp"
#include "rexnet/weights/pack.hpp"
#include "rexnet/weights/packed_file.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// A loaded model: immutable, shareable between threads, movable. Made by load().
class model {
 public:
  [[nodiscard]] const config& shape() const noexcept { return header_.shape; }
  [[nodiscard]] const preprocessing& input() const noexcept { return header_.input; }
  /// One name per class; empty when the file brings none.
  [[nodiscard]] const std::vector<std::string>& labels() const noexcept { return header_.labels; }
  [[nodiscard]] const packed_header& header() const noexcept { return header_; }
  /// The packed payload, layout_of(shape()).floats floats, 64-byte aligned.
  [[nodiscard]] span<const float> payload() const noexcept { return payload_; }
  /// "torch zip", "torch legacy", "safetensors" or "packed".
  [[nodiscard]] const std::string& container() const noexcept { return container_; }
  [[nodiscard]] network<dynamic_config> net() const noexcept { return {header_.shape, payload_.data()}; }

 private:
  friend result<model> load(byte_span bytes, check depth);
  friend result<model> load(const std::string& path, check depth);
  friend result<model> load_copy(byte_span bytes, check depth);
  packed_header header_;
  std::string container_;
  file_bytes file_;
  aligned_buffer owned_;
  span<const float> payload_;
};

/// Loads a checkpoint (its weights are folded and packed in memory) or a packed file from memory. The payload
/// of a packed float32 file is used in place: `bytes` must be 64-byte aligned and outlive the model.
/// Everything else is copied. @param depth check::full reads the whole of a packed file and compares its
/// checksum. Errors: those of read_checkpoint(), identify(), pack_weights() and read_packed(). A checkpoint
/// gets the default preprocessing and no labels.
[[nodiscard]] inline result<model> load(byte_span bytes, check depth = check::header) {
  model m;
  if (is_packed(bytes)) {
    auto v = read_packed(bytes, depth);
    if (!v) return v.error();
    m.container_ = "packed";
    if (v->header.half) {
      m.owned_ = aligned_buffer(static_cast<std::size_t>(layout_of(v->header.shape).floats) * sizeof(float));
      if (m.owned_.data() == nullptr) return error(errc::out_of_memory, "no memory for the weights");
      expand_half(*v, m.owned_.floats());
      m.payload_ = m.owned_.floats();
    } else {
      m.payload_ = {reinterpret_cast<const float*>(v->payload.data()), v->payload.size() / sizeof(float)};
    }
    m.header_ = std::move(v->header);
    return m;
  }
  auto c = read_checkpoint(bytes);
  if (!c) return c.error();
  auto t = identify(c->tensors());
  if (!t) return t.error();
  auto packed = pack_weights(*t);
  if (!packed) return packed.error();
  m.container_ = c->container();
  m.header_.shape = t->shape;
  m.owned_ = std::move(*packed);
  m.payload_ = m.owned_.floats();
  return m;
}

/// load() from memory of any alignment that may go away afterwards. Errors: also out_of_memory.
[[nodiscard]] inline result<model> load_copy(byte_span bytes, check depth = check::header) {
  if (bytes.empty()) return load(bytes, depth);  // which says what is wrong with it
  aligned_buffer copy(bytes.size());
  if (copy.data() == nullptr)
    return error(errc::out_of_memory, "no memory for a copy of " + std::to_string(bytes.size()) + " bytes");
  std::copy(bytes.begin(), bytes.end(), copy.data());
  auto m = load(byte_span(copy.data(), bytes.size()), depth);
  if (m && m->owned_.data() == nullptr) m->owned_ = std::move(copy);
  return m;
}

/// load() from a file, which is mapped: a packed float32 file is used in place and shared between processes.
/// @param path UTF-8. Errors: those of load() from memory and io_error, with the path in front.
[[nodiscard]] inline result<model> load(const std::string& path, check depth = check::header) {
  auto file = file_bytes::map(path);
  if (!file) return file.error();
  auto m = load(file->bytes(), depth);
  if (!m) return m.error().in(path);
  if (m->owned_.data() == nullptr) m->file_ = std::move(*file);
  return m;
}

/// Logits to probabilities, in place, without overflow. NaN stays NaN.
inline void softmax(span<float> v) noexcept {
  if (v.empty()) return;
  const float top = *std::max_element(v.begin(), v.end());
  float sum = 0;
  for (float& x : v) sum += x = std::exp(x - top);
  for (float& x : v) x /= sum;
}

struct scored_class {
  int index;
  float score;
};

/// The k largest scores, largest first; equal scores in the order of their index. NaN counts as the smallest.
[[nodiscard]] inline std::vector<scored_class> top_k(span<const float> scores, int k) {
  std::vector<int> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto count =
      static_cast<std::size_t>(std::clamp<std::int64_t>(k, 0, static_cast<std::int64_t>(scores.size())));
  const auto key = [&scores](int i) {
    const float s = scores[static_cast<std::size_t>(i)];
    return std::isnan(s) ? -INFINITY : s;
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&key](int a, int b) { return key(a) != key(b) ? key(a) > key(b) : a < b; });
  std::vector<scored_class> top;
  for (std::size_t i = 0; i < count; ++i)
    top.push_back({order[i], scores[static_cast<std::size_t>(order[i])]});
  return top;
}

/// Keeps a model's workspace between pictures. One per thread; the model must outlive it.
class classifier {
 public:
  /// @param threads 1 to max_threads
  /// Errors: invalid_argument (threads, input size), out_of_memory.
  [[nodiscard]] static result<classifier> make(const model& m, const preprocessing& input, int threads = 1) {
    classifier c(m, input);
    auto p = c.net_.make_plan(input.input_size, input.input_size, threads);
    if (!p) return p.error();
    c.plan_ = *p;
    c.workspace_ = aligned_buffer(p->workspace_bytes());
    if (c.workspace_.data() == nullptr)
      return error(errc::out_of_memory,
                   "no memory for a workspace of " + std::to_string(p->workspace_bytes()) + " bytes");
    return c;
  }
  [[nodiscard]] static result<classifier> make(const model& m, int threads = 1) {
    return make(m, m.input(), threads);
  }

  /// Logits (features, where the model has no classifier) of a picture of any size. Errors: those of
  /// preprocess_pixels().
  [[nodiscard]] result<std::vector<float>> logits(const image_view& picture) {
    auto pixels = preprocess_pixels(picture, input_);
    if (!pixels) return pixels.error();
    std::vector<float> out(static_cast<std::size_t>(output_c(net_.shape())));
    const errc e =
        net_.forward_u8(plan_, pixels->view(), table_, out, {workspace_.data(), workspace_.size()});
    if (e != errc::ok) return error(e, "forward failed with code " + std::to_string(static_cast<int>(e)));
    return out;
  }
  /// The k most probable classes.
  [[nodiscard]] result<std::vector<scored_class>> classify(const image_view& picture, int k = 5) {
    if (net_.shape().classes == 0)
      return error(errc::unsupported,
                   "the model is a backbone without classifier: use logits() for its features");
    auto scores = logits(picture);
    if (!scores) return scores.error();
    softmax(*scores);
    return top_k(*scores, k);
  }

 private:
  classifier(const model& m, const preprocessing& input)
      : net_(m.net()), input_(input), table_(normalise_table(input)) {}
  network<dynamic_config> net_;
  preprocessing input_;
  std::array<float, 768> table_;
  rexnet::plan plan_;
  aligned_buffer workspace_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_MODEL_HPP
