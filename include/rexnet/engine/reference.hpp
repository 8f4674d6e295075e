// SPDX-License-Identifier: MIT
// The network in double precision, for checks and not for speed: a few plain functions on Eigen matrices,
// written from the architecture and sharing nothing with the kernels but the payload's documented layout.
// This is the only header that needs Eigen; rexnet.hpp does not include it.
//
// A map is a matrix [h * w][c]. Sources: arXiv 2007.00992; clovaai/rexnet (v1, lite), timm (rexnetr).
#ifndef REXNET_ENGINE_REFERENCE_HPP
#define REXNET_ENGINE_REFERENCE_HPP

#include "rexnet/core/views.hpp"
#include "rexnet/payload/detector_layout.hpp"

#include <Eigen/Core>

#include <cmath>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace reference {

using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct map {
  int h = 0, w = 0;
  matrix v;  ///< [h * w][c]
};

/// A layer's weights as [k][count], for the output channels [first, first + count).
[[nodiscard]] inline matrix weights_of(const float* payload, const layer_layout& l, int first, int count) {
  const layer_numbers<const float> layer = numbers_of(payload, l);
  matrix m(l.k, count);
  for (int k = 0; k < l.k; ++k)
    for (int o = first; o < first + count; ++o) m(k, o - first) = static_cast<double>(layer.weight(o, k));
  return m;
}
[[nodiscard]] inline matrix bias_of(const float* payload, const layer_layout& l) {
  return Eigen::Map<const Eigen::RowVectorXf>(numbers_of(payload, l).bias, l.out_c).cast<double>();
}

[[nodiscard]] inline matrix silu(const matrix& x) {
  return (x.array() / (1.0 + (-x.array()).exp())).matrix();
}
[[nodiscard]] inline matrix relu6(const matrix& x) {
  return x.cwiseMax(0.0).cwiseMin(6.0);
}
[[nodiscard]] inline matrix activated(activation act, const matrix& x) {
  switch (act) {
    case activation::none: break;
    case activation::relu: return x.cwiseMax(0.0);
    case activation::relu6: return relu6(x);
    case activation::silu: return silu(x);
    case activation::sigmoid: return (1.0 / (1.0 + (-x.array()).exp())).matrix();
  }
  return x;
}

/// x [n][k] times the layer's weights, plus its bias; a hundred columns at a time to save memory.
[[nodiscard]] inline matrix dense(const float* payload, const layer_layout& l, const matrix& x) {
  matrix out = bias_of(payload, l).replicate(x.rows(), 1);
  for (int o = 0; o < l.out_c; o += 100) {
    const int count = l.out_c - o < 100 ? l.out_c - o : 100;
    out.middleCols(o, count) += x * weights_of(payload, l, o, count);
  }
  return out;
}

/// The stem: 3x3, stride 2, zero padding 1; every output pixel's 27 inputs make a row of a matrix.
[[nodiscard]] inline map stem(const config& c, const float* payload, const layer_layout& l, const map& in) {
  map out{strided(in.h, 2), strided(in.w, 2), {}};
  matrix patches = matrix::Zero(Eigen::Index{out.h} * out.w, 27);
  for (int y = 0; y < out.h; ++y)
    for (int x = 0; x < out.w; ++x)
      for (int ky = 0; ky < 3; ++ky)
        for (int kx = 0; kx < 3; ++kx) {
          const int iy = 2 * y - 1 + ky, ix = 2 * x - 1 + kx;
          if (iy >= 0 && ix >= 0 && iy < in.h && ix < in.w)
            patches.block(Eigen::Index{y} * out.w + x, Eigen::Index{ky * 3 + kx} * 3, 1, 3) =
                in.v.row(iy * in.w + ix);
        }
  out.v = activated(c.stem_act, dense(payload, l, patches));
  return out;
}

[[nodiscard]] inline map depthwise(const float* payload, const layer_layout& l, const map& in, int kernel,
                                   int stride) {
  const matrix taps = weights_of(payload, l, 0, l.out_c), bias = bias_of(payload, l);
  map out{strided(in.h, stride), strided(in.w, stride), {}};
  out.v = bias.replicate(Eigen::Index{out.h} * out.w, 1);
  for (int y = 0; y < out.h; ++y)
    for (int x = 0; x < out.w; ++x)
      for (int ky = 0; ky < kernel; ++ky)
        for (int kx = 0; kx < kernel; ++kx) {
          const int iy = y * stride + ky - kernel / 2, ix = x * stride + kx - kernel / 2;
          if (iy >= 0 && ix >= 0 && iy < in.h && ix < in.w)
            out.v.row(y * out.w + x) += in.v.row(iy * in.w + ix).cwiseProduct(taps.row(ky * kernel + kx));
        }
  return out;
}

/// A block: expand, depthwise, squeeze-excite, activation, project, and the input added to the first
/// channels.
[[nodiscard]] inline map block(const block_config& b, const float* payload, const block_layout& l,
                               const map& in) {
  map x = in;
  if (b.expand) x.v = activated(b.expand_act, dense(payload, l.expand, in.v));
  x = depthwise(payload, l.depthwise, x, b.kernel, b.stride);
  if (!b.se_first) x.v = activated(b.depthwise_act, x.v);
  if (b.se_c > 0) {
    const matrix squeezed = dense(payload, l.squeeze, x.v.colwise().mean()).cwiseMax(0.0);
    const Eigen::RowVectorXd gate = activated(activation::sigmoid, dense(payload, l.excite, squeezed));
    x.v = x.v.array().rowwise() * gate.array();
  }
  if (b.se_first) x.v = activated(b.depthwise_act, x.v);
  map out{x.h, x.w, activated(b.project_act, dense(payload, l.project, x.v))};
  if (b.residual()) out.v.leftCols(b.residual_c) += in.v.leftCols(b.residual_c);
  return out;
}

/// Everything between an image and its outputs. Vectors are matrices of one row.
struct answer {
  std::vector<map> blocks;  ///< the output of each block
  map head;                 ///< after its activation
  matrix pooled;            ///< the head's mean
  matrix features;          ///< what the classifier sees
  matrix outputs;           ///< output_c(c) logits, or the features where classes is 0
};

/// One image through the network.
/// @param payload packed_numbers(c) floats
/// @param image   [h][w][3], normalised
[[nodiscard]] inline answer run(const config& c, const float* payload, const float* image, int h, int w) {
  const weights_layout layout = layout_of(c);
  answer a;
  map x{h, w,
        Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, 3, Eigen::RowMajor>>(image, Eigen::Index{h} * w,
                                                                                   3)
            .cast<double>()};
  x = stem(c, payload, layout.stem, x);
  for (int i = 0; i < c.block_count; ++i) {
    x = block(c.blocks[i], payload, layout.blocks[i], x);
    a.blocks.push_back(x);
  }
  a.head = {x.h, x.w, activated(c.head_act, dense(payload, layout.head, x.v))};
  a.pooled = a.head.v.colwise().mean();
  a.features = c.hidden_c > 0 ? activated(c.hidden_act, dense(payload, layout.hidden, a.pooled)) : a.pooled;
  a.outputs = c.classes > 0 ? dense(payload, layout.classifier, a.features) : a.features;
  return a;
}

/// A detector's raw outputs.
struct detector_answer {
  std::vector<map> maps;  ///< of every level
  matrix logits;          ///< [rows][classes]
  matrix codes;           ///< [rows][4]
};

/// One image through a detector.
/// @param payload layout_of(d).bytes
/// @param image   [h][w][3], normalised
[[nodiscard]] inline detector_answer run(const detector_config& d, const float* payload, const float* image,
                                         int h, int w) {
  const detector_layout layout = layout_of(d);
  const answer backbone = run(d.backbone, payload, image, h, w);
  detector_answer a;
  a.maps = {backbone.blocks[static_cast<std::size_t>(d.tap)], backbone.head};
  for (int k = 0; k < ssd_extra_blocks; ++k)
    a.maps.push_back(block(d.extra[k], payload, layout.extra[k], a.maps.back()));
  a.logits.resize(detector_rows(d, h, w), d.classes);
  a.codes.resize(a.logits.rows(), 4);
  Eigen::Index row = 0;
  for (int k = 0; k < ssd_levels; ++k) {
    const map& in = a.maps[static_cast<std::size_t>(k)];
    // A place's outputs are its anchors', one after the other: [places][6 * n] is [places * 6][n].
    const auto head = [&](const block_config& b, const block_layout& l, matrix& to) {
      const matrix v = block(b, payload, l, in).v;
      to.middleRows(row, v.rows() * ssd_anchors_a_place) =
          Eigen::Map<const matrix>(v.data(), v.rows() * ssd_anchors_a_place, to.cols());
    };
    head(logits_head(d, k), layout.logits[k], a.logits);
    head(codes_head(d, k), layout.codes[k], a.codes);
    row += in.v.rows() * ssd_anchors_a_place;
  }
  return a;
}

/// The outputs alone: output_c(c) logits, or features where classes is 0.
[[nodiscard]] inline std::vector<double> forward(const config& c, const float* payload, const float* image,
                                                 int h, int w) {
  const matrix outputs = run(c, payload, image, h, w).outputs;
  return {outputs.data(), outputs.data() + outputs.size()};
}

/// A class activation map, [h * w][1] (cam.hpp): the classifier without its bias on every place of the head.
[[nodiscard]] inline matrix class_activation_map(const config& c, const float* payload, const map& head,
                                                 int class_index) {
  const weights_layout layout = layout_of(c);
  const matrix seen =
      c.hidden_c > 0 ? activated(c.hidden_act, dense(payload, layout.hidden, head.v)) : head.v;
  return seen * weights_of(payload, layout.classifier, class_index, 1);
}

}  // namespace reference
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_REFERENCE_HPP
