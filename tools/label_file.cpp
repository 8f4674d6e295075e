// SPDX-License-Identifier: MIT
#include "tools/label_file.hpp"

#include "rexnet/core/error.hpp"
#include "rexnet/weights/bytes.hpp"
#include "rexnet/weights/file_bytes.hpp"
#include "rexnet/weights/labels.hpp"

#include <algorithm>
#include <map>

namespace rexnet_tools {
namespace {

using rexnet::errc;
using rexnet::error;

/// The name of an encoding of several bytes a character, by its mark or by where its zeros are; or nullptr.
const char* wide_encoding(std::string_view s) {
  const auto begins = [s](std::string_view mark) { return rexnet::detail::begins_with(s, mark); };
  using namespace std::string_view_literals;
  if (begins("\xff\xfe\0\0"sv) || begins("\0\0\xfe\xff"sv)) return "UTF-32";
  if (begins("\xff\xfe"sv) || begins("\xfe\xff"sv)) return "UTF-16";
  // ASCII is most of any list: every second byte is zero in UTF-16, three of four in UTF-32.
  std::size_t zeros[4] = {};
  const std::size_t seen = (std::min)(s.size(), std::size_t{4096}) / 4 * 4;
  for (std::size_t i = 0; i < seen; ++i) zeros[i % 4] += s[i] == '\0' ? 1u : 0u;
  const std::size_t most = seen / 4 * 3 / 4;
  if (seen < 4) return nullptr;
  if (zeros[1] > most && zeros[2] > most) return "UTF-32";
  if ((zeros[0] > most && zeros[2] > most) || (zeros[1] > most && zeros[3] > most)) return "UTF-16";
  return nullptr;
}

}  // namespace

std::vector<std::string> labels_of_text(std::string_view s) {
  if (const char* encoding = wide_encoding(s))
    throw error(errc::packed_label_text, std::string("the text is ") + encoding + ": save it as UTF-8");
  if (s.substr(0, 3) == "\xef\xbb\xbf") s.remove_prefix(3);  // Windows' editors put a mark before UTF-8
  const char end = s.find('\n') == s.npos ? '\r' : '\n';     // Macs of the last century ended lines with CR
  std::vector<std::string> labels;
  std::size_t blank = 0;
  for (std::size_t number = 1; !s.empty(); ++number) {
    std::string_view line = s.substr(0, s.find(end));
    s.remove_prefix((std::min)(line.size() + 1, s.size()));
    if (end == '\n' && !line.empty() && line.back() == '\r') line.remove_suffix(1);
    while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
    if (line.empty()) {
      if (blank == 0) blank = number;
      continue;
    }
    if (blank > 0)
      throw error(errc::packed_label_text, "line " + std::to_string(blank) +
                                               " is blank: a class needs a name, and only the file's end "
                                               "may be blank");
    std::string why;
    if (rexnet::detail::check_label(line, "line ", number, rexnet::detail::report_text{why}) != errc::ok)
      throw error(errc::packed_label_text, why + (rexnet::detail::is_utf8(line) ? "" : ": save it as UTF-8"));
    labels.emplace_back(line);
  }
  return labels;
}

std::vector<std::string> read_labels(const std::string& path) {
  const auto file = rexnet::file_bytes::read(path).value();
  try {
    return labels_of_text(rexnet::detail::text(file.bytes()));
  } catch (const error& e) {
    throw e.in(path);
  }
}

std::string repeated_labels(const std::vector<std::string>& labels) {
  std::map<std::string_view, std::size_t> first;
  std::size_t again = 0;
  std::string text;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto [at, added] = first.emplace(labels[i], i);
    if (!added && again++ == 0)
      text = "label " + std::to_string(i + 1) + " is label " + std::to_string(at->second + 1) +
             " again: " + labels[i];
  }
  return again > 1 ? text + ", and " + std::to_string(again - 1) + " more" : text;
}

}  // namespace rexnet_tools
