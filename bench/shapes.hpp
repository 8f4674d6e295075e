// SPDX-License-Identifier: MIT
// The operators' shapes as one network runs them on one thread: derived from its configuration and plan, so
// that a change of either is a change of what is measured. Follows engine/block.hpp and engine/forward.hpp.
#ifndef REXNET_BENCH_SHAPES_HPP
#define REXNET_BENCH_SHAPES_HPP

#include "rexnet/engine/network.hpp"

#include <cstddef>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace rexnet_bench {

using arch = rexnet::simd::default_arch;

/// A 1x1 layer on as many pixels as the network gives it at a time, in calls of slice_c channels.
struct pointwise_shape {
  std::string layer;
  int k, out_c;             ///< of the layer
  int computed_c, slice_c;  ///< with padding; per call
  std::ptrdiff_t pixels, in_step, out_step;
  int residual_c;
  rexnet::activation act;
};

/// A depthwise layer for the output rows of one turn of the ring, in calls of slice_c channels.
struct depthwise_shape {
  std::string layer;
  int c, computed_c, slice_c;
  int h, w, ow, kernel, stride;
  int ring_rows, first_y, rows;
  std::ptrdiff_t in_step, out_step;
  bool sums;
};

struct dense_shape {
  std::string layer;
  int k, out_c;
  rexnet::activation act;
};

/// Scale and ReLU6 on the pixels of a project group.
struct scale_shape {
  std::string layer;
  int c;
  std::ptrdiff_t pixels, step;
};

struct shapes {
  std::vector<pointwise_shape> pointwise;
  std::vector<depthwise_shape> depthwise;
  std::vector<dense_shape> dense;
  std::vector<scale_shape> scale;
  int side = 0, stem_c = 0, stem_computed_c = 0, stem_step = 0;
  rexnet::activation act = rexnet::activation::none;
};

namespace detail {

/// Keeps the first of shapes whose numbers are the same.
template <class Shape, class Key>
void keep_distinct(std::vector<Shape>& all, Key key) {
  std::set<decltype(key(all.front()))> seen;
  std::vector<Shape> kept;
  for (const Shape& s : all)
    if (seen.insert(key(s)).second) kept.push_back(s);
  all = kept;
}

inline void add_block(shapes& s, const rexnet::config& c, const rexnet::plan& p, int i) {
  using namespace rexnet::detail;
  using rexnet::padded_c;
  const rexnet::block_config& b = c.blocks[i];
  const rexnet::block_plan& bp = p.blocks[i];
  const std::string name = "block" + std::to_string(i);
  const int mid = whole_vectors(rexnet::kernels_of<arch>, b.mid_c), step = rexnet::mid_step(b.mid_c);
  const int slice = bp.bands ? mid : bp.slice_c;
  // A turn in the middle of the map, where the ring is full.
  const int turn_rows = smaller(bp.h, bp.step_rows == bp.oh ? bp.h : bp.step_rows * b.stride);
  const int ring_step = bp.bands ? step : bp.slice_c;
  if (b.expand)
    s.pointwise.push_back({name + ".expand", b.in_c, b.mid_c, mid, slice, std::ptrdiff_t{turn_rows} * bp.w,
                           padded_c(b.in_c), ring_step, 0, b.expand_act});
  s.depthwise.push_back({name, b.mid_c, mid, slice, bp.h, bp.w, bp.ow, b.kernel, b.stride, bp.ring_rows,
                         bp.oh / 2 / bp.step_rows * bp.step_rows, bp.step_rows, ring_step, step, b.se_c > 0});
  const std::ptrdiff_t pixels =
      bp.bands ? std::ptrdiff_t{bp.step_rows} * bp.ow : std::ptrdiff_t{bp.oh} * bp.ow / bp.groups;
  s.pointwise.push_back({name + ".project", b.mid_c, b.out_c, padded_c(b.out_c), padded_c(b.out_c), pixels,
                         step, padded_c(b.out_c), b.residual() ? padded_c(b.in_c) : 0,
                         rexnet::activation::none});
  if (b.se_c == 0) return;
  s.scale.push_back({name, b.mid_c, pixels, step});
  s.dense.push_back({name + ".squeeze", b.mid_c, b.se_c, activation::relu});
  s.dense.push_back({name + ".excite", b.se_c, b.mid_c, activation::sigmoid});
}

}  // namespace detail

[[nodiscard]] inline shapes shapes_of(const rexnet::config& c, int side) {
  using namespace rexnet::detail;
  const rexnet::plan p = rexnet::make_plan(c, side, side, 1);
  shapes s;
  s.side = side;
  s.stem_c = c.stem_c;
  s.stem_computed_c = whole_vectors(rexnet::kernels_of<arch>, c.blocks[0].mid_c);
  s.stem_step = rexnet::mid_step(c.blocks[0].mid_c);
  s.act = c.stem_act;
  for (int i = 0; i < c.block_count; ++i) detail::add_block(s, c, p, i);
  const rexnet::block_plan& last = p.blocks[c.block_count - 1];
  const int k = c.blocks[c.block_count - 1].out_c;
  s.pointwise.push_back({"head", k, c.head_c, c.head_c, slice_channels,
                         smaller<std::ptrdiff_t>(head_pixels, std::ptrdiff_t{last.oh} * last.ow),
                         rexnet::padded_c(k), slice_channels, 0, s.act});
  if (c.hidden_c > 0) s.dense.push_back({"hidden", c.head_c, c.hidden_c, c.hidden_act});
  if (c.classes > 0) s.dense.push_back({"classifier", rexnet::feature_c(c), c.classes, activation::none});

  detail::keep_distinct(s.pointwise, [](const pointwise_shape& a) {
    return std::make_tuple(a.k, a.out_c, a.slice_c, a.pixels, a.residual_c, a.act);
  });
  detail::keep_distinct(s.depthwise, [](const depthwise_shape& a) {
    return std::make_tuple(a.c, a.w, a.stride, a.kernel, a.rows, a.sums);
  });
  detail::keep_distinct(s.dense, [](const dense_shape& a) { return std::make_tuple(a.k, a.out_c, a.act); });
  detail::keep_distinct(s.scale, [](const scale_shape& a) { return std::make_tuple(a.c, a.pixels); });
  return s;
}

}  // namespace rexnet_bench

#endif  // REXNET_BENCH_SHAPES_HPP
