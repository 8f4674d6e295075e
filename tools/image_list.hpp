// SPDX-License-Identifier: MIT
// Which files below a directory are pictures.
#ifndef REXNET_TOOLS_IMAGE_LIST_HPP
#define REXNET_TOOLS_IMAGE_LIST_HPP

#include <string>
#include <vector>

namespace rexnet_tools {

/// Whether the name ends, in capitals or not, as those of pictures that read_image() takes: .jpg .jpeg .png
/// .ppm .pgm .pnm.
[[nodiscard]] bool named_as_picture(const std::string& path);

/// The files below `dir`, at any depth, that are named as pictures: `dir` and what follows it, with slashes,
/// sorted by their bytes, so that the order is the same on every system. Links to directories are not
/// followed (they may lead in a circle). Empty when there are none.
/// @param dir UTF-8
/// Throws rexnet::error (io_error) naming a directory that cannot be read.
[[nodiscard]] std::vector<std::string> pictures_below(const std::string& dir);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_IMAGE_LIST_HPP
