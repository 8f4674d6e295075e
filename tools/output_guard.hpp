// SPDX-License-Identifier: MIT
// What a call of the command reads and writes, so that no output lands on an input or on another output.
// Files are told apart as the system does it, by device and inode, never by the text of a path: links,
// mounts, "./" and names that differ in capitals only, where these are one name, lead to the same file.
#ifndef REXNET_TOOLS_OUTPUT_GUARD_HPP
#define REXNET_TOOLS_OUTPUT_GUARD_HPP

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace rexnet_tools {

/// POSIX: device and inode; Windows: the volume's serial number and the file's index.
struct file_id {
  std::uint64_t device = 0, file = 0;
  bool operator<(const file_id& o) const { return std::tie(device, file) < std::tie(o.device, o.file); }
  bool operator==(const file_id& o) const { return device == o.device && file == o.file; }
};

/// Of the file or folder that `path` leads to, through links; nothing where there is none. @param path UTF-8
[[nodiscard]] std::optional<file_id> id_of(const std::string& path);

/// Outputs are declared first, then inputs: a clash is found before any work is done, whichever it is.
/// Everything throws rexnet::error (output_is_input), naming both.
class output_guard {
 public:
  /// A file that will be written. @param option what names it, "-o"
  void output(const std::string& path, const std::string& option);
  /// A folder, at any depth of which files will be written whose names are not known yet.
  void output_folder(const std::string& path);
  /// Standard output and error, where they were redirected to files.
  void standard_streams();
  /// A file that is read. One that does not exist is no error here: reading it will fail. Inputs may be
  /// declared as late as they become known (lists on standard input).
  /// @param what what names it, "MODEL"
  void input(const std::string& path, const std::string& what);
  /// Standard input is read.
  void standard_input();

  /// Every writer calls this before it opens a file. Throws std::logic_error for a path that no output() or
  /// output_folder() declared: a mistake of the program.
  void writing(const std::string& path);
  /// And this when the file has its name.
  void written(const std::string& path);

 private:
  /// A file that exists: its id and "". One that does not: the nearest folder above it that exists, and the
  /// way from there.
  struct place {
    file_id at;
    std::string rest;
    bool operator<(const place& o) const { return std::tie(at, rest) < std::tie(o.at, o.rest); }
  };
  /// What uses a file. The system gives the numbers of deleted files to new ones: the id of `path` is looked
  /// up again.
  struct user {
    std::string who, path;  ///< no path: a stream
    [[nodiscard]] bool still_at(const place& p) const;
  };
  [[nodiscard]] static std::optional<place> place_of(const std::string& path);
  void add_input(const file_id& id, const user& u);
  void add_output(const place& at, const user& u);

  std::map<place, user> outputs_;  ///< to be written, and their parts
  std::map<file_id, user> inputs_, written_;
  std::map<std::string, std::vector<place>> declared_;  ///< paths of outputs
  std::vector<std::string> folders_;
};

/// The guard of this process, which is one call of the command.
[[nodiscard]] output_guard& guard();

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_OUTPUT_GUARD_HPP
