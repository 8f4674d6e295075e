// SPDX-License-Identifier: MIT
// The shape of an SSDLite detector on a ReXNet: torchvision's SSD heads on two maps of the backbone and on
// those of four extra blocks. The taps are those that give the paper's parameter counts: the output of block
// 10 and the last 1x1 convolution.
// Sources: arXiv 2007.00992, table 6; torchvision models/detection/ssdlite.py.
#ifndef REXNET_ARCH_DETECTOR_HPP
#define REXNET_ARCH_DETECTOR_HPP

#include "rexnet/arch/config.hpp"
#include "rexnet/core/errc.hpp"

#include <cstdint>
#include <initializer_list>

namespace rexnet {
inline namespace REXNET_BUILD {

/// Blocks behind the backbone, each of half the size.
inline constexpr int ssd_extra_blocks = 4;
/// Maps that the heads are computed from: block `tap`'s output, the last convolution's, those of the extra
/// blocks.
inline constexpr int ssd_levels = ssd_extra_blocks + 2;
/// Boxes that each place of a map predicts.
inline constexpr int ssd_anchors_a_place = 6;
/// With the background.
inline constexpr int max_detector_classes = 4096;

/// All of a detector but its backbone.
struct ssd_part {
  int tap = 10;     ///< the block whose output is the first map
  int classes = 0;  ///< with the background, which is class 0; 0: there is no detector
  block_config extra[ssd_extra_blocks] = {};  ///< each on the map before
};

/// A whole detector. Build one with detector_for(); readers of checkpoints then put in what the tensors show.
struct detector_config : ssd_part {
  config backbone;  ///< without classifier: its classes are 0
};

/// Of a backbone and the rest.
[[nodiscard]] constexpr detector_config join(const config& backbone, const ssd_part& rest) noexcept {
  detector_config d;
  static_cast<ssd_part&>(d) = rest;
  d.backbone = backbone;
  return d;
}

/// The scales of torchvision's DefaultBoxGenerator; the ratios are 1, 2 and 3.
struct anchor_scales {
  double least = 0.2;  ///< of the first map, a part of the network's input: above 0
  double most = 0.95;  ///< of the last map: at most 1
};

/// Which boxes are kept. The defaults are torchvision's ssdlite320_mobilenet_v3_large.
struct ssd_options {
  float score = 0.001f;  ///< a class whose probability is not above this is none
  int candidates = 300;  ///< of a class, the most probable
  double iou = 0.55;     ///< a box that overlaps a better one of its class by more than this is dropped
  int most = 300;        ///< of all classes, the most probable
};

/// How a detector is used: what its weights do not say.
struct detector_settings {
  int input_h = 320;      ///< pictures are resized to this height
  int input_w = 320;      ///< and this width, whatever their aspect
  anchor_scales anchors;  ///< as it was trained
  ssd_options boxes;      ///< which are kept
};

/// Limits of a detector's settings. A class's candidates are compared with each other: 4096 of each of 90
/// classes, none of which goes, take 3 to 6 s (Zen 4, cores that others use), and 45 times that with 4096
/// classes, which only a file made for it has.
inline constexpr int max_ssd_candidates = 1 << 12, max_ssd_boxes = 1 << 20;

namespace detail {

/// The one check of settings, whether they come from options, a file or the API; as check_preprocessing().
template <class Fail>
[[nodiscard]] constexpr errc check_settings(const detector_settings& s, Fail&& fail) {
  constexpr errc bad = errc::invalid_argument;
  if (!in_range(s.input_h, 1, 16384) || !in_range(s.input_w, 1, 16384))
    return fail(bad, "input of ", s.input_w, " x ", s.input_h, " pixels: each side must be 1 to 16384");
  if (!(s.anchors.least > 0 && s.anchors.least <= s.anchors.most && s.anchors.most <= 1))
    return fail(bad, "anchors' scales ", s.anchors.least, " to ", s.anchors.most,
                ": must be above 0, at most 1, the smaller first");
  if (!(s.boxes.score >= 0 && s.boxes.score < 1))
    return fail(bad, "least score ", s.boxes.score, ": must be 0 or more, below 1");
  if (!(s.boxes.iou >= 0 && s.boxes.iou <= 1)) return fail(bad, "overlap ", s.boxes.iou, ": must be 0 to 1");
  if (!in_range(s.boxes.candidates, 1, max_ssd_candidates) || !in_range(s.boxes.most, 1, max_ssd_boxes))
    return fail(bad, s.boxes.candidates, " candidates of a class, ", s.boxes.most, " boxes: must be 1 to ",
                max_ssd_candidates, " and 1 to ", max_ssd_boxes);
  return errc::ok;
}

/// What torchvision's extra blocks and heads have in common with a ReXNet's blocks: everything but the
/// numbers.
constexpr block_config ssd_block(int in_c, int mid_c, int out_c, int stride, bool expand,
                                 activation project) noexcept {
  block_config b;
  b.in_c = in_c, b.mid_c = mid_c, b.out_c = out_c;
  b.stride = stride;
  b.expand = expand;
  b.expand_act = b.depthwise_act = activation::relu6;
  b.project_act = project;
  b.se_first = false;
  b.bn_eps = 1e-3;
  return b;
}

}  // namespace detail

/// Channels of the map of level 0 .. ssd_levels - 1.
[[nodiscard]] constexpr int level_c(const detector_config& d, int level) noexcept {
  if (level == 0) return d.backbone.blocks[d.tap].out_c;
  return level == 1 ? d.backbone.head_c : d.extra[level - 2].out_c;
}

/// The heads of a level: depthwise 3x3, then 1x1 to six times the classes, or to six times four codes.
/// @{
[[nodiscard]] constexpr block_config logits_head(const detector_config& d, int level) noexcept {
  const int c = level_c(d, level);
  return detail::ssd_block(c, c, ssd_anchors_a_place * d.classes, 1, false, activation::none);
}
[[nodiscard]] constexpr block_config codes_head(const detector_config& d, int level) noexcept {
  const int c = level_c(d, level);
  return detail::ssd_block(c, c, ssd_anchors_a_place * 4, 1, false, activation::none);
}
/// @}

/// Extra blocks after a map of `backbone`: 512, 256, 256 and 128 channels, each half of them inside.
constexpr void connect_extra_blocks(detector_config& d) noexcept {
  constexpr int channels[ssd_extra_blocks] = {512, 256, 256, 128};
  int in_c = d.backbone.head_c;
  for (int k = 0; k < ssd_extra_blocks; ++k) {
    d.extra[k] = detail::ssd_block(in_c, channels[k] / 2, channels[k], 2, true, activation::relu6);
    in_c = channels[k];
  }
}

/// The detector of table 6 for a backbone of any family and width.
/// @param classes with the background: 91 for COCO; 2 .. max_detector_classes
[[nodiscard]] constexpr detector_config detector_for(family f, int width_hundredths, int classes,
                                                     int divisor = 8) noexcept {
  detector_config d;
  d.backbone = config_for(f, width_hundredths, 0, divisor);
  d.backbone.hidden_c = 0;  // lite's hidden layer belongs to its classifier
  d.classes = classes;
  connect_extra_blocks(d);
  return d;
}

/// A side of the map of level 0 .. ssd_levels - 1, for an input of `side` pixels.
[[nodiscard]] constexpr int level_side(const detector_config& d, int level, int side) noexcept {
  side = strided(side, 2);
  const int blocks = level == 0 ? d.tap + 1 : d.backbone.block_count;
  for (int i = 0; i < blocks; ++i) side = strided(side, d.backbone.blocks[i].stride);
  for (int k = 0; k < level - 1; ++k) side = strided(side, d.extra[k].stride);
  return side;
}

/// Rows of the raw outputs for an input of h x w pixels: six for each place of each map.
[[nodiscard]] constexpr std::int64_t detector_rows(const detector_config& d, int h, int w) noexcept {
  std::int64_t rows = 0;
  for (int k = 0; k < ssd_levels; ++k)
    rows += std::int64_t{ssd_anchors_a_place} * level_side(d, k, h) * level_side(d, k, w);
  return rows;
}

/// Learned parameters, as PyTorch counts them.
[[nodiscard]] constexpr std::int64_t parameter_count(const detector_config& d) noexcept {
  std::int64_t n = parameter_count(d.backbone);
  const auto add = [&n](const block_config& b, bool bias) {
    const std::int64_t mid = b.mid_c;
    if (b.expand) n += mid * b.in_c + 2 * mid;
    n += mid * b.kernel * b.kernel + 2 * mid;
    n += mid * b.out_c + (bias ? b.out_c : 2 * std::int64_t{b.out_c});
  };
  for (const block_config& b : d.extra) add(b, false);
  for (int k = 0; k < ssd_levels; ++k) add(logits_head(d, k), true), add(codes_head(d, k), true);
  return n;
}

/// Multiply-adds of one image of h x w pixels.
[[nodiscard]] constexpr std::int64_t multiply_adds(const detector_config& d, int h, int w) noexcept {
  std::int64_t n = multiply_adds(d.backbone, h, w);
  for (int k = 0; k < ssd_levels; ++k) {
    const std::int64_t pixels = std::int64_t{level_side(d, k, h)} * level_side(d, k, w);
    if (k > 1) {
      const block_config& b = d.extra[k - 2];
      n += std::int64_t{level_side(d, k - 1, h)} * level_side(d, k - 1, w) * b.in_c * b.mid_c;
      n += pixels * b.mid_c * (b.kernel * b.kernel + b.out_c);
    }
    for (const block_config& b : {logits_head(d, k), codes_head(d, k)})
      n += pixels * b.mid_c * (b.kernel * b.kernel + b.out_c);
  }
  return n;
}

/// Whether the engine can run a detector: a backbone that it runs, without classifier, a tap from block 1
/// to the last, extra blocks that follow.
/// @{
[[nodiscard]] constexpr bool is_runnable(const config& backbone, const ssd_part& d) noexcept {
  bool good = is_runnable(backbone) && backbone.classes == 0 && backbone.hidden_c == 0 &&
              detail::in_range(d.tap, 1, backbone.block_count - 1) &&
              detail::in_range(d.classes, 2, max_detector_classes);
  int in_c = backbone.head_c;
  for (int k = 0; k < ssd_extra_blocks && good; ++k) {
    good = detail::is_runnable_block(d.extra[k], 1, in_c) && d.extra[k].se_c == 0;
    in_c = d.extra[k].out_c;
  }
  return good;
}
[[nodiscard]] constexpr bool is_runnable(const detector_config& d) noexcept {
  return is_runnable(d.backbone, d);
}
/// @}

namespace detail {

/// As for_each_shape_number(), of what is behind the backbone.
template <class Visit>
constexpr void for_each_part_number(const ssd_part& a, const ssd_part& b, Visit visit) noexcept {
  visit(a.tap, b.tap), visit(a.classes, b.classes);
  for (int k = 0; k < ssd_extra_blocks; ++k) for_each_block_number(a.extra[k], b.extra[k], visit);
}

}  // namespace detail

/// Whether two detectors are the same behind their backbones.
[[nodiscard]] constexpr bool same_part(const ssd_part& a, const ssd_part& b) noexcept {
  bool same = true;
  detail::for_each_part_number(a, b, [&same](int x, int y) { same = same && x == y; });
  return same;
}

/// A number for everything that decides what is computed and how its weights lie. Never 0.
[[nodiscard]] constexpr std::uint64_t fingerprint(const detector_config& d) noexcept {
  std::uint64_t hash = fingerprint(d.backbone);
  detail::for_each_part_number(
      d, d, [&hash](int x, int) { hash = (hash ^ static_cast<std::uint32_t>(x)) * 0x100000001b3u; });
  return hash != 0 ? hash : 1;
}

/// A detector that is a type: all sizes of detector_network<static_detector<...>> are compile-time constants.
/// Classes with the background.
template <family Family, int WidthHundredths, int Classes, int Divisor = 8>
struct static_detector {
  /// The configuration itself.
  static constexpr detector_config value = detector_for(Family, WidthHundredths, Classes, Divisor);
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ARCH_DETECTOR_HPP
