// SPDX-License-Identifier: MIT
// MindSpore's checkpoints, a protobuf message, in which MindCV offers ReXNet. Source: mindspore,
// checkpoint.proto: Checkpoint { repeated Value { string tag = 1; TensorProto tensor = 2 } value = 1 },
// TensorProto { repeated int64 dims = 1; string tensor_type = 2; bytes tensor_content = 3 }.
#ifndef REXNET_WEIGHTS_MINDSPORE_HPP
#define REXNET_WEIGHTS_MINDSPORE_HPP

#include "rexnet/weights/protobuf.hpp"
#include "rexnet/weights/tensor.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// The element type of MindSpore's "Float32" and its kin; null for what is not supported.
[[nodiscard]] inline const dtype* mindspore_dtype(std::string_view name) noexcept {
  struct entry {
    std::string_view name;
    dtype type;
  };
  static constexpr entry types[] = {
      {"Float32", dtype::f32}, {"Float64", dtype::f64}, {"Float16", dtype::f16}, {"BFloat16", dtype::bf16},
      {"Int64", dtype::i64},   {"Int32", dtype::i32},   {"Int16", dtype::i16},   {"Int8", dtype::i8},
      {"UInt8", dtype::u8},    {"Bool", dtype::boolean}};
  for (const entry& e : types)
    if (e.name == name) return &e.type;
  return nullptr;
}

/// What a training file has beside the network: the optimizer's state under the network's names
/// ("moments.stem..."), and numbers without a layer ("learning_rate", "epoch_num").
[[nodiscard]] inline bool is_mindspore_state(std::string_view tag) noexcept {
  for (const std::string_view prefix :
       {"moments.", "moment1.", "moment2.", "accum.", "accumulation.", "stat.", "mean_square.", "mean_grad."})
    if (begins_with(tag, prefix)) return true;
  return tag.find('.') == tag.npos;
}

struct mindspore_value {
  std::string_view tag;
  byte_span tensor;
};

/// The message of one entry; false when it is none.
[[nodiscard]] inline bool parse_mindspore_value(byte_span message, mindspore_value& v) {
  protobuf_cursor cursor(message);
  protobuf_field f;
  while (cursor.next(f))
    if (f.wire == 2 && f.number == 1)
      v.tag = text(f.data);
    else if (f.wire == 2 && (f.number == 2 || f.number == 3))  // 3: a map of embeddings, which no network has
      v.tensor = f.data;
    else
      return false;
  return cursor.finished() && !v.tag.empty() && v.tensor.data() != nullptr;
}

/// Does the file begin with an entry of such a checkpoint: a tag in printable characters, a tensor with a
/// type?
[[nodiscard]] inline bool is_mindspore(byte_span file) {
  protobuf_cursor cursor(file), tensor{byte_span()};
  protobuf_field f;
  mindspore_value v;
  if (!cursor.next(f) || f.number != 1 || f.wire != 2 || !parse_mindspore_value(f.data, v)) return false;
  for (const char c : v.tag)
    if (static_cast<unsigned char>(c) < 32) return false;
  if (!is_utf8(v.tag)) return false;
  tensor = protobuf_cursor(v.tensor);
  while (tensor.next(f))
    if (f.number == 2 && f.wire == 2 && f.data.size() >= 3 && f.data.size() <= 16) return true;
  return false;
}

[[nodiscard]] inline result<tensor> read_mindspore_tensor(const mindspore_value& v,
                                                          std::uint64_t file_bytes) {
  tensor t;
  t.name = std::string(v.tag);
  const auto fail = [&t](errc code, const std::string& what) {
    return error(code, "tensor " + in_quotes(t.name) + ": " + what);
  };
  std::string_view type;
  byte_span data;
  const auto side = [&t](std::uint64_t n) {
    t.shape.push_back(static_cast<std::int64_t>(n));
    return t.shape.size() <= 8;
  };
  protobuf_cursor cursor(v.tensor);
  protobuf_field f;
  bool fits = true;
  while (fits && cursor.next(f)) {
    if (f.number == 1 && f.wire == 2) {  // packed
      protobuf_cursor sides(f.data);
      for (std::uint64_t n; fits && !sides.finished();) fits = sides.varint(n) && side(n);
    } else if (f.number == 1 && f.wire == 0)
      fits = side(f.value);
    else if (f.number == 2 && f.wire == 2)
      type = text(f.data);
    else if (f.number == 3 && f.wire == 2)
      data = f.data;
  }
  if (t.shape.size() > 8) return fail(errc::tensor_rank, "more than 8 dimensions");
  if (!fits || !cursor.finished()) return fail(errc::model_truncated, "its record is damaged or cut short");
  const dtype* const found = mindspore_dtype(type);
  if (found == nullptr) return fail(errc::tensor_unsupported, in_quotes(type) + " is not supported");
  t.type = *found;
  for (const std::int64_t n : t.shape)
    if (n < 0) return fail(errc::tensor_negative, "shape " + shape_text(t.shape));
  const checked bytes = element_count(t.shape) * static_cast<std::uint64_t>(dtype_bytes(t.type));
  if (!bytes.valid())
    return fail(errc::tensor_overflow, "shape " + shape_text(t.shape) + " overflows 64 bits");
  if (bytes.get() != data.size())
    return fail(errc::tensor_storage_size, "shape " + shape_text(t.shape) + " needs " +
                                               std::to_string(bytes.get()) + " bytes, its record has " +
                                               std::to_string(data.size()));
  t.strides.assign(t.shape.size(), 0);
  std::int64_t stride = 1;
  for (std::size_t d = t.shape.size(); d-- > 0 && bytes.get() > 0; stride *= t.shape[d])
    t.strides[d] = stride;
  if (status s = place_tensor(t, data, 0, file_bytes); !s) return s.error();
  return t;
}

/// The file ends with its CRC-32 where crc_check=True wrote it: "crc_num" and ten bytes, big endian.
[[nodiscard]] inline status check_mindspore_end(byte_span file, std::size_t at) {
  if (at == file.size()) return done;
  constexpr std::size_t tail = 17;
  const bool has_crc = file.size() - at == tail && text(file.subspan(at, 7)) == "crc_num";
  if (!has_crc)
    return error(errc::model_truncated, "MindSpore checkpoint: the record at byte " + std::to_string(at) +
                                            " of " + std::to_string(file.size()) +
                                            " is damaged or cut short");
  std::uint64_t recorded = 0;
  for (std::size_t i = file.size() - 8; i < file.size(); ++i) recorded = recorded << 8 | file[i];
  const std::uint32_t found = crc32(file.subspan(0, at));
  if (recorded != found)
    return error(errc::model_truncated, "MindSpore checkpoint: its checksum is " + std::to_string(found) +
                                            ", recorded " + std::to_string(recorded) + ": it is damaged");
  return done;
}

/// All tensors of the network; they point into `file`. Names must differ. Errors: M1, M3, M12, P8, P11, T1 to
/// T5, T8.
[[nodiscard]] inline result<std::vector<tensor>> read_mindspore(byte_span file) {
  std::vector<tensor> tensors;
  std::vector<std::string_view> tags;
  protobuf_cursor cursor(file);
  protobuf_field f;
  while (cursor.next(f)) {
    mindspore_value v;
    if (f.number != 1 || f.wire != 2 || !parse_mindspore_value(f.data, v))
      return error(errc::model_truncated, "MindSpore checkpoint: the record before byte " +
                                              std::to_string(cursor.at()) + " is none of a tensor");
    if (is_mindspore_state(v.tag)) continue;
    if (v.tag.size() > 1024)
      return error(errc::pickle_length, "a tensor's name has " + std::to_string(v.tag.size()) +
                                            " bytes, at most 1024: " + in_quotes(v.tag));
    if (!is_utf8(v.tag))
      return error(errc::pickle_utf8, "the tensor name " + in_quotes(v.tag) + " is not valid UTF-8");
    auto t = read_mindspore_tensor(v, file.size());
    if (!t) return t.error();
    tags.push_back(v.tag);
    tensors.push_back(std::move(*t));
  }
  if (status s = check_mindspore_end(file, cursor.at()); !s) return s.error();
  if (tensors.empty())
    return error(errc::model_missing, "no tensors of a network in the MindSpore checkpoint");
  std::sort(tags.begin(), tags.end());
  const auto twice = std::adjacent_find(tags.begin(), tags.end());
  if (twice != tags.end())
    return error(errc::model_duplicate_role, "two tensors are named " + in_quotes(*twice));
  return tensors;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_WEIGHTS_MINDSPORE_HPP
