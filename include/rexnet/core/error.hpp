// SPDX-License-Identifier: MIT
// One error type for the whole library: a code that a program can act on and a text that names the thing
// and the numbers. Loading returns result<T>; the forward pass, which must not allocate, returns errc.
#ifndef REXNET_CORE_ERROR_HPP
#define REXNET_CORE_ERROR_HPP

#include "rexnet/core/errc.hpp"
#include "rexnet/core/text.hpp"

#include <exception>
#include <string>
#include <utility>
#include <variant>

namespace rexnet {
inline namespace REXNET_BUILD {

/// The error of every public function. Copyable, carries code() and a message that is never empty.
class error : public std::exception {
 public:
  /// What the message says of paths and of names in files is made printable() here, once for all errors.
  /// Precondition: the message is not empty.
  REXNET_NOINLINE error(errc code, const std::string& message) : code_(code), message_(printable(message)) {}
  /// For programs.
  [[nodiscard]] errc code() const noexcept { return code_; }
  /// For people: what is wrong, with names and numbers.
  /// @{
  [[nodiscard]] const std::string& message() const& noexcept { return message_; }
  [[nodiscard]] std::string message() && noexcept { return std::move(message_); }
  /// @}
  /// The message.
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

  /// The same error with "prefix: " before its message: callers add the file, readers the tensor.
  [[nodiscard]] error in(const std::string& prefix) const { return error(code_, prefix + ": " + message_); }

 private:
  errc code_;
  std::string message_;
};

/// Either a T or an error. `if (r) use(*r); else report(r.error());`, or r.value(), which throws the error.
/// Without exceptions value() does not exist: test and dereference.
template <class T>
class [[nodiscard]] result {
 public:
  /// Success.
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  /// Failure.
  result(rexnet::error failure) : state_(std::in_place_index<1>, std::move(failure)) {}

  /// Whether it is a T.
  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  /// The same.
  explicit operator bool() const noexcept { return ok(); }

  /// The value. Precondition: ok().
  /// @{
  [[nodiscard]] T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  [[nodiscard]] const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  [[nodiscard]] T* operator->() & noexcept { return std::get_if<0>(&state_); }
  [[nodiscard]] const T* operator->() const& noexcept { return std::get_if<0>(&state_); }
  /// @}
  /// Of a temporary by value: a reference into it would dangle in `for (x : *f())`.
  [[nodiscard]] T operator*() && { return std::move(*std::get_if<0>(&state_)); }
  /// Not of a temporary: what is reached through it, `f()->labels()`, would be freed.
  const T* operator->() const&& = delete;
  /// Precondition: !ok().
  /// @{
  [[nodiscard]] const rexnet::error& error() const& noexcept { return *std::get_if<1>(&state_); }
  [[nodiscard]] rexnet::error error() && { return std::move(*std::get_if<1>(&state_)); }
  /// @}
  /// errc::ok or the error's.
  [[nodiscard]] errc code() const noexcept { return ok() ? errc::ok : std::get_if<1>(&state_)->code(); }

#if REXNET_EXCEPTIONS
  /// The value, or the error thrown.
  [[nodiscard]] T& value() & {
    if (!ok()) throw error();
    return **this;
  }
  /// The same, by value.
  [[nodiscard]] T value() && {
    if (!ok()) throw error();
    return *std::move(*this);
  }
#endif

 private:
  std::variant<T, rexnet::error> state_;
};

/// The result of a function that gives nothing but success: `return done;`.
struct success {};
using status = result<success>;
inline constexpr success done{};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_ERROR_HPP
