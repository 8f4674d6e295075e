// SPDX-License-Identifier: MIT
// The border between code that is compiled once and kernels that are compiled for each instruction set: a
// table of functions, and the values that they take. Plan, blocks, heads, operators and tools stand above it
// and call through a table; only what stands below is compiled for a set.
//
// The types here are the same in every object of a program, whatever its flags. So they have neither member
// initialisers nor functions: nothing of them can become code that a linker would merge. Make them with `{}`,
// which sets everything to zero.
#ifndef REXNET_KERNELS_TABLE_HPP
#define REXNET_KERNELS_TABLE_HPP

#include "rexnet/core/activation.hpp"

#include <cstddef>
#include <cstdint>

namespace rexnet {
inline namespace REXNET_BORDER {

/// @cond internal

/// Pixels times packed weight panels (kernels/pointwise.hpp).
struct pointwise_args {
  const float* const* segment;  ///< `segments` pointers to the first pixel
  int segments;                 ///< 1: a 1x1 convolution; K: the rows of a KxK convolution
  int run;                      ///< floats per segment
  std::ptrdiff_t pixel_step;
  std::ptrdiff_t pixels;
  const float* weights;
  const float* bias;
  float* out;  ///< channel 0 of pixel 0
  std::ptrdiff_t out_step;
  int out_c;              ///< channels that may be written: exact, or padded to 8 where pads are writable
  int first_c, last_c;    ///< outputs to compute: a multiple of 16; a multiple of 16, or out_c or more
  const float* residual;  ///< added after the activation to the first residual_c channels; or null
  std::ptrdiff_t residual_step;
  int residual_c;  ///< channels that may be read; 0 without residual
  int ahead;       ///< panels from a column to the one whose weights it prefetches: two for each thread that
                   ///< claims columns of the same layer (two threads: 2 to 3 % of a pass)
  activation act;  ///< none, relu, relu6 or silu
};

/// Depthwise convolution of some output rows (kernels/depthwise.hpp).
struct depthwise_args {
  const float* in;
  std::ptrdiff_t in_row, in_step;
  int ring_rows;       ///< h where the whole map is there
  int h, w;            ///< of the input
  int kernel, stride;  ///< 3 or 5; 1 or 2
  const float* weights;
  const float* bias;
  float* out;
  std::ptrdiff_t out_row, out_step;
  int first_y, rows;  ///< output rows [first_y, first_y + rows)
  int ow;
  int c;           ///< channels that may be read and written: exact, or padded to 8
  float* sums;     ///< [c]: the outputs are added, pixel after pixel; or null
  activation act;  ///< none, relu or relu6
};

/// A dense layer on one vector (kernels/dense.hpp).
struct dense_args {
  const float* in;  ///< [k]
  int k;
  const float* weights;
  const float* bias;
  float* out;  ///< [out_c]
  int out_c;
  int first_c, last_c;  ///< outputs to compute: a multiple of 16; a multiple of 16, or out_c
  activation act;       ///< none, relu, relu6 or sigmoid
};

/// A pass over a map's pixels (kernels/sweep.hpp).
struct sweep_args {
  float* map;  ///< add_pixels() only reads it
  std::ptrdiff_t pixels, step;
  float* vector;   ///< [c]: sums that are added to, or factors
  int c;           ///< channels that may be read and written
  activation act;  ///< scale_pixels(): none, relu or relu6
};

/// The input samples [first, first + count) that an output sample of a resize is made of.
struct resample_window {
  int first, count;
};

/// The resize's two loops (kernels/resample.hpp).
struct resample_kernels {
  void (*row)(const std::uint8_t* in, const resample_window* windows, const std::int32_t* weights, int step,
              int pixels, std::uint8_t* out) noexcept;
  void (*column)(const std::uint8_t* in, std::ptrdiff_t stride, const std::int32_t* weights, int rows,
                 std::ptrdiff_t bytes, std::uint8_t* out) noexcept;
};

/// @endcond

/// The kernels of one instruction set: a value that may be copied. Nothing in it changes a size or a layout,
/// so plans and weights are the same for every set.
struct kernel_table {
  const char* name;  ///< "sse2", "fma3_avx2", "avx512bw", "neon64", "neon"
  /// @cond internal
  std::uint64_t border;  ///< border_hash of the headers that the kernels were compiled from
  int width;             ///< floats of a vector
  void (*pointwise)(const pointwise_args&) noexcept;
  void (*depthwise)(const depthwise_args&) noexcept;
  void (*dense)(const dense_args&) noexcept;
  void (*add_pixels)(const sweep_args&) noexcept;
  void (*scale_pixels)(const sweep_args&) noexcept;
  resample_kernels resample;
  /// @endcond
};

}  // namespace REXNET_BORDER

inline namespace REXNET_BUILD {
namespace detail {

/// FNV-1a over the version and over where every member of the border's types stands: kernels compiled from
/// other headers have another one.
[[nodiscard]] constexpr std::uint64_t hash_border() noexcept {
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto add = [&hash](std::uint64_t v) { hash = (hash ^ v) * 0x100000001b3u; };
  for (const char* c = REXNET_VERSION_STRING; *c != 0; ++c) add(static_cast<unsigned char>(*c));
  constexpr std::size_t places[] = {sizeof(pointwise_args),
                                    offsetof(pointwise_args, segments),
                                    offsetof(pointwise_args, run),
                                    offsetof(pointwise_args, pixel_step),
                                    offsetof(pointwise_args, pixels),
                                    offsetof(pointwise_args, weights),
                                    offsetof(pointwise_args, bias),
                                    offsetof(pointwise_args, out),
                                    offsetof(pointwise_args, out_step),
                                    offsetof(pointwise_args, out_c),
                                    offsetof(pointwise_args, first_c),
                                    offsetof(pointwise_args, last_c),
                                    offsetof(pointwise_args, residual),
                                    offsetof(pointwise_args, residual_step),
                                    offsetof(pointwise_args, residual_c),
                                    offsetof(pointwise_args, ahead),
                                    offsetof(pointwise_args, act),
                                    sizeof(depthwise_args),
                                    offsetof(depthwise_args, in_row),
                                    offsetof(depthwise_args, in_step),
                                    offsetof(depthwise_args, ring_rows),
                                    offsetof(depthwise_args, h),
                                    offsetof(depthwise_args, w),
                                    offsetof(depthwise_args, kernel),
                                    offsetof(depthwise_args, stride),
                                    offsetof(depthwise_args, weights),
                                    offsetof(depthwise_args, bias),
                                    offsetof(depthwise_args, out),
                                    offsetof(depthwise_args, out_row),
                                    offsetof(depthwise_args, out_step),
                                    offsetof(depthwise_args, first_y),
                                    offsetof(depthwise_args, rows),
                                    offsetof(depthwise_args, ow),
                                    offsetof(depthwise_args, c),
                                    offsetof(depthwise_args, sums),
                                    offsetof(depthwise_args, act),
                                    sizeof(dense_args),
                                    offsetof(dense_args, k),
                                    offsetof(dense_args, weights),
                                    offsetof(dense_args, bias),
                                    offsetof(dense_args, out),
                                    offsetof(dense_args, out_c),
                                    offsetof(dense_args, first_c),
                                    offsetof(dense_args, last_c),
                                    offsetof(dense_args, act),
                                    sizeof(sweep_args),
                                    offsetof(sweep_args, pixels),
                                    offsetof(sweep_args, step),
                                    offsetof(sweep_args, vector),
                                    offsetof(sweep_args, c),
                                    offsetof(sweep_args, act),
                                    sizeof(resample_window),
                                    sizeof(kernel_table),
                                    offsetof(kernel_table, border),
                                    offsetof(kernel_table, width),
                                    offsetof(kernel_table, pointwise),
                                    offsetof(kernel_table, depthwise),
                                    offsetof(kernel_table, dense),
                                    offsetof(kernel_table, add_pixels),
                                    offsetof(kernel_table, scale_pixels),
                                    offsetof(kernel_table, resample)};
  for (const std::size_t place : places) add(place);
  return hash;
}
inline constexpr std::uint64_t border_hash = hash_border();

}  // namespace detail

/// The table of a set that brings only some kernels of its own: what `own` leaves null comes from `base`, a
/// set that the same CPUs have. Name, border and width are own's.
[[nodiscard]] constexpr kernel_table inherit(kernel_table own, const kernel_table& base) noexcept {
  if (own.pointwise == nullptr) own.pointwise = base.pointwise;
  if (own.depthwise == nullptr) own.depthwise = base.depthwise;
  if (own.dense == nullptr) own.dense = base.dense;
  if (own.add_pixels == nullptr) own.add_pixels = base.add_pixels;
  if (own.scale_pixels == nullptr) own.scale_pixels = base.scale_pixels;
  if (own.resample.row == nullptr) own.resample.row = base.resample.row;
  if (own.resample.column == nullptr) own.resample.column = base.resample.column;
  return own;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_KERNELS_TABLE_HPP
