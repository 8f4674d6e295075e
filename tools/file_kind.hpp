// SPDX-License-Identifier: MIT
// What a file is, by its first bytes: pictures that are read here, pictures that are not, and other files
// that are often given to a classifier by mistake.
#ifndef REXNET_TOOLS_FILE_KIND_HPP
#define REXNET_TOOLS_FILE_KIND_HPP

#include "rexnet/core/bytes.hpp"

namespace rexnet_tools {

/// A row of the table of kinds.
struct known_kind {
  const char* article;  ///< "a ", "an " or "", before the name
  const char* name;
  bool picture;  ///< of a picture format, whether that is read or not
};

/// Never null: it is "unknown data" where nothing fits.
[[nodiscard]] const known_kind& find_kind(rexnet::byte_span start);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_FILE_KIND_HPP
