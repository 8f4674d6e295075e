// SPDX-License-Identifier: MIT
// A packed file, checked and read in place: what describes the model, then the payload of payload/layout.hpp
// as float32 (used in place) or float16 (expanded once). Nothing here allocates or throws. Specification:
// docs/packed-format.md.
#ifndef REXNET_PAYLOAD_FILE_VIEW_HPP
#define REXNET_PAYLOAD_FILE_VIEW_HPP

#include "rexnet/core/aligned_buffer.hpp"
#include "rexnet/payload/file/version1.hpp"
#include "rexnet/payload/file/version2.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// The parser: fills v in and reports through fail(code, parts of a text...), whose value it returns.
template <class Fail>
[[nodiscard]] errc parse_packed(byte_span bytes, check depth, packed_view& v, Fail&& fail) {
  if (!is_packed(bytes)) return fail(errc::packed_magic, "wrong magic");
  if (bytes.size() < packed_start)
    return fail(errc::packed_size, bytes.size(), " bytes are less than a header");
  const auto word = [bytes](std::size_t at) {
    return static_cast<std::uint32_t>(little_endian<4>(bytes.data() + at));
  };
  if (word(12) != packed_endian) return fail(errc::packed_endianness, "byte order mark ", word(12));
  v = packed_view();
  v.version = static_cast<int>(word(8));
  if (word(8) == 1) return parse_version_1(bytes, depth, v, fail);
  if (word(8) == 2) return parse_version_2(bytes, depth, v, fail);
  return fail(errc::packed_version, "version ", word(8), ", this program reads 1 and 2");
}

}  // namespace detail

/// Opens a packed file in memory without the heap: `file` becomes views of `bytes`, which must outlive it. A
/// float32 payload must be 64-byte aligned. @param depth check::full reads the whole file and compares its
/// checksum.
/// @return ok, or one of K1 to K13 of docs/refusals.md; `file` is of no use then. read_packed() gives the
///         same with a text.
[[nodiscard]] inline errc open_packed(byte_span bytes, check depth, packed_view& file) noexcept {
  return detail::parse_packed(bytes, depth, file, detail::report_code());
}

/// The same for a program made for one network, static_config<...>::value. @return also shape_mismatch: the
/// file holds another one.
[[nodiscard]] inline errc open_packed(byte_span bytes, check depth, const config& expected,
                                      packed_view& file) noexcept {
  if (const errc e = open_packed(bytes, depth, file); e != errc::ok) return e;
  return same_shape(file.shape, expected) ? errc::ok : errc::shape_mismatch;
}

/// The same for a program made for one detector, static_detector<...>::value.
[[nodiscard]] inline errc open_packed(byte_span bytes, check depth, const detector_config& expected,
                                      packed_view& file) noexcept {
  if (const errc e = open_packed(bytes, depth, file); e != errc::ok) return e;
  return same_shape(file.shape, expected.backbone) && same_part(file.ssd, expected) ? errc::ok
                                                                                    : errc::shape_mismatch;
}

/// Expands a float16 payload into a buffer of the caller's, 64-byte aligned for network's sake.
/// @param out payload_numbers(file) floats, network<static_config<...>>::packed_floats()
/// @return ok; shape_mismatch: another size
[[nodiscard]] inline errc expand_half(byte_span payload, span<float> out) noexcept {
  if (payload.size() != out.size() * 2) return errc::shape_mismatch;
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = half_to_float(static_cast<std::uint16_t>(payload[2 * i] | payload[2 * i + 1] << 8));
  return errc::ok;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_FILE_VIEW_HPP
