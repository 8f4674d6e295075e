// SPDX-License-Identifier: MIT
#include "tools/path_list.hpp"
#include "tools/image_io.hpp"

#include "rexnet/core/text.hpp"

#include <algorithm>
#include <utility>

namespace rexnet_tools {
namespace {

using rexnet::detail::begins_with;

constexpr std::string_view utf8_mark = "\xef\xbb\xbf";

/// With its byte order mark, or as ASCII with a NUL for every other byte.
bool is_utf16(std::string_view start) {
  if (begins_with(start, "\xff\xfe") || begins_with(start, "\xfe\xff")) return true;
  if (start.size() < 4) return false;
  return (start[0] != 0 && start[1] == 0 && start[2] != 0 && start[3] == 0) ||
         (start[0] == 0 && start[1] != 0 && start[2] == 0 && start[3] != 0);
}

/// What the bytes look like; the NULs between lines apart.
struct looks {
  bool nul = false, control = false, utf8 = true;
  [[nodiscard]] bool text() const { return !nul && !control && utf8; }
};
looks look(std::string_view s) {
  looks l;
  while (!s.empty()) {
    const std::size_t length = rexnet::detail::utf8_length(s);
    const auto c = static_cast<unsigned char>(s[0]);
    if (c == 0)
      l.nul = true;
    else if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
      l.control = true;
    else if (length == 0 && s.size() >= 4)  // fewer may be the beginning of a character
      l.utf8 = false;
    s.remove_prefix((std::max)(length, std::size_t{1}));
  }
  return l;
}

std::string nul_advice(bool paths) {
  return paths ? "NUL bytes: a list as find -print0 writes it is read with --null"
               : "a NUL byte, which no path holds (a list of find -print0 is read with --null)";
}

file_kind kind(std::string_view start) {
  return kind_of(rexnet::byte_span(reinterpret_cast<const unsigned char*>(start.data()), start.size()));
}

/// Text that is a document of its own: a page that a server sent instead of a picture, a PDF, an XPM picture.
bool is_document(std::string_view text) {
  text.remove_prefix((std::min)(text.find_first_not_of(" \t\r\n"), text.size()));
  for (const char* start : {"<", "%PDF", "%!PS", "{\\rtf", "/* XPM", "version https://git-lfs"})
    if (begins_with(text, start)) return true;
  return false;
}

/// PNM's header is text: "P6", white space, a number or a comment. A path that begins so is "./P6 1.png".
bool is_pnm_header(std::string_view text) {
  if (text.size() < 4 || text[0] != 'P') return false;
  const std::size_t next = text.find_first_not_of(" \t\r\n\v\f", 2);
  return next > 2 && next != text.npos && (text[next] == '#' || (text[next] >= '0' && text[next] <= '9'));
}

}  // namespace

std::string no_list(std::string_view start, bool null_separated) {
  if (is_utf16(start)) return "UTF-16 text (PowerShell's > writes it): lists are UTF-8";
  const std::string_view first = start.substr(0, start.find('\n'));
  if (null_separated || first.find('\0') == first.npos) return {};
  const looks l = look(first);
  return nul_advice(l.utf8 && !l.control);
}

stream_start judge_stream(std::string_view start, bool null_separated, bool ended) {
  using as = stream_start::as;
  // No picture's signature is longer than this, and none has a line's end in front of its other odd bytes.
  constexpr std::size_t enough = 16;
  if (start.empty()) return {ended ? as::list : as::unclear, {}};
  const file_kind k = kind(start);
  stream_start refused{as::refused, k.name + ": neither a picture that is read nor a list of paths"};
  const std::size_t first_end = (std::min)(start.find(null_separated ? '\0' : '\n'), start.size());
  const bool line = first_end < start.size(), decided = ended || start.size() >= kind_bytes;
  const looks first = look(start.substr(0, first_end)), all = look(start);
  // A first line of text makes a list, whatever its other lines are; unless they are as odd as can be.
  if (first.text() && (null_separated || !(all.control && !all.utf8 && all.nul))) {
    if (k.picture && is_pnm_header(start)) return {as::picture, {}};
    if (is_document(start)) return decided || line ? refused : stream_start{};
    return {line || decided ? as::list : as::unclear, {}};
  }
  if (k.picture) return {as::picture, {}};
  const bool maybe_picture = start[0] == '\x89' || start[0] == '\xff' || first.nul;
  if (start.size() < enough && !ended && (maybe_picture || !line)) return {};
  if (is_utf16(start)) return {as::refused, no_list(start, null_separated)};
  if (first.control && !(null_separated ? all : first).utf8) return refused;
  if (const std::string why = no_list(start, null_separated); !why.empty())
    return first.control ? refused : stream_start{as::refused, why};
  // Paths in Latin-1, or with an escape sequence in a name.
  return {line || decided ? as::list : as::unclear, {}};
}

void line_splitter::add(std::string_view piece) {
  text_.erase(0, at_);
  seen_ -= at_;
  at_ = 0;
  text_ += piece;
}

void line_splitter::check(line& l) const {
  if (end_ == '\n' && !l.text.empty() && l.text.back() == '\r') l.text.pop_back();
  if (l.text.find('\0') != l.text.npos) l.why = nul_advice(false);
  if (l.text.size() <= longest) return;
  l.why = "longer than " + std::to_string(longest) + " bytes, which no path is";
  l.text.resize(64);
}

bool line_splitter::next(line& out) {
  for (;;) {
    if (!begun_) {
      if (text_.size() < utf8_mark.size() && !ended_ && begins_with(utf8_mark, text_)) return false;
      if (begins_with(text_, utf8_mark)) at_ = seen_ = utf8_mark.size();
      begun_ = true;
    }
    const std::size_t end = text_.find(end_, seen_);
    const bool whole = end != text_.npos;
    if (!whole && text_.size() - at_ > longest && !ended_) {
      // The rest of it is thrown away as it comes.
      const bool first = !skipping_;
      if (first) {
        out = {text_.substr(at_), ++number_, {}};
        check(out);
      }
      skipping_ = true;
      at_ = seen_ = text_.size();
      if (first) return true;
    }
    if (!whole && (!ended_ || at_ == text_.size())) {
      seen_ = text_.size();
      return false;
    }
    const std::size_t stop = whole ? end : text_.size();
    const bool rest = std::exchange(skipping_, false);
    if (!rest) {
      out = {text_.substr(at_, stop - at_), ++number_, {}};
      check(out);
    }
    at_ = seen_ = whole ? stop + 1 : stop;
    if (!rest && !out.text.empty()) return true;
  }
}

}  // namespace rexnet_tools
