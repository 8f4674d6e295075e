// SPDX-License-Identifier: MIT
// Files of other kinds by their first bytes: what each is, and what to do with it.
#ifndef REXNET_CHECKPOINT_FILE_KINDS_HPP
#define REXNET_CHECKPOINT_FILE_KINDS_HPP

#include "rexnet/checkpoint/protobuf.hpp"
#include "rexnet/core/bytes.hpp"
#include "rexnet/core/error.hpp"

#include <string>
#include <string_view>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

inline constexpr std::string_view unpack_first = ": unpack it first",
                                  use_joblib = ": read it with joblib and write it with torch.save",
                                  save_weights = ": save the state_dict() of its network with torch.save",
                                  other_framework =
                                      ": only PyTorch's, PaddleClas' and MindCV's weights are read";

/// Bytes that begin a file of another kind (from `at` on), and what to say of it.
struct file_sign {
  std::size_t at;
  std::string_view bytes, what, advice;
  /// The bytes may hold zeros: their number is the literal's.
  template <std::size_t N>
  constexpr file_sign(std::size_t place, const char (&sign)[N], std::string_view kind,
                      std::string_view todo = {})
      : at(place), bytes(sign, N - 1), what(kind), advice(todo) {}
};

inline constexpr file_sign file_signs[] = {
    // compressed
    {0, "\x1f\x8b", "a gzip file", unpack_first},
    {0, "BZh", "a bzip2 file", unpack_first},
    {0, "\xfd\x37zXZ\0", "an xz file", unpack_first},
    {0, "\x28\xb5\x2f\xfd", "a zstd file", unpack_first},
    {0, "\x04\x22\x4d\x18", "an lz4 file", unpack_first},
    {0, "7z\xbc\xaf\x27\x1c", "a 7z archive", unpack_first},
    {0, "Rar!\x1a\x07", "a rar archive", unpack_first},
    {0, "\x5d\0\0", "an lzma file", unpack_first},
    {0, "\x78\x01", "zlib data, perhaps of joblib", use_joblib},
    {0, "\x78\x5e", "zlib data, perhaps of joblib", use_joblib},
    {0, "\x78\x9c", "zlib data, perhaps of joblib", use_joblib},
    {0, "\x78\xda", "zlib data, perhaps of joblib", use_joblib},
    // models
    {0, "\x89HDF\r\n\x1a\n", "an HDF5 file, perhaps of Keras", other_framework},
    {0, "GGUF", "a GGUF file", other_framework},
    {0, "lmgg", "a GGML file", other_framework},
    {0, "fmgg", "a GGML file", other_framework},
    {0, "tjgg", "a GGML file", other_framework},
    {4, "TFL3", "a TensorFlow Lite model", save_weights},
    {4, "ET12", "an ExecuTorch program", save_weights},
    {4, "ET13", "an ExecuTorch program", save_weights},
    {0, "\x93NUMPY", "a numpy array (.npy)", ": a checkpoint holds many of them, by name"},
    {0, "REXNETPK", "a packed file of rexnet", ": load() reads it"},
    // anything else
    {0, "\x89PNG", "a PNG picture"},
    {0, "\xff\xd8\xff", "a JPEG picture"},
    {0, "GIF8", "a GIF picture"},
    {8, "WEBP", "a WebP picture"},
    {0, "BM", "a BMP picture"},
    {0, "II*\0", "a TIFF picture"},
    {0, "MM\0*", "a TIFF picture"},
    {0, "%PDF", "a PDF"},
    {0, "\x7f\x45LF", "a program (ELF)"},
    {0, "MZ", "a program of Windows"},
    {0, "SQLite format 3\0", "an SQLite database"},
    {0, "PAR1", "a Parquet file"},
    {0, "\x4c\0\0\0\x01\x14\x02\0", "a Windows shortcut", ": take the file that it leads to"},
    {0, "\0\x05\x16\x07", "a macOS resource fork", ": the file itself has the name without ._"},
};

[[nodiscard]] inline error other_format(std::string_view what, std::string_view advice = {}) {
  return {errc::model_other_format, std::string(what) + ", not a checkpoint" + std::string(advice)};
}

/// The fields of a protobuf message, as far as the file reaches.
struct protobuf_fields {
  std::uint64_t first = 0;  ///< the number of the first field
  bool low[32] = {};        ///< one of 1 to 31
  bool high = false;        ///< one of 200 to 1000
};
[[nodiscard]] inline protobuf_fields fields_of(byte_span message) {
  protobuf_fields all;
  protobuf_cursor cursor(message);
  protobuf_field f;
  for (bool more = true; more && !cursor.finished();) {
    more = cursor.next(f);  // a field that is cut short still has its number
    if (all.first == 0) all.first = f.number;
    if (f.number < 32) all.low[f.number] = true;
    all.high = all.high || (f.number >= 200 && f.number <= 1000);
  }
  return all;
}

/// TensorFlow's index of a checkpoint ends as every LevelDB table does.
[[nodiscard]] inline bool is_leveldb_table(byte_span file) noexcept {
  return file.size() >= 48 && little_endian<8>(file.data() + file.size() - 8) == 0xdb4775248b80fb57u;
}

/// Models without a signature in front; most are protobuf messages: ONNX's ModelProto, Core ML's Model,
/// TensorFlow's SavedModel and GraphDef, Paddle's ProgramDesc, which differ in the numbers of their fields.
[[nodiscard]] inline status refuse_other_models(byte_span file) {
  if (is_leveldb_table(file)) return other_format("the index of a TensorFlow checkpoint", other_framework);
  protobuf_cursor cursor(file);
  protobuf_field f;
  if (file.size() < 16 || !cursor.next(f) || f.number != 1) return done;
  const protobuf_fields top = fields_of(file);
  if (f.wire == 0 && f.value < 64) {
    // A version, then: ONNX the graph 7; Core ML a description 2 and the model, 200 and more; TensorFlow 2.
    if (top.high && top.low[2]) return other_format("a Core ML model", save_weights);
    if (top.low[7] || top.low[8]) return other_format("an ONNX model", save_weights);
    if (top.low[2] && f.value == 1) return other_format("a TensorFlow SavedModel", other_framework);
    return done;
  }
  if (f.wire != 2) return done;
  const protobuf_fields inner = fields_of(f.data);
  // A node has a name 1, an operation 2 and attributes 5; a block of a Paddle program numbers 1 and 2, then
  // variables 3 and operations 4.
  if (inner.low[1] && inner.low[2] && inner.low[5])
    return other_format("a TensorFlow graph", other_framework);
  if (f.data.size() > 4 && f.data[0] == 8 && inner.low[3] && inner.low[4])
    return other_format("Paddle's exported program (.pdmodel)", ": take the .pdparams of the network");
  return done;
}

/// Parameters of Paddle's exported programs: version, levels and version again, all zero, then a message of
/// a few bytes that begins with the element type.
[[nodiscard]] inline bool is_pdiparams(byte_span file) noexcept {
  if (file.size() < 24) return false;
  for (std::size_t i = 0; i < 16; ++i)
    if (file[i] != 0) return false;
  return little_endian<4>(file.data() + 16) <= 64 && file[20] == 8 && file[22] == 16;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_FILE_KINDS_HPP
