// SPDX-License-Identifier: MIT
// One inverted bottleneck, cut into chunks as plan.hpp says. Each function does one chunk of one phase;
// nothing here allocates, throws or knows about threads.
#ifndef REXNET_ENGINE_BLOCK_HPP
#define REXNET_ENGINE_BLOCK_HPP

#include "rexnet/engine/input.hpp"
#include "rexnet/engine/mean.hpp"
#include "rexnet/engine/plan.hpp"
#include "rexnet/kernels/table.hpp"
#include "rexnet/payload/layout.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// A layer's packed weights and bias, from output channel `first_c` (a multiple of 16) on.
struct layer_weights {
  const float* weights;
  const float* bias;
};
[[nodiscard]] inline layer_weights at(const float* payload, const layer_layout& l, int first_c = 0) noexcept {
  const layer_numbers<const float> from = numbers_of(payload, l).from(first_c);
  return {from.weights, from.bias};
}

/// A 1x1 layer's `channels` outputs for pixels `in_step` floats apart; `threads` claim such slices of it.
inline void pointwise_layer(const kernel_table& kernels, layer_weights w, int k, const float* in,
                            std::ptrdiff_t in_step, std::ptrdiff_t pixels, float* out,
                            std::ptrdiff_t out_step, int channels, activation act, int threads) noexcept {
  pointwise_args a{};
  a.segment = &in;
  a.segments = 1;
  a.run = k;
  a.pixel_step = in_step;
  a.pixels = pixels;
  a.weights = w.weights;
  a.bias = w.bias;
  a.out = out;
  a.out_step = out_step;
  a.out_c = channels;
  a.act = act;
  a.last_c = channels;
  a.ahead = 2 * threads;
  kernels.pointwise(a);
}

/// The stem's convolution, row by row: 3x3, stride 2, padding 1, from 3 channels.
struct stem_rows {
  const kernel_table* kernels;
  input_rows input;
  layer_weights weights;
  int stem_c;  ///< channels that may be written
  activation act;
  float* scratch;   ///< stem_rows_floats(input.w): a ring of three input rows
  int next_y = -1;  ///< the output row whose first input row is in the ring already

  /// Output row y to out, [ceil(w / 2)] pixels of `step` floats.
  void compute(int y, float* out, std::ptrdiff_t step) noexcept {
    const auto row_floats = static_cast<std::ptrdiff_t>(stem_rows_floats(input.w) / 3);
    const float* rows[3];
    for (int ky = 0; ky < 3; ++ky) {
      const int iy = 2 * y - 1 + ky;
      float* row = scratch + (iy + 1) % 3 * row_floats;
      if (ky > 0 || y != next_y) input.copy_padded(iy, row);
      rows[ky] = row;
    }
    next_y = y + 1;
    pointwise_args a{};
    a.segment = rows;
    a.segments = 3;
    a.run = 9;
    a.pixel_step = 6;
    a.weights = weights.weights;
    a.bias = weights.bias;
    a.out = out;
    a.out_step = step;
    a.out_c = stem_c;
    a.act = act;
    a.pixels = strided(input.w, 2);
    a.last_c = stem_c;
    a.ahead = 2;
    kernels->pointwise(a);
  }
};

/// The network that a block belongs to.
struct network_context {
  const kernel_table* kernels;
  const config* net;
  const weights_layout* layout;
  const float* payload;
  const plan* how;  ///< the whole network's plan
  float* workspace;
};

/// Everything a block's phases share.
struct block_context : network_context {
  const block_config* shape;
  const block_layout* layers;
  const block_plan* place;
  float* outputs = nullptr;  ///< where the outputs go, [pixels][out_c]; null: to the workspace, padded

  [[nodiscard]] const block_config& block() const noexcept { return *shape; }
  [[nodiscard]] const block_layout& weights() const noexcept { return *layers; }
  [[nodiscard]] const block_plan& sizes() const noexcept { return *place; }
  /// Channels of an output pixel that may be written, and floats from one to the next.
  [[nodiscard]] int written_c() const noexcept {
    return outputs != nullptr ? shape->out_c : padded_c(shape->out_c);
  }
  [[nodiscard]] float* scratch(int worker) const noexcept {
    return workspace + sizes().scratch + worker * sizes().scratch_floats;
  }
};

/// Channels computed for `c` of an expanded map: no vector is cut. At most mid_step(c).
constexpr int whole_vectors(const kernel_table& kernels, int c) noexcept {
  return round_up(c, larger(pixel_pad, kernels.width));
}

/// What follows the depthwise convolution at once, and what follows the factors of squeeze-excite.
constexpr activation before_squeeze(const block_config& b) noexcept {
  return b.se_c > 0 && b.se_first ? activation::none : b.depthwise_act;
}
constexpr activation after_squeeze(const block_config& b) noexcept {
  return b.se_first ? b.depthwise_act : activation::none;
}

/// What part of a block one worker expands and convolves.
struct expanded_part {
  int first_c, channels;  ///< channels [first_c, first_c + channels)
  int begin, end;         ///< output rows [begin, end)
  float* ring;            ///< the ring of expanded rows
  int ring_step;          ///< floats of a pixel there
  float* sums;            ///< the outputs are added to these, one a channel; or null
  activation act;         ///< after the depthwise convolution
};

/// Expands and convolves a part, a turn of the ring at a time. expand_rows(y, until, to) expands input rows
/// [y, until); out_rows(y, d) says where output row y goes; turn(y, rows) follows its rows.
template <class ExpandRows, class OutRows, class Turn>
void expand_depthwise(const block_context& b, const expanded_part& part, ExpandRows&& expand_rows,
                      OutRows&& out_rows, Turn&& turn) noexcept {
  const block_config& cfg = b.block();
  const block_plan& sizes = b.sizes();
  const int pad = cfg.kernel / 2;
  const layer_weights w = at(b.payload, b.weights().depthwise, part.first_c);

  depthwise_args d{};
  d.in = part.ring;
  d.in_row = static_cast<std::ptrdiff_t>(sizes.w) * part.ring_step;
  d.in_step = part.ring_step;
  d.ring_rows = sizes.ring_rows;
  d.h = sizes.h;
  d.w = sizes.w;
  d.kernel = cfg.kernel;
  d.stride = cfg.stride;
  d.weights = w.weights;
  d.bias = w.bias;
  d.ow = sizes.ow;
  d.c = part.channels;
  d.act = part.act;
  d.sums = part.sums;

  // Input rows before this one are in the ring, or no longer needed.
  int have = larger(0, part.begin * cfg.stride - pad);
  for (int y = part.begin; y < part.end; y += sizes.step_rows) {
    d.first_y = y;
    d.rows = smaller(sizes.step_rows, part.end - y);
    const int need = smaller(sizes.h, (y + d.rows - 1) * cfg.stride - pad + cfg.kernel);
    while (have < need) {
      const int until =
          smaller(need, have + sizes.ring_rows - have % sizes.ring_rows);  // the ring wraps here
      expand_rows(have, until, part.ring + have % sizes.ring_rows * d.in_row);
      have = until;
    }
    out_rows(y, d);
    b.kernels->depthwise(d);
    turn(y, d.rows);
  }
}

/// The expand convolution of input rows [y, until) into consecutive rows at out.
inline void expand_block_rows(const block_context& b, int first_c, int channels, int out_step, int y,
                              int until, float* out) noexcept {
  const block_plan& sizes = b.sizes();
  const std::ptrdiff_t in_step = padded_c(b.block().in_c);
  pointwise_layer(*b.kernels, at(b.payload, b.weights().expand, first_c), b.block().in_c,
                  b.workspace + sizes.in + static_cast<std::ptrdiff_t>(y) * sizes.w * in_step, in_step,
                  static_cast<std::ptrdiff_t>(until - y) * sizes.w, out, out_step, channels,
                  b.block().expand_act, sizes.bands ? 1 : b.how->threads);
}

/// The project convolution of pixels [first, first + count), output channels [first_c, last_c): mid holds the
/// first pixel.
inline void project_pixels(const block_context& b, const float* mid, std::ptrdiff_t first,
                           std::ptrdiff_t count, int first_c, int last_c) noexcept {
  const block_config& cfg = b.block();
  const block_plan& sizes = b.sizes();
  const layer_weights w = at(b.payload, b.weights().project);
  pointwise_args a{};
  a.segment = &mid;
  a.segments = 1;
  a.run = cfg.mid_c;
  a.pixel_step = mid_step(cfg.mid_c);
  a.weights = w.weights;
  a.bias = w.bias;
  a.out_step = b.written_c();
  a.out = (b.outputs != nullptr ? b.outputs : b.workspace + sizes.out) + first * a.out_step;
  a.out_c = b.written_c();
  a.act = cfg.project_act;
  if (cfg.residual()) {
    a.residual_step = padded_c(cfg.in_c);
    a.residual = b.workspace + sizes.in + first * a.residual_step;
    a.residual_c = padded_c(cfg.residual_c);
  }
  a.pixels = count;
  a.first_c = first_c;
  a.last_c = last_c;
  a.ahead = sizes.by_columns ? 2 * b.how->threads : 2;
  b.kernels->pointwise(a);
}

/// Bands: output rows of chunk `chunk`, all the way through the block. Block 0 takes its rows from the stem.
inline void band_chunk(const block_context& b, int chunk, int worker, const input_rows& input) noexcept {
  const block_config& cfg = b.block();
  const block_plan& sizes = b.sizes();
  const int channels = whole_vectors(*b.kernels, cfg.mid_c), step = mid_step(cfg.mid_c);
  const int begin = static_cast<int>(std::int64_t{sizes.oh} * chunk / sizes.chunks);
  const int end = static_cast<int>(std::int64_t{sizes.oh} * (chunk + 1) / sizes.chunks);
  float* const ring = b.scratch(worker);
  float* const mid = ring + pad16(static_cast<std::int64_t>(sizes.ring_rows) * sizes.w * step);
  const std::ptrdiff_t mid_row = static_cast<std::ptrdiff_t>(sizes.ow) * step;
  stem_rows stem{b.kernels, input,           at(b.payload, b.layout->stem),
                 channels,  b.net->stem_act, mid + pad16(sizes.step_rows * mid_row)};

  expand_depthwise(
      b, {0, channels, begin, end, ring, step, nullptr, cfg.depthwise_act},
      [&](int y, int until, float* out) {
        if (cfg.expand)
          expand_block_rows(b, 0, channels, step, y, until, out);
        else
          for (int r = y; r < until; ++r)
            stem.compute(r, out + static_cast<std::ptrdiff_t>(r - y) * sizes.w * step, step);
      },
      [&](int, depthwise_args& d) {
        d.out = mid;
        d.out_row = mid_row;
        d.out_step = step;
      },
      [&](int y, int rows) {
        project_pixels(b, mid, static_cast<std::ptrdiff_t>(y) * sizes.ow,
                       static_cast<std::ptrdiff_t>(rows) * sizes.ow, 0, b.written_c());
      });
}

/// Slices of a block without expand and squeeze-excite: the depthwise convolution of a slice, of the map as
/// it is.
inline void depthwise_slice(const block_context& b, int chunk) noexcept {
  const block_config& cfg = b.block();
  const block_plan& sizes = b.sizes();
  const int first_c = chunk * sizes.slice_c;
  const layer_weights w = at(b.payload, b.weights().depthwise, first_c);
  depthwise_args d{};
  d.in_step = padded_c(cfg.in_c);
  d.in_row = sizes.w * d.in_step;
  d.in = b.workspace + sizes.in + first_c;
  d.ring_rows = d.h = sizes.h;
  d.w = sizes.w;
  d.kernel = cfg.kernel;
  d.stride = cfg.stride;
  d.weights = w.weights;
  d.bias = w.bias;
  d.out_step = mid_step(cfg.mid_c);
  d.out_row = sizes.ow * d.out_step;
  d.out = b.workspace + sizes.mid + first_c;
  d.rows = sizes.oh;
  d.ow = sizes.ow;
  d.c = smaller(sizes.slice_c, padded_c(cfg.in_c) - first_c);
  d.act = cfg.depthwise_act;
  b.kernels->depthwise(d);
}

/// Slices, first phase: one slice of channels over the whole map, and its means for squeeze-excite.
inline void slice_chunk(const block_context& b, int chunk, int worker) noexcept {
  const block_config& cfg = b.block();
  const block_plan& sizes = b.sizes();
  const int first_c = chunk * sizes.slice_c;
  const int channels = smaller(sizes.slice_c, whole_vectors(*b.kernels, cfg.mid_c) - first_c);
  const std::ptrdiff_t step = mid_step(cfg.mid_c);
  float* const mid = b.workspace + sizes.mid + first_c;
  float* const sums = cfg.se_c > 0 ? b.workspace + b.how->sums + first_c : nullptr;
  if (sums != nullptr)
    for (int c = 0; c < channels; ++c) sums[c] = 0.0f;
  mean_of_pixels mean;
  expand_depthwise(
      b, {first_c, channels, 0, sizes.oh, b.scratch(worker), sizes.slice_c, sums, before_squeeze(cfg)},
      [&](int y, int until, float* out) {
        expand_block_rows(b, first_c, channels, sizes.slice_c, y, until, out);
      },
      [&](int y, depthwise_args& d) {
        if (sums != nullptr) mean.add(sums, channels, static_cast<std::ptrdiff_t>(d.rows) * sizes.ow);
        d.out_row = sizes.ow * step;
        d.out = mid + y * d.out_row;
        d.out_step = step;
      },
      [](int, int) {});
  if (sums != nullptr) mean.finish(sums, channels);
}

/// Output channels of a chunk of a dense layer: eight panels.
inline constexpr int dense_chunk_c = 128;

/// A chunk of a dense layer from `in` to `out`.
inline void dense_chunk(const kernel_table& kernels, const float* payload, const layer_layout& l,
                        const float* in, float* out, int chunk, activation act) noexcept {
  const layer_weights w = at(payload, l);
  dense_args a{};
  a.in = in;
  a.k = l.k;
  a.weights = w.weights;
  a.bias = w.bias;
  a.out = out;
  a.out_c = l.out_c;
  a.first_c = chunk * dense_chunk_c;
  a.last_c = smaller(l.out_c, a.first_c + dense_chunk_c);
  a.act = act;
  kernels.dense(a);
}

/// Squeeze-excite's factors and what follows them, on `pixels` of an expanded map in place: `channels` of
/// them from `map` and `scale` on.
inline void scale_clip(const block_context& b, float* map, std::ptrdiff_t pixels, float* scale,
                       int channels) noexcept {
  sweep_args a{};
  a.map = map;
  a.pixels = pixels;
  a.step = mid_step(b.block().mid_c);
  a.vector = scale;
  a.c = channels;
  a.act = after_squeeze(b.block());
  b.kernels->scale_pixels(a);
}

/// Slices, the second dense layer: a chunk of scales. Where project goes by columns, scale and ReLU6 follow
/// on the chunk's channels.
inline void excite_chunk(const block_context& b, int chunk) noexcept {
  const block_config& cfg = b.block();
  const block_plan& sizes = b.sizes();
  float* const scale = b.workspace + b.how->scale;
  dense_chunk(*b.kernels, b.payload, b.weights().excite, b.workspace + b.how->squeezed, scale, chunk,
              activation::sigmoid);
  if (!sizes.by_columns) return;
  const int first = chunk * dense_chunk_c;
  scale_clip(b, b.workspace + sizes.mid + first, static_cast<std::ptrdiff_t>(sizes.oh) * sizes.ow,
             scale + first, smaller(dense_chunk_c, cfg.mid_c - first));
}

/// Slices, last phase: project some columns of all pixels, or some pixels after scale and ReLU6 in place.
inline void project_chunk(const block_context& b, int chunk) noexcept {
  const block_config& cfg = b.block();
  const block_plan& sizes = b.sizes();
  const std::ptrdiff_t pixels = static_cast<std::ptrdiff_t>(sizes.oh) * sizes.ow;
  if (sizes.by_columns) {
    const int first_c = chunk * slice_channels;
    project_pixels(b, b.workspace + sizes.mid, 0, pixels, first_c,
                   smaller(first_c + slice_channels, b.written_c()));
    return;
  }
  const auto begin = [=](int group) {
    return static_cast<std::ptrdiff_t>(std::int64_t{pixels} * group / sizes.groups);
  };
  const std::ptrdiff_t first = begin(chunk), last = begin(chunk + 1);
  const std::ptrdiff_t step = mid_step(cfg.mid_c);
  float* const mid = b.workspace + sizes.mid + first * step;
  if (cfg.se_c > 0) scale_clip(b, mid, last - first, b.workspace + b.how->scale, cfg.mid_c);
  project_pixels(b, mid, first, last - first, 0, b.written_c());
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_BLOCK_HPP
