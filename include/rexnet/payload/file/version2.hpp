// SPDX-License-Identifier: MIT
// The packed file, version 2: a table of sections, of any network that the engine can run.
// Specification: docs/packed-format.md.
#ifndef REXNET_PAYLOAD_FILE_VERSION2_HPP
#define REXNET_PAYLOAD_FILE_VERSION2_HPP

#include "rexnet/payload/file/fields.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// What a section holds. A reader refuses a kind that is not in this list, unless `may_skip` is set in its
/// number.
enum class section_kind : std::uint32_t {
  shape = 1,
  pictures = 2,
  labels = 3,
  self_test = 4,
  weights = 5,
  detector = 6
};
inline constexpr std::uint32_t may_skip = 0x80000000u;
inline constexpr int section_kinds = 6;
inline constexpr std::uint32_t max_sections = 64;
/// Bytes before the table, and of one row of it.
inline constexpr std::size_t table_at = 64, table_row = 32;

[[nodiscard]] constexpr const char* section_name(section_kind kind) noexcept {
  switch (kind) {
    case section_kind::shape: return "shape";
    case section_kind::pictures: return "pictures";
    case section_kind::labels: return "labels";
    case section_kind::self_test: return "self-test";
    case section_kind::weights: return "weights";
    case section_kind::detector: return "detector";
  }
  return "unknown";
}

/// One row of the table.
struct section {
  std::uint32_t kind = 0;
  std::uint32_t type = 0;  ///< element_type
  byte_span bytes;         ///< no data(): the file has no such section
  std::uint32_t crc = 0;
};

/// The sections that a reader of this version knows.
struct section_table {
  section known[section_kinds];
  [[nodiscard]] const section& operator[](section_kind k) const noexcept {
    return known[static_cast<std::uint32_t>(k) - 1];
  }
};

/// Numbers of a shape before its blocks, and of each block.
inline constexpr std::uint32_t shape_numbers_before = 11, shape_numbers_of_block = 12;

/// A number that stands for one of a few values: 0 to `most`.
template <class Io, class Value>
REXNET_COLD void code_field(Io& io, Value& value, std::uint32_t most) {
  auto number = static_cast<std::uint32_t>(value);
  io.u32(number);
  io.bad = io.bad || number > most;
  value = static_cast<Value>(number <= most ? number : 0);
}
template <class Io>
REXNET_COLD void activation_field(Io& io, activation& a) {
  code_field(io, a, static_cast<std::uint32_t>(activation::sigmoid));
}
template <class Io>
REXNET_COLD void block_fields(Io& io, block_config& b) {
  for (int* v : {&b.in_c, &b.mid_c, &b.out_c, &b.se_c, &b.stride, &b.kernel, &b.residual_c}) io.i32(*v);
  code_field(io, b.expand, 1);
  activation_field(io, b.expand_act), activation_field(io, b.depthwise_act);
  activation_field(io, b.project_act), code_field(io, b.se_first, 1);
}

/// Walks over the shape, for reading and for writing. Before it: the caller has read block_count.
template <class Io>
REXNET_COLD void shape_fields(Io& io, config& c) {
  code_field(io, c.family, family_count - 1);
  for (int* v : {&c.width_hundredths, &c.classes, &c.stem_c, &c.head_c, &c.hidden_c}) io.i32(*v);
  activation_field(io, c.stem_act), activation_field(io, c.head_act), activation_field(io, c.hidden_act);
  for (int i = 0; i < c.block_count; ++i) block_fields(io, c.blocks[i]);
}

/// The same of a detector's part.
template <class Io>
REXNET_COLD void detector_fields(Io& io, ssd_part& d, detector_settings& s) {
  for (int* v : {&d.tap, &d.classes, &s.input_h, &s.input_w, &s.boxes.candidates, &s.boxes.most}) io.i32(*v);
  io.f32(s.boxes.score), io.f64(s.boxes.iou), io.f64(s.anchors.least), io.f64(s.anchors.most);
  for (block_config& b : d.extra) block_fields(io, b);
}
inline constexpr std::size_t detector_bytes = 4 * (7 + ssd_extra_blocks * shape_numbers_of_block) + 8 * 3;

/// Reads the table: sections lie one after the other, each from a multiple of 64, with zeros between, to the
/// file's end.
template <class Fail>
[[nodiscard]] REXNET_COLD errc read_table(byte_span bytes, section_table& table, Fail&& fail) {
  const auto word = [bytes](std::size_t at) {
    return static_cast<std::uint32_t>(little_endian<4>(bytes.data() + at));
  };
  const auto wide = [bytes](std::size_t at) { return little_endian<8>(bytes.data() + at); };
  const auto all = static_cast<std::uint64_t>(bytes.size());
  const std::uint32_t count = all < table_at ? 0 : word(20);
  const std::size_t table_end = table_at + (count <= max_sections ? count : 0) * table_row;
  if (all < table_end || all < table_at) return fail(errc::packed_size, all, " bytes are less than a header");
  if (count > max_sections) return fail(errc::packed_section, count, " sections, at most ", max_sections);
  const std::uint32_t found = crc32(bytes.subspan(packed_start, table_end - packed_start));
  if (found != word(16))
    return fail(errc::packed_header_checksum, "header checksum ", found, ", recorded ", word(16));
  if (wide(24) != all) return fail(errc::packed_size, all, " bytes, expected ", wide(24), " (cut short?)");
  std::uint64_t end = table_end;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t row = table_at + i * table_row;
    section s{word(row), word(row + 4), {}, word(row + 24)};
    const std::uint64_t offset = wide(row + 8), size = wide(row + 16), expected = round_up(end, 64);
    if (offset != expected || offset > all || size > all - offset)
      return fail(errc::packed_offset, "section ", i, " of ", size, " bytes at ", offset, " of ", all,
                  " bytes, expected at ", expected);
    for (; end < offset; ++end)
      if (bytes[static_cast<std::size_t>(end)] != 0)
        return fail(errc::packed_offset, "byte ", end, " before section ", i, " is not 0");
    end = offset + size;
    s.bytes = bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
    if (s.kind == 0 || s.kind > section_kinds) {
      if ((s.kind & may_skip) != 0) continue;
      return fail(errc::packed_section, "section ", i, " of kind ", s.kind,
                  ", which this program cannot read");
    }
    section& place = table.known[s.kind - 1];
    const char* const name = section_name(static_cast<section_kind>(s.kind));
    if (place.bytes.data() != nullptr) return fail(errc::packed_section, "two sections of kind ", name);
    place = s;
    if (static_cast<section_kind>(s.kind) == section_kind::weights) continue;
    const std::uint32_t sum = crc32(s.bytes);
    if (sum != s.crc)
      return fail(errc::packed_header_checksum, name, " checksum ", sum, ", recorded ", s.crc);
  }
  if (end != all) return fail(errc::packed_size, all, " bytes, expected ", end);
  return errc::ok;
}

/// A number at the beginning of a section, which need not be that long.
[[nodiscard]] inline std::uint32_t section_word(byte_span s, std::size_t i) noexcept {
  return s.size() >= 4 * i + 4 ? static_cast<std::uint32_t>(little_endian<4>(s.data() + 4 * i)) : 0;
}

template <class Fail>
[[nodiscard]] REXNET_COLD errc read_shape(byte_span s, config& c, Fail&& fail) {
  const std::uint32_t blocks = section_word(s, 0), numbers = section_word(s, 1);
  if (blocks < 1 || blocks > static_cast<std::uint32_t>(max_blocks) || numbers != shape_numbers_of_block)
    return fail(errc::packed_shape, blocks, " blocks of ", numbers, " numbers, this program reads 1 to ",
                max_blocks, " of ", shape_numbers_of_block);
  const std::size_t needed =
      4 * (std::size_t{shape_numbers_before} + std::size_t{blocks} * shape_numbers_of_block);
  if (s.size() != needed)
    return fail(errc::packed_section, "shape of ", s.size(), " bytes, expected ", needed);
  c.block_count = static_cast<int>(blocks);
  field_reader r{s.data() + 8};
  shape_fields(r, c);
  if (r.bad || !is_runnable(c)) return fail(errc::packed_shape, "impossible network shape");
  return errc::ok;
}

template <class Fail>
[[nodiscard]] REXNET_COLD errc read_detector(byte_span s, packed_view& v, Fail&& fail) {
  if (s.data() == nullptr) return errc::ok;
  if (s.size() != detector_bytes)
    return fail(errc::packed_section, "detector of ", s.size(), " bytes, expected ", detector_bytes);
  field_reader r{s.data()};
  detector_fields(r, v.ssd, v.settings);
  if (r.bad || !is_runnable(v.shape, v.ssd))
    return fail(errc::packed_shape, "impossible detector: ", v.ssd.classes,
                " classes, its first map from block ", v.ssd.tap, " of ", v.shape.block_count,
                ", a backbone of ", v.shape.classes, " classes, an input of ", v.settings.input_w, " x ",
                v.settings.input_h);
  return check_settings(
      v.settings, [&fail](errc, const auto&... parts) { return fail(errc::packed_preprocessing, parts...); });
}

template <class Fail>
[[nodiscard]] REXNET_COLD errc read_self_test(byte_span s, packed_view& v, Fail&& fail) {
  if (s.data() == nullptr) return errc::ok;
  constexpr std::size_t fixed = 16;
  if (s.size() < fixed) return fail(errc::packed_section, "self-test of ", s.size(), " bytes");
  field_reader r{s.data()};
  std::uint32_t input_floats = 0;
  r.i32(v.test.h), r.i32(v.test.w), r.u32(v.test.seed), r.u32(input_floats);
  if (r.bad || v.test.h < 1)
    return fail(errc::packed_shape, "a self-test of ", v.test.h, " x ", v.test.w, " pixels");
  if (const errc e = check_test_size(v, input_floats, fail); e != errc::ok) return e;
  const auto all_outputs = static_cast<std::uint64_t>(self_test_outputs(v));
  const checked needed = checked(fixed) + (checked(all_outputs) + input_floats) * 4;
  if (s.size() != needed.get())
    return fail(errc::packed_section, "self-test of ", s.size(), " bytes, expected ", needed.get());
  const auto outputs = static_cast<std::size_t>(all_outputs);
  v.test.outputs = stored_floats(s.subspan(fixed, outputs * 4));
  v.test.input = stored_floats(s.subspan(fixed + outputs * 4, std::size_t{input_floats} * 4));
  return errc::ok;
}

template <class Fail>
[[nodiscard]] REXNET_COLD errc parse_version_2(byte_span bytes, check depth, packed_view& v, Fail&& fail) {
  section_table table;
  if (const errc e = read_table(bytes, table, fail); e != errc::ok) return e;
  for (const section_kind kind : {section_kind::shape, section_kind::pictures, section_kind::weights})
    if (table[kind].bytes.data() == nullptr)
      return fail(errc::packed_section, "no section of kind ", section_name(kind));
  if (const errc e = read_shape(table[section_kind::shape].bytes, v.shape, fail); e != errc::ok) return e;
  if (const errc e = read_detector(table[section_kind::detector].bytes, v, fail); e != errc::ok) return e;

  const byte_span pictures = table[section_kind::pictures].bytes;
  if (pictures.size() != picture_bytes)
    return fail(errc::packed_section, "pictures of ", pictures.size(), " bytes, expected ", picture_bytes);
  field_reader r{pictures.data()};
  picture_fields(r, v.input);
  if (const errc e = check_picture_fields(r, v.input, pictures.data() + 4, fail); e != errc::ok) return e;

  if (const byte_span labels = table[section_kind::labels].bytes; labels.data() != nullptr) {
    if (labels.size() < 4) return fail(errc::packed_section, "labels of ", labels.size(), " bytes");
    if (const errc e =
            read_labels(text(labels.subspan(4, labels.size() - 4)), section_word(labels, 0), v, fail);
        e != errc::ok)
      return e;
  }
  if (const errc e = read_self_test(table[section_kind::self_test].bytes, v, fail); e != errc::ok) return e;

  const section& weights = table[section_kind::weights];
  if (weights.type > static_cast<std::uint32_t>(element_type::f16))
    return fail(errc::packed_section, "weights of element type ", weights.type,
                ", this program reads 0 (float32) and 1 (float16)");
  v.type = static_cast<element_type>(weights.type);
  if (const errc e = check_payload_size(v, weights.bytes.size(), fail); e != errc::ok) return e;
  v.payload = weights.bytes;
  return check_payload(v, depth, weights.crc, fail);
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_FILE_VERSION2_HPP
