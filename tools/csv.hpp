// SPDX-License-Identifier: MIT
// Comma-separated values by RFC 4180, with line feeds alone at the ends of records: pandas, spreadsheets and
// awk read them.
#ifndef REXNET_TOOLS_CSV_HPP
#define REXNET_TOOLS_CSV_HPP

#include <string>
#include <string_view>
#include <vector>

namespace rexnet_tools {

/// A value as a field: in quotes, its own doubled, where it holds a comma, a quote or a line's end.
inline std::string csv_field(std::string_view value) {
  if (value.find_first_of(",\"\r\n") == value.npos) return std::string(value);
  std::string quoted = "\"";
  for (const char c : value) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

/// Takes a text apart, record by record.
class csv_reader {
 public:
  explicit csv_reader(std::string_view text) : text_(text) {}

  /// The next whole record; false where none follows. A record without a line feed at its end was cut off
  /// while it was written: position() is where it begins.
  bool next(std::vector<std::string>& fields) {
    fields.assign(1, {});
    bool quoted = false;
    for (std::size_t i = at_; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c == '"') {
        // Within quotes, two are one.
        const bool twice = quoted && i + 1 < text_.size() && text_[i + 1] == '"';
        if (twice)
          fields.back() += text_[++i];
        else
          quoted = !quoted;
      } else if (quoted || (c != ',' && c != '\n')) {
        fields.back() += c;
      } else if (c == ',') {
        fields.emplace_back();
      } else {
        // Programs of Windows save with \r\n.
        if (!fields.back().empty() && fields.back().back() == '\r') fields.back().pop_back();
        at_ = i + 1;
        return true;
      }
    }
    return false;
  }
  /// Bytes of the records read so far.
  [[nodiscard]] std::size_t position() const { return at_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_CSV_HPP
