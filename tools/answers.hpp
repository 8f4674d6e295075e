// SPDX-License-Identifier: MIT
// The answers of a long run on standard output, each as soon as it is there and flushed, so that another
// program can go on with it, and so that an interruption leaves what was answered.
#ifndef REXNET_TOOLS_ANSWERS_HPP
#define REXNET_TOOLS_ANSWERS_HPP

#include "tools/json_text.hpp"
#include "tools/terminal.hpp"

#include <string>

namespace rexnet_tools {

enum class answer_format {
  text,
  json,       ///< one array
  json_lines  ///< an object a line
};

class answers {
 public:
  explicit answers(answer_format format) : format_(format) {}

  [[nodiscard]] bool text() const { return format_ == answer_format::text; }
  /// An answer in the words of `in_words` or as JSON. Throws as flush_output().
  void add(const nlohmann::ordered_json& entry, const std::string& in_words) {
    if (text())
      print(in_words);
    else if (format_ == answer_format::json_lines)
      print_json(json_text(entry, -1));
    else
      print_json((any_ ? ",\n  " : "[\n  ") + indented(json_text(entry)));
    any_ = true;
    flush_output();
  }
  /// Ends the array. Throws as add().
  void finish() {
    if (format_ == answer_format::json) print_json(any_ ? "\n]\n" : "[]\n");
    flush_output();
  }

 private:
  /// As an element of an array, without the line feed at its end. JSON has line feeds between its values
  /// only, never in them.
  static std::string indented(const std::string& text) {
    std::string out;
    for (const char c : text.substr(0, text.size() - 1)) out.append(1, c).append(c == '\n' ? 2 : 0, ' ');
    return out;
  }

  answer_format format_;
  bool any_ = false;
};

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_ANSWERS_HPP
