// SPDX-License-Identifier: MIT
// The operators of the network, each usable alone on NHWC views of any stride: shapes are checked, nothing
// outside a view is touched, nothing is allocated. Weights are packed once with pack_filter(). Results have
// the bits of the network's own kernels: those of `kernels`, which is the last parameter of each (a network's
// own are net.kernels()); without it default_kernels().
#ifndef REXNET_OPS_HPP
#define REXNET_OPS_HPP

#include "rexnet/core/aligned_buffer.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/core/padding.hpp"
#include "rexnet/core/views.hpp"
#include "rexnet/dispatch/default_kernels.hpp"
#include "rexnet/engine/mean.hpp"
#include "rexnet/payload/panel.hpp"
#include "rexnet/system/parallel.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

namespace rexnet {
inline namespace REXNET_BUILD {

/// Packed weights [ceil(out_c / 16)][k][16] and bias [ceil(out_c / 16) * 16].
struct filter {
  const float* weights = nullptr;  ///< 64-byte aligned, as pack_filter() makes them
  const float* bias = nullptr;     ///< of every output channel, padded with zeros
  int k = 0;                       ///< pointwise, dense: in_c; depthwise: K * K; convolution: K * K * in_c
  int out_c = 0;                   ///< output channels
};

/// Owner of a filter's memory, made by pack_filter().
class packed_filter {
 public:
  /// What the operators take, as long as its owner lives: not of a temporary.
  [[nodiscard]] filter view() const& noexcept { return view_; }
  [[nodiscard]] filter view() const&& = delete;

 private:
  friend result<packed_filter> pack_filter(span<const float> weights, span<const float> bias, int out_c,
                                           int k);
  aligned_buffer memory_;  ///< weights, then bias
  filter view_;            ///< of that memory
};

/// Packs weights [out_c][k] (k in the order rows, columns, channels) and a bias [out_c] (empty: zeros).
/// Errors: shape_mismatch, out_of_memory.
[[nodiscard]] inline result<packed_filter> pack_filter(span<const float> weights, span<const float> bias,
                                                       int out_c, int k) {
  if (out_c < 1 || k < 1 || weights.size() != static_cast<std::size_t>(out_c) * static_cast<std::size_t>(k) ||
      (!bias.empty() && bias.size() != static_cast<std::size_t>(out_c)))
    return error(errc::shape_mismatch, "pack_filter: " + std::to_string(weights.size()) + " weights and " +
                                           std::to_string(bias.size()) + " biases for " +
                                           std::to_string(out_c) + " outputs of " + std::to_string(k));
  packed_filter f;
  const std::int64_t numbers = panel_numbers(k, out_c);
  f.memory_ = float_buffer(numbers + round_up(std::int64_t{out_c}, panel_c));
  if (f.memory_.data() == nullptr) return error(errc::out_of_memory, "pack_filter: no memory");
  float* const to = f.memory_.floats().data();
  for (int o = 0; o < out_c; ++o)
    for (int i = 0; i < k; ++i) to[panel_index(k, o, i)] = weights.data()[std::ptrdiff_t{o} * k + i];
  std::copy(bias.begin(), bias.end(), to + numbers);
  f.view_ = {to, to + numbers, k, out_c};
  return f;
}

/// Threads of one operator call.
struct op_threads {
  int count = 1;    ///< 1 to max_threads; the rows of the output are shared
  executor pool{};  ///< OpenMP, or a pool of the caller's
};

namespace detail {

template <class T>
[[nodiscard]] bool good_view(const nhwc_view<T>& v) noexcept {
  return v.n >= 0 && v.h >= 1 && v.w >= 1 && v.c >= 1 && (v.n == 0 || v.data != nullptr);
}

/// `out` is what a convolution with padding kernel / 2 makes of `in`.
[[nodiscard]] inline bool strided_views(const nhwc_view<const float>& in, const nhwc_view<float>& out,
                                        int stride) noexcept {
  return good_view(in) && good_view(out) && in.n == out.n && out.h == (in.h + stride - 1) / stride &&
         out.w == (in.w + stride - 1) / stride;
}

/// Filter and output row of a kernel call: what pointwise_args and depthwise_args have in common.
template <class Args>
[[nodiscard]] Args output_row(const filter& f, const nhwc_view<float>& out, int b, int y) noexcept {
  Args a{};
  a.weights = f.weights;
  a.bias = f.bias;
  a.out = out.pixel(b, y, 0);
  a.out_step = out.pixel_stride;
  return a;
}

/// body(image, row) for all rows of all images, split over the threads.
template <class Body>
void for_each_row(int n, int h, const op_threads& t, Body&& body) noexcept {
  const std::int64_t rows = std::int64_t{n} * h;
  const std::int64_t tasks = (std::max)(std::int64_t{1}, (std::min)(std::int64_t{t.count}, rows));
  auto work = [&](std::int64_t task) {
    for (std::int64_t r = rows * task / tasks; r < rows * (task + 1) / tasks; ++r)
      body(static_cast<int>(r / h), static_cast<int>(r % h));
  };
  run_tasks(
      t.pool, static_cast<int>(tasks),
      [](void* context, int task) { (*static_cast<decltype(work)*>(context))(task); }, &work);
}

}  // namespace detail

/// 1x1 convolution: out[..., o] = act(bias[o] + sum_i in[..., i] w[o][i]) + residual[..., o] for o <
/// residual.c.
/// @param act      none, relu, relu6 or silu
/// @param residual null data: none; else the same pixels and at most out.c channels
/// Errors: shape_mismatch, invalid_argument (activation), unsupported (no kernels).
[[nodiscard]] inline errc pointwise(nhwc_view<const float> in, const filter& f, nhwc_view<float> out,
                                    activation act = activation::none, nhwc_view<const float> residual = {},
                                    const op_threads& threads = {},
                                    const kernel_table* kernels = default_kernels()) noexcept {
  if (kernels == nullptr) return errc::unsupported;
  if (act == activation::sigmoid) return errc::invalid_argument;
  if (!detail::strided_views(in, out, 1) || in.c != f.k || out.c != f.out_c) return errc::shape_mismatch;
  if (residual.data != nullptr && (residual.n != out.n || residual.h != out.h || residual.w != out.w ||
                                   residual.c < 1 || residual.c > out.c))
    return errc::shape_mismatch;
  detail::for_each_row(in.n, in.h, threads, [&](int b, int y) {
    const float* const row = in.pixel(b, y, 0);
    auto a = detail::output_row<pointwise_args>(f, out, b, y);
    a.segment = &row;
    a.segments = 1;
    a.run = in.c;
    a.pixel_step = in.pixel_stride;
    a.pixels = in.w;
    a.out_c = a.last_c = out.c;
    a.act = act;
    a.ahead = 2;
    if (residual.data != nullptr) {
      a.residual = residual.pixel(b, y, 0);
      a.residual_step = residual.pixel_stride;
      a.residual_c = residual.c;
    }
    kernels->pointwise(a);
  });
  return errc::ok;
}

/// Depthwise convolution, padding kernel / 2; out.h = ceil(in.h / stride), f.k = kernel * kernel.
/// @param kernel 3 or 5, @param stride 1 or 2, @param act none, relu or relu6
/// Errors: shape_mismatch, invalid_argument (kernel, stride or activation), unsupported (no kernels).
[[nodiscard]] inline errc depthwise(nhwc_view<const float> in, const filter& f, int kernel, int stride,
                                    nhwc_view<float> out, activation act = activation::none,
                                    const op_threads& threads = {},
                                    const kernel_table* kernels = default_kernels()) noexcept {
  if (kernels == nullptr) return errc::unsupported;
  if ((kernel != 3 && kernel != 5) || (stride != 1 && stride != 2)) return errc::invalid_argument;
  if (act == activation::silu || act == activation::sigmoid) return errc::invalid_argument;
  if (!detail::strided_views(in, out, stride) || in.c != out.c || f.out_c != in.c || f.k != kernel * kernel)
    return errc::shape_mismatch;
  detail::for_each_row(out.n, out.h, threads, [&](int b, int y) {
    auto a = detail::output_row<depthwise_args>(f, out, b, y);
    a.in = in.pixel(b, 0, 0);
    a.in_row = in.row_stride;
    a.ring_rows = a.h = in.h;
    a.first_y = y;
    a.rows = 1;
    a.w = in.w;
    a.in_step = in.pixel_stride;
    a.kernel = kernel;
    a.stride = stride;
    a.ow = out.w;
    a.c = in.c;
    a.act = act;
    kernels->depthwise(a);
  });
  return errc::ok;
}

/// Floats of scratch for convolution(): `kernel` zero-padded rows.
[[nodiscard]] constexpr std::size_t convolution_scratch_floats(int w, int c, int kernel) noexcept {
  return static_cast<std::size_t>(w + kernel) * static_cast<std::size_t>(c) *
         static_cast<std::size_t>(kernel);
}

/// Dense KxK convolution (the stem), padding kernel / 2, kernel odd and at most 15, any stride.
/// @param scratch convolution_scratch_floats(in.w, in.c, kernel) floats
/// @param act     none, relu, relu6 or silu
/// Errors: shape_mismatch, invalid_argument (kernel, stride or activation), workspace_too_small, unsupported
/// (no kernels).
[[nodiscard]] inline errc convolution(nhwc_view<const float> in, const filter& f, int kernel, int stride,
                                      nhwc_view<float> out, span<float> scratch,
                                      activation act = activation::none,
                                      const kernel_table* kernels = default_kernels()) noexcept {
  if (kernels == nullptr) return errc::unsupported;
  if (act == activation::sigmoid) return errc::invalid_argument;
  if (kernel < 1 || kernel > 15 || kernel % 2 == 0 || stride < 1) return errc::invalid_argument;
  if (!detail::strided_views(in, out, stride) || f.k != kernel * kernel * in.c || f.out_c != out.c)
    return errc::shape_mismatch;
  if (scratch.size() < convolution_scratch_floats(in.w, in.c, kernel)) return errc::workspace_too_small;
  const int pad = kernel / 2;
  const std::ptrdiff_t row_floats = static_cast<std::ptrdiff_t>(in.w + kernel) * in.c;
  for (int b = 0; b < in.n; ++b)
    for (int y = 0; y < out.h; ++y) {
      const float* rows[15];
      for (int ky = 0; ky < kernel; ++ky) {
        float* const row = scratch.data() + ky * row_floats;
        rows[ky] = row;
        std::fill_n(row, row_floats, 0.0f);
        const int iy = y * stride - pad + ky;
        if (iy < 0 || iy >= in.h) continue;
        for (int x = 0; x < in.w; ++x)
          std::copy_n(in.pixel(b, iy, x), in.c, row + static_cast<std::ptrdiff_t>(x + pad) * in.c);
      }
      auto a = detail::output_row<pointwise_args>(f, out, b, y);
      a.segment = rows;
      a.segments = kernel;
      a.run = kernel * in.c;
      a.pixel_step = static_cast<std::ptrdiff_t>(stride) * in.c;
      a.pixels = out.w;
      a.out_c = a.last_c = out.c;
      a.act = act;
      a.ahead = 2;
      kernels->pointwise(a);
    }
  return errc::ok;
}

/// Mean over all pixels of each image: out [n][c]. Errors: shape_mismatch, unsupported (no kernels).
[[nodiscard]] inline errc global_mean(nhwc_view<const float> in, span<float> out,
                                      const kernel_table* kernels = default_kernels()) noexcept {
  if (kernels == nullptr) return errc::unsupported;
  if (!detail::good_view(in) || out.size() != static_cast<std::size_t>(in.n) * static_cast<std::size_t>(in.c))
    return errc::shape_mismatch;
  constexpr int slice = detail::mean_channels;
  for (int b = 0; b < in.n; ++b)
    for (int first = 0; first < in.c; first += slice) {
      const int channels = (std::min)(slice, in.c - first);
      float* const sums = out.data() + static_cast<std::ptrdiff_t>(b) * in.c + first;
      std::fill_n(sums, channels, 0.0f);
      detail::mean_of_pixels mean;
      for (int y = 0; y < in.h; ++y)
        for (int x = 0, run = static_cast<int>(detail::mean_run); x < in.w; x += run) {
          const int count = (std::min)(run, in.w - x);
          mean.add(sums, channels, count);
          kernels->add_pixels({const_cast<float*>(in.pixel(b, y, x)) + first, count, in.pixel_stride, sums,
                               channels, activation::none});
        }
      mean.finish(sums, channels);
    }
  return errc::ok;
}

/// Fully connected layer: out = act(bias + W in). in [f.k], out [f.out_c].
/// @param act none, relu, relu6 or sigmoid
/// Errors: shape_mismatch, invalid_argument (activation), unsupported (no kernels).
[[nodiscard]] inline errc dense(span<const float> in, const filter& f, span<float> out,
                                activation act = activation::none,
                                const kernel_table* kernels = default_kernels()) noexcept {
  if (kernels == nullptr) return errc::unsupported;
  if (act == activation::silu) return errc::invalid_argument;
  if (in.size() != static_cast<std::size_t>(f.k) || out.size() != static_cast<std::size_t>(f.out_c))
    return errc::shape_mismatch;
  kernels->dense({in.data(), f.k, f.weights, f.bias, out.data(), f.out_c, 0, f.out_c, act});
  return errc::ok;
}

/// Squeeze-excite in place: map = act(map * sigmoid(W2 relu(W1 mean(map)))).
/// @param scratch 2 * map.c + squeeze.out_c floats, @param act none, relu or relu6
/// Errors: shape_mismatch, invalid_argument (activation), workspace_too_small, unsupported (no kernels).
[[nodiscard]] inline errc squeeze_excite(nhwc_view<float> map, const filter& squeeze, const filter& excite,
                                         span<float> scratch, activation act = activation::none,
                                         const kernel_table* kernels = default_kernels()) noexcept {
  if (kernels == nullptr) return errc::unsupported;
  if (act == activation::silu || act == activation::sigmoid) return errc::invalid_argument;
  if (!detail::good_view(map) || squeeze.k != map.c || excite.k != squeeze.out_c || excite.out_c != map.c)
    return errc::shape_mismatch;
  const auto c = static_cast<std::size_t>(map.c), se = static_cast<std::size_t>(squeeze.out_c);
  if (scratch.size() < 2 * c + se) return errc::workspace_too_small;
  float* const mean = scratch.data();
  float* const squeezed = mean + c;
  float* const scale = squeezed + se;
  for (int b = 0; b < map.n; ++b) {
    nhwc_view<float> image = map;
    image.data = map.pixel(b, 0, 0);
    image.n = 1;
    errc e = global_mean(image, {mean, c}, kernels);
    if (e == errc::ok) e = dense({mean, c}, squeeze, {squeezed, se}, activation::relu, kernels);
    if (e == errc::ok) e = dense({squeezed, se}, excite, {scale, c}, activation::sigmoid, kernels);
    if (e != errc::ok) return e;
    for (int y = 0; y < map.h; ++y)
      kernels->scale_pixels({image.pixel(0, y, 0), map.w, map.pixel_stride, scale, map.c, act});
  }
  return errc::ok;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_OPS_HPP
