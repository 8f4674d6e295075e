// SPDX-License-Identifier: MIT
// Files of class names, one a line.
#ifndef REXNET_TOOLS_LABEL_FILE_HPP
#define REXNET_TOOLS_LABEL_FILE_HPP

#include <string>
#include <string_view>
#include <vector>

namespace rexnet_tools {

/// The names in a file of UTF-8, with or without a byte order mark. Lines end with LF, CR LF, or all of them
/// with CR alone; spaces at their ends and blank lines at the file's end are no part of any name.
/// Throws rexnet::error: packed_label_text for another encoding (UTF-16 and UTF-32 are named), control
/// characters, and blank lines before the last name: with the line's number.
[[nodiscard]] std::vector<std::string> labels_of_text(std::string_view bytes);

/// The same of a file, whose path is put in front of errors. @param path UTF-8. Throws also io_error.
[[nodiscard]] std::vector<std::string> read_labels(const std::string& path);

/// "label 135 is label 518 again: crane", of the first that is there twice, and how many there are; "" where
/// all differ. ImageNet's own list has two such pairs: no error.
[[nodiscard]] std::string repeated_labels(const std::vector<std::string>& labels);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_LABEL_FILE_HPP
