// SPDX-License-Identifier: MIT
// What a pickle's opcodes work on: the bytes that are left, the values, the stack and the memo. Each byte of
// the program adds a bounded number of bytes to each.
#ifndef REXNET_CHECKPOINT_PICKLE_STATE_HPP
#define REXNET_CHECKPOINT_PICKLE_STATE_HPP

#include "rexnet/checkpoint/pickle/value.hpp"
#include "rexnet/core/bytes.hpp"
#include "rexnet/core/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace pickle {
namespace detail {

class machine_state {
 protected:
  explicit machine_state(byte_span bytes) : bytes_(bytes) {}
  [[nodiscard]] static error underflow() { return fail(errc::pickle_stack_underflow, "stack underflow"); }

  result<std::uint64_t> number(int bytes) {
    if (bytes_.size() - at_ < static_cast<std::size_t>(bytes))
      return fail(errc::pickle_length, "the program ends within an opcode");
    std::uint64_t bits = 0;
    for (int i = bytes; i-- > 0;) bits = bits << 8 | bytes_[at_ + static_cast<std::size_t>(i)];
    at_ += static_cast<std::size_t>(bytes);
    return bits;
  }
  result<std::string_view> take(std::uint64_t length) {
    if (length > bytes_.size() - at_)
      return fail(errc::pickle_length, "a string of " + std::to_string(length) + " bytes, " +
                                           std::to_string(bytes_.size() - at_) + " are left");
    const auto taken = rexnet::detail::text(bytes_.subspan(at_, static_cast<std::size_t>(length)));
    at_ += static_cast<std::size_t>(length);
    return taken;
  }
  result<std::string_view> line() {
    for (std::size_t i = at_; i < bytes_.size(); ++i)
      if (bytes_[i] == '\n') {
        auto taken = take(i - at_);
        ++at_;
        return taken;
      }
    return fail(errc::pickle_length, "a line without end");
  }

  value& push(kind k) {
    stack_.push_back(static_cast<std::uint32_t>(p_.values.size()));
    p_.values.emplace_back();
    p_.values.back().type = k;
    return p_.values.back();
  }
  /// A value that nothing can change: one serves all of its kind, so that a byte of the program costs a place
  /// on the stack only. @param k none, boolean, tuple (empty) or mark
  void push_constant(kind k, bool truth = false) {
    std::uint32_t& known = constants_[2 * static_cast<std::size_t>(k) + (truth ? 1 : 0)];
    if (known != 0) return stack_.push_back(known - 1);
    push(k).integer = truth ? 1 : 0;
    known = stack_.back() + 1;
  }
  void push_integer(std::int64_t integer) { push(kind::integer).integer = integer; }
  /// The top value, which is no mark; `ok` false on underflow.
  bool pop(std::uint32_t& index) {
    if (stack_.empty() || p_[stack_.back()].type == kind::mark) return false;
    index = stack_.back();
    stack_.pop_back();
    return true;
  }
  /// Everything above the last mark; the mark goes, too.
  bool pop_to_mark(std::vector<std::uint32_t>& items) {
    std::size_t i = stack_.size();
    while (i > 0 && p_[stack_[i - 1]].type != kind::mark) --i;
    if (i == 0) return false;
    items.assign(stack_.begin() + static_cast<std::ptrdiff_t>(i), stack_.end());
    stack_.resize(i - 1);
    --marks_;
    return true;
  }

  status put(int bytes) {
    auto slot = number(bytes);
    return slot ? put_value(*slot) : status(slot.error());
  }
  status put_value(std::uint64_t slot) {
    if (stack_.empty()) return underflow();
    // Python numbers its memo from 0 without gaps; a slot far beyond only takes memory.
    if (slot > at_ + 256 || slot >= max_memo)
      return fail(errc::pickle_memo,
                  "memo slot " + std::to_string(slot) + ", " + std::to_string(memo_.size()) + " are in use");
    if (slot >= memo_.size()) memo_.resize(static_cast<std::size_t>(slot) + 1, no_value);
    memo_[static_cast<std::size_t>(slot)] = stack_.back();
    return done;
  }
  status get(int bytes) {
    auto slot = number(bytes);
    if (!slot) return slot.error();
    if (*slot >= memo_.size() || memo_[static_cast<std::size_t>(*slot)] == no_value)
      return fail(errc::pickle_memo, "memo slot " + std::to_string(*slot) + " is empty");
    stack_.push_back(memo_[static_cast<std::size_t>(*slot)]);
    if (p_[stack_.back()].type == kind::mark) return fail(errc::pickle_memo, "a mark in the memo");
    return done;
  }

  static constexpr std::uint32_t no_value = 0xffffffffu;
  byte_span bytes_;
  std::size_t at_ = 0;
  program p_;
  std::vector<std::uint32_t> stack_, memo_;
  int marks_ = 0;

 private:
  /// By kind and truth: the index of push_constant()'s value, plus 1.
  std::uint32_t constants_[2 * static_cast<std::size_t>(kind::mark) + 2] = {};
};

}  // namespace detail
}  // namespace pickle
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_PICKLE_STATE_HPP
