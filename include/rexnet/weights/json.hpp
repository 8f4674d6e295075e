// SPDX-License-Identifier: MIT
// A small JSON reader for configuration files: RFC 8259, and the NaN and Infinity that Python writes. What it
// builds is bounded: 16 MB of text, 262144 values, 32 levels.
#ifndef REXNET_WEIGHTS_JSON_HPP
#define REXNET_WEIGHTS_JSON_HPP

#include "rexnet/core/error.hpp"
#include "rexnet/weights/json_cursor.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <locale>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

struct json_value {
  enum class kind { null, boolean, number, string, array, object };
  kind type = kind::null;
  bool truth = false;
  std::string text;                                         ///< of a string; a number as it is written
  std::vector<std::pair<std::string, json_value>> members;  ///< of an object; of an array without names

  /// The member of this name, or null; null for what is no object. The last one counts, as in Python.
  [[nodiscard]] const json_value* find(std::string_view name) const noexcept {
    if (type != kind::object) return nullptr;
    for (std::size_t i = members.size(); i-- > 0;)
      if (members[i].first == name) return &members[i].second;
    return nullptr;
  }
  /// The number, correctly rounded whatever the locale; NaN for what is none.
  [[nodiscard]] double number() const {
    if (type != kind::number || text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    const double huge = std::numeric_limits<double>::infinity();
    if (text == "Infinity" || text == "-Infinity") return text[0] == '-' ? -huge : huge;
    std::istringstream in(text);
    in.imbue(std::locale::classic());
    double v = 0;
    in >> v;  // beyond the largest double: the largest, which passes no check either
    return v;
  }
};

class json_reader : private json_cursor {
 public:
  static constexpr std::size_t max_bytes = 16u << 20;
  explicit json_reader(std::string_view text) : json_cursor(text, true) {}

  /// Errors: model_config, with the position.
  result<json_value> read() {
    json_value v;
    if (text_.size() > max_bytes)
      fail("more than " + std::to_string(max_bytes) + " bytes");
    else if (text_.substr(0, 3) == "\xef\xbb\xbf")
      at_ = 3;
    if (failure_.empty() && value(v, 0)) {
      skip();
      if (at_ != text_.size()) fail("text after the value");
    }
    if (!failure_.empty()) return error(errc::model_config, "JSON: " + failure_);
    return v;
  }

 private:
  static constexpr std::size_t max_values = 1u << 18;
  static constexpr int max_levels = 32;

  bool word(std::string_view w) { return text_.substr(at_, w.size()) == w ? at_ += w.size(), true : false; }

  bool value(json_value& v, int level) {
    if (level > max_levels) return fail("nested deeper than " + std::to_string(max_levels));
    if (++values_ > max_values) return fail("more than " + std::to_string(max_values) + " values");
    skip();
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    if (c == '{' || c == '[') return container(v, c, level);
    if (c == '"') return v.type = json_value::kind::string, string(v.text);
    if (word("true") || word("false")) return v.type = json_value::kind::boolean, v.truth = c == 't', true;
    if (word("null")) return true;
    return number(v);
  }
  bool container(json_value& v, char open, int level) {
    v.type = open == '{' ? json_value::kind::object : json_value::kind::array;
    const char close = open == '{' ? '}' : ']';
    ++at_;
    if (peek(close)) return ++at_, true;
    for (;;) {
      v.members.emplace_back();
      auto& [name, member] = v.members.back();
      if (open == '{' && !(string(name) && eat(':'))) return false;
      if (!value(member, level + 1)) return false;
      if (!more(close)) return failure_.empty();
    }
  }
  bool number(json_value& v) {
    v.type = json_value::kind::number;
    const std::size_t start = at_;
    const auto digits = [this] {
      const std::size_t from = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
      return at_ > from;
    };
    if (!word("NaN")) {
      word("-");
      if (!word("Infinity")) {
        const std::size_t first = at_;
        bool good = digits() && (text_[first] != '0' || at_ == first + 1);
        if (good && word(".")) good = digits();
        if (good && (word("e") || word("E"))) {
          if (!word("+")) word("-");
          good = digits();
        }
        if (!good) return fail("expected a value");
      }
    }
    v.text = text_.substr(start, at_ - start);
    return v.text.size() < 400 || fail("a number of " + std::to_string(v.text.size()) + " characters");
  }
  std::size_t values_ = 0;
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_WEIGHTS_JSON_HPP
