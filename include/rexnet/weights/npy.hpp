// SPDX-License-Identifier: MIT
// numpy's .npy files: float32, C order, little endian; versions 1, 2 and 3. Source: numpy.lib.format.
#ifndef REXNET_WEIGHTS_NPY_HPP
#define REXNET_WEIGHTS_NPY_HPP

#include "rexnet/core/checked.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/core/half.hpp"
#include "rexnet/weights/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

struct npy_array {
  std::vector<std::int64_t> shape;
  std::vector<float> data;  ///< row-major, product(shape) floats
};

namespace detail {

/// What stands between the magic and the data.
struct npy_header {
  std::string_view descr;  ///< "<f4" for float32
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
  std::size_t data_begin = 0;
};

/// The value behind 'key':, up to (not including) the next `end`; empty when the key is missing.
[[nodiscard]] inline std::string_view npy_field(std::string_view header, std::string_view key, char end) {
  const std::size_t at = header.find("'" + std::string(key) + "':");
  if (at == header.npos) return {};
  header.remove_prefix(at + key.size() + 3);
  const std::size_t stop = header.find(end);
  return stop == header.npos ? std::string_view() : header.substr(0, stop);
}

/// "(3, 4" -> {3, 4}. Errors: N3.
[[nodiscard]] inline status parse_npy_shape(std::string_view text, std::vector<std::int64_t>& shape) {
  const auto fail = [&] {
    return error(errc::npy_size, "npy: unusable shape " + in_quotes(std::string(text) + ")"));
  };
  std::size_t i = text.find('(');
  if (i == text.npos) return fail();
  for (++i; i < text.size();) {
    if (text[i] == ' ' || text[i] == ',') {
      ++i;
      continue;
    }
    checked side = 0;
    const std::size_t start = i;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i)
      side = side * 10 + static_cast<std::uint64_t>(text[i] - '0');
    if (i == start || !side.at_most(std::uint64_t{1} << 48) || shape.size() == 8) return fail();
    shape.push_back(static_cast<std::int64_t>(side.get()));
  }
  return done;
}

[[nodiscard]] inline result<npy_header> parse_npy_header(byte_span bytes) {
  const auto no = [](const std::string& what) { return error(errc::npy_magic, "npy: " + what); };
  if (bytes.size() < 10 || std::memcmp(bytes.data(), "\x93NUMPY", 6) != 0) return no("not a .npy file");
  const int version = bytes[6];
  if (version < 1 || version > 3) return no("version " + std::to_string(version) + ", 1 to 3 are known");
  const std::size_t start = version == 1 ? 10 : 12;
  if (bytes.size() < start) return no("the file ends inside its header");
  const std::uint64_t length =
      version == 1 ? little_endian<2>(bytes.data() + 8) : little_endian<4>(bytes.data() + 8);
  if (length > bytes.size() - start)
    return no("header of " + std::to_string(length) + " bytes in a file of " + std::to_string(bytes.size()));
  const std::string_view fields = text(bytes.subspan(start, static_cast<std::size_t>(length)));
  npy_header h;
  h.data_begin = start + static_cast<std::size_t>(length);
  std::string_view descr = npy_field(fields, "descr", ',');
  const std::size_t open = descr.find('\''), close = descr.rfind('\'');
  if (open == descr.npos || close <= open)
    return error(errc::npy_dtype, "npy: unknown dtype " + in_quotes(descr));
  h.descr = descr.substr(open + 1, close - open - 1);
  const std::string_view order = npy_field(fields, "fortran_order", ',');
  h.fortran_order = order.find("True") != order.npos;
  if (!h.fortran_order && order.find("False") == order.npos)
    return error(errc::npy_dtype, "npy: the header does not tell the order");
  if (status s = parse_npy_shape(npy_field(fields, "shape", ')'), h.shape); !s) return s.error();
  return h;
}

/// Elements of the header's shape if `bytes_each` of them fill the file exactly. Errors: N3.
[[nodiscard]] inline result<std::size_t> npy_elements(const npy_header& h, byte_span bytes,
                                                      std::size_t bytes_each) {
  checked n = 1;
  for (const std::int64_t side : h.shape) n = n * static_cast<std::uint64_t>(side);
  const checked total = n * bytes_each;
  const std::size_t found = bytes.size() - h.data_begin;
  if (!total.valid() || total.get() != found)
    return error(errc::npy_size, "npy: the shape needs " +
                                     (total.valid() ? std::to_string(total.get()) : "more than 2^64") +
                                     " bytes of data, the file has " + std::to_string(found));
  return static_cast<std::size_t>(n.get());
}

}  // namespace detail

/// Reads a float32 array. `bytes` is a whole file. Memory: its bytes once more.
/// Errors: N1 (no .npy file), N2 (another dtype or order), N3 (size) of docs/refusals.md.
[[nodiscard]] inline result<npy_array> read_npy(byte_span bytes) {
  auto h = detail::parse_npy_header(bytes);
  if (!h) return h.error();
  if (h->descr != "<f4")
    return error(errc::npy_dtype,
                 "npy: dtype " + detail::in_quotes(h->descr) + ", expected \"<f4\" (array.astype('<f4'))");
  if (h->fortran_order) return error(errc::npy_dtype, "npy: Fortran order (use numpy.ascontiguousarray)");
  auto n = detail::npy_elements(*h, bytes, sizeof(float));
  if (!n) return n.error();
  npy_array a;
  a.shape = std::move(h->shape);
  a.data.resize(*n);
  for (std::size_t i = 0; i < *n; ++i)
    a.data[i] = float_from_bits(
        static_cast<std::uint32_t>(detail::little_endian<4>(bytes.data() + h->data_begin + 4 * i)));
  return a;
}

/// The bytes of a .npy file, version 1.0, data aligned to 64 bytes as numpy writes it.
/// Precondition: product(shape) == data.size(), at most 8 sizes.
[[nodiscard]] inline std::string write_npy(const std::vector<std::int64_t>& shape, span<const float> data) {
  std::string sides;
  for (const std::int64_t side : shape) sides += std::to_string(side) + ", ";
  if (!sides.empty()) sides.resize(sides.size() - (shape.size() == 1 ? 1 : 2));
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + sides + "), }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  out.reserve(10 + header.size() + 4 * data.size());
  out += static_cast<char>(header.size() & 255u);
  out += static_cast<char>(header.size() >> 8);
  out += header;
  for (const float f : data)
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((bits_of(f) >> shift) & 255u);
  return out;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_WEIGHTS_NPY_HPP
