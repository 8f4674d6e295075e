// SPDX-License-Identifier: MIT
// What people take for a checkpoint and is none, named by its content, with what to do.
#ifndef REXNET_WEIGHTS_IMPOSTORS_HPP
#define REXNET_WEIGHTS_IMPOSTORS_HPP

#include "rexnet/core/error.hpp"
#include "rexnet/weights/bytes.hpp"

#include <string>
#include <string_view>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// What people save under the name .pth by mistake, by its first bytes; ok when it is none of that.
[[nodiscard]] inline status refuse_impostors(byte_span bytes) {
  const std::string_view t = text(bytes).substr(0, 512);
  const std::size_t start = t.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  const std::string_view head = start == t.npos ? t : t.substr(start);
  std::string tag(head.substr(0, 9));
  for (char& c : tag) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (tag == "<!doctype" || tag.substr(0, 5) == "<html" || tag.substr(0, 5) == "<head" ||
      tag.substr(0, 5) == "<?xml")
    return error(errc::model_html,
                 "a web page, not a checkpoint: the download answered with HTML (a login or a 'file too "
                 "large' page?)");
  if (head.substr(0, 42) == "version https://git-lfs.github.com/spec/v1")
    return error(errc::model_git_lfs, "a git-lfs pointer, not the file itself: run git lfs pull");
  if (bytes.size() > 262 && t.substr(257, 5) == "ustar")
    return error(
        errc::model_old_tar,
        "a torch file of the tar form (torch < 0.1.10): load it with an old torch and save it again");
  return done;
}

/// The error for bytes that are nothing known.
[[nodiscard]] inline error unknown_file(byte_span bytes) {
  std::string first;
  static constexpr char digits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < bytes.size() && i < 8; ++i)
    first += {digits[bytes[i] >> 4], digits[bytes[i] & 15], ' '};
  return {errc::unknown_format, "not a checkpoint that rexnet reads; its " + std::to_string(bytes.size()) +
                                    " bytes start with " + first};
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_WEIGHTS_IMPOSTORS_HPP
