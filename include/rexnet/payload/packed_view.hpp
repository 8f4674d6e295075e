// SPDX-License-Identifier: MIT
// A packed file, version 1, checked and read in place: a header that describes the model, then the payload of
// payload/layout.hpp as float32 (used in place) or float16 (expanded once). Nothing here allocates or throws.
// Specification: docs/packed-format.md.
#ifndef REXNET_PAYLOAD_PACKED_VIEW_HPP
#define REXNET_PAYLOAD_PACKED_VIEW_HPP

#include "rexnet/core/aligned_buffer.hpp"
#include "rexnet/core/bytes.hpp"
#include "rexnet/core/checked.hpp"
#include "rexnet/core/half.hpp"
#include "rexnet/core/report.hpp"
#include "rexnet/image/preprocess.hpp"
#include "rexnet/labels/label_text.hpp"
#include "rexnet/payload/layout.hpp"

#include <cstring>
#include <string_view>

namespace rexnet {
inline namespace REXNET_BUILD {

/// float32 values in a file, little endian, at any address.
class stored_floats {
 public:
  constexpr stored_floats() noexcept = default;
  /// Of four bytes each.
  constexpr explicit stored_floats(byte_span bytes) noexcept : bytes_(bytes) {}
  /// How many.
  [[nodiscard]] constexpr std::size_t size() const noexcept { return bytes_.size() / 4; }
  /// Precondition: i < size().
  [[nodiscard]] float operator[](std::size_t i) const noexcept {
    return float_from_bits(static_cast<std::uint32_t>(detail::little_endian<4>(bytes_.data() + 4 * i)));
  }

 private:
  byte_span bytes_;
};

/// What a packed file holds, as views of its bytes.
struct packed_view {
  config shape;                 ///< of the network
  preprocessing input;          ///< how it wants its pictures
  bool half = false;            ///< the payload is float16
  int label_count = 0;          ///< 0, or one label per class
  std::string_view label_text;  ///< UTF-8, each label ended by a line feed
  struct {
    int h = 0;               ///< rows of the input; 0: the file has no self-test
    int w = 0;               ///< columns of the input
    std::uint32_t seed = 1;  ///< of the input, where the file holds none of its own
    stored_floats input;     ///< [h][w][3], or empty
    stored_floats outputs;   ///< output_c(shape)
  } test;                    ///< self_test, as views
  byte_span payload;         ///< weights in the order of layout_of(shape)

  /// The name of class i, empty where there is none. Reads the labels before it.
  [[nodiscard]] std::string_view label(int i) const noexcept {
    if (i < 0 || i >= label_count) return {};
    std::string_view rest = label_text;
    for (; i > 0; --i) rest.remove_prefix(rest.find('\n') + 1);
    return rest.substr(0, rest.find('\n'));
  }
  /// The weights in place, 64-byte aligned; null where they are float16: see expand_half().
  [[nodiscard]] const float* floats() const noexcept {
    return half ? nullptr : reinterpret_cast<const float*>(payload.data());
  }
};

enum class check : std::uint8_t {
  header,  ///< everything that memory safety rests on
  full     ///< the payload's checksum, too: reads the whole file
};

[[nodiscard]] inline bool is_packed(byte_span bytes) noexcept {
  return bytes.size() >= 8 && std::memcmp(bytes.data(), "REXNETPK", 8) == 0;
}

namespace detail {

inline constexpr std::uint32_t packed_version = 1, packed_endian = 0x01020304u;
inline constexpr std::size_t packed_fixed = 384;  ///< bytes before the labels

/// Walks over the fixed fields, for reading and for writing: each field is named once, in order.
/// @tparam Header packed_view or packed_header
template <class Io, class Header>
void packed_fields(Io&& io, Header& h) {
  std::uint32_t half = h.half, family_code = static_cast<std::uint32_t>(h.shape.family),
                filter = static_cast<std::uint32_t>(h.input.interpolation),
                order = static_cast<std::uint32_t>(h.input.order);
  io.u32(half), io.u32(family_code);
  h.half = half == 1;
  h.shape.family = static_cast<family>(family_code <= 2 ? family_code : 0);
  io.bad = io.bad || half > 1 || family_code > 2;
  for (int* v :
       {&h.shape.width_hundredths, &h.shape.classes, &h.shape.stem_c, &h.shape.head_c, &h.shape.hidden_c})
    io.i32(*v);
  for (int i = 0; i < rexnet_blocks; ++i) {
    block_config& b = h.shape.blocks[i];
    io.i32(b.out_c), io.i32(b.se_c), io.i32(b.kernel);
  }
  io.i32(h.input.input_size), io.u32(filter), io.u32(order);
  h.input.interpolation = filter == 1 ? interpolation::bilinear : interpolation::bicubic;
  h.input.order = order == 1 ? pass_order::horizontal_first : pass_order::pillow_13;
  io.bad_resize = filter > 1 || order > 1;
  for (float& v : h.input.mean) io.f32(v);
  for (float& v : h.input.std) io.f32(v);
  io.f64(h.input.crop_pct);
  io.i32(h.test.h), io.i32(h.test.w), io.u32(h.test.seed);
}

struct field_reader {
  const unsigned char* p;
  bool bad = false;         ///< a number of the shape that no network has
  bool bad_resize = false;  ///< an interpolation or pass order that has no meaning
  void u32(std::uint32_t& v) { v = static_cast<std::uint32_t>(little_endian<4>(p)), p += 4; }
  void i32(int& v) {
    v = static_cast<std::int32_t>(little_endian<4>(p)), p += 4;
    bad = bad || v < 0 || v > (1 << 20);
  }
  void f32(float& v) { v = float_from_bits(static_cast<std::uint32_t>(little_endian<4>(p))), p += 4; }
  void f64(double& v) {
    const std::uint64_t bits = little_endian<8>(p);
    std::memcpy(&v, &bits, sizeof(v)), p += 8;
  }
};

/// Channels that follow from the others, and whether the result can be run at all.
[[nodiscard]] inline bool complete_shape(config& c) noexcept {
  bool good = c.classes >= 0 && c.head_c >= 1 && c.stem_c >= 1 &&
              c.width_hundredths >= min_width_hundredths && c.width_hundredths <= max_width_hundredths;
  for (int i = 0; i < c.block_count; ++i) {
    const block_config& b = c.blocks[i];
    good = good && b.out_c >= 1 && b.out_c <= (1 << 16) && (b.kernel == 3 || b.kernel == 5);
  }
  connect_blocks(c);
  // Block 0 runs with the stem: nothing keeps what it would add, nor the whole map that squeeze-excite needs.
  good = good && !c.blocks[0].residual() && c.blocks[0].se_c == 0;
  return good && c.stem_c <= (1 << 16);
}

/// The parser: fills v in and reports through fail(code, parts of a text...), whose value it returns.
template <class Fail>
[[nodiscard]] errc parse_packed(byte_span bytes, check depth, packed_view& v, Fail&& fail) {
  if (!is_packed(bytes)) return fail(errc::packed_magic, "wrong magic");
  if (bytes.size() < packed_fixed)
    return fail(errc::packed_size, bytes.size(), " bytes are less than a header");
  const unsigned char* const p = bytes.data();
  const auto u32_at = [p](std::size_t at) { return static_cast<std::uint32_t>(little_endian<4>(p + at)); };
  if (u32_at(12) != packed_endian) return fail(errc::packed_endianness, "byte order mark ", u32_at(12));
  if (u32_at(8) != packed_version)
    return fail(errc::packed_version, "version ", u32_at(8), ", this program reads 1");
  v = packed_view();
  field_reader r{p + 20};
  packed_fields(r, v);
  std::uint32_t label_count = 0, label_bytes = 0, input_floats = 0, payload_crc = 0;
  r.u32(label_count), r.u32(label_bytes), r.u32(input_floats), r.u32(payload_crc);
  const std::uint64_t header_bytes = little_endian<8>(r.p), payload_bytes = little_endian<8>(r.p + 8);
  if (header_bytes % 64 != 0 || header_bytes < packed_fixed || header_bytes > bytes.size())
    return fail(errc::packed_offset, "payload at ", header_bytes, " of ", bytes.size(), " bytes");
  const std::uint32_t found = crc32(bytes.subspan(20, static_cast<std::size_t>(header_bytes) - 20));
  if (found != u32_at(16))
    return fail(errc::packed_header_checksum, "header checksum ", found, ", recorded ", u32_at(16));
  if (r.bad || !complete_shape(v.shape)) return fail(errc::packed_shape, "impossible network shape");
  const checked expected =
      checked(static_cast<std::uint64_t>(layout_of(v.shape).floats)) * (v.half ? 2u : 4u);
  if (payload_bytes != expected.get())
    return fail(errc::packed_shape, payload_bytes, " bytes of weights, this network needs ", expected.get());
  if (!(checked(header_bytes) + payload_bytes).at_most(bytes.size()) ||
      header_bytes + payload_bytes != bytes.size())
    return fail(errc::packed_size, bytes.size(), " bytes, expected ", header_bytes + payload_bytes,
                " (cut short?)");
  v.payload = bytes.subspan(static_cast<std::size_t>(header_bytes), static_cast<std::size_t>(payload_bytes));
  if (!is_aligned(v.payload.data()) && !v.half)
    return fail(errc::packed_misaligned,
                "memory at address modulo 64 = ", reinterpret_cast<std::uintptr_t>(v.payload.data()) % 64,
                ", must be 0");
  if (depth == check::full) {
    const std::uint32_t sum = crc32(v.payload);
    if (sum != payload_crc)
      return fail(errc::packed_payload_checksum, "weights checksum ", sum, ", recorded ", payload_crc);
  }
  if (r.bad_resize)
    return fail(errc::packed_preprocessing, "interpolation ", u32_at(244), ", pass order ", u32_at(248),
                ": 0 and 1 are known");
  const auto fail_as_file = [&fail](errc, const auto&... parts) {
    return fail(errc::packed_preprocessing, parts...);
  };
  if (const errc e = check_preprocessing(v.input, fail_as_file); e != errc::ok) return e;
  // Behind the fixed fields: labels, then the self-test's outputs and input, each from a multiple of 4.
  const std::uint64_t outputs = v.test.h > 0 ? static_cast<std::uint64_t>(output_c(v.shape)) : 0;
  const checked labels_end = checked(packed_fixed) + (std::uint64_t{label_bytes} + 3) / 4 * 4;
  if (!(labels_end + checked(outputs + input_floats) * 4).at_most(header_bytes))
    return fail(errc::packed_offset, "labels and self-test leave the header of ", header_bytes, " bytes");
  const std::uint64_t needed =
      3 * static_cast<std::uint64_t>(v.test.h) * static_cast<std::uint64_t>(v.test.w);
  if ((v.test.h > 0) != (v.test.w > 0) || v.test.h > 16384 || v.test.w > 16384 ||
      (input_floats != 0 && input_floats != needed))
    return fail(errc::packed_shape, "a self-test of ", v.test.h, " x ", v.test.w, " pixels with ",
                input_floats, " values");
  const std::string_view labels = text(bytes.subspan(packed_fixed, label_bytes));
  std::uint32_t lines = 0;
  for (const char c : labels) lines += c == '\n' ? 1u : 0u;
  if (lines != label_count ||
      (label_count != 0 && label_count != static_cast<std::uint32_t>(v.shape.classes)))
    return fail(errc::packed_labels, label_count, " labels in ", lines, " lines for ", v.shape.classes,
                " classes");
  std::string_view rest = labels;
  for (std::uint32_t i = 1; i <= lines; ++i) {
    const std::size_t end = rest.find('\n');
    if (const errc e = check_label(rest.substr(0, end), "label ", i, fail); e != errc::ok) return e;
    rest.remove_prefix(end + 1);
  }
  if (!rest.empty()) return fail(errc::packed_label_text, rest.size(), " bytes behind the last label");
  v.label_count = static_cast<int>(label_count);
  v.label_text = labels;
  const auto first = static_cast<std::size_t>(labels_end.get()),
             output_count = static_cast<std::size_t>(outputs);
  v.test.outputs = stored_floats(bytes.subspan(first, output_count * 4));
  v.test.input = stored_floats(bytes.subspan(first + output_count * 4, std::size_t{input_floats} * 4));
  return errc::ok;
}

}  // namespace detail

/// Opens a packed file in memory without the heap: `file` becomes views of `bytes`, which must outlive it. A
/// float32 payload must be 64-byte aligned. @param depth check::full reads the whole file and compares its
/// checksum.
/// @return ok, or one of K1 to K12 of docs/refusals.md; `file` is of no use then. read_packed() gives the
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

/// Expands a float16 payload into a buffer of the caller's, 64-byte aligned for network's sake.
/// @param out layout_of(shape).floats floats, network<static_config<...>>::packed_floats()
/// @return ok; shape_mismatch: another size
[[nodiscard]] inline errc expand_half(byte_span payload, span<float> out) noexcept {
  if (payload.size() != out.size() * 2) return errc::shape_mismatch;
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = half_to_float(static_cast<std::uint16_t>(payload[2 * i] | payload[2 * i + 1] << 8));
  return errc::ok;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_PACKED_VIEW_HPP
