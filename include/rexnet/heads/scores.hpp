// SPDX-License-Identifier: MIT
// From logits to an answer: probabilities, and the most probable classes.
#ifndef REXNET_HEADS_SCORES_HPP
#define REXNET_HEADS_SCORES_HPP

#include "rexnet/core/error.hpp"
#include "rexnet/core/views.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

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

namespace detail {
/// NaN counts as the smallest.
[[nodiscard]] inline float score_key(float s) noexcept {
  return std::isnan(s) ? -INFINITY : s;
}
[[nodiscard]] inline status check_top_k(int k) {
  if (k < 1) return error(errc::invalid_argument, "top " + std::to_string(k) + ": must be 1 or more classes");
  return done;
}
/// The count largest scores, for top_k(). Precondition: count <= scores.size().
[[nodiscard]] inline std::vector<scored_class> largest(span<const float> scores, std::size_t count) {
  std::vector<int> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  const auto key = [&scores](int i) { return score_key(scores[static_cast<std::size_t>(i)]); };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&key](int a, int b) { return key(a) != key(b) ? key(a) > key(b) : a < b; });
  std::vector<scored_class> top;
  for (std::size_t i = 0; i < count; ++i)
    top.push_back({order[i], scores[static_cast<std::size_t>(order[i])]});
  return top;
}
}  // namespace detail

/// The top.size() largest scores, largest first, without the heap; equal scores in the order of their index.
/// NaN counts as the smallest. For few scores or a small top: the time grows with their product.
/// @return how many were written: fewer than top.size() where there are not as many scores, so 0 for no room
inline std::size_t top_k_into(span<const float> scores, span<scored_class> top) noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    std::size_t place = count;
    while (place > 0 && detail::score_key(scores[i]) > detail::score_key(top[place - 1].score)) --place;
    if (place == top.size()) continue;
    if (count < top.size()) ++count;
    for (std::size_t k = count - 1; k > place; --k) top[k] = top[k - 1];
    top[place] = {static_cast<int>(i), scores[i]};
  }
  return count;
}

/// The same, with memory of its own, for any k from 1 on; all scores where there are fewer. Errors:
/// invalid_argument (k below 1).
[[nodiscard]] inline result<std::vector<scored_class>> top_k(span<const float> scores, int k) {
  if (status s = detail::check_top_k(k); !s) return s.error();
  return detail::largest(scores, (std::min)(static_cast<std::size_t>(k), scores.size()));
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_HEADS_SCORES_HPP
