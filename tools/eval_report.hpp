// SPDX-License-Identifier: MIT
// What an evaluation found, for people (text, picture) and for programs (JSON).
#ifndef REXNET_TOOLS_EVAL_REPORT_HPP
#define REXNET_TOOLS_EVAL_REPORT_HPP

#include "tools/evaluation.hpp"
#include "tools/image_list.hpp"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace rexnet_tools {

/// What is known of the pictures of this run, not of those that an earlier one finished.
struct run_counts {
  kind_counts kinds, broken_kinds;
  std::map<int, std::size_t> orientations;  ///< as the files state them
  std::size_t on_their_side = 0;            ///< of them not turned upright

  void add(const prediction& p, bool exif) {
    ++(p.count > 0 ? kinds : broken_kinds)[p.kind.empty() ? "unknown" : p.kind];
    if (p.count == 0) return;
    ++orientations[p.orientation];
    on_their_side += p.orientation > 1 && !exif;
  }
};

struct evaluation_report {
  std::string model, variant, data, labels, run, instruction_set;
  class_list classes;
  evaluation_settings how;
  std::size_t pictures = 0;  ///< of the data set
  std::size_t resumed = 0;   ///< of them finished by an earlier run
  bool interrupted = false;
  std::vector<std::string> notes;
  std::vector<left_out_file> others, unread;  ///< as the data set has them
  tally counts{0};
  run_counts here;
  picture_times times;  ///< of this run, as `seconds`
  double seconds = 0;

  [[nodiscard]] std::size_t finished() const {
    return static_cast<std::size_t>(counts.all().n) + counts.broken().size();
  }
  /// A class's name, or "class 7".
  [[nodiscard]] std::string name(int label) const;
};

/// Classes with pictures, or that were predicted, ascending.
[[nodiscard]] std::vector<int> occurring_classes(const tally& t);

/// Accuracy, classes, confusion matrix where it fits a terminal, speed.
[[nodiscard]] std::string text_report(const evaluation_report& r);
[[nodiscard]] nlohmann::ordered_json json_report(const evaluation_report& r);

/// A confusion matrix in words.
struct confusion_words {
  std::string title, rows, columns;  ///< over the picture and at its sides
  std::string heading;               ///< over the table
  std::function<std::string(int)> name;
  int nothing = -1;  ///< a class that stands for none: of its row no part is right
};
/// The matrix as a table, "" where it does not fit a terminal. @param classes that occur
[[nodiscard]] std::string confusion_text(const confusion_words& w, const tally& counts,
                                         const std::vector<int>& classes);
/// The matrix as an SVG picture: a row for each class of pictures, a column for each that was predicted, of
/// the classes that occur; right ones blue, mistakes orange, the darker the larger their part of the row.
/// @{
[[nodiscard]] std::string confusion_svg(const confusion_words& w, const tally& counts);
[[nodiscard]] std::string confusion_svg(const evaluation_report& r);
/// @}

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_EVAL_REPORT_HPP
