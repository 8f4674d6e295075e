// SPDX-License-Identifier: MIT
// Pictures and the class that each belongs to: a folder per class, ImageNet's synset folders, or a list.
#ifndef REXNET_TOOLS_DATASET_HPP
#define REXNET_TOOLS_DATASET_HPP

#include <string>
#include <vector>

namespace rexnet_tools {

struct sample {
  std::string path;  ///< UTF-8; below dataset::folder, or absolute
  int label = 0;     ///< index of the class
};

/// The classes that a data set's labels are matched against.
struct class_list {
  int count = 0;
  std::vector<std::string> names;  ///< one per class, or none
  /// The names are a packed file's or the user's; ImageNet's, which a checkpoint of a thousand classes gets,
  /// are not.
  bool own = false;
};

/// A file below a class folder that is no sample, or a folder that cannot be read.
struct left_out_file {
  std::string path;  ///< as a sample's
  std::string what;  ///< its kind, or why it cannot be read
};

struct dataset {
  std::string folder;  ///< that relative paths start from
  std::string labels;  ///< where the labels came from, for people: "folders by name"
  std::vector<sample> samples;
  std::vector<left_out_file> others;  ///< files that are no pictures, and links that lead in a circle
  std::vector<left_out_file> unread;  ///< what may be pictures, or hold them, and cannot be looked at
  std::vector<std::string> notes;     ///< what else matters for reading the result

  /// The file of a sample.
  [[nodiscard]] std::string file(const sample& s) const;
};

/// Reads what `path` names: a directory with one folder per class, or a list file. docs/evaluate.md says how
/// folders and labels become classes and what is refused. Pictures are those of each_file_below()
/// (image_list.hpp), in its order: class by class as torchvision's ImageFolder has them; lists keep their
/// order.
/// @param path UTF-8
/// @param null_separated the list's lines end with NUL
/// Throws rexnet::error: io_error; invalid_argument, naming the folder or line; shape_mismatch where folders
/// cannot be told from their order.
[[nodiscard]] dataset read_dataset(const std::string& path, const class_list& classes,
                                   bool null_separated = false);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_DATASET_HPP
