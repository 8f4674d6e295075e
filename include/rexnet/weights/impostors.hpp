// SPDX-License-Identifier: MIT
// What people take for a checkpoint and is none, named by its content, with what to do.
#ifndef REXNET_WEIGHTS_IMPOSTORS_HPP
#define REXNET_WEIGHTS_IMPOSTORS_HPP

#include "rexnet/core/checked.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/weights/bytes.hpp"
#include "rexnet/weights/file_kinds.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Whether all of it is text that people read; the last character may be cut.
[[nodiscard]] inline bool is_text(std::string_view s) noexcept {
  while (!s.empty()) {
    const std::size_t length = utf8_length(s);
    if (length == 0) return s.size() < 4 && static_cast<unsigned char>(s[0]) >= 0xc2;
    if (static_cast<unsigned char>(s[0]) < 32 && std::string_view("\t\n\r\f").find(s[0]) == s.npos)
      return false;
    s.remove_prefix(length);
  }
  return true;
}

/// Text, of which `head` is the beginning without white space.
[[nodiscard]] inline error text_instead(std::string_view head) {
  const auto holds = [head](std::string_view part) { return head.find(part) != head.npos; };
  const auto begins = [head](std::string_view part) { return begins_with(head, part); };
  if (holds("<net ") && holds("<layer")) return other_format("an OpenVINO network (.xml)", save_weights);
  if (begins("<?xml"))
    return {errc::model_html,
            "an XML text, not a checkpoint: the download answered with it (an error message?)"};
  if (begins("7767517")) return other_format("an ncnn network (.param)", save_weights);
  if (begins("{") || begins("["))
    return holds("\"weight_map\"")
               ? other_format("the index of a checkpoint in several files",
                              ": load its parts with Python and write them as one")
               : other_format("a JSON text", ": the download answered with it, or it is a configuration");
  if (begins("(dp") || begins("(lp") || begins("ccollections\n") || begins("ctorch"))
    return other_format("a pickle of protocol 0", ": write it with torch.save");
  const std::string_view line = head.substr(0, head.find_first_of("\r\n"));
  return other_format("a text file (" + in_quotes(line) + ")");
}

/// A number of a tar archive's header: octal digits among spaces and zeros.
[[nodiscard]] inline std::uint64_t octal(std::string_view field) noexcept {
  std::uint64_t v = 0;
  for (const char c : field)
    if (c >= '0' && c <= '7') v = v * 8 + static_cast<std::uint64_t>(c - '0');
  return v;
}

/// Whether the file begins with a tar archive's header: its mark alone may lie in any checkpoint's tensors,
/// so the header's checksum (POSIX: the sum of its bytes, its own eight taken for spaces) must be right, too.
[[nodiscard]] inline bool is_tar(byte_span file) noexcept {
  if (file.size() < 512 || text(file).substr(257, 5) != "ustar") return false;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 512; ++i) sum += i >= 148 && i < 156 ? std::uint64_t{' '} : file[i];
  return sum == octal(text(file).substr(148, 8));
}

/// A tar archive: torch's own before 0.1.10 has these entries, in any order.
[[nodiscard]] inline error tar_instead(byte_span file) {
  std::string first;
  for (std::size_t at = 0, entries = 0; entries < 8 && at + 512 <= file.size(); ++entries) {
    const std::string_view header = text(file.subspan(at, 512));
    const std::string_view name = header.substr(0, (std::min)(header.find('\0'), std::size_t{100}));
    if (name.empty() && entries > 0) break;  // the end
    const std::string_view base = name.substr(name.rfind('/') + 1);
    if (name.empty() || base == "sys_info" || base == "pickle" || base == "tensors" || base == "storages")
      return {errc::model_old_tar,
              "a torch file of the tar form (torch < 0.1.10): load it with an old torch and save it again"};
    const bool described = header[156] == 'x' || header[156] == 'g' || header[156] == 'L';
    if (first.empty() && !described) first = in_quotes(name);
    const checked next = checked(at) + 512 + (octal(header.substr(124, 11)) + 511) / 512 * 512;
    if (!next.at_most(file.size())) break;
    at = static_cast<std::size_t>(next.get());
  }
  return other_format("a tar archive" + (first.empty() ? "" : " that begins with " + first), unpack_first);
}

/// A download that reserved its bytes and did not get them: zeros as far as one looks.
[[nodiscard]] inline bool is_blank(byte_span file) noexcept {
  const std::size_t n = (std::min)(file.size(), std::size_t{4096});
  return n >= 16 && std::all_of(file.data(), file.data() + n, [](unsigned char c) { return c == 0; });
}

/// What people save under the name .pth by mistake, by its first bytes; ok when it is none of that.
[[nodiscard]] inline status refuse_impostors(byte_span bytes) {
  const std::string_view t = text(bytes).substr(0, 512);
  const std::size_t start = t.find_first_not_of(" \t\r\n\xef\xbb\xbf");
  const std::string_view head = start == t.npos ? t : t.substr(start);
  std::string tag(head.substr(0, 9));
  for (char& c : tag) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (tag == "<!doctype" || tag.substr(0, 5) == "<html" || tag.substr(0, 5) == "<head")
    return error(errc::model_html,
                 "a web page, not a checkpoint: the download answered with HTML (a login or a 'file too "
                 "large' page?)");
  if (head.substr(0, 42) == "version https://git-lfs.github.com/spec/v1")
    return error(errc::model_git_lfs, "a git-lfs pointer, not the file itself: run git lfs pull");
  if (head.size() >= 4 && is_text(head)) return text_instead(head);
  // The length of a safetensors header may begin like anything.
  if (bytes.size() > 8 && bytes[8] == '{' && little_endian<4>(bytes.data() + 4) == 0) return done;
  if (t.size() >= 2 && (t.substr(0, 2) == "\xff\xfe" || t.substr(0, 2) == "\xfe\xff"))
    return other_format("a text in UTF-16");
  if (is_tar(bytes)) return tar_instead(bytes);
  for (const file_sign& s : file_signs)
    if (t.size() >= s.at && t.substr(s.at, s.bytes.size()) == s.bytes) return other_format(s.what, s.advice);
  if (is_pdiparams(bytes))
    return other_format("parameters of Paddle's exported program", ": take the .pdparams of the network");
  if (is_blank(bytes))
    return error(errc::model_truncated,
                 "zeros, " + std::to_string(bytes.size()) +
                     " bytes from the first on: the download reserved them and did not "
                     "finish");
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
