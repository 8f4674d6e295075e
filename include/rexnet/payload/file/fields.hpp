// SPDX-License-Identifier: MIT
// What all versions of the packed file have in common: the view that a reader fills in, numbers as they lie
// in a file, and the checks of labels, self-test and weights. Each file is parsed once: this code is made
// small, not fast (REXNET_COLD: 2 kB of a small program).
#ifndef REXNET_PAYLOAD_FILE_FIELDS_HPP
#define REXNET_PAYLOAD_FILE_FIELDS_HPP

#include "rexnet/core/aligned_buffer.hpp"
#include "rexnet/core/bytes.hpp"
#include "rexnet/core/checked.hpp"
#include "rexnet/core/half.hpp"
#include "rexnet/core/report.hpp"
#include "rexnet/image/preprocess.hpp"
#include "rexnet/labels/label_text.hpp"
#include "rexnet/payload/detector_layout.hpp"

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
  int version = 0;                        ///< of the format: 1 or 2
  config shape;                           ///< of the network; of a detector its backbone
  ssd_part ssd;                           ///< classes 0: the file holds no detector
  detector_settings settings;             ///< of a detector
  preprocessing input;                    ///< how it wants its pictures; of a detector mean and std
  element_type type = element_type::f32;  ///< of the payload: f32 or f16
  int label_count = 0;                    ///< 0, or named_classes()
  std::string_view label_text;            ///< UTF-8, each label ended by a line feed
  struct {
    int h = 0;               ///< rows of the input; 0: the file has no self-test
    int w = 0;               ///< columns of the input
    std::uint32_t seed = 1;  ///< of the input, where the file holds none of its own
    stored_floats input;     ///< [h][w][3], or empty
    stored_floats outputs;   ///< self_test_outputs() of them
  } test;                    ///< self_test, as views
  byte_span payload;         ///< weights in the order of layout_of(shape), or of layout_of(join(shape, ssd))

  /// The name of class i, empty where there is none. Reads the labels before it.
  [[nodiscard]] std::string_view label(int i) const noexcept {
    if (i < 0 || i >= label_count) return {};
    std::string_view rest = label_text;
    for (; i > 0; --i) rest.remove_prefix(rest.find('\n') + 1);
    return {rest.data(), rest.find('\n')};
  }
  /// The weights in place, 64-byte aligned; null where they are float16: see expand_half().
  [[nodiscard]] const float* floats() const noexcept {
    return type == element_type::f32 ? reinterpret_cast<const float*>(payload.data()) : nullptr;
  }
};

/// Of a packed_view or packed_header `h`, alike for classifiers, backbones and detectors: classes that may
/// have names (a detector's without its background), numbers of the payload, outputs of a self-test of h x w
/// pixels (a detector's logits, then its codes).
/// @{
template <class Header>
[[nodiscard]] constexpr int named_classes(const Header& h) noexcept {
  return h.ssd.classes > 0 ? h.ssd.classes - 1 : h.shape.classes;
}
template <class Header>
[[nodiscard]] constexpr std::int64_t payload_numbers(const Header& h) noexcept {
  return h.ssd.classes > 0 ? packed_numbers(join(h.shape, h.ssd)) : packed_numbers(h.shape);
}
template <class Header>
[[nodiscard]] constexpr std::int64_t self_test_outputs(const Header& h) noexcept {
  if (h.ssd.classes < 1) return output_c(h.shape);
  return detector_rows(join(h.shape, h.ssd), h.test.h, h.test.w) * (h.ssd.classes + 4);
}
/// @}

enum class check : std::uint8_t {
  header,  ///< everything that memory safety rests on
  full     ///< the payload's checksum, too: reads the whole file
};

[[nodiscard]] inline bool is_packed(byte_span bytes) noexcept {
  return bytes.size() >= 8 && std::memcmp(bytes.data(), "REXNETPK", 8) == 0;
}

namespace detail {

inline constexpr std::uint32_t packed_endian = 0x01020304u;
/// Magic, version, byte order mark, checksum: the same in all versions.
inline constexpr std::size_t packed_start = 20;

/// Reads numbers one after the other. Precondition: they are there.
struct field_reader {
  const unsigned char* next;
  bool bad = false;         ///< a number of the shape that no network has
  bool bad_resize = false;  ///< an interpolation or pass order that has no meaning
  void u32(std::uint32_t& v) { v = static_cast<std::uint32_t>(little_endian<4>(next)), next += 4; }
  void i32(int& v) {
    v = static_cast<std::int32_t>(little_endian<4>(next)), next += 4;
    bad = bad || v < 0 || v > (1 << 20);
  }
  void f32(float& v) { v = float_from_bits(static_cast<std::uint32_t>(little_endian<4>(next))), next += 4; }
  void f64(double& v) {
    const std::uint64_t bits = little_endian<8>(next);
    std::memcpy(&v, &bits, sizeof(v)), next += 8;
  }
};

/// Walks over how pictures are prepared, for reading and for writing: each field is named once, in order.
template <class Io>
REXNET_COLD void picture_fields(Io& io, preprocessing& p) {
  auto filter = static_cast<std::uint32_t>(p.interpolation), order = static_cast<std::uint32_t>(p.order);
  io.i32(p.input_size), io.u32(filter), io.u32(order);
  p.interpolation = filter == 1 ? interpolation::bilinear : interpolation::bicubic;
  p.order = order == 1 ? pass_order::horizontal_first : pass_order::pillow_13;
  io.bad_resize = filter > 1 || order > 1;
  for (float& v : p.mean) io.f32(v);
  for (float& v : p.std) io.f32(v);
  io.f64(p.crop_pct);
}
inline constexpr std::size_t picture_bytes = 44;

/// @param at where interpolation and pass order are
template <class Fail>
[[nodiscard]] REXNET_COLD errc check_picture_fields(const field_reader& r, const preprocessing& p,
                                                    const unsigned char* at, Fail&& fail) {
  if (r.bad_resize)
    return fail(errc::packed_preprocessing, "interpolation ", little_endian<4>(at), ", pass order ",
                little_endian<4>(at + 4), ": 0 and 1 are known");
  return check_preprocessing(
      p, [&fail](errc, const auto&... parts) { return fail(errc::packed_preprocessing, parts...); });
}

/// The labels: one per class, or none; then they are in the view.
template <class Fail>
[[nodiscard]] REXNET_COLD errc read_labels(std::string_view labels, std::uint32_t count, packed_view& v,
                                           Fail&& fail) {
  std::uint32_t lines = 0;
  for (const char c : labels) lines += c == '\n' ? 1u : 0u;
  if (lines != count || (count != 0 && count != static_cast<std::uint32_t>(named_classes(v))))
    return fail(errc::packed_labels, count, " labels in ", lines, " lines for ", named_classes(v),
                " classes");
  std::string_view rest = labels;
  for (std::uint32_t i = 1; i <= lines; ++i) {
    const std::size_t end = rest.find('\n');
    if (const errc e = check_label({rest.data(), end}, "label ", i, fail); e != errc::ok) return e;
    rest.remove_prefix(end + 1);
  }
  if (!rest.empty()) return fail(errc::packed_label_text, rest.size(), " bytes behind the last label");
  v.label_count = static_cast<int>(count);
  v.label_text = labels;
  return errc::ok;
}

/// Whether the self-test's input is one. @param input_floats that the file holds of it
template <class Fail>
[[nodiscard]] REXNET_COLD errc check_test_size(const packed_view& v, std::uint32_t input_floats,
                                               Fail&& fail) {
  const std::uint64_t needed =
      3 * static_cast<std::uint64_t>(v.test.h) * static_cast<std::uint64_t>(v.test.w);
  if ((v.test.h > 0) == (v.test.w > 0) && v.test.h <= 16384 && v.test.w <= 16384 &&
      (input_floats == 0 || input_floats == needed))
    return errc::ok;
  return fail(errc::packed_shape, "a self-test of ", v.test.h, " x ", v.test.w, " pixels with ", input_floats,
              " values");
}

/// Whether the payload is of the size that the network needs.
template <class Fail>
[[nodiscard]] REXNET_COLD errc check_payload_size(const packed_view& v, std::uint64_t bytes, Fail&& fail) {
  const checked expected = checked(static_cast<std::uint64_t>(payload_numbers(v))) *
                           static_cast<std::uint64_t>(element_bytes(v.type));
  if (bytes == expected.get()) return errc::ok;
  return fail(errc::packed_shape, bytes, " bytes of weights, this network needs ", expected.get());
}

/// Where the payload lies and, with check::full, what it holds.
template <class Fail>
[[nodiscard]] REXNET_COLD errc check_payload(const packed_view& v, check depth, std::uint32_t recorded,
                                             Fail&& fail) {
  if (v.type == element_type::f32 && !is_aligned(v.payload.data()))
    return fail(errc::packed_misaligned,
                "memory at address modulo 64 = ", reinterpret_cast<std::uintptr_t>(v.payload.data()) % 64,
                ", must be 0");
  if (depth != check::full) return errc::ok;
  const std::uint32_t found = crc32(v.payload);
  if (found == recorded) return errc::ok;
  return fail(errc::packed_payload_checksum, "weights checksum ", found, ", recorded ", recorded);
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_FILE_FIELDS_HPP
