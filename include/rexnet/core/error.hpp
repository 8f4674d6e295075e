// SPDX-License-Identifier: MIT
// One error type for the whole library: a code that a program can act on and a text that names the thing
// and the numbers. Loading returns result<T>; the forward pass, which must not allocate, returns errc.
#ifndef REXNET_CORE_ERROR_HPP
#define REXNET_CORE_ERROR_HPP

#include "rexnet/core/build.hpp"

#include <exception>
#include <string>
#include <utility>
#include <variant>

namespace rexnet {
inline namespace REXNET_BUILD {

/// What went wrong. The letters in comments are the numbered cases of docs/refusals.md.
enum class errc : unsigned short {
  ok = 0,
  // arguments and environment
  invalid_argument,
  shape_mismatch,
  workspace_too_small,
  misaligned,
  io_error,
  out_of_memory,
  unsupported,
  unknown_format,
  limit_exceeded,
  // zip container
  zip_malformed,           // any other damage of the records
  zip_encrypted,           // Z1
  zip_multi_disk,          // Z2
  zip_compressed,          // Z3
  zip_header_mismatch,     // Z4
  zip_duplicate_name,      // Z5
  zip_unsafe_name,         // Z6
  zip_overlap,             // Z7
  zip_entry_out_of_range,  // Z8
  zip_crc_mismatch,        // Z9
  zip_too_many_entries,    // Z10
  zip_zip64_out_of_range,  // Z11
  // pickle program
  pickle_opcode,           // P1
  pickle_global,           // P2
  pickle_reduce,           // P3
  pickle_setitem,          // P4
  pickle_stack_underflow,  // P5
  pickle_memo,             // P6
  pickle_depth,            // P7
  pickle_length,           // P8
  pickle_self_reference,   // P9
  pickle_no_stop,          // P10
  pickle_utf8,             // P11
  // tensors
  tensor_negative,        // T1
  tensor_rank,            // T2
  tensor_overflow,        // T3
  tensor_out_of_storage,  // T4
  tensor_storage_size,    // T5
  tensor_blow_up,         // T6
  tensor_big_endian,      // T7
  tensor_unsupported,     // T8
  // model
  model_missing,            // M1
  model_unexpected,         // M2
  model_duplicate_role,     // M3
  model_wrong_shape,        // M4
  model_not_finite,         // M5
  model_negative_variance,  // M6
  model_no_classes,         // M7
  model_torchscript,        // M8
  model_old_tar,            // M9
  model_html,               // M10
  model_git_lfs,            // M11
  model_truncated,          // M12
  // safetensors
  safetensors_header_length,  // S1
  safetensors_json,           // S2
  safetensors_duplicate,      // S3
  safetensors_dtype,          // S4
  safetensors_gap,            // S5
  safetensors_size,           // S6
  safetensors_trailing,       // S7
  // legacy torch files
  legacy_magic,          // L1
  legacy_storage_count,  // L2
  legacy_truncated,      // L3
  // npy arrays
  npy_magic,  // N1
  npy_dtype,  // N2
  npy_size,   // N3
  // packed files
  packed_magic,             // K1
  packed_version,           // K2
  packed_endianness,        // K3
  packed_header_checksum,   // K4
  packed_payload_checksum,  // K5
  packed_offset,            // K6
  packed_shape,             // K7
  packed_size,              // K8
  packed_misaligned,        // K9
  packed_labels,            // K10
  packed_self_test          // the stored logits are not reproduced
};

/// The error of every public function. Copyable, carries code() and a message that is never empty.
class error : public std::exception {
 public:
  /// Precondition: the message is not empty.
  error(errc code, std::string message) : code_(code), message_(std::move(message)) {}
  /// For programs.
  [[nodiscard]] errc code() const noexcept { return code_; }
  /// For people: what is wrong, with names and numbers.
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
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
  [[nodiscard]] T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  [[nodiscard]] T* operator->() noexcept { return std::get_if<0>(&state_); }
  [[nodiscard]] const T* operator->() const noexcept { return std::get_if<0>(&state_); }
  /// @}
  /// Precondition: !ok().
  [[nodiscard]] const rexnet::error& error() const noexcept { return *std::get_if<1>(&state_); }
  /// errc::ok or the error's.
  [[nodiscard]] errc code() const noexcept { return ok() ? errc::ok : error().code(); }

#if REXNET_EXCEPTIONS
  /// The value, or the error thrown.
  [[nodiscard]] T& value() & {
    if (!ok()) throw error();
    return **this;
  }
  /// By value: a reference into a temporary would dangle in `for (x : f().value())`.
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
