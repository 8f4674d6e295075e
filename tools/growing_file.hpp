// SPDX-License-Identifier: MIT
// A file that grows line by line during a long run. A run that was stopped, even by SIGKILL, leaves the first
// lines, and another goes on from there.
#ifndef REXNET_TOOLS_GROWING_FILE_HPP
#define REXNET_TOOLS_GROWING_FILE_HPP

#include <cstdint>
#include <fstream>
#include <string>

namespace rexnet_tools {

class growing_file {
 public:
  /// Opens it behind its last byte, or makes it, by output_guard's rules. Throws io_error.
  /// @param path UTF-8
  explicit growing_file(const std::string& path);

  /// Cuts off what a write left that was not finished. Throws io_error.
  static void cut(const std::string& path, std::uint64_t size);

  void append(const std::string& text) { file_ << text; }
  /// Hands the lines to the system, which keeps them whatever becomes of this process. Throws io_error.
  void flush();
  /// At the end: some file systems report only then that there was no room. Throws io_error.
  void close();

 private:
  std::string path_;
  std::ofstream file_;
};

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_GROWING_FILE_HPP
