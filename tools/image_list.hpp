// SPDX-License-Identifier: MIT
// Which files below a directory are pictures, and what the others are: the one walk of `classify DIR` and
// `eval DIR`.
#ifndef REXNET_TOOLS_IMAGE_LIST_HPP
#define REXNET_TOOLS_IMAGE_LIST_HPP

#include <cstddef>
#include <functional>
#include <map>
#include <string>

namespace rexnet_tools {

/// Whether the name ends, in capitals or not, as those of pictures do: .jpg .jpeg .jpe .jfif .jpg_large .png
/// .ppm .pgm .pbm .pnm .webp .gif .bmp .dib .tif .tiff .avif .heic .heif. All of torchvision's are among
/// them.
[[nodiscard]] bool named_as_picture(const std::string& path);
/// Whether torchvision's ImageFolder takes a file of this name (IMG_EXTENSIONS).
[[nodiscard]] bool torchvision_takes(const std::string& path);

/// A file below a directory.
struct found_file {
  enum class as {
    picture,  ///< to be read: by its name, or by its first bytes where the name says nothing or is hidden
    other,    ///< no picture: left out
    loop,     ///< a link to a folder above it, whose files come anyway: left out
    failed    ///< unknown: a folder or file that cannot be read, a link to nothing
  };
  as what = as::other;
  std::string path;  ///< the directory as it was given and what follows, with slashes; UTF-8
  std::string text;  ///< of other and loop: the kind, "PDF", "empty file", "pipe"; of failed: path and reason
};

/// Calls visit() for each file below `dir`, at any depth, until it returns false or a signal comes
/// (stop_signals.hpp). The order is torchvision's, the same on every system: folders by the bytes of their
/// paths, each with its files by the bytes of their names. Links are followed, to folders as to files, as
/// torchvision and timm do; a folder that two links lead to comes twice. All names are read first (some 100
/// bytes of memory each); files are looked into one by one as they come, their first bytes only, and only
/// where the name is not a picture's. Pipes, sockets and devices are never opened.
/// @param dir UTF-8
/// @param above a folder that `dir` lies in: a link to it leads in a circle, too
void each_file_below(const std::string& dir, const std::function<bool(const found_file&)>& visit,
                     const std::string& above = {});

/// How many of each kind.
using kind_counts = std::map<std::string, std::size_t>;
/// "PDF: 1, unknown data: 2"
[[nodiscard]] std::string kinds_text(const kind_counts& kinds);
[[nodiscard]] std::size_t sum_of(const kind_counts& kinds);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_IMAGE_LIST_HPP
