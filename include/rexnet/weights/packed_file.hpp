// SPDX-License-Identifier: MIT
// The packed file, version 1: a header that describes the model, then the payload of network/layout.hpp as
// float32 (used in place) or float16 (expanded once). Specification: docs/packed-format.md.
#ifndef REXNET_WEIGHTS_PACKED_FILE_HPP
#define REXNET_WEIGHTS_PACKED_FILE_HPP

#include "rexnet/core/aligned_buffer.hpp"
#include "rexnet/core/checked.hpp"
#include "rexnet/core/half.hpp"
#include "rexnet/image/preprocess.hpp"
#include "rexnet/network/layout.hpp"
#include "rexnet/weights/bytes.hpp"

#include <cmath>
#include <string>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// An input and the outputs that the model must give for it, so that a copy can be checked where it runs.
struct self_test {
  int h = 0, w = 0;            ///< of the input; 0: the file has no self-test
  std::uint32_t seed = 1;      ///< of self_test_input(), when the file holds no input of its own
  std::vector<float> input;    ///< [h][w][3], or empty
  std::vector<float> outputs;  ///< output_c(shape)
};

/// The input of a self-test that holds none: [h][w][3] values in [-1, 1) from a linear congruential
/// generator. x = 1664525 x + 1013904223 modulo 2^32, starting at `seed`; each new x gives (x >> 8) / 2^23 -
/// 1, exactly.
[[nodiscard]] inline std::vector<float> self_test_input(int h, int w, std::uint32_t seed) {
  std::vector<float> v(static_cast<std::size_t>(h) * static_cast<std::size_t>(w) * 3);
  for (float& x : v) {
    seed = seed * 1664525u + 1013904223u;
    x = static_cast<float>(seed >> 8) / 8388608.0f - 1.0f;
  }
  return v;
}

/// What a packed file says beside its weights.
struct packed_header {
  config shape;
  preprocessing input;
  std::vector<std::string> labels;  ///< empty, or one per class
  bool half = false;                ///< the payload is float16
  self_test test;
};

struct packed_view {
  packed_header header;
  byte_span payload;
};

enum class check : std::uint8_t {
  header,  ///< everything that memory safety rests on
  full     ///< the payload's checksum, too: reads the whole file
};

namespace detail {

inline constexpr char packed_magic[] = "REXNETPK";
inline constexpr std::uint32_t packed_version = 1, packed_endian = 0x01020304u;
inline constexpr std::size_t packed_fixed = 384;  ///< bytes before the labels

/// Walks over the fixed fields, for reading and for writing: each field is named once, in order.
template <class Io>
void packed_fields(Io&& io, packed_header& h) {
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
  for (block_config& b : h.shape.blocks) io.i32(b.out_c), io.i32(b.se_c), io.i32(b.kernel);
  io.i32(h.input.input_size), io.u32(filter), io.u32(order);
  h.input.interpolation = filter == 1 ? interpolation::bilinear : interpolation::bicubic;
  h.input.order = order == 1 ? pass_order::horizontal_first : pass_order::pillow_13;
  for (float& v : h.input.mean) io.f32(v);
  for (float& v : h.input.std) io.f32(v);
  io.f64(h.input.crop_pct);
  io.i32(h.test.h), io.i32(h.test.w), io.u32(h.test.seed);
}

struct field_reader {
  const unsigned char* p;
  bool bad = false;
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
  for (const block_config& b : c.blocks)
    good = good && b.out_c >= 1 && b.out_c <= (1 << 16) && (b.kernel == 3 || b.kernel == 5);
  connect_blocks(c);
  return good && c.stem_c <= (1 << 16) && !(c.family != family::lite && c.hidden_c > 0);
}

}  // namespace detail

[[nodiscard]] inline bool is_packed(byte_span bytes) noexcept {
  return bytes.size() >= 8 && std::memcmp(bytes.data(), detail::packed_magic, 8) == 0;
}

/// Checks a packed file and gives its parts; the payload is a view of `bytes`.
/// Errors: K1 to K10 of docs/refusals.md.
[[nodiscard]] inline result<packed_view> read_packed(byte_span bytes, check depth = check::header) {
  using detail::little_endian;
  const auto fail = [](errc code, const std::string& what) { return error(code, "packed file: " + what); };
  if (!is_packed(bytes)) return fail(errc::packed_magic, "wrong magic");
  if (bytes.size() < detail::packed_fixed)
    return fail(errc::packed_size, std::to_string(bytes.size()) + " bytes are less than a header");
  const unsigned char* p = bytes.data();
  const auto version = static_cast<std::uint32_t>(little_endian<4>(p + 8)),
             endian = static_cast<std::uint32_t>(little_endian<4>(p + 12));
  if (endian != detail::packed_endian)
    return fail(errc::packed_endianness, "byte order mark " + std::to_string(endian));
  if (version != detail::packed_version)
    return fail(errc::packed_version, "version " + std::to_string(version) + ", this program reads 1");
  packed_view v;
  detail::field_reader r{p + 20};
  detail::packed_fields(r, v.header);
  std::uint32_t label_count = 0, label_bytes = 0, input_floats = 0, payload_crc = 0;
  r.u32(label_count), r.u32(label_bytes), r.u32(input_floats), r.u32(payload_crc);
  const std::uint64_t header_bytes = little_endian<8>(r.p), payload_bytes = little_endian<8>(r.p + 8);
  if (header_bytes % 64 != 0 || header_bytes < detail::packed_fixed || header_bytes > bytes.size())
    return fail(errc::packed_offset, "payload at " + std::to_string(header_bytes) + " of " +
                                         std::to_string(bytes.size()) + " bytes");
  const std::uint32_t found = crc32(bytes.subspan(20, static_cast<std::size_t>(header_bytes) - 20));
  if (found != little_endian<4>(p + 16))
    return fail(errc::packed_header_checksum, "header checksum " + std::to_string(found) + ", recorded " +
                                                  std::to_string(little_endian<4>(p + 16)));
  if (r.bad || !detail::complete_shape(v.header.shape))
    return fail(errc::packed_shape, "impossible network shape");
  const checked expected =
      checked(static_cast<std::uint64_t>(layout_of(v.header.shape).floats)) * (v.header.half ? 2u : 4u);
  if (payload_bytes != expected.get())
    return fail(errc::packed_shape, std::to_string(payload_bytes) + " bytes of weights, this network needs " +
                                        std::to_string(expected.get()));
  if (!(checked(header_bytes) + payload_bytes).at_most(bytes.size()) ||
      header_bytes + payload_bytes != bytes.size())
    return fail(errc::packed_size, std::to_string(bytes.size()) + " bytes, expected " +
                                       std::to_string(header_bytes + payload_bytes) + " (cut short?)");
  v.payload = bytes.subspan(static_cast<std::size_t>(header_bytes), static_cast<std::size_t>(payload_bytes));
  if (!is_aligned(v.payload.data()) && !v.header.half)
    return fail(errc::packed_misaligned,
                "memory at address modulo 64 = " +
                    std::to_string(reinterpret_cast<std::uintptr_t>(v.payload.data()) % 64) + ", must be 0");
  if (depth == check::full) {
    const std::uint32_t crc = crc32(v.payload);
    if (crc != payload_crc)
      return fail(errc::packed_payload_checksum,
                  "weights checksum " + std::to_string(crc) + ", recorded " + std::to_string(payload_crc));
  }
  // Behind the fixed fields: labels, then the self-test's outputs and input, each from a multiple of 4.
  packed_header& h = v.header;
  const std::uint64_t outputs = h.test.h > 0 ? static_cast<std::uint64_t>(output_c(h.shape)) : 0;
  const checked labels_end = checked(detail::packed_fixed) + (std::uint64_t{label_bytes} + 3) / 4 * 4;
  if (!(labels_end + checked(outputs + input_floats) * 4).at_most(header_bytes))
    return fail(errc::packed_offset,
                "labels and self-test leave the header of " + std::to_string(header_bytes) + " bytes");
  const std::uint64_t needed =
      3 * static_cast<std::uint64_t>(h.test.h) * static_cast<std::uint64_t>(h.test.w);
  if ((h.test.h > 0) != (h.test.w > 0) || h.test.h > 16384 || h.test.w > 16384 ||
      (input_floats != 0 && input_floats != needed))
    return fail(errc::packed_shape, "a self-test of " + std::to_string(h.test.h) + " x " +
                                        std::to_string(h.test.w) + " pixels with " +
                                        std::to_string(input_floats) + " values");
  std::string_view labels = detail::text(bytes.subspan(detail::packed_fixed, label_bytes));
  for (std::size_t end; (end = labels.find('\n')) != labels.npos; labels.remove_prefix(end + 1))
    h.labels.emplace_back(labels.substr(0, end));
  if (h.labels.size() != label_count ||
      (label_count != 0 && label_count != static_cast<std::uint32_t>(h.shape.classes)))
    return fail(errc::packed_labels, std::to_string(label_count) + " labels in " +
                                         std::to_string(h.labels.size()) + " lines for " +
                                         std::to_string(h.shape.classes) + " classes");
  const unsigned char* floats = p + labels_end.get();
  for (auto* values : {&h.test.outputs, &h.test.input}) {
    values->resize(static_cast<std::size_t>(values == &h.test.input ? input_floats : outputs));
    for (float& f : *values)
      f = float_from_bits(static_cast<std::uint32_t>(little_endian<4>(floats))), floats += 4;
  }
  return v;
}

/// Expands a float16 payload. Precondition: v.header.half, out.size() == layout_of(shape).floats.
inline void expand_half(const packed_view& v, span<float> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = half_to_float(static_cast<std::uint16_t>(v.payload[2 * i] | v.payload[2 * i + 1] << 8));
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_WEIGHTS_PACKED_FILE_HPP
