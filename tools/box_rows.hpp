// SPDX-License-Identifier: MIT
// What a run of `rexnet eval` with a detector has found so far: a line of JSON for each picture, in the order
// of their ids. A run that was stopped, even by SIGKILL, leaves the first lines, and another goes on from
// there.
#ifndef REXNET_TOOLS_BOX_ROWS_HPP
#define REXNET_TOOLS_BOX_ROWS_HPP

#include "tools/box_evaluation.hpp"
#include "tools/growing_file.hpp"

#include <cstddef>
#include <functional>
#include <string>

namespace rexnet_tools {

class box_rows {
 public:
  using seen_function = std::function<void(std::size_t index, const picture_boxes&)>;

  /// Makes a new file, by output_guard's rules. Throws io_error, also where there is one already: hours of
  /// work may be in it.
  /// @param path UTF-8
  /// @param run  as run_id(), which the file's first line holds
  static box_rows create(const std::string& path, const std::string& run, const coco_truth& truth);

  /// Goes on with a file, or makes it where there is none. Calls seen() for its pictures and cuts a line off
  /// that was not written to its end. Throws io_error, or invalid_argument where the file is none of this
  /// run: the message says what differs.
  static box_rows resume(const std::string& path, const std::string& run, const coco_truth& truth,
                         const seen_function& seen);

  /// Pictures of the file.
  [[nodiscard]] std::size_t rows() const { return rows_; }
  /// The next picture; what it was is on the way to the disk when this returns. Throws io_error.
  void append(const picture_boxes& p);
  /// Throws io_error.
  void close() { file_.close(); }

 private:
  box_rows(const std::string& path, const coco_truth& truth) : truth_(&truth), file_(path) {}
  void begin(const std::string& run);

  const coco_truth* truth_;
  growing_file file_;
  std::size_t rows_ = 0;
};

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_BOX_ROWS_HPP
