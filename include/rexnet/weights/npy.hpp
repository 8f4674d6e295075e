// SPDX-License-Identifier: MIT
// numpy's .npy files: float32, C order, little endian. Source: numpy.lib.format.
#ifndef REXNET_WEIGHTS_NPY_HPP
#define REXNET_WEIGHTS_NPY_HPP

#include "rexnet/core/checked.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/weights/bytes.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

struct npy_array {
  std::vector<std::int64_t> shape;
  std::vector<float> data;  ///< row-major
};

namespace detail {

/// The text of a header's value: behind 'key': up to (not including) the next `end`.
[[nodiscard]] inline std::string_view npy_field(std::string_view header, std::string_view key, char end) noexcept {
  const std::size_t at = header.find("'" + std::string(key) + "':");
  if (at == header.npos) return {};
  header.remove_prefix(at + key.size() + 3);
  return header.substr(0, header.find(end));
}

}  // namespace detail

/// Reads an array. Errors: N1 (no .npy file), N2 (another type or order), N3 (size) of docs/refusals.md.
[[nodiscard]] inline result<npy_array> read_npy(byte_span bytes) {
  const auto fail = [](errc code, const std::string& what) { return error(code, "npy: " + what); };
  if (bytes.size() < 12 || std::memcmp(bytes.data(), "\x93NUMPY", 6) != 0 || bytes[6] < 1 || bytes[6] > 3) return fail(errc::npy_magic, "not a .npy file");
  const std::size_t start = bytes[6] == 1 ? 10 : 12;
  const std::uint64_t length = bytes[6] == 1 ? detail::little_endian<2>(bytes.data() + 8) : detail::little_endian<4>(bytes.data() + 8);
  if (length > bytes.size() - start) return fail(errc::npy_magic, "header of " + std::to_string(length) + " bytes in a file of " + std::to_string(bytes.size()));
  const std::string_view header = detail::text(bytes.subspan(start, static_cast<std::size_t>(length)));
  const std::string_view type = detail::npy_field(header, "descr", ','), order = detail::npy_field(header, "fortran_order", ',');
  if (type.find("'<f4'") == type.npos) return fail(errc::npy_dtype, "type" + std::string(type) + ", expected float32 ('<f4'); use array.astype('float32')");
  if (order.find("False") == order.npos) return fail(errc::npy_dtype, "Fortran order; use numpy.ascontiguousarray");

  npy_array a;
  std::string_view shape = detail::npy_field(header, "shape", ')');
  if (shape.find('(') == shape.npos) return fail(errc::npy_size, "header without shape");
  checked elements = 1;
  for (std::size_t i = shape.find('(') + 1; i < shape.size();) {
    if (shape[i] < '0' || shape[i] > '9') {
      ++i;
      continue;
    }
    checked side = 0;
    for (; i < shape.size() && shape[i] >= '0' && shape[i] <= '9'; ++i) side = side * 10 + static_cast<std::uint64_t>(shape[i] - '0');
    if (!side.at_most(std::uint64_t{1} << 40) || a.shape.size() == 8) return fail(errc::npy_size, "shape" + std::string(shape) + ")");
    a.shape.push_back(static_cast<std::int64_t>(side.get()));
    elements = elements * side;
  }
  const std::size_t data = start + static_cast<std::size_t>(length);
  if (!(elements * 4).valid() || (elements * 4).get() != bytes.size() - data)
    return fail(errc::npy_size, "shape" + std::string(shape) + ") with " + std::to_string(bytes.size() - data) + " bytes of data");
  a.data.resize(static_cast<std::size_t>(elements.get()));
  for (std::size_t i = 0; i < a.data.size(); ++i)
    std::memcpy(&a.data[i], bytes.data() + data + 4 * i, 4);
  return a;
}

/// The bytes of a version 1.0 .npy file.
[[nodiscard]] inline std::string write_npy(const std::vector<std::int64_t>& shape, span<const float> data) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const std::int64_t side : shape) header += std::to_string(side) + ",";
  header += "), }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(header.size() & 255);
  out += static_cast<char>(header.size() >> 8);
  out += header;
  return out.append(reinterpret_cast<const char*>(data.data()), data.size() * sizeof(float));
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_WEIGHTS_NPY_HPP
