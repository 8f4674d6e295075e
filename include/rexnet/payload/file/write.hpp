// SPDX-License-Identifier: MIT
// Writes the packed file, layer by layer: no more of the model is in memory than its largest layer.
// Specification: docs/packed-format.md.
#ifndef REXNET_PAYLOAD_FILE_WRITE_HPP
#define REXNET_PAYLOAD_FILE_WRITE_HPP

#include "rexnet/payload/file/read.hpp"
#include "rexnet/payload/pack.hpp"
#include "rexnet/system/output_file.hpp"

#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

struct field_writer {
  std::string out;
  bool bad = false, bad_resize = false;
  void bytes(std::uint64_t v, int n) {
    for (int i = 0; i < n; ++i) out += static_cast<char>(v >> (8 * i) & 255);
  }
  void u32(std::uint32_t v) { bytes(v, 4); }
  void i32(int v) { bytes(static_cast<std::uint32_t>(v), 4); }
  void f32(float v) { bytes(bits_of(v), 4); }
  void f64(double v) {
    std::uint64_t bits;
    std::memcpy(&bits, &v, sizeof(bits));
    bytes(bits, 8);
  }
};

[[nodiscard]] inline byte_span as_bytes(const std::string& s) noexcept {
  return {reinterpret_cast<const unsigned char*>(s.data()), s.size()};
}

/// Calls write(bytes) for a run of the payload in the file's element type, some thousand at a time.
template <class Write>
[[nodiscard]] status packed_elements(span<const float> v, element_type type, Write&& write) {
  // The host is little-endian, as xsimd's are: float32 goes out as it is.
  if (type == element_type::f32)
    return write(byte_span(reinterpret_cast<const unsigned char*>(v.data()), v.size() * sizeof(float)));
  unsigned char bytes[8192];
  for (std::size_t i = 0; i < v.size();) {
    std::size_t n = 0;
    for (; n < sizeof(bytes) && i < v.size(); n += 2, ++i) {
      const std::uint16_t bits = float_to_half(v[i]);
      bytes[n] = static_cast<unsigned char>(bits & 255), bytes[n + 1] = static_cast<unsigned char>(bits >> 8);
    }
    if (status s = write(byte_span(bytes, n)); !s) return s;
  }
  return done;
}

/// Zeros up to a multiple of `size`.
inline void pad_to(std::string& s, int size) {
  s.resize(round_up(s.size(), size), '\0');
}
[[nodiscard]] inline std::string label_lines(const packed_header& h) {
  std::string lines;
  for (const std::string& label : h.labels) lines += label + '\n';
  return lines;
}
/// The self-test's outputs, then its own input.
inline void put_test_floats(field_writer& w, const self_test& t) {
  for (const auto* values : {&t.outputs, &t.input})
    for (const float v : *values) w.f32(v);
}
[[nodiscard]] inline std::uint64_t payload_bytes(const packed_header& h) {
  return static_cast<std::uint64_t>(payload_numbers(h)) * static_cast<std::uint64_t>(element_bytes(h.type));
}
/// The first 20 bytes, whose checksum is that of the `rest` of the header.
[[nodiscard]] inline std::string packed_beginning(std::uint32_t version, const std::string& rest) {
  field_writer start;
  start.out.assign("REXNETPK", 8);
  start.u32(version), start.u32(packed_endian), start.u32(crc32(as_bytes(rest)));
  return start.out;
}

[[nodiscard]] inline std::string head_of_version_1(packed_header h, std::uint32_t payload_crc) {
  field_writer w;
  packed_fields(w, h);
  field_writer tail;
  tail.out = label_lines(h);
  w.u32(static_cast<std::uint32_t>(h.labels.size())), w.u32(static_cast<std::uint32_t>(tail.out.size()));
  w.u32(static_cast<std::uint32_t>(h.test.input.size())), w.u32(payload_crc);
  pad_to(tail.out, 4);
  put_test_floats(tail, h.test);
  const std::size_t header_bytes = round_up(packed_fixed + tail.out.size(), 64);
  w.bytes(header_bytes, 8), w.bytes(payload_bytes(h), 8);
  std::string rest = w.out;
  rest.resize(packed_fixed - packed_start, '\0');
  rest += tail.out;
  rest.resize(header_bytes - packed_start, '\0');
  return packed_beginning(1, rest) + rest;
}

/// The sections before the weights, which are the last.
[[nodiscard]] inline std::vector<std::pair<section_kind, std::string>> sections_of(packed_header h) {
  std::vector<std::pair<section_kind, std::string>> sections;
  const auto add = [&sections](section_kind kind, auto&& put) {
    field_writer w;
    put(w);
    sections.emplace_back(kind, std::move(w.out));
  };
  add(section_kind::shape, [&h](field_writer& w) {
    w.i32(h.shape.block_count), w.u32(shape_numbers_of_block);
    shape_fields(w, h.shape);
  });
  if (h.ssd.classes > 0)
    add(section_kind::detector, [&h](field_writer& w) { detector_fields(w, h.ssd, h.settings); });
  add(section_kind::pictures, [&h](field_writer& w) { picture_fields(w, h.input); });
  if (!h.labels.empty())
    add(section_kind::labels, [&h](field_writer& w) {
      w.u32(static_cast<std::uint32_t>(h.labels.size()));
      w.out += label_lines(h);
    });
  if (h.test.h > 0)
    add(section_kind::self_test, [&h](field_writer& w) {
      w.i32(h.test.h), w.i32(h.test.w), w.u32(h.test.seed);
      w.u32(static_cast<std::uint32_t>(h.test.input.size()));
      put_test_floats(w, h.test);
    });
  return sections;
}

[[nodiscard]] inline std::string head_of_version_2(const packed_header& h, std::uint32_t payload_crc) {
  const auto sections = sections_of(h);
  const std::size_t table_end = table_at + (sections.size() + 1) * table_row;
  field_writer table;
  std::string body;
  const auto add_row = [&](section_kind kind, element_type type, std::uint64_t bytes, std::uint32_t sum) {
    const std::uint64_t at = round_up(table_end, 64) + body.size();
    table.u32(static_cast<std::uint32_t>(kind)), table.u32(static_cast<std::uint32_t>(type));
    table.bytes(at, 8), table.bytes(bytes, 8), table.u32(sum), table.u32(0);
    return at;
  };
  for (const auto& [kind, bytes] : sections) {
    static_cast<void>(add_row(kind, element_type::f32, bytes.size(), crc32(as_bytes(bytes))));
    body += bytes;
    pad_to(body, 64);
  }
  const std::uint64_t at = add_row(section_kind::weights, h.type, payload_bytes(h), payload_crc);
  field_writer rest;
  rest.u32(static_cast<std::uint32_t>(sections.size() + 1));
  rest.bytes(at + payload_bytes(h), 8);
  rest.out.resize(table_at - packed_start, '\0');
  rest.out += table.out;
  std::string head = packed_beginning(2, rest.out) + rest.out;
  pad_to(head, 64);
  return head + body;
}

}  // namespace detail

/// The version that a header is written in: what it asks for, or else 1 where version 1 can say it.
[[nodiscard]] inline int packed_version_of(const packed_header& h) noexcept {
  if (h.version != 0) return h.version;
  return h.ssd.classes == 0 && same_shape(h.shape, detail::as_version_1(h.shape)) ? 1 : 2;
}

/// Everything before the payload: its size depends on the version, the labels and the size of the self-test
/// only.
/// @param payload_crc CRC-32 of the payload's bytes
[[nodiscard]] inline std::string packed_head(const packed_header& h, std::uint32_t payload_crc) {
  return packed_version_of(h) == 1 ? detail::head_of_version_1(h, payload_crc)
                                   : detail::head_of_version_2(h, payload_crc);
}

namespace detail {

/// Whether a reader would take it. Errors: those of write_packed().
[[nodiscard]] inline status check_header(const packed_header& h) {
  const int version = packed_version_of(h);
  if (version != 1 && version != 2)
    return error(errc::packed_version, "version " + std::to_string(version) + ": 1 and 2 can be written");
  if (h.type != element_type::f32 && h.type != element_type::f16)
    return error(errc::unsupported,
                 std::string("weights as ") + element_name(h.type) + ": float32 and float16 can be written");
  if (!is_runnable(h.shape)) return error(errc::packed_shape, "impossible network shape");
  if (h.ssd.classes != 0) {
    if (!is_runnable(h.shape, h.ssd)) return error(errc::packed_shape, "impossible detector");
    if (version == 1) return error(errc::packed_version, "version 1 cannot describe a detector");
  }
  if (version == 1 && !same_shape(h.shape, as_version_1(h.shape)))
    return error(errc::packed_version,
                 "version 1 cannot describe this network: its blocks are not joined as those "
                 "of a published ReXNet are");
  if (!h.labels.empty() && h.labels.size() != static_cast<std::size_t>(named_classes(h)))
    return error(errc::packed_labels, std::to_string(h.labels.size()) + " labels for " +
                                          std::to_string(named_classes(h)) + " classes");
  std::string what;
  const report_text says{what};
  if (check_preprocessing(h.input, says) != errc::ok) return error(errc::packed_preprocessing, what);
  if (h.ssd.classes != 0 && check_settings(h.settings, says) != errc::ok)
    return error(errc::packed_preprocessing, what);
  if (check_labels(h.labels, says) != errc::ok) return error(errc::packed_label_text, what);
  return done;
}

}  // namespace detail

/// Writes a packed file. The same input gives the same bytes.
/// @param layers called twice (for the checksum, then for the bytes) as layers(emit): it calls
///               `status emit(span<const float>)` for consecutive runs of the payload and returns a status
/// @param emit   gets the bytes of the file in order, as `status write(byte_span)`
/// @return the payload's checksum, for packed_head()
/// Errors: those of the two functions; what no reader would take: packed_shape (K7), packed_preprocessing
/// (K11), packed_labels (labels that are neither none nor one per class), packed_label_text (K12),
/// packed_version (a version that is none or cannot describe the network), unsupported (a type of weights);
/// limit_exceeded (a weight beyond float16).
template <class Layers, class Write>
[[nodiscard]] result<std::uint32_t> write_packed(const packed_header& h, Layers&& layers, Write&& write) {
  if (status s = detail::check_header(h); !s) return s.error();
  std::uint32_t crc = 0;
  if (status s = layers([&](span<const float> run) -> status {
        if (h.type == element_type::f16)
          for (const float v : run)
            if (v > 65504.0f || v < -65504.0f)
              return error(errc::limit_exceeded, "a weight of " +
                                                     detail::number_text(static_cast<double>(v)) +
                                                     " does not fit float16: pack as float32");
        return detail::packed_elements(run, h.type, [&crc](byte_span b) -> status {
          crc = crc32(b, crc);
          return done;
        });
      });
      !s)
    return s.error();
  if (status s = write(detail::as_bytes(packed_head(h, crc))); !s) return s.error();
  status s =
      layers([&](span<const float> run) -> status { return detail::packed_elements(run, h.type, write); });
  if (!s) return s.error();
  return crc;
}

/// write_packed() to a file, which appears under its name when it is complete.
/// Errors: also io_error, with the path.
template <class Layers>
[[nodiscard]] status save_packed(const std::string& path, const packed_header& h, Layers&& layers) {
  auto file = output_file::create(path);
  if (!file) return file.error();
  auto crc = write_packed(h, layers, [&](byte_span b) { return file->write(b); });
  if (!crc) return crc.error();
  return file->commit();
}

/// A payload that is in memory already, as the `layers` of write_packed().
[[nodiscard]] inline auto payload_layers(span<const float> payload) {
  return [payload](auto&& emit) -> status { return emit(payload); };
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_FILE_WRITE_HPP
