// SPDX-License-Identifier: MIT
// A named tensor inside a checkpoint: a view of the file's bytes with shape, strides and element type.
#ifndef REXNET_CHECKPOINT_TENSOR_HPP
#define REXNET_CHECKPOINT_TENSOR_HPP

#include "rexnet/core/bytes.hpp"
#include "rexnet/core/checked.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/core/half.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

enum class dtype : std::uint8_t { f32, f64, f16, bf16, i64, i32, i16, i8, u8, boolean };

[[nodiscard]] constexpr int dtype_bytes(dtype type) noexcept {
  switch (type) {
    case dtype::f64:
    case dtype::i64: return 8;
    case dtype::f32:
    case dtype::i32: return 4;
    case dtype::f16:
    case dtype::bf16:
    case dtype::i16: return 2;
    default: return 1;
  }
}
[[nodiscard]] constexpr const char* dtype_name(dtype type) noexcept {
  constexpr const char* names[] = {"float32", "float64", "float16", "bfloat16", "int64",
                                   "int32",   "int16",   "int8",    "uint8",    "bool"};
  return names[static_cast<int>(type)];
}

/// The values of a tensor may be at most this many times the bytes of its file (shared storages, stride 0).
inline constexpr std::uint64_t max_blow_up = 8;

struct tensor {
  std::string name;
  dtype type = dtype::f32;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;    ///< in elements
  const unsigned char* data = nullptr;  ///< the first element, little endian, not aligned

  /// Number of elements; checked when the tensor was made.
  [[nodiscard]] std::int64_t elements() const noexcept {
    std::int64_t n = 1;
    for (const std::int64_t side : shape)
      if (side == 0) return 0;  // the other sides may be anything
    for (const std::int64_t side : shape) n *= side;
    return n;
  }
  /// The element `offset` elements behind the first, as a double: exact for every type but large int64.
  [[nodiscard]] double element(std::int64_t offset) const noexcept {
    const unsigned char* p = data + offset * dtype_bytes(type);
    using detail::little_endian;
    switch (type) {
      case dtype::f32: return float_from_bits(static_cast<std::uint32_t>(little_endian<4>(p)));
      case dtype::f64: {
        const std::uint64_t bits = little_endian<8>(p);
        double number;
        std::memcpy(&number, &bits, sizeof(number));
        return number;
      }
      case dtype::f16: return half_to_float(static_cast<std::uint16_t>(little_endian<2>(p)));
      case dtype::bf16: return bfloat16_to_float(static_cast<std::uint16_t>(little_endian<2>(p)));
      case dtype::i64: return static_cast<double>(static_cast<std::int64_t>(little_endian<8>(p)));
      case dtype::i32: return static_cast<std::int32_t>(little_endian<4>(p));
      case dtype::i16: return static_cast<std::int16_t>(little_endian<2>(p));
      case dtype::i8: return static_cast<std::int8_t>(*p);
      case dtype::u8: return *p;
      case dtype::boolean: return *p != 0 ? 1.0 : 0.0;
    }
    return 0.0;
  }
  /// Whether the elements follow each other in the order of their indices.
  [[nodiscard]] bool row_major() const noexcept {
    if (elements() == 0) return true;
    std::int64_t expected = 1;
    for (std::size_t d = shape.size(); d-- > 0; expected *= shape[d])
      if (shape[d] != 1 && strides[d] != expected) return false;
    return true;
  }
  /// Calls visit(row-major index, value) for every element, whatever the strides.
  template <class Visit>
  void for_each(Visit&& visit) const {
    const std::int64_t n = elements();
    if (n == 0) return;
    if (type == dtype::f32 && row_major()) {  // most tensors of most files
      for (std::int64_t i = 0; i < n; ++i)
        visit(i, static_cast<double>(
                     float_from_bits(static_cast<std::uint32_t>(detail::little_endian<4>(data + 4 * i)))));
      return;
    }
    std::int64_t index[8] = {}, offset = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      visit(i, element(offset));
      for (std::size_t d = shape.size(); d-- > 0;) {
        if (++index[d] < shape[d]) {
          offset += strides[d];
          break;
        }
        // Never beyond the last element: a side of 1 may have any stride.
        offset -= strides[d] * (shape[d] - 1);
        index[d] = 0;
      }
    }
  }
  /// All elements in row-major order.
  [[nodiscard]] std::vector<double> values() const {
    std::vector<double> out(static_cast<std::size_t>(elements()));
    for_each([&out](std::int64_t i, double v) { out[static_cast<std::size_t>(i)] = v; });
    return out;
  }
};

namespace detail {

/// The product of the sides in 63 bits, from the left, as safetensors' own reader multiplies: a zero further
/// right does not undo an overflow. Precondition: no side is negative.
[[nodiscard]] inline checked element_count(const std::vector<std::int64_t>& shape) noexcept {
  checked n = 1;
  for (const std::int64_t side : shape) {
    n = n * static_cast<std::uint64_t>(side);
    if (!n.at_most(0x7fffffffffffffffu)) n = checked(~std::uint64_t{0}) + 1;  // invalid for good
  }
  return n;
}

}  // namespace detail

/// "[162,27,1,1]"
[[nodiscard]] inline std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string s = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) s += (i > 0 ? "," : "") + std::to_string(shape[i]);
  return s + "]";
}

namespace detail {

template <class T>
[[nodiscard]] status copy_elements(const tensor& t, span<T> out) {
  if (static_cast<std::uint64_t>(t.elements()) != out.size())
    return error(errc::shape_mismatch, "tensor " + in_quotes(t.name) + ": shape " + shape_text(t.shape) +
                                           " has " + std::to_string(t.elements()) +
                                           " elements, the destination " + std::to_string(out.size()));
  t.for_each([&out](std::int64_t i, double v) { out[static_cast<std::size_t>(i)] = static_cast<T>(v); });
  return done;
}

}  // namespace detail

/// All elements in row-major order of the shape, whatever the strides; float16, bfloat16, float64, integers
/// and booleans are converted (int64 beyond 2^53 and float64 round). Errors: shape_mismatch unless out.size()
/// == t.elements().
[[nodiscard]] inline status copy_to(const tensor& t, span<float> out) {
  return detail::copy_elements(t, out);
}
[[nodiscard]] inline status copy_to(const tensor& t, span<double> out) {
  return detail::copy_elements(t, out);
}

/// Fills in `data` and checks that every element lies in the storage.
/// @param offset first element, in elements; negative numbers are refused
/// Errors: T1 to T4 and T6 of docs/refusals.md.
[[nodiscard]] inline status place_tensor(tensor& t, byte_span storage, std::int64_t offset,
                                         std::uint64_t file_bytes) {
  const auto fail = [&t](errc code, const std::string& what) {
    return error(code, "tensor " + detail::in_quotes(t.name) + ": " + what);
  };
  if (t.shape.size() > 8)
    return fail(errc::tensor_rank, std::to_string(t.shape.size()) + " dimensions, at most 8");
  if (t.shape.size() != t.strides.size())
    return fail(errc::tensor_rank, std::to_string(t.shape.size()) + " dimensions, but " +
                                       std::to_string(t.strides.size()) + " strides");
  if (offset < 0) return fail(errc::tensor_negative, "offset " + std::to_string(offset));
  checked last = static_cast<std::uint64_t>(offset);
  bool empty = false;
  for (std::size_t i = 0; i < t.shape.size(); ++i) {
    if (t.shape[i] < 0 || t.strides[i] < 0)
      return fail(errc::tensor_negative,
                  "shape " + shape_text(t.shape) + ", strides " + shape_text(t.strides));
    empty = empty || t.shape[i] == 0;
    if (t.shape[i] > 0)
      last = last +
             checked(static_cast<std::uint64_t>(t.shape[i] - 1)) * static_cast<std::uint64_t>(t.strides[i]);
  }
  const auto size = static_cast<std::uint64_t>(dtype_bytes(t.type));
  const checked elements = detail::element_count(t.shape);
  const checked end = (last + 1) * size;
  if (!(elements * size).valid() || !end.valid())
    return fail(errc::tensor_overflow, "shape " + shape_text(t.shape) + " overflows 64 bits");
  if (empty) return done;
  if (!end.at_most(storage.size()))
    return fail(errc::tensor_out_of_storage, "its last element ends at byte " + std::to_string(end.get()) +
                                                 " of a storage of " + std::to_string(storage.size()));
  if (!(elements * size).at_most((checked(file_bytes) * max_blow_up).get()))
    return fail(errc::tensor_blow_up, std::to_string(elements.get()) + " elements out of a file of " +
                                          std::to_string(file_bytes) + " bytes");
  // values() holds them as doubles; only a 32-bit address space is too small for what passed so far.
  if (!(elements * sizeof(double)).at_most(static_cast<std::size_t>(-1) / 2))
    return fail(errc::tensor_blow_up,
                std::to_string(elements.get()) + " elements are more than the address space holds");
  t.data = storage.data() + static_cast<std::size_t>(offset) * size;
  return done;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_TENSOR_HPP
