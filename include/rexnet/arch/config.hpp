// SPDX-License-Identifier: MIT
// The shape of a ReXNet: every channel count, stride and width as a trivially copyable value that is computed
// at compile time or at run time by the same code.
// Sources: arXiv 2007.00992 (linear channel growth), clovaai/rexnet rexnetv1.py and rexnetv1_lite.py, timm
// rexnet.py (rexnetr_*: channels rounded to a multiple of 8 or 16).
#ifndef REXNET_ARCH_CONFIG_HPP
#define REXNET_ARCH_CONFIG_HPP

#include "rexnet/core/activation.hpp"

#include <cstddef>
#include <cstdint>

namespace rexnet {
inline namespace REXNET_BUILD {

enum class family : std::uint8_t {
  v1,      ///< ReXNetV1, timm rexnet_*
  lite,    ///< ReXNetV1_lite: ReLU6 everywhere, no squeeze-excite
  rexnetr  ///< timm rexnetr_*: v1 with rounded channels
};

/// How many there are: packed files hold their numbers.
inline constexpr std::uint32_t family_count = 3;

[[nodiscard]] constexpr const char* family_name(family f) noexcept {
  return f == family::v1 ? "v1" : f == family::lite ? "lite" : "rexnetr";
}

/// Blocks of every published ReXNet.
inline constexpr int rexnet_blocks = 16;
/// Room for a network's blocks: arrays have this size, of which config::block_count are used.
inline constexpr int max_blocks = 24;

/// One inverted bottleneck: [expand 1x1] -> depthwise -> [squeeze-excite] -> activation -> project 1x1 [+
/// input]. A family's formula fills the values in; the engine depends on nothing else.
struct block_config {
  int in_c = 0;        ///< channels of the block's input
  int mid_c = 0;       ///< channels of the depthwise convolution
  int out_c = 0;       ///< channels of the block's output
  int se_c = 0;        ///< squeeze-excite width, 0 for none
  int stride = 1;      ///< of the depthwise convolution, 1 or 2
  int kernel = 3;      ///< of the depthwise convolution, 3 or 5; padding kernel / 2
  int residual_c = 0;  ///< the input is added to this many of the first output channels: in_c, or 0
  bool expand = true;  ///< false only for block 0
  activation expand_act = activation::silu;      ///< none, relu, relu6 or silu
  activation depthwise_act = activation::relu6;  ///< of the depthwise convolution: none, relu or relu6
  activation project_act = activation::none;     ///< before the input is added: none, relu, relu6 or silu
  bool se_first = true;  ///< squeeze-excite, whose gate is sigmoid, comes before depthwise_act
  double bn_eps = 1e-5;  ///< of its BatchNorms, for folding

  /// Whether the input is added to the output.
  [[nodiscard]] constexpr bool residual() const noexcept { return residual_c > 0; }
};

/// A whole network. Build one with config_for(); readers of checkpoints then put in what the tensors show and
/// the formula does not fix (head_c, hidden_c, se_c, kernel).
struct config {
  rexnet::family family = rexnet::family::v1;  ///< which formulas and activations
  int width_hundredths = 100;                  ///< 130 for 1.3x
  int classes = 1000;                          ///< outputs of the classifier; 0: there is none
  int stem_c = 32;                             ///< channels of the first convolution
  int block_count = rexnet_blocks;             ///< of `blocks`, 1 to max_blocks
  block_config blocks[max_blocks] = {};        ///< in the order of the network
  int head_c = 1280;                           ///< channels of the last 1x1 convolution ("penultimate")
  int hidden_c = 0;  ///< the dense layer between pooling and classifier, as lite has it; else 0
  activation stem_act = activation::silu;     ///< none, relu, relu6 or silu
  activation head_act = activation::silu;     ///< none, relu, relu6 or silu
  activation hidden_act = activation::relu6;  ///< none, relu or relu6
  double bn_eps = 1e-5;                       ///< of the BatchNorms of stem, head and hidden layer
};

namespace detail {

/// Python's round(): half to even. Precondition: 0 <= v < 2^31.
constexpr int round_half_even(double v) noexcept {
  const int below = static_cast<int>(v);
  const double rest = v - below;
  if (rest > 0.5 || (rest == 0.5 && below % 2 == 1)) return below + 1;
  return below;
}

/// timm's and lite's make_divisible: nearest multiple of `divisor`, one more where that loses over 10 %.
constexpr int make_divisible(double v, int divisor) noexcept {
  int rounded = static_cast<int>(v + divisor / 2.0) / divisor * divisor;
  if (rounded < divisor) rounded = divisor;
  return rounded < 0.9 * v ? rounded + divisor : rounded;
}

/// Width of block output i. The step is accumulated in double in the order of the original code: multiplying
/// instead is off by one at w = 0.6.
constexpr void fill_channels(family f, double width, int divisor, int (&channels)[rexnet_blocks]) noexcept {
  const double start = width < 1.0 ? 16.0 / width : 16.0;
  double planes = start;
  for (int i = 0; i < rexnet_blocks; ++i) {
    const int plain =
        round_half_even(f == family::lite ? width * (start + i * 164.0 / 15.0) : planes * width);
    channels[i] = f == family::v1 ? plain : make_divisible(plain, divisor);
    planes += 180.0 / 16.0;
  }
}

}  // namespace detail

/// Derives what follows from family, stem_c and the blocks' out_c in every ReXNet: inputs, expanded channels,
/// strides, residuals and activations.
constexpr void connect_blocks(config& c) noexcept {
  const activation act = c.family == family::lite ? activation::relu6 : activation::silu;
  c.stem_act = c.head_act = act;
  for (int i = 0; i < c.block_count; ++i) {
    block_config& b = c.blocks[i];
    b.in_c = i == 0 ? c.stem_c : c.blocks[i - 1].out_c;
    b.expand = i > 0;
    b.mid_c = b.in_c * (b.expand ? 6 : 1);
    b.stride = i == 1 || i == 3 || i == 5 || i == 11 ? 2 : 1;
    b.residual_c = b.stride == 1 && b.in_c <= b.out_c ? b.in_c : 0;
    b.expand_act = act;
  }
}

inline constexpr int min_width_hundredths = 10, max_width_hundredths = 1000, max_classes = 1 << 20;

/// The published architecture for a family and width.
/// @param width_hundredths 130 for 1.3x; min_width_hundredths .. max_width_hundredths
/// @param classes          width of the classifier, 0 .. max_classes; 0: a backbone, its features are the
/// output
/// @param divisor          rexnetr only: 8, or 16 for rexnetr_300
constexpr config config_for(family f, int width_hundredths, int classes, int divisor = 8) noexcept {
  config c;
  c.family = f;
  c.width_hundredths = width_hundredths;
  c.classes = classes;
  const double width = width_hundredths / 100.0;
  const int stem = width < 1.0 ? 32 : detail::round_half_even(32 * width);
  c.stem_c = f == family::v1 ? stem : detail::make_divisible(stem, f == family::lite ? 8 : divisor);

  int channels[rexnet_blocks] = {};
  detail::fill_channels(f, width, f == family::lite ? 8 : divisor, channels);
  for (int i = 0; i < rexnet_blocks; ++i) c.blocks[i].out_c = channels[i];
  connect_blocks(c);
  for (int i = 3; i < rexnet_blocks; ++i) {
    block_config& b = c.blocks[i];
    if (f != family::lite) {
      b.se_c = b.mid_c / 12;
      if (f == family::rexnetr) b.se_c = detail::make_divisible(b.se_c, divisor);
    }
  }
  c.head_c = static_cast<int>(1280 * width);
  if (f == family::lite) {
    c.head_c = width > 1.0 ? c.head_c : 1280;
    c.hidden_c = 1024;
  }
  if (f == family::rexnetr) c.head_c = detail::make_divisible(1280 * width, divisor);
  return c;
}

/// The block before the head.
[[nodiscard]] constexpr const block_config& last_block(const config& c) noexcept {
  return c.blocks[c.block_count - 1];
}

/// What a convolution with padding kernel / 2 leaves of a side: ceil(side / stride).
constexpr int strided(int side, int stride) noexcept {
  return (side + stride - 1) / stride;
}

/// What the stem and all blocks leave of a side: that of the head's map.
constexpr int last_side(const config& c, int side) noexcept {
  side = strided(side, 2);
  for (int i = 0; i < c.block_count; ++i) side = strided(side, c.blocks[i].stride);
  return side;
}

/// Width of what the classifier sees: the head's channels, or lite's hidden layer.
[[nodiscard]] constexpr int feature_c(const config& c) noexcept {
  return c.hidden_c > 0 ? c.hidden_c : c.head_c;
}

/// Floats that forward() gives for an image: the classes, or the features of a backbone without classifier.
[[nodiscard]] constexpr int output_c(const config& c) noexcept {
  return c.classes > 0 ? c.classes : feature_c(c);
}

namespace detail {

/// Calls visit(number of x, number of y) for everything that decides what a block computes and how its
/// weights lie.
template <class Visit>
constexpr void for_each_block_number(const block_config& x, const block_config& y, Visit& visit) noexcept {
  const auto act = [&visit](activation a, activation b) { visit(static_cast<int>(a), static_cast<int>(b)); };
  visit(x.in_c, y.in_c), visit(x.mid_c, y.mid_c), visit(x.out_c, y.out_c), visit(x.se_c, y.se_c);
  visit(x.stride, y.stride), visit(x.kernel, y.kernel), visit(x.residual_c, y.residual_c);
  visit(static_cast<int>(x.expand), static_cast<int>(y.expand));
  act(x.expand_act, y.expand_act), act(x.depthwise_act, y.depthwise_act), act(x.project_act, y.project_act);
  visit(static_cast<int>(x.se_first), static_cast<int>(y.se_first));
}

/// The same of a network; of as many blocks as a has.
template <class Visit>
constexpr void for_each_shape_number(const config& a, const config& b, Visit visit) noexcept {
  const auto act = [&visit](activation x, activation y) { visit(static_cast<int>(x), static_cast<int>(y)); };
  visit(static_cast<int>(a.family), static_cast<int>(b.family));
  visit(a.classes, b.classes), visit(a.stem_c, b.stem_c), visit(a.head_c, b.head_c);
  visit(a.hidden_c, b.hidden_c), visit(a.block_count, b.block_count);
  act(a.stem_act, b.stem_act), act(a.head_act, b.head_act), act(a.hidden_act, b.hidden_act);
  for (int i = 0; i < a.block_count; ++i) for_each_block_number(a.blocks[i], b.blocks[i], visit);
}

}  // namespace detail

/// The same network: what is computed and how its weights lie. (The nominal width may differ: where two
/// widths give the same channels, checkpoints cannot tell.)
[[nodiscard]] constexpr bool same_shape(const config& a, const config& b) noexcept {
  bool same = true;
  detail::for_each_shape_number(a, b, [&same](int x, int y) { same = same && x == y; });
  return same;
}

/// A number for same_shape(): plans and layouts carry it, so that forward() notices those of another network.
/// FNV-1a; never 0.
[[nodiscard]] constexpr std::uint64_t fingerprint(const config& c) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325u;
  detail::for_each_shape_number(
      c, c, [&hash](int x, int) { hash = (hash ^ static_cast<std::uint32_t>(x)) * 0x100000001b3u; });
  return hash != 0 ? hash : 1;
}

inline constexpr int max_channels = 1 << 16;  ///< of a block's input or output

namespace detail {

/// The activations that fuse with a kernel's sums; sigmoid is squeeze-excite's alone.
constexpr bool is_layer_activation(activation a) noexcept {
  return a == activation::none || a == activation::relu || a == activation::relu6 || a == activation::silu;
}
/// Those that the depthwise and dense kernels have.
constexpr bool is_clip(activation a) noexcept {
  return a == activation::none || a == activation::relu || a == activation::relu6;
}
constexpr bool in_range(int v, int low, int high) noexcept {
  return v >= low && v <= high;
}

/// Whether block i, which follows a map of `in_c` channels, is one that the engine runs. Block 0 runs with
/// the stem: nothing keeps what it would add, nor the whole map that squeeze-excite needs.
constexpr bool is_runnable_block(const block_config& b, int i, int in_c) noexcept {
  const bool first = i == 0;
  return b.in_c == in_c && in_range(b.out_c, 1, max_channels) && (b.kernel == 3 || b.kernel == 5) &&
         (b.stride == 1 || (b.stride == 2 && !first)) && b.expand == !first &&
         (first ? b.mid_c == b.in_c && b.se_c == 0 && b.residual_c == 0
                : in_range(b.mid_c, 1, 6 * max_channels)) &&
         in_range(b.se_c, 0, max_classes) &&
         (b.residual_c == 0 || (b.residual_c == b.in_c && b.in_c <= b.out_c && b.stride == 1)) &&
         is_layer_activation(b.expand_act) && is_clip(b.depthwise_act) && is_layer_activation(b.project_act);
}

}  // namespace detail

/// Whether the engine can run a network: channels within limits and following from each other, kernels 3 or
/// 5, strides 1 or 2, activations that the kernels have. True of all that config_for() gives.
[[nodiscard]] constexpr bool is_runnable(const config& c) noexcept {
  using detail::in_range;
  bool good = in_range(c.width_hundredths, min_width_hundredths, max_width_hundredths) &&
              in_range(c.classes, 0, max_classes) && in_range(c.stem_c, 1, max_channels) &&
              in_range(c.head_c, 1, max_classes) && in_range(c.hidden_c, 0, max_classes) &&
              in_range(c.block_count, 1, max_blocks) && detail::is_layer_activation(c.stem_act) &&
              detail::is_layer_activation(c.head_act) && detail::is_clip(c.hidden_act);
  for (int i = 0; i < max_blocks && good && i < c.block_count; ++i)
    good = detail::is_runnable_block(c.blocks[i], i, i == 0 ? c.stem_c : c.blocks[i - 1].out_c);
  return good;
}

/// Learned parameters with BatchNorm unfolded, as PyTorch counts them (weights, biases, BN gamma and beta).
constexpr std::int64_t parameter_count(const config& c) noexcept {
  const auto conv_bn = [](std::int64_t weights, std::int64_t out_c) { return weights + 2 * out_c; };
  std::int64_t n = conv_bn(std::int64_t{27} * c.stem_c, c.stem_c);
  for (int i = 0; i < c.block_count; ++i) {
    const block_config& b = c.blocks[i];
    const std::int64_t mid = b.mid_c;
    if (b.expand) n += conv_bn(mid * b.in_c, mid);
    n += conv_bn(mid * b.kernel * b.kernel, mid);
    if (b.se_c > 0) n += 2 * mid * b.se_c + b.se_c + mid + std::int64_t{2} * b.se_c;
    n += conv_bn(mid * b.out_c, b.out_c);
  }
  const std::int64_t last_c = last_block(c).out_c;
  n += conv_bn(last_c * c.head_c, c.head_c);
  std::int64_t features = c.head_c;
  if (c.hidden_c > 0) {
    n += features * c.hidden_c + c.hidden_c + 2 * std::int64_t{c.hidden_c};
    features = c.hidden_c;
  }
  return n + features * c.classes + c.classes;
}

/// Multiply-adds of one image of h x w pixels: convolutions, squeeze-excite and dense layers.
constexpr std::int64_t multiply_adds(const config& c, int h, int w) noexcept {
  std::int64_t y = strided(h, 2), x = strided(w, 2);
  std::int64_t n = y * x * 27 * c.stem_c;
  for (int i = 0; i < c.block_count; ++i) {
    const block_config& b = c.blocks[i];
    const std::int64_t mid = b.mid_c;
    if (b.expand) n += y * x * b.in_c * mid;
    y = strided(static_cast<int>(y), b.stride);
    x = strided(static_cast<int>(x), b.stride);
    n += y * x * mid * (b.kernel * b.kernel + b.out_c) + 2 * mid * b.se_c;
  }
  n += y * x * last_block(c).out_c * c.head_c;
  return n + std::int64_t{c.head_c} * c.hidden_c + std::int64_t{feature_c(c)} * c.classes;
}

/// A configuration that is a type: all sizes of network<static_config<...>> are compile-time constants.
template <family Family, int WidthHundredths, int Classes, int Divisor = 8>
struct static_config {
  /// The configuration itself.
  static constexpr config value = config_for(Family, WidthHundredths, Classes, Divisor);
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ARCH_CONFIG_HPP
