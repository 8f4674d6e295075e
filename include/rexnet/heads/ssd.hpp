// SPDX-License-Identifier: MIT
// From an SSD head's raw outputs to boxes, as torchvision's SSD does it: anchors, decoding, the best of each
// class, suppression of overlaps. Usable alone, on the outputs of any network of that layout. Nothing here
// allocates. Source: torchvision 0.29, models/detection/ssd.py, _utils.py, anchor_utils.py, ops/boxes.py.
#ifndef REXNET_HEADS_SSD_HPP
#define REXNET_HEADS_SSD_HPP

#include "rexnet/arch/detector.hpp"
#include "rexnet/core/errc.hpp"
#include "rexnet/core/views.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace rexnet {
inline namespace REXNET_BUILD {

/// Corners in pixels: left, top, right, bottom.
struct box {
  float x1 = 0;  ///< left
  float y1 = 0;  ///< top
  float x2 = 0;  ///< right
  float y2 = 0;  ///< bottom
};

/// What was found in a picture.
struct detection {
  box at;           ///< in the pixels of what the boxes were scaled to
  float score = 0;  ///< probability of the class
  int label = 0;    ///< class as torchvision numbers it: 1 is the first, 0 the background
  int anchor = 0;   ///< row of the raw outputs that it comes from
};

/// Maps that an ssd_shape has room for.
inline constexpr int max_ssd_levels = 8;
/// A detection's row is an int.
inline constexpr std::int64_t max_ssd_rows = 0x7fffffff;

/// The maps that a detector's heads are computed from, and the network's input.
struct ssd_shape {
  int input_h = 0;             ///< rows of the input
  int input_w = 0;             ///< its columns
  int levels = 0;              ///< 1 to max_ssd_levels
  int h[max_ssd_levels] = {};  ///< rows of each map
  int w[max_ssd_levels] = {};  ///< its columns
};

/// The maps of a detector for an input of h x w pixels.
[[nodiscard]] constexpr ssd_shape ssd_shape_of(const detector_config& d, int h, int w) noexcept {
  ssd_shape s;
  s.input_h = h, s.input_w = w;
  s.levels = ssd_levels;
  for (int k = 0; k < ssd_levels; ++k) s.h[k] = level_side(d, k, h), s.w[k] = level_side(d, k, w);
  return s;
}

/// Rows of the raw outputs: 6 for each place of each map.
[[nodiscard]] inline std::size_t ssd_rows(const ssd_shape& s) noexcept {
  std::size_t rows = 0;
  for (int k = 0; k < s.levels; ++k)
    rows += static_cast<std::size_t>(s.h[k]) * static_cast<std::size_t>(s.w[k]) * ssd_anchors_a_place;
  return rows;
}

/// The anchors, corners in pixels of the network's input, not clipped: level by level, row by row, six for
/// each place. Bit for bit torchvision's, which computes shapes in double and centres in float32.
/// @param out ssd_rows(s) boxes
/// @return ok; shape_mismatch: another number of boxes; invalid_argument: a shape without levels, maps or
/// input, or of more than max_ssd_rows rows
[[nodiscard]] inline errc ssd_anchors(const ssd_shape& s, span<box> out,
                                      const anchor_scales& scales = anchor_scales()) noexcept {
  if (s.levels < 1 || s.levels > max_ssd_levels || s.input_h < 1 || s.input_w < 1)
    return errc::invalid_argument;
  for (int k = 0; k < s.levels; ++k)
    if (s.h[k] < 1 || s.w[k] < 1) return errc::invalid_argument;
  std::uint64_t places = 0;
  for (int k = 0; k < s.levels; ++k) {
    places += static_cast<std::uint64_t>(s.h[k]) * static_cast<std::uint64_t>(s.w[k]);
    if (places > static_cast<std::uint64_t>(max_ssd_rows) / ssd_anchors_a_place)
      return errc::invalid_argument;
  }
  if (out.size() != ssd_rows(s)) return errc::shape_mismatch;
  const auto scale = [&](int k) {
    if (k == s.levels) return 1.0;
    return s.levels > 1 ? scales.least + (scales.most - scales.least) * k / (s.levels - 1.0) : scales.least;
  };
  const auto clamped = [](double v) { return (std::min)((std::max)(static_cast<float>(v), 0.0f), 1.0f); };
  std::size_t row = 0;
  for (int k = 0; k < s.levels; ++k) {
    const double own = scale(k), between = std::sqrt(own * scale(k + 1));
    float shapes[ssd_anchors_a_place][2] = {{clamped(own), clamped(own)},
                                            {clamped(between), clamped(between)}};
    for (int r = 2; r <= 3; ++r) {
      const double root = std::sqrt(static_cast<double>(r));
      float(&wide)[2] = shapes[2 * r - 2];
      float(&high)[2] = shapes[2 * r - 1];
      wide[0] = clamped(own * root), wide[1] = clamped(own / root);
      high[0] = wide[1], high[1] = wide[0];
    }
    const auto w = static_cast<float>(s.w[k]), h = static_cast<float>(s.h[k]);
    const auto across = static_cast<float>(s.input_w), down = static_cast<float>(s.input_h);
    for (int y = 0; y < s.h[k]; ++y)
      for (int x = 0; x < s.w[k]; ++x) {
        const float cx = (static_cast<float>(x) + 0.5f) / w, cy = (static_cast<float>(y) + 0.5f) / h;
        for (const float(&shape)[2] : shapes)
          out[row++] = {(cx - 0.5f * shape[0]) * across, (cy - 0.5f * shape[1]) * down,
                        (cx + 0.5f * shape[0]) * across, (cy + 0.5f * shape[1]) * down};
      }
  }
  return errc::ok;
}

/// The box that an anchor and its four codes (shift of the centre, logarithm of the size) stand for; sizes
/// grow to 62.5 times the anchor's at most. Clipped to [0, w] x [0, h].
[[nodiscard]] inline box decode_box(const box& anchor, const float* codes, float w, float h) noexcept {
  constexpr float largest = 4.135166556742356f;  // log(1000 / 16)
  const float aw = anchor.x2 - anchor.x1, ah = anchor.y2 - anchor.y1;
  const float cx = codes[0] / 10.0f * aw + (anchor.x1 + 0.5f * aw),
              cy = codes[1] / 10.0f * ah + (anchor.y1 + 0.5f * ah);
  const auto size = [](float code, float of) {
    const float d = code / 5.0f;
    return std::exp(d > largest ? largest : d) * of;  // NaN stays NaN
  };
  const float half_w = 0.5f * size(codes[2], aw), half_h = 0.5f * size(codes[3], ah);
  const auto clip = [](float v, float end) { return v < 0 ? 0 : v > end ? end : v; };
  return {clip(cx - half_w, w), clip(cy - half_h, h), clip(cx + half_w, w), clip(cy + half_h, h)};
}

namespace detail {

/// How well two candidates compare: the better score first, then the lower class and row.
[[nodiscard]] inline bool before(const detection& a, const detection& b) noexcept {
  if (a.score != b.score) return a.score > b.score;
  return a.label != b.label ? a.label < b.label : a.anchor < b.anchor;
}

[[nodiscard]] inline float area_of(const box& b) noexcept {
  return (b.x2 - b.x1) * (b.y2 - b.y1);
}

/// Intersection over union. 0 for boxes without area.
[[nodiscard]] inline float overlap_of(const box& a, const box& b, float area_a, float area_b) noexcept {
  const float w = (std::min)(a.x2, b.x2) - (std::max)(a.x1, b.x1),
              h = (std::min)(a.y2, b.y2) - (std::max)(a.y1, b.y1);
  if (!(w > 0 && h > 0)) return 0;
  const float shared = w * h;
  return shared / (area_a + area_b - shared);
}

[[nodiscard]] inline bool has_nan(const box& b) noexcept {
  return std::isnan(b.x1) || std::isnan(b.y1) || std::isnan(b.x2) || std::isnan(b.y2);
}

/// A box moved right and down, as torchvision does with all boxes of a class, so that classes do not overlap.
[[nodiscard]] inline box moved(const box& b, float by) noexcept {
  return {b.x1 + by, b.y1 + by, b.x2 + by, b.y2 + by};
}

}  // namespace detail

/// Candidates that ssd_detections() needs room for.
[[nodiscard]] inline std::size_t ssd_candidates(std::size_t rows, int classes,
                                                const ssd_options& o) noexcept {
  const std::size_t of_class = (std::min)(rows, static_cast<std::size_t>((std::max)(o.candidates, 0)));
  return of_class * static_cast<std::size_t>((std::max)(classes - 1, 0));
}

/// The outputs of one picture.
struct ssd_outputs {
  const float* logits = nullptr;  ///< [rows][classes], class 0 is the background
  const float* codes = nullptr;   ///< [rows][4]
  std::size_t rows = 0;           ///< an anchor each
  int classes = 0;                ///< with the background
};

/// Detections, the most probable first: softmax, boxes clipped to the network's input, for each class the
/// best o.candidates above o.score, of which those go that overlap a better one by more than o.iou, then the
/// best o.most. torchvision's two ways of suppression, by the number of candidates: up to 1000, all classes
/// at once, moved apart by the largest coordinate (which rounds coordinates); beyond, each class alone.
/// Scores that are equal: the lower class, then the lower row, where torchvision leaves the order open. A row
/// with a NaN or plus infinity among its logits has no class above any score. A candidate with a coordinate
/// that is NaN, as codes that are make them, is dropped (torchvision returns it).
///
/// Time: that of reading the outputs, and of each class's candidates at most min(o.candidates, o.most)
/// comparisons each.
/// @param anchors [rows], of ssd_anchors()
/// @param counts room for [classes]
/// @param candidates room for ssd_candidates(): the detections are its first elements
/// @param found their number
/// @return ok; shape_mismatch: too little room; invalid_argument: classes below 2, more than 2^31 - 1 rows,
/// or options that cannot be
[[nodiscard]] inline errc ssd_detections(const ssd_outputs& out, span<const box> anchors, int input_h,
                                         int input_w, const ssd_options& o, span<int> counts,
                                         span<detection> candidates, std::size_t& found) noexcept {
  found = 0;
  if (out.classes < 2 || out.rows > static_cast<std::size_t>(max_ssd_rows) || o.candidates < 1 ||
      o.most < 1 || input_h < 1 || input_w < 1 || !(o.iou >= 0) || !(o.score >= 0))
    return errc::invalid_argument;
  const auto classes = static_cast<std::size_t>(out.classes);
  if (anchors.size() != out.rows || counts.size() < classes ||
      candidates.size() < ssd_candidates(out.rows, out.classes, o))
    return errc::shape_mismatch;

  // The best of each class in a place of its own: a heap whose root is the worst that is kept. Most rows end
  // at once: what is that far below the row's largest has a probability below o.score, whatever the others
  // are.
  detection* const all = candidates.data();
  const std::size_t room = ssd_candidates(out.rows, 2, o);
  const float lowest = o.score > 0 ? std::log(o.score) - 0.01f : -(std::numeric_limits<float>::infinity)();
  std::fill(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(classes), 0);
  for (std::size_t row = 0; row < out.rows; ++row) {
    const float* in = out.logits + row * classes;
    float best = in[1];
    for (std::size_t c = 2; c < classes; ++c) best = in[c] > best ? in[c] : best;
    const float top = in[0] > best ? in[0] : best;
    if (best - top < lowest) continue;
    float sum = 0;  // NaN if any of them is
    for (std::size_t c = 0; c < classes; ++c) sum += std::exp(in[c] - top);
    for (std::size_t c = 1; c < classes; ++c) {
      if (in[c] - top < lowest) continue;
      detection d;
      d.score = std::exp(in[c] - top) / sum;
      d.label = static_cast<int>(c);
      d.anchor = static_cast<int>(row);
      if (!(d.score > o.score)) continue;
      detection* const first = all + (c - 1) * room;
      const auto kept = static_cast<std::size_t>(counts[c]);
      if (kept < room) {
        first[kept] = d;
        std::push_heap(first, first + kept + 1, detail::before);
        ++counts[c];
      } else if (detail::before(d, *first)) {
        std::pop_heap(first, first + kept, detail::before);
        first[kept - 1] = d;
        std::push_heap(first, first + kept, detail::before);
      }
    }
  }

  const auto w = static_cast<float>(input_w), h = static_cast<float>(input_h);
  float largest = 0;
  std::size_t n = 0;
  for (std::size_t c = 1; c < classes; ++c)
    for (int i = 0; i < counts[c]; ++i) {
      detection d = all[(c - 1) * room + static_cast<std::size_t>(i)];
      const auto row = static_cast<std::size_t>(d.anchor);
      d.at = decode_box(anchors[row], out.codes + 4 * row, w, h);
      if (detail::has_nan(d.at)) continue;
      for (const float v : {d.at.x1, d.at.y1, d.at.x2, d.at.y2}) largest = (std::max)(largest, v);
      all[n++] = d;
    }

  // Class by class, which the others do not touch; what stays moves together.
  constexpr std::size_t moved_apart = 1000;  // 4000 coordinates
  const float step = n <= moved_apart ? largest + 1 : 0;
  const auto place = [step](const detection& d) {
    return detail::moved(d.at, static_cast<float>(d.label) * step);
  };
  const auto most = static_cast<std::size_t>(o.most);
  std::size_t stay = 0;
  for (std::size_t begin = 0, end; begin < n; begin = end) {
    for (end = begin; end < n && all[end].label == all[begin].label; ++end) {
    }
    std::sort(all + begin, all + end, detail::before);
    const std::size_t first = stay;
    for (std::size_t i = begin; i < end && stay - first < most; ++i) {
      const detection d = all[i];
      const box candidate = place(d);
      const float area = detail::area_of(candidate);
      bool suppressed = false;
      for (std::size_t k = first; k < stay && !suppressed; ++k) {
        const box better = place(all[k]);
        const float overlap = detail::overlap_of(better, candidate, detail::area_of(better), area);
        suppressed = static_cast<double>(overlap) > o.iou;
      }
      if (!suppressed) all[stay++] = d;
    }
  }
  std::sort(all, all + stay, detail::before);
  found = (std::min)(stay, most);
  return errc::ok;
}

/// Boxes from pixels of the network's input to those of the picture that was resized to it.
inline void scale_boxes(span<detection> found, int input_h, int input_w, int picture_h,
                        int picture_w) noexcept {
  const float across = static_cast<float>(picture_w) / static_cast<float>(input_w),
              down = static_cast<float>(picture_h) / static_cast<float>(input_h);
  for (detection& d : found) d.at = {d.at.x1 * across, d.at.y1 * down, d.at.x2 * across, d.at.y2 * down};
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_HEADS_SSD_HPP
