// SPDX-License-Identifier: MIT
// Standard input for `classify MODEL -`: a picture, or a list that is worked on as it comes.
#ifndef REXNET_TOOLS_STANDARD_INPUT_HPP
#define REXNET_TOOLS_STANDARD_INPUT_HPP

#include "tools/path_list.hpp"

#include "rexnet/core/error.hpp"

#include <string>

namespace rexnet_tools {

/// Thrown where standard input cannot be read on, or a picture on it is too long.
struct input_lost {
  rexnet::error why;
};

class standard_input {
 public:
  /// A picture longer than this is refused: a camera's stream has no end.
  static constexpr std::size_t longest_picture = std::size_t{1} << 30;

  /// Waits for the first bytes. Throws rexnet::error (unknown_format, naming what it is) where they are
  /// neither a picture's nor a list's; input_lost.
  explicit standard_input(bool null_separated);

  [[nodiscard]] bool is_picture() const { return is_picture_; }
  /// The whole of the picture. Throws input_lost.
  [[nodiscard]] std::string read_picture();
  /// The list's next line, as soon as it is there; false at its end, or where a signal came
  /// (stop_signals.hpp). Throws input_lost.
  [[nodiscard]] bool next(line_splitter::line& out);

 private:
  /// Appends what there is; waits until there is something. False at the end.
  bool read_some(std::string& to);

  line_splitter lines_;
  std::string start_;
  bool is_picture_ = false, ended_ = false;
};

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_STANDARD_INPUT_HPP
