// SPDX-License-Identifier: MIT
// One error type for the whole library: a code that a program can act on and a text that names the thing
// and the numbers. Loading returns result<T>; the forward pass, which must not allocate, returns errc.
#ifndef REXNET_CORE_ERROR_HPP
#define REXNET_CORE_ERROR_HPP

#include "rexnet/core/text.hpp"

#include <exception>
#include <string>
#include <utility>
#include <variant>

namespace rexnet {
inline namespace REXNET_BUILD {

/// What went wrong. The letters in comments are the numbered cases of docs/refusals.md. A number never
/// changes its meaning: new codes come at the end.
enum class errc : unsigned short {
  ok = 0,
  // arguments and environment
  invalid_argument = 1,
  shape_mismatch = 2,
  workspace_too_small = 3,
  misaligned = 4,
  io_error = 5,
  out_of_memory = 6,
  unsupported = 7,
  unknown_format = 8,
  limit_exceeded = 9,
  // zip container
  zip_malformed = 10,           // any other damage of the records
  zip_encrypted = 11,           // Z1
  zip_multi_disk = 12,          // Z2
  zip_compressed = 13,          // Z3
  zip_header_mismatch = 14,     // Z4
  zip_duplicate_name = 15,      // Z5
  zip_unsafe_name = 16,         // Z6
  zip_overlap = 17,             // Z7
  zip_entry_out_of_range = 18,  // Z8
  zip_crc_mismatch = 19,        // Z9
  zip_too_many_entries = 20,    // Z10
  zip_zip64_out_of_range = 21,  // Z11
  // pickle program
  pickle_opcode = 22,           // P1
  pickle_global = 23,           // P2
  pickle_reduce = 24,           // P3
  pickle_setitem = 25,          // P4
  pickle_stack_underflow = 26,  // P5
  pickle_memo = 27,             // P6
  pickle_depth = 28,            // P7
  pickle_length = 29,           // P8
  pickle_self_reference = 30,   // P9
  pickle_no_stop = 31,          // P10
  pickle_utf8 = 32,             // P11
  // tensors
  tensor_negative = 33,        // T1
  tensor_rank = 34,            // T2
  tensor_overflow = 35,        // T3
  tensor_out_of_storage = 36,  // T4
  tensor_storage_size = 37,    // T5
  tensor_blow_up = 38,         // T6
  tensor_big_endian = 39,      // T7
  tensor_unsupported = 40,     // T8
  // model
  model_missing = 41,            // M1
  model_unexpected = 42,         // M2
  model_duplicate_role = 43,     // M3
  model_wrong_shape = 44,        // M4
  model_not_finite = 45,         // M5
  model_negative_variance = 46,  // M6
  model_no_classes = 47,         // M7
  model_torchscript = 48,        // M8
  model_old_tar = 49,            // M9
  model_html = 50,               // M10
  model_git_lfs = 51,            // M11
  model_truncated = 52,          // M12
  // safetensors
  safetensors_header_length = 53,  // S1
  safetensors_json = 54,           // S2
  safetensors_duplicate = 55,      // S3
  safetensors_dtype = 56,          // S4
  safetensors_gap = 57,            // S5
  safetensors_size = 58,           // S6
  safetensors_trailing = 59,       // S7
  // legacy torch files
  legacy_magic = 60,          // L1
  legacy_storage_count = 61,  // L2
  legacy_truncated = 62,      // L3
  // npy arrays
  npy_magic = 63,  // N1
  npy_dtype = 64,  // N2
  npy_size = 65,   // N3
  // packed files
  packed_magic = 66,             // K1
  packed_version = 67,           // K2
  packed_endianness = 68,        // K3
  packed_header_checksum = 69,   // K4
  packed_payload_checksum = 70,  // K5
  packed_offset = 71,            // K6
  packed_shape = 72,             // K7
  packed_size = 73,              // K8
  packed_misaligned = 74,        // K9
  packed_labels = 75,            // K10
  packed_self_test = 76,         // the stored logits are not reproduced
  // later
  model_pickled_module = 77,  // M13
  model_other_format = 78,    // M14
  model_quantized = 79,       // M15
  model_ambiguous = 80,       // M16
  model_no_such_key = 81,     // M17
  model_config = 82,          // M18
  packed_preprocessing = 83,  // K11
  packed_label_text = 84,     // K12
  output_is_input = 85,
};

/// The code's own name, "io_error", for logs and tests; "unknown" for a number that is none.
[[nodiscard]] constexpr const char* to_string(errc code) noexcept {
  switch (code) {
    case errc::ok: return "ok";
    case errc::invalid_argument: return "invalid_argument";
    case errc::shape_mismatch: return "shape_mismatch";
    case errc::workspace_too_small: return "workspace_too_small";
    case errc::misaligned: return "misaligned";
    case errc::io_error: return "io_error";
    case errc::out_of_memory: return "out_of_memory";
    case errc::unsupported: return "unsupported";
    case errc::unknown_format: return "unknown_format";
    case errc::limit_exceeded: return "limit_exceeded";
    case errc::zip_malformed: return "zip_malformed";
    case errc::zip_encrypted: return "zip_encrypted";
    case errc::zip_multi_disk: return "zip_multi_disk";
    case errc::zip_compressed: return "zip_compressed";
    case errc::zip_header_mismatch: return "zip_header_mismatch";
    case errc::zip_duplicate_name: return "zip_duplicate_name";
    case errc::zip_unsafe_name: return "zip_unsafe_name";
    case errc::zip_overlap: return "zip_overlap";
    case errc::zip_entry_out_of_range: return "zip_entry_out_of_range";
    case errc::zip_crc_mismatch: return "zip_crc_mismatch";
    case errc::zip_too_many_entries: return "zip_too_many_entries";
    case errc::zip_zip64_out_of_range: return "zip_zip64_out_of_range";
    case errc::pickle_opcode: return "pickle_opcode";
    case errc::pickle_global: return "pickle_global";
    case errc::pickle_reduce: return "pickle_reduce";
    case errc::pickle_setitem: return "pickle_setitem";
    case errc::pickle_stack_underflow: return "pickle_stack_underflow";
    case errc::pickle_memo: return "pickle_memo";
    case errc::pickle_depth: return "pickle_depth";
    case errc::pickle_length: return "pickle_length";
    case errc::pickle_self_reference: return "pickle_self_reference";
    case errc::pickle_no_stop: return "pickle_no_stop";
    case errc::pickle_utf8: return "pickle_utf8";
    case errc::tensor_negative: return "tensor_negative";
    case errc::tensor_rank: return "tensor_rank";
    case errc::tensor_overflow: return "tensor_overflow";
    case errc::tensor_out_of_storage: return "tensor_out_of_storage";
    case errc::tensor_storage_size: return "tensor_storage_size";
    case errc::tensor_blow_up: return "tensor_blow_up";
    case errc::tensor_big_endian: return "tensor_big_endian";
    case errc::tensor_unsupported: return "tensor_unsupported";
    case errc::model_missing: return "model_missing";
    case errc::model_unexpected: return "model_unexpected";
    case errc::model_duplicate_role: return "model_duplicate_role";
    case errc::model_wrong_shape: return "model_wrong_shape";
    case errc::model_not_finite: return "model_not_finite";
    case errc::model_negative_variance: return "model_negative_variance";
    case errc::model_no_classes: return "model_no_classes";
    case errc::model_torchscript: return "model_torchscript";
    case errc::model_old_tar: return "model_old_tar";
    case errc::model_html: return "model_html";
    case errc::model_git_lfs: return "model_git_lfs";
    case errc::model_truncated: return "model_truncated";
    case errc::safetensors_header_length: return "safetensors_header_length";
    case errc::safetensors_json: return "safetensors_json";
    case errc::safetensors_duplicate: return "safetensors_duplicate";
    case errc::safetensors_dtype: return "safetensors_dtype";
    case errc::safetensors_gap: return "safetensors_gap";
    case errc::safetensors_size: return "safetensors_size";
    case errc::safetensors_trailing: return "safetensors_trailing";
    case errc::legacy_magic: return "legacy_magic";
    case errc::legacy_storage_count: return "legacy_storage_count";
    case errc::legacy_truncated: return "legacy_truncated";
    case errc::npy_magic: return "npy_magic";
    case errc::npy_dtype: return "npy_dtype";
    case errc::npy_size: return "npy_size";
    case errc::packed_magic: return "packed_magic";
    case errc::packed_version: return "packed_version";
    case errc::packed_endianness: return "packed_endianness";
    case errc::packed_header_checksum: return "packed_header_checksum";
    case errc::packed_payload_checksum: return "packed_payload_checksum";
    case errc::packed_offset: return "packed_offset";
    case errc::packed_shape: return "packed_shape";
    case errc::packed_size: return "packed_size";
    case errc::packed_misaligned: return "packed_misaligned";
    case errc::packed_labels: return "packed_labels";
    case errc::packed_self_test: return "packed_self_test";
    case errc::model_pickled_module: return "model_pickled_module";
    case errc::model_other_format: return "model_other_format";
    case errc::model_quantized: return "model_quantized";
    case errc::model_ambiguous: return "model_ambiguous";
    case errc::model_no_such_key: return "model_no_such_key";
    case errc::model_config: return "model_config";
    case errc::packed_preprocessing: return "packed_preprocessing";
    case errc::packed_label_text: return "packed_label_text";
    case errc::output_is_input: return "output_is_input";
    default: return "unknown";
  }
}

/// The error of every public function. Copyable, carries code() and a message that is never empty.
class error : public std::exception {
 public:
  /// What the message says of paths and of names in files is made printable() here, once for all errors.
  /// Precondition: the message is not empty.
  error(errc code, const std::string& message) : code_(code), message_(printable(message)) {}
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
