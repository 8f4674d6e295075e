// SPDX-License-Identifier: MIT
// Writes the packed file, layer by layer: no more of the model is in memory than its largest layer.
// Specification: docs/packed-format.md.
#ifndef REXNET_PAYLOAD_PACKED_WRITE_HPP
#define REXNET_PAYLOAD_PACKED_WRITE_HPP

#include "rexnet/payload/pack.hpp"
#include "rexnet/payload/packed_file.hpp"
#include "rexnet/system/output_file.hpp"

#include <string>
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
[[nodiscard]] status packed_elements(span<const float> v, bool half, Write&& write) {
  // The host is little-endian, as xsimd's are: float32 goes out as it is.
  if (!half)
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

}  // namespace detail

/// Everything before the payload: its size depends on the labels and the size of the self-test only.
/// @param payload_crc CRC-32 of the payload's bytes
[[nodiscard]] inline std::string packed_head(packed_header h, std::uint32_t payload_crc) {
  detail::field_writer w;
  detail::packed_fields(w, h);
  std::string labels, tail;
  for (const std::string& label : h.labels) labels += label + '\n';
  w.u32(static_cast<std::uint32_t>(h.labels.size())), w.u32(static_cast<std::uint32_t>(labels.size()));
  w.u32(static_cast<std::uint32_t>(h.test.input.size())), w.u32(payload_crc);
  tail = labels;
  tail.resize((tail.size() + 3) / 4 * 4, '\0');
  detail::field_writer floats;
  for (const auto* values : {&h.test.outputs, &h.test.input})
    for (const float v : *values) floats.f32(v);
  tail += floats.out;

  const std::size_t header_bytes = (detail::packed_fixed + tail.size() + 63) / 64 * 64;
  w.bytes(header_bytes, 8);
  w.bytes(static_cast<std::uint64_t>(layout_of(h.shape).floats) * (h.half ? 2u : 4u), 8);
  std::string rest = w.out;
  rest.resize(detail::packed_fixed - 20, '\0');
  rest += tail;
  rest.resize(header_bytes - 20, '\0');
  detail::field_writer start;
  start.out.assign("REXNETPK", 8);
  start.u32(detail::packed_version), start.u32(detail::packed_endian),
      start.u32(crc32(detail::as_bytes(rest)));
  return start.out + rest;
}

/// Writes a packed file. The same input gives the same bytes.
/// @param layers called twice (for the checksum, then for the bytes) as layers(emit): it calls
///               `status emit(span<const float>)` for consecutive runs of the payload and returns a status
/// @param emit   gets the bytes of the file in order, as `status write(byte_span)`
/// @return the payload's checksum, for packed_head()
/// Errors: those of the two functions; what no reader would take: packed_preprocessing (K11), packed_labels
/// (labels that are neither none nor one per class), packed_label_text (K12); limit_exceeded (a weight beyond
/// float16).
template <class Layers, class Write>
[[nodiscard]] result<std::uint32_t> write_packed(const packed_header& h, Layers&& layers, Write&& write) {
  if (!h.labels.empty() && h.labels.size() != static_cast<std::size_t>(h.shape.classes))
    return error(errc::packed_labels, std::to_string(h.labels.size()) + " labels for " +
                                          std::to_string(h.shape.classes) + " classes");
  std::string what;
  const detail::report_text says{what};
  if (detail::check_preprocessing(h.input, says) != errc::ok) return error(errc::packed_preprocessing, what);
  if (detail::check_labels(h.labels, says) != errc::ok) return error(errc::packed_label_text, what);
  std::uint32_t crc = 0;
  if (status s = layers([&](span<const float> run) -> status {
        if (h.half)
          for (const float v : run)
            if (v > 65504.0f || v < -65504.0f)
              return error(errc::limit_exceeded, "a weight of " +
                                                     detail::number_text(static_cast<double>(v)) +
                                                     " does not fit float16: pack as float32");
        return detail::packed_elements(run, h.half, [&crc](byte_span b) -> status {
          crc = crc32(b, crc);
          return done;
        });
      });
      !s)
    return s.error();
  if (status s = write(detail::as_bytes(packed_head(h, crc))); !s) return s.error();
  status s =
      layers([&](span<const float> run) -> status { return detail::packed_elements(run, h.half, write); });
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

#endif  // REXNET_PAYLOAD_PACKED_WRITE_HPP
