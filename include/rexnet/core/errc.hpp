// SPDX-License-Identifier: MIT
// The codes of all errors: their numbers, names and texts.
#ifndef REXNET_CORE_ERRC_HPP
#define REXNET_CORE_ERRC_HPP

#include "rexnet/core/build.hpp"

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
  packed_section = 86,  // K13
};

/// The code's own name, "io_error", for logs; "unknown" for a number that is none.
[[nodiscard]] constexpr const char* errc_name(errc code) noexcept {
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
    case errc::packed_section: return "packed_section";
    case errc::output_is_input: return "output_is_input";
    default: return "unknown";
  }
}

/// What the code means, in a few words that stand alone or behind "forward: ". An error's message has more:
/// names and numbers. "an unknown code" for a number that is none.
[[nodiscard]] constexpr const char* to_string(errc code) noexcept {
  switch (code) {
    case errc::ok: return "ok";
    case errc::invalid_argument: return "a size, stride, index or option that cannot be";
    case errc::shape_mismatch: return "sizes that do not fit together";
    case errc::workspace_too_small: return "a workspace or scratch that is too small";
    case errc::misaligned: return "a workspace or weights that do not begin at a multiple of 64 bytes";
    case errc::io_error: return "a file cannot be opened, read or written";
    case errc::out_of_memory: return "out of memory";
    case errc::unsupported: return "sound, but not with this model, CPU, program or version";
    case errc::unknown_format: return "the content is of no format that is read";
    case errc::limit_exceeded: return "beyond a limit of the library or of this machine";
    case errc::zip_malformed: return "a damaged zip archive";
    case errc::zip_encrypted: return "an encrypted zip archive";
    case errc::zip_multi_disk: return "a zip archive in several parts";
    case errc::zip_compressed: return "a compressed entry in a torch file, whose entries are stored";
    case errc::zip_header_mismatch: return "a zip archive whose two descriptions of an entry differ";
    case errc::zip_duplicate_name: return "two entries of one name in a zip archive";
    case errc::zip_unsafe_name: return "an entry of a zip archive whose name leaves the archive";
    case errc::zip_overlap: return "entries of a zip archive that overlap";
    case errc::zip_entry_out_of_range: return "an entry of a zip archive beyond the end of the file";
    case errc::zip_crc_mismatch: return "an entry of a zip archive with a wrong checksum";
    case errc::zip_too_many_entries: return "too many entries in a zip archive";
    case errc::zip_zip64_out_of_range: return "a size of a zip archive beyond the end of the file";
    case errc::pickle_opcode: return "a pickle with an opcode that is not allowed";
    case errc::pickle_global: return "a pickle with a class or function that is not allowed";
    case errc::pickle_reduce: return "a pickle that calls something with wrong arguments";
    case errc::pickle_setitem: return "a pickle that sets an item of what is no dictionary";
    case errc::pickle_stack_underflow: return "a pickle that takes more than it has put down";
    case errc::pickle_memo: return "a pickle that recalls what it has not kept";
    case errc::pickle_depth: return "a pickle that is nested too deeply";
    case errc::pickle_length: return "a pickle with a length beyond its end";
    case errc::pickle_self_reference: return "a pickle whose value contains itself";
    case errc::pickle_no_stop: return "a pickle that does not end";
    case errc::pickle_utf8: return "a pickle with text that is not UTF-8";
    case errc::tensor_negative: return "a tensor with a negative size, stride or offset";
    case errc::tensor_rank: return "a tensor with too many dimensions";
    case errc::tensor_overflow: return "a tensor with more elements than 64 bits count";
    case errc::tensor_out_of_storage: return "a tensor that ends behind its storage";
    case errc::tensor_storage_size: return "a storage of another size than recorded";
    case errc::tensor_blow_up: return "tensors that are much larger than their file";
    case errc::tensor_big_endian: return "tensors in big-endian order";
    case errc::tensor_unsupported: return "a tensor of a kind that is not read";
    case errc::model_missing: return "a tensor of the network is missing";
    case errc::model_unexpected: return "a tensor that is no part of the network";
    case errc::model_duplicate_role: return "two tensors for one place in the network";
    case errc::model_wrong_shape: return "a tensor of another shape than the network's";
    case errc::model_not_finite: return "weights with NaN or infinity";
    case errc::model_negative_variance: return "a negative variance";
    case errc::model_no_classes: return "a classifier of no classes";
    case errc::model_torchscript: return "a TorchScript archive, not a state dict";
    case errc::model_old_tar: return "a torch file of the old tar form";
    case errc::model_html: return "a web page, not a checkpoint";
    case errc::model_git_lfs: return "a git-lfs pointer, not the file itself";
    case errc::model_truncated: return "a file that was cut short";
    case errc::safetensors_header_length: return "a safetensors header longer than its file";
    case errc::safetensors_json: return "a safetensors header that is not the JSON expected";
    case errc::safetensors_duplicate: return "a name that stands twice in a safetensors header";
    case errc::safetensors_dtype: return "a safetensors number type that is not read";
    case errc::safetensors_gap: return "safetensors data with gaps or overlaps";
    case errc::safetensors_size: return "a safetensors tensor of another size than its data";
    case errc::safetensors_trailing: return "bytes behind the data of a safetensors file";
    case errc::legacy_magic: return "a wrong beginning of an old torch file";
    case errc::legacy_storage_count: return "an old torch file with more or fewer storages than it lists";
    case errc::legacy_truncated: return "an old torch file that was cut short";
    case errc::npy_magic: return "not a .npy file";
    case errc::npy_dtype: return "a .npy file of another number type or order";
    case errc::npy_size: return "a .npy file of another size than its shape";
    case errc::packed_magic: return "not a packed file";
    case errc::packed_version: return "a packed file of another version";
    case errc::packed_endianness: return "a packed file in big-endian order";
    case errc::packed_header_checksum: return "a packed file whose header is damaged";
    case errc::packed_payload_checksum: return "a packed file whose weights are damaged";
    case errc::packed_offset: return "a packed file whose parts do not lie where they must";
    case errc::packed_shape: return "a packed file of a network that cannot be";
    case errc::packed_size: return "a packed file of another size than it says";
    case errc::packed_misaligned:
      return "a packed file in memory that does not begin at a multiple of 64 bytes";
    case errc::packed_labels: return "a packed file whose labels do not match its classes";
    case errc::packed_self_test: return "the logits of the self-test are not reproduced";
    case errc::model_pickled_module: return "a whole model was pickled, not its state dict";
    case errc::model_other_format: return "a file of another format";
    case errc::model_quantized: return "a quantized model";
    case errc::model_ambiguous: return "several networks in one file";
    case errc::model_no_such_key: return "no entry of this name in the file";
    case errc::model_config: return "a config.json that does not describe the model";
    case errc::packed_preprocessing: return "a packed file whose preprocessing cannot be";
    case errc::packed_label_text: return "labels that are not plain UTF-8 text";
    case errc::packed_section: return "a packed file with a section that cannot be";
    case errc::output_is_input: return "an output that is one of the inputs";
    default: return "an unknown code";
  }
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_ERRC_HPP
