// SPDX-License-Identifier: MIT
// Pictures in, probabilities out.
#ifndef REXNET_HEADS_CLASSIFIER_HPP
#define REXNET_HEADS_CLASSIFIER_HPP

#include "rexnet/heads/scores.hpp"
#include "rexnet/model/session.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// Classifies pictures: a session, which keeps the model's weights and a workspace, and the answers made of
/// its outputs. One per thread. Of load(bytes) and load_packed(bytes), which borrow, the caller keeps the
/// bytes.
class classifier {
 public:
  /// @param threads 1 to max_threads, of `pool` or of OpenMP
  /// Errors: all that has nothing to do with a picture: invalid_argument (no weights, preprocessing,
  /// threads), limit_exceeded, unsupported (no kernels for this CPU), out_of_memory.
  [[nodiscard]] static result<classifier> make(const model& m, const preprocessing& input, int threads = 1,
                                               const executor& pool = {}) {
    auto made = session::make(m, input, threads, pool);
    if (!made) return made.error();
    if (status s = made->prepare(); !s) return s.error();
    return classifier(*std::move(made));
  }
  /// The same with the model's own preprocessing.
  [[nodiscard]] static result<classifier> make(const model& m, int threads = 1, const executor& pool = {}) {
    return make(m, m.input(), threads, pool);
  }

  /// Logits (features, where the model has no classifier) of a picture of any size. Errors: those of
  /// preprocess_pixels().
  [[nodiscard]] result<std::vector<float>> logits(const image_view& picture) {
    std::vector<float> out(outputs());
    if (status s = session_.run(picture, out); !s) return s.error();
    return out;
  }
  /// The same of many, [n][output_c(shape)]: bit by bit those of each alone. Each thread takes a picture at a
  /// time, preprocessing included; of fewer pictures than threads each is shared. No pictures: no logits.
  /// Memory: for each thread a workspace, which is kept, and the pixels of an input.
  /// Errors: invalid_argument, naming the first picture that cannot be ("pictures[3]: ..."), before any is
  /// computed; limit_exceeded, out_of_memory.
  [[nodiscard]] result<std::vector<float>> logits(span<const image_view> pictures) {
    std::vector<float> out(pictures.size() * outputs());
    if (status s = session_.run(pictures, out); !s) return s.error();
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
  explicit classifier(session made) : session_(std::move(made)) {}
  [[nodiscard]] std::size_t outputs() const noexcept {
    return static_cast<std::size_t>(output_c(session_.shape()));
  }
  /// Makes probabilities of the logits. Precondition: can_classify(k).
  [[nodiscard]] static std::vector<scored_class> answer(span<float> logits, int k) {
    softmax(logits);
    return detail::largest(logits, (std::min)(static_cast<std::size_t>(k), logits.size()));
  }
  [[nodiscard]] status can_classify(int k) const {
    if (session_.shape().classes == 0)
      return error(errc::unsupported,
                   "the model is a backbone without classifier: use logits() for its features");
    return detail::check_top_k(k);
  }

  session session_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_HEADS_CLASSIFIER_HPP
