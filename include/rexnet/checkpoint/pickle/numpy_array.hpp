// SPDX-License-Identifier: MIT
// numpy's arrays in pickles as tensors. Their bytes are used where they lie in the file, but for protocol 2,
// which has them as UTF-8 of Latin-1: those are decoded. Source: numpy's ndarray.__reduce__.
#ifndef REXNET_CHECKPOINT_PICKLE_NUMPY_ARRAY_HPP
#define REXNET_CHECKPOINT_PICKLE_NUMPY_ARRAY_HPP

#include "rexnet/checkpoint/pickle/value.hpp"
#include "rexnet/checkpoint/tensor.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Bytes that tensors point into and that lie in no file, by the value that they were decoded from: each text
/// once, however many arrays share it. Moving it moves none of them.
using decoded_bytes = std::map<std::uint32_t, std::vector<unsigned char>>;

/// The element type of numpy's "f4" and its kin; null for what is not supported.
[[nodiscard]] inline const dtype* array_dtype(std::string_view name) noexcept {
  struct entry {
    std::string_view name;
    dtype type;
  };
  static constexpr entry types[] = {{"f4", dtype::f32}, {"f8", dtype::f64}, {"f2", dtype::f16},
                                    {"i8", dtype::i64}, {"i4", dtype::i32}, {"i2", dtype::i16},
                                    {"i1", dtype::i8},  {"u1", dtype::u8},  {"b1", dtype::boolean}};
  for (const entry& e : types)
    if (e.name == name) return &e.type;
  return nullptr;
}

/// The bytes whose Latin-1 characters this UTF-8 spells; false when one of them is beyond U+00FF.
[[nodiscard]] inline bool decode_latin1(std::string_view utf8, std::vector<unsigned char>& out) {
  out.reserve(utf8.size());
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    auto c = static_cast<unsigned char>(utf8[i]);
    if (c >= 0x80) {
      if ((c != 0xc2 && c != 0xc3) || i + 1 == utf8.size()) return false;
      c = static_cast<unsigned char>((c & 3u) << 6 | (static_cast<unsigned char>(utf8[++i]) & 63u));
    }
    out.push_back(c);
  }
  return true;
}

/// @param v of kind array. Errors: T1 to T3, T5 (data of another size than the shape needs), T7, T8, P3.
[[nodiscard]] inline result<tensor> read_array(std::string name, const pickle::program& p,
                                               const pickle::value& v, std::uint64_t file_bytes,
                                               decoded_bytes& decoded) {
  tensor t;
  t.name = std::move(name);
  const auto fail = [&t](errc code, const std::string& what) {
    return error(code, "tensor " + in_quotes(t.name) + ": a numpy array " + what);
  };
  if (v.items.size() != 3) return fail(errc::pickle_reduce, "without its state");
  const pickle::value &shape = p[v.items[0]], &type = p[v.items[1]], &data = p[v.items[2]];
  const dtype* const found = array_dtype(type.text);
  if (found == nullptr)
    return fail(errc::tensor_unsupported, "of the type " + in_quotes(type.text) + ", which is not supported");
  t.type = *found;
  if (type.integer == '>' && dtype_bytes(t.type) > 1)
    return fail(errc::tensor_big_endian, "in big-endian order: array.astype(array.dtype.newbyteorder('<'))");
  if (shape.items.size() > 8)
    return fail(errc::tensor_rank, "of " + std::to_string(shape.items.size()) + " dimensions, at most 8");
  for (const std::uint32_t side : shape.items) {
    if (p[side].type != pickle::kind::integer)
      return fail(errc::pickle_reduce, "with a size that is no integer");
    if (p[side].integer < 0)
      return fail(errc::tensor_negative, "with the size " + std::to_string(p[side].integer));
    t.shape.push_back(p[side].integer);
  }
  const checked bytes = element_count(t.shape) * static_cast<std::uint64_t>(dtype_bytes(t.type));
  if (!bytes.valid())
    return fail(errc::tensor_overflow, "whose shape " + shape_text(t.shape) + " overflows 64 bits");
  byte_span storage{reinterpret_cast<const unsigned char*>(data.text.data()), data.text.size()};
  if (data.type == pickle::kind::encoded && bytes.get() > 0) {
    const auto [at, fresh] = decoded.try_emplace(v.items[2]);
    if (fresh && !decode_latin1(data.text, at->second)) {
      decoded.erase(at);
      return fail(errc::pickle_reduce, "whose bytes are no Latin-1");
    }
    storage = at->second;
  }
  if (storage.size() != bytes.get())
    return fail(errc::tensor_storage_size, "of the shape " + shape_text(t.shape) + " needs " +
                                               std::to_string(bytes.get()) + " bytes, it has " +
                                               std::to_string(storage.size()));
  t.strides.assign(t.shape.size(), 0);
  std::int64_t stride = 1;
  for (std::size_t i = 0; i < t.shape.size() && bytes.get() > 0; ++i) {
    const std::size_t d =
        v.integer != 0 ? i : t.shape.size() - 1 - i;  // Fortran order: the first is the fastest
    t.strides[d] = stride;
    stride *= t.shape[d];
  }
  if (status s = place_tensor(t, storage, 0, file_bytes); !s) return s.error();
  return t;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_PICKLE_NUMPY_ARRAY_HPP
