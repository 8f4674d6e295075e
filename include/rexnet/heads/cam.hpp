// SPDX-License-Identifier: MIT
// Class activation maps: what each place of a picture adds to a class. Source: Zhou et al., "Learning Deep
// Features for Discriminative Localization", arXiv 1512.04150.
#ifndef REXNET_HEADS_CAM_HPP
#define REXNET_HEADS_CAM_HPP

#include "rexnet/heads/features.hpp"
#include "rexnet/ops.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// The map of a class, [n][head.h][head.w]: what every place of the head's map adds to the class's logit.
///
/// v1 and rexnetr: map[y][x] = sum over c of weight[class][c] * head[y][x][c]. The classifier is linear, so
/// the map's mean plus the class's bias is the logit (but for rounding). lite has a hidden layer with a ReLU6
/// before its classifier, so that the logit is no mean of places. Its map[y][x] is the logit, less the bias,
/// that the class would have if the whole picture looked like that place: hidden layer and classifier on
/// head[y][x] in place of the pooled vector.
///
/// Place (y, x) looks around pixel (32 y, 32 x) of the network's input and not around the middle of the 32 x
/// 32 pixels from there: a convolution of stride 2 with padding keeps the even pixels. seen_part() gives
/// the part of the picture that the input shows.
/// @param head        feature_maps::head of the same model, any strides, n from 0 on
/// @param class_index 0 to classes - 1
/// Errors: unsupported (a backbone without classifier), invalid_argument (class, null data), shape_mismatch
/// (channels).
[[nodiscard]] inline result<std::vector<float>> class_activation_map(const model& m,
                                                                     nhwc_view<const float> head,
                                                                     int class_index) {
  const config& c = m.shape();
  if (c.classes == 0)
    return error(errc::unsupported, "class activation map: the model is a backbone without classifier");
  if (class_index < 0 || class_index >= c.classes)
    return error(errc::invalid_argument, "class activation map: class " + std::to_string(class_index) +
                                             " of " + std::to_string(c.classes) + " classes");
  if (head.c != c.head_c || head.n < 0 || head.h < 1 || head.w < 1)
    return error(errc::shape_mismatch, "class activation map: a head of " + std::to_string(head.n) + " x " +
                                           std::to_string(head.h) + " x " + std::to_string(head.w) + " x " +
                                           std::to_string(head.c) + ", expected " + std::to_string(c.head_c) +
                                           " channels");
  if (head.data == nullptr && head.n > 0)
    return error(errc::invalid_argument, "class activation map: no head (null pointer)");

  const weights_layout layout = layout_of(c);
  const float* const payload = m.payload().data();
  std::vector<double> weights;  // of the class: every sixteenth float of its panel
  weights.reserve(static_cast<std::size_t>(layout.classifier.k));
  for (int k = 0; k < layout.classifier.k; ++k)
    weights.push_back(static_cast<double>(numbers_of(payload, layout.classifier).weight(class_index, k)));
  const layer_numbers<const float> dense = numbers_of(payload, layout.hidden);
  const filter hidden{dense.weights, dense.bias, dense.k, dense.out_c};
  std::vector<float> map, row(static_cast<std::size_t>(head.w) * static_cast<std::size_t>(c.hidden_c));
  for (int b = 0; b < head.n; ++b)
    for (int y = 0; y < head.h; ++y) {
      nhwc_view<const float> seen(head.pixel(b, y, 0), 1, 1, head.w, head.c, head.pixel_stride);
      if (c.hidden_c > 0) {
        const nhwc_view<float> to(row.data(), 1, 1, head.w, c.hidden_c);
        if (const errc e = pointwise(seen, hidden, to, c.hidden_act); e != errc::ok)
          return error(e, std::string("class activation map: ") + to_string(e));
        seen = to;
      }
      for (int x = 0; x < head.w; ++x) {
        const float* const pixel = seen.pixel(0, 0, x);
        double sum = 0;
        for (std::size_t k = 0; k < weights.size(); ++k) sum += weights[k] * static_cast<double>(pixel[k]);
        map.push_back(static_cast<float>(sum));
      }
    }
  return map;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_HEADS_CAM_HPP
