// SPDX-License-Identifier: MIT
// JSON's tokens (RFC 8259), for the header of safetensors and for configuration files: white space,
// separators, whole numbers, strings with their escapes.
#ifndef REXNET_WEIGHTS_JSON_CURSOR_HPP
#define REXNET_WEIGHTS_JSON_CURSOR_HPP

#include "rexnet/core/checked.hpp"
#include "rexnet/core/text.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Reads a text from left to right; the first failure sticks and makes every later call return false.
class json_cursor {
 public:
  /// @param nulls whether strings may have null characters, as "\u0000"
  explicit json_cursor(std::string_view text, bool nulls = false) : text_(text), nulls_(nulls) {}
  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

  bool fail(const std::string& what) {
    if (failure_.empty()) failure_ = what + " at byte " + std::to_string(at_);
    return false;
  }
  [[nodiscard]] bool peek(char c) {
    skip();
    return at_ < text_.size() && text_[at_] == c;
  }
  bool eat(char c) {
    if (!peek(c)) return fail(std::string("expected '") + c + "'");
    ++at_;
    return true;
  }
  /// Nothing but white space is left.
  bool finish() {
    skip();
    return at_ == text_.size() || fail("text after the object");
  }
  /// The separator behind an element: true to go on, false at `close` or on failure.
  bool more(char close) {
    if (peek(',')) return ++at_, true;
    eat(close);
    return false;
  }
  bool number(std::uint64_t& v) {
    skip();
    const std::size_t start = at_;
    checked sum = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
      sum = sum * 10 + static_cast<std::uint64_t>(text_[at_] - '0');
    if (at_ == start) return fail("expected a non-negative integer");
    if (text_[start] == '0' && at_ != start + 1) return fail("a number with leading zero");
    if (!sum.at_most(0x7fffffffffffffffu)) return fail("a number beyond 2^63");
    v = sum.get();
    return true;
  }
  bool string(std::string& out) {
    if (!eat('"')) return false;
    out.clear();
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<unsigned char>(text_[at_]) < 32) return fail("control character in a string");
      if (text_[at_] != '\\')
        out += text_[at_++];
      else if (!escape(out))
        return false;
    }
    if (at_ == text_.size()) return fail("a string without end");
    ++at_;
    return is_utf8(out) || fail("a string that is not UTF-8");
  }

 protected:
  void skip() noexcept {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  std::string_view text_;
  std::size_t at_ = 0;
  std::string failure_;

 private:
  bool hex4(std::uint32_t& v) {
    v = 0;
    if (text_.size() - at_ < 4) return fail("an escape without end");
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = text_[at_];
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return fail("not a hexadecimal digit");
      v = v * 16 + static_cast<std::uint32_t>(digit);
    }
    return true;
  }
  bool escape(std::string& out) {
    if (text_.size() - ++at_ < 1) return fail("an escape without end");
    constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
    const char c = text_[at_++];
    if (const std::size_t k = from.find(c); k != from.npos) return out += to[k], true;
    std::uint32_t code = 0, low = 0;
    if (c != 'u' || !hex4(code)) return fail("unknown escape");
    if (code >= 0xd800 && code < 0xdc00) {
      if (text_.substr(at_, 2) != "\\u") return fail("half a surrogate pair");
      at_ += 2;
      if (!hex4(low) || low < 0xdc00 || low > 0xdfff) return fail("half a surrogate pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code == 0 && !nulls_) return fail("a null character in a string");
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80)
      put(code);
    else if (code < 0x800)
      put(0xc0 | code >> 6), put(0x80 | (code & 63));
    else if (code < 0x10000)
      put(0xe0 | code >> 12), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
    else
      put(0xf0 | code >> 18), put(0x80 | (code >> 12 & 63)), put(0x80 | (code >> 6 & 63)),
          put(0x80 | (code & 63));
    return true;
  }

  bool nulls_;
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_WEIGHTS_JSON_CURSOR_HPP
