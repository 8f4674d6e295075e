// SPDX-License-Identifier: MIT
// COCO's two files of boxes: what is in pictures, and what a detector found.
// https://cocodataset.org/#format-data What evaluation does not use (segmentations, licences, keys of others)
// is passed over unread; memory is bounded by a few times what is kept.
#ifndef REXNET_TOOLS_COCO_FILES_HPP
#define REXNET_TOOLS_COCO_FILES_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rexnet_tools {

/// A box as COCO writes it: left, top, width, height, in pixels.
struct coco_box {
  double x = 0, y = 0, w = 0, h = 0;
};

struct coco_picture {
  std::int64_t id = 0;
  std::string file_name;      ///< empty: the file has none
  int width = 0, height = 0;  ///< 0: the file does not say
};

struct coco_category {
  std::int64_t id = 0;
  std::string name;  ///< empty: the file has none
};

/// A box that is in a picture.
struct coco_annotation {
  std::size_t picture = 0, category = 0;  ///< positions in coco_truth
  coco_box box;
  double area = 0;     ///< decides the size class; in COCO the mask's
  bool crowd = false;  ///< a region with many: matches any number of detections, and counts for none
};

struct coco_truth {
  std::vector<coco_picture> pictures;        ///< by ascending id
  std::vector<coco_category> categories;     ///< by ascending id
  std::vector<coco_annotation> annotations;  ///< as in the file
  std::size_t of_unknown_pictures = 0;       ///< annotations that name a picture which the file does not list
  std::size_t of_unknown_categories =
      0;  ///< and those of a category that it does not list: left out, as in pycocotools
};

/// A box that a detector found.
struct coco_detection {
  std::size_t picture = 0, category = 0;  ///< positions in coco_truth
  coco_box box;
  double score = 0;
};

struct coco_detections {
  std::vector<coco_detection> boxes;      ///< as in the file
  std::size_t of_unknown_categories = 0;  ///< left out, as in pycocotools
};

/// Reads ground truth: an object with the arrays `images` (id; file_name, width, height), `categories` (id;
/// name) and `annotations` (id, image_id, category_id, bbox, area; iscrowd). Ids are whole numbers; those of
/// annotations are not 0, because pycocotools takes a match with 0 for none. Throws rexnet::error
/// (invalid_argument), which names the record and the key: no JSON, a key that is missing or of another type,
/// a number that is not finite, a box of negative size, an id that stands twice.
[[nodiscard]] coco_truth read_coco_truth(std::string_view json);

/// The same of a file, whose path is put in front of errors. @param path UTF-8. Throws also io_error.
[[nodiscard]] coco_truth read_coco_truth_file(const std::string& path);

/// What of a file was left out, in words: "3 annotations of pictures that it does not list are left out".
[[nodiscard]] std::vector<std::string> coco_notes(const coco_truth& truth);

/// Reads detections: an array of objects with image_id, category_id, bbox and score. Throws as
/// read_coco_truth(); also where a detection names a picture that `truth` does not have.
[[nodiscard]] coco_detections read_coco_detections(std::string_view json, const coco_truth& truth);
/// The same of a file.
[[nodiscard]] coco_detections read_coco_detections_file(const std::string& path, const coco_truth& truth);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_COCO_FILES_HPP
