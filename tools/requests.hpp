// SPDX-License-Identifier: MIT
// The pictures that `classify MODEL IMAGE...` asks for, one by one as they become known.
#ifndef REXNET_TOOLS_REQUESTS_HPP
#define REXNET_TOOLS_REQUESTS_HPP

#include "tools/standard_input.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rexnet_tools {

/// A picture that was asked for, or a file beside it.
struct request {
  std::string path;      ///< as it was given, or the directory as given and what follows; "-"
  std::string name;      ///< below the directory that was given, or the file's own; "stdin"
  std::string why;       ///< not empty: why there is nothing to classify
  std::string left_out;  ///< not empty: a file below a directory that is no picture: its kind
  std::string bytes;     ///< of the picture on standard input
  bool in_memory = false;
  bool given = false;  ///< as an argument of its own
  bool loop = false;   ///< a link to a folder above it, left out
};

class request_source {
 public:
  /// @param inputs paths of pictures and directories, and "-" for standard input, whose first bytes are
  /// waited
  ///        for. Throws rexnet::error (invalid_argument where "-" is there twice; as standard_input).
  request_source(std::vector<std::string> inputs, bool null_separated);

  /// More than one picture, or what may be more.
  [[nodiscard]] bool several() const { return several_; }
  /// Calls visit() for each picture that is known before the work begins, which those of a list are not.
  /// Files that are left out are no inputs: an older --embed may lie among the pictures.
  void each_known_path(const std::function<void(const std::string& path)>& visit) const;
  /// Calls visit() for each request, in the order of the inputs and as they come, until it returns false or a
  /// signal comes. Nothing is kept of those that were visited.
  void each(const std::function<bool(request&)>& visit);

 private:
  using visitor = std::function<bool(request&)>;
  static bool add(const std::string& path, bool given, const visitor& visit);
  static bool add_directory(const std::string& path, const visitor& visit);
  bool add_standard_input(const visitor& visit);
  bool add_picture(const visitor& visit);
  bool add_list(const visitor& visit);

  std::vector<std::string> inputs_;
  std::optional<standard_input> standard_input_;
  bool several_ = false;
};

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_REQUESTS_HPP
