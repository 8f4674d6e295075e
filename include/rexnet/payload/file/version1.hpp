// SPDX-License-Identifier: MIT
// The packed file, version 1: fixed fields for ReXNet's sixteen blocks, labels, self-test, payload.
// Specification: docs/packed-format.md.
#ifndef REXNET_PAYLOAD_FILE_VERSION1_HPP
#define REXNET_PAYLOAD_FILE_VERSION1_HPP

#include "rexnet/payload/file/fields.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

inline constexpr std::size_t packed_fixed = 384;  ///< bytes before the labels

/// Walks over the fixed fields, for reading and for writing: each field is named once, in order.
/// @tparam Header packed_view or packed_header
template <class Io, class Header>
REXNET_COLD void packed_fields(Io&& io, Header& h) {
  auto type = static_cast<std::uint32_t>(h.type), family_code = static_cast<std::uint32_t>(h.shape.family);
  io.u32(type), io.u32(family_code);
  h.type = type == 1 ? element_type::f16 : element_type::f32;
  h.shape.family = static_cast<family>(family_code < family_count ? family_code : 0);
  io.bad = io.bad || type > 1 || family_code >= family_count;
  for (int* v :
       {&h.shape.width_hundredths, &h.shape.classes, &h.shape.stem_c, &h.shape.head_c, &h.shape.hidden_c})
    io.i32(*v);
  for (int i = 0; i < rexnet_blocks; ++i) {
    block_config& b = h.shape.blocks[i];
    io.i32(b.out_c), io.i32(b.se_c), io.i32(b.kernel);
  }
  picture_fields(io, h.input);
  io.i32(h.test.h), io.i32(h.test.w), io.u32(h.test.seed);
}

/// What version 1 says of a network, without the rest.
[[nodiscard]] constexpr config as_version_1(const config& c) noexcept {
  config d;
  d.family = c.family, d.width_hundredths = c.width_hundredths, d.classes = c.classes;
  d.stem_c = c.stem_c, d.head_c = c.head_c, d.hidden_c = c.hidden_c;
  for (int i = 0; i < rexnet_blocks; ++i)
    d.blocks[i].out_c = c.blocks[i].out_c, d.blocks[i].se_c = c.blocks[i].se_c,
    d.blocks[i].kernel = c.blocks[i].kernel;
  connect_blocks(d);
  return d;
}

template <class Fail>
[[nodiscard]] REXNET_COLD errc parse_version_1(byte_span bytes, check depth, packed_view& v, Fail&& fail) {
  if (bytes.size() < packed_fixed)
    return fail(errc::packed_size, bytes.size(), " bytes are less than a header");
  field_reader r{bytes.data() + packed_start};
  packed_fields(r, v);
  std::uint32_t label_count = 0, label_bytes = 0, input_floats = 0, payload_crc = 0;
  r.u32(label_count), r.u32(label_bytes), r.u32(input_floats), r.u32(payload_crc);
  const std::uint64_t header_bytes = little_endian<8>(r.next), payload_bytes = little_endian<8>(r.next + 8);
  if (header_bytes % 64 != 0 || header_bytes < packed_fixed || header_bytes > bytes.size())
    return fail(errc::packed_offset, "payload at ", header_bytes, " of ", bytes.size(), " bytes");
  const std::uint32_t found = crc32(bytes.subspan(20, static_cast<std::size_t>(header_bytes) - 20)),
                      recorded = static_cast<std::uint32_t>(little_endian<4>(bytes.data() + 16));
  if (found != recorded)
    return fail(errc::packed_header_checksum, "header checksum ", found, ", recorded ", recorded);
  if (!r.bad) connect_blocks(v.shape);  // whose products then fit
  if (r.bad || !is_runnable(v.shape)) return fail(errc::packed_shape, "impossible network shape");
  if (const errc e = check_payload_size(v, payload_bytes, fail); e != errc::ok) return e;
  const checked end = checked(header_bytes) + payload_bytes;
  if (!end.at_most(bytes.size()) || end.get() != bytes.size())
    return fail(errc::packed_size, bytes.size(), " bytes, expected ", header_bytes + payload_bytes,
                " (cut short?)");
  v.payload = bytes.subspan(static_cast<std::size_t>(header_bytes), static_cast<std::size_t>(payload_bytes));
  if (const errc e = check_payload(v, depth, payload_crc, fail); e != errc::ok) return e;
  if (const errc e = check_picture_fields(r, v.input, bytes.data() + 244, fail); e != errc::ok) return e;
  // Behind the fixed fields: labels, then the self-test's outputs and input, each from a multiple of 4.
  const std::uint64_t outputs = v.test.h > 0 ? static_cast<std::uint64_t>(output_c(v.shape)) : 0;
  const checked labels_end = checked(packed_fixed) + round_up(std::uint64_t{label_bytes}, 4);
  if (!(labels_end + checked(outputs + input_floats) * 4).at_most(header_bytes))
    return fail(errc::packed_offset, "labels and self-test leave the header of ", header_bytes, " bytes");
  if (const errc e = check_test_size(v, input_floats, fail); e != errc::ok) return e;
  const std::string_view labels = text(bytes.subspan(packed_fixed, label_bytes));
  if (const errc e = read_labels(labels, label_count, v, fail); e != errc::ok) return e;
  const auto first = static_cast<std::size_t>(labels_end.get()),
             output_count = static_cast<std::size_t>(outputs);
  v.test.outputs = stored_floats(bytes.subspan(first, output_count * 4));
  v.test.input = stored_floats(bytes.subspan(first + output_count * 4, std::size_t{input_floats} * 4));
  return errc::ok;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_FILE_VERSION1_HPP
