// SPDX-License-Identifier: MIT
// COCO's evaluation of boxes, as pycocotools 2.0 computes it, element by element: which detection takes which
// truth at ten overlaps, and from that precision and recall. https://cocodataset.org/#detection-eval
#ifndef REXNET_TOOLS_COCO_EVALUATION_HPP
#define REXNET_TOOLS_COCO_EVALUATION_HPP

#include "tools/coco_files.hpp"

#include <array>
#include <cstddef>
#include <vector>

namespace rexnet_tools {

inline constexpr std::size_t coco_thresholds = 10;  ///< overlaps 0.5, 0.55 ... 0.95
inline constexpr std::size_t coco_recalls = 101;    ///< 0, 0.01 ... 1
inline constexpr std::size_t coco_areas = 4;   ///< all, small (to 32^2 pixels), medium, large (from 96^2)
inline constexpr std::size_t coco_limits = 3;  ///< at most 1, 10, 100 detections of a picture and category
inline constexpr std::size_t coco_most = 100;
/// Of categories: each takes 0.2 MB of result. LVIS has 1,203.
inline constexpr std::size_t coco_most_categories = 5000;

/// The twelve numbers in COCO's order, and their names.
inline constexpr std::size_t coco_numbers = 12;
inline constexpr const char* coco_names[coco_numbers] = {"AP",       "AP50",    "AP75",     "APsmall",
                                                         "APmedium", "APlarge", "AR1",      "AR10",
                                                         "AR100",    "ARsmall", "ARmedium", "ARlarge"};

/// The overlap of a detection and a truth: intersection over union; over the detection's area, where the
/// truth is a crowd.
[[nodiscard]] double coco_overlap(const coco_box& d, const coco_annotation& t);

/// What pycocotools' COCOeval.eval holds. -1: no truth to find there.
struct coco_result {
  std::size_t categories = 0;     ///< K
  std::vector<double> precision;  ///< [10 thresholds][101 recalls][K][4 areas][3 limits]
  std::vector<double> recall;     ///< [10][K][4][3]
  std::vector<double> scores;     ///< as precision: the score from which on that recall is reached

  /// The twelve numbers: means over what is not -1; -1 where nothing is left.
  [[nodiscard]] std::array<double, coco_numbers> numbers() const;
  /// The same of one category, a position in coco_truth.
  [[nodiscard]] std::array<double, coco_numbers> numbers_of(std::size_t category) const;
};

/// Evaluates. Time: detections times truths of the same picture and category, of whose detections the 100
/// with the highest scores count; memory: a few times the input, and the result's 0.2 MB a category. Throws
/// rexnet::error (invalid_argument): more categories than coco_most_categories.
[[nodiscard]] coco_result evaluate_coco(const coco_truth& truth, const coco_detections& found);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_COCO_EVALUATION_HPP
