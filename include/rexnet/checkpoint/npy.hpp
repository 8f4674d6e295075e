// SPDX-License-Identifier: MIT
// numpy's .npy files: float32, C order, little endian; versions 1, 2 and 3. Source: numpy.lib.format, whose
// reader evaluates the header as Python does.
#ifndef REXNET_CHECKPOINT_NPY_HPP
#define REXNET_CHECKPOINT_NPY_HPP

#include "rexnet/core/bytes.hpp"
#include "rexnet/core/checked.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/core/half.hpp"

#include <algorithm>
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

/// Reads a header, which is a dictionary in Python's words, from left to right. As numpy's own reader it
/// takes the keys in any order, either kind of quotes, any white space, and the 1L of Python 2.
class npy_cursor {
 public:
  explicit npy_cursor(std::string_view header) : rest_(header) {}

  [[nodiscard]] bool peek(char c) {
    while (!rest_.empty() && std::string_view(" \t\n\r\f").find(rest_[0]) != rest_.npos)
      rest_.remove_prefix(1);
    return !rest_.empty() && rest_[0] == c;
  }
  bool eat(char c) {
    if (!peek(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool word(std::string_view w) {
    static_cast<void>(peek(0));
    if (rest_.substr(0, w.size()) != w) return false;
    rest_.remove_prefix(w.size());
    return true;
  }
  bool string(std::string_view& s) {
    if (!peek('\'') && !peek('"')) return false;
    const std::size_t stop = rest_.find(rest_[0], 1);
    if (stop == rest_.npos) return false;
    s = rest_.substr(1, stop - 1);
    rest_.remove_prefix(stop + 1);
    return true;
  }
  /// (), (3,) or (3, 4): of one side alone the comma makes it a tuple.
  bool shape(std::vector<std::int64_t>& sides) {
    if (!eat('(')) return false;
    for (bool comma = true; !eat(')');) {
      if (!comma || !side(sides)) return false;
      comma = eat(',');
      if (!comma && sides.size() < 2) return false;
    }
    return true;
  }
  /// What is left, for a message.
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

 private:
  bool side(std::vector<std::int64_t>& sides) {
    static_cast<void>(peek(0));
    checked n = 0;
    std::size_t digits = 0;
    for (; digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9'; ++digits)
      n = n * 10 + static_cast<std::uint64_t>(rest_[digits] - '0');
    if (digits == 0 || !n.at_most(std::uint64_t{1} << 48) || sides.size() == 8) return false;
    rest_.remove_prefix(digits);
    if (!rest_.empty() && rest_[0] == 'L') rest_.remove_prefix(1);
    sides.push_back(static_cast<std::int64_t>(n.get()));
    return true;
  }

  std::string_view rest_;
};

/// The three entries of the header, each once. Errors: N2, N3.
[[nodiscard]] inline status parse_npy_fields(std::string_view text, npy_header& h) {
  const auto bad_type = [](std::string_view what) {
    return error(errc::npy_dtype, "npy: unknown dtype " + in_quotes(what));
  };
  npy_cursor cursor(text);
  bool has_type = false, has_order = false, has_shape = false;
  std::string_view key;
  if (cursor.eat('{'))
    while (cursor.string(key) && cursor.eat(':')) {
      const std::string_view value = cursor.rest();
      if (key == "descr" && !has_type) {
        if (!cursor.string(h.descr)) return bad_type(value.substr(0, value.find('\n')));
        has_type = true;
      } else if (key == "fortran_order" && !has_order) {
        h.fortran_order = cursor.word("True");
        has_order = h.fortran_order || cursor.word("False");
      } else if (key == "shape" && !has_shape) {
        if (!cursor.shape(h.shape))
          return error(errc::npy_size,
                       "npy: unusable shape " + in_quotes(value.substr(0, value.find(')') + 1)));
        has_shape = true;
      } else {
        break;
      }
      if (!cursor.eat(',')) break;
    }
  if (!has_type) return bad_type("");
  if (!has_order) return error(errc::npy_dtype, "npy: the header does not tell the order");
  if (!has_shape) return error(errc::npy_size, "npy: the header does not tell the shape");
  if (!cursor.eat('}') || !(static_cast<void>(cursor.peek(0)), cursor.rest().empty()))
    return error(errc::npy_magic, "npy: the header is no dictionary of descr, fortran_order and shape");
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
  if (status s = parse_npy_fields(fields, h); !s) return s.error();
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
  if (h->descr != "<f4" && h->descr != "=f4" && h->descr != "f4")
    return error(errc::npy_dtype,
                 "npy: dtype " + detail::in_quotes(h->descr) + ", expected \"<f4\" (array.astype('<f4'))");
  // With one side longer than 1, or none, both orders are the same.
  const auto long_sides =
      std::count_if(h->shape.begin(), h->shape.end(), [](std::int64_t side) { return side != 1; });
  if (h->fortran_order && long_sides > 1)
    return error(errc::npy_dtype, "npy: Fortran order (use numpy.ascontiguousarray)");
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

#endif  // REXNET_CHECKPOINT_NPY_HPP
