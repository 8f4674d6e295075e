// SPDX-License-Identifier: MIT
// The pictures of a COCO file through a detector, and which of its classes were found for which truths. Each
// thread reads, decodes and looks at pictures of its own, as evaluation.hpp's do.
#ifndef REXNET_TOOLS_BOX_EVALUATION_HPP
#define REXNET_TOOLS_BOX_EVALUATION_HPP

#include "tools/coco_files.hpp"
#include "tools/tally.hpp"

#include "rexnet/heads/detector.hpp"
#include "rexnet/model.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace rexnet_tools {

inline constexpr std::size_t no_category = static_cast<std::size_t>(-1);

/// Which category of a COCO file each class of a detector is.
struct class_map {
  std::vector<std::size_t> category;  ///< [class], a position in coco_truth, or no_category; 0: background
  std::string how;                    ///< for people: "categories by name"

  /// Classes, the background excepted, that are no category.
  [[nodiscard]] std::size_t without_category() const;
};

/// Maps by name where there are names: each class must be a category and each category a class. Two spellings
/// of Unicode for one text are the same name. Without names, or on request, class k is the category with id
/// k, where all ids are 1 to classes - 1; classes may be left over then.
/// @param names   one per class without the background, or none
/// @param classes with the background
/// Throws rexnet::error (invalid_argument): names that only one side has, or has twice; ids beyond the
/// classes.
[[nodiscard]] class_map map_classes(const std::vector<std::string>& names, int classes,
                                    const coco_truth& truth, bool by_id);

/// Throws rexnet::error (invalid_argument), naming the picture's id, where one has no file_name, one with
/// ".." or a NUL in it, or an absolute one that may not be.
/// @param absolute whether names may be absolute, which need no folder
void check_picture_names(const coco_truth& truth, bool absolute);
/// The file of a picture. @param folder that names start from which are not absolute
[[nodiscard]] std::string picture_file(const std::string& folder, const coco_picture& p);

/// What became of a picture.
struct picture_boxes {
  std::vector<coco_detection> boxes;  ///< the most probable first; of classes that are categories
  std::string broken;                 ///< not empty: why there are none, without the picture's name
  // Known of pictures of this run alone, as in prediction:
  std::string kind;
  int orientation = 1;
};

struct box_settings {
  std::string folder;           ///< of the pictures
  rexnet::preprocessing input;  ///< mean and deviation
  rexnet::detector_settings how;
  bool exif = false;
  int threads = 1;
};

/// Seconds, summed over the threads.
struct box_times {
  double decode = 0;  ///< reading included
  double detect = 0;  ///< resize, network, suppression
};

/// Looks at the pictures from `first` on, until the end or until `stop` is set; then it finishes those that
/// were begun. finished() is called for each in the order of `truth`, never by two threads at once. Boxes do
/// not depend on the threads. A picture of other sides than `truth` says is broken: it is another one.
/// Throws rexnet::error (as detector::make(); model_not_finite: a box that is no number) and what finished()
/// throws.
[[nodiscard]] box_times find_boxes(const rexnet::model& m, const coco_truth& truth, const class_map& classes,
                                   const box_settings& how, std::size_t first, const std::atomic<int>& stop,
                                   const std::function<void(std::size_t, const picture_boxes&)>& finished);

/// The truth of the first `n` pictures, of which the others are not known yet.
[[nodiscard]] coco_truth truth_of_first(const coco_truth& truth, std::size_t n);

inline constexpr double confusion_overlap = 0.5, confusion_score = 0.3;
/// Which category was found for which: each box with a score of confusion_score or more, the most probable
/// first, takes the truth of its picture, of any category, that it overlaps most and that is not taken, from
/// confusion_overlap on. A truth that none takes, and a box that takes none, are paired with "nothing", which
/// is class categories.size(). Crowds are no truths, and boxes in them are not counted.
[[nodiscard]] tally confusion_of(const coco_truth& truth, const coco_detections& found);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_BOX_EVALUATION_HPP
