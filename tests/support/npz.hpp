// SPDX-License-Identifier: MIT
// numpy's .npz files (stored or deflated) for tests: floats, doubles, int64 and unicode strings.
#ifndef REXNET_TESTS_SUPPORT_NPZ_HPP
#define REXNET_TESTS_SUPPORT_NPZ_HPP

#include "rexnet/core/bytes.hpp"
#include "rexnet/system/file_bytes.hpp"

#include "tests/support/must.hpp"

#include <zlib.h>

#include <map>
#include <string>
#include <vector>

namespace rexnet_test {

struct array {
  std::vector<std::int64_t> shape;
  std::vector<double> values;        ///< of numeric arrays
  std::vector<std::string> strings;  ///< of unicode arrays, ASCII only
};

inline array parse_npy(const std::vector<unsigned char>& b) {
  array a;
  const std::size_t length = std::size_t{b[8]} | std::size_t{b[9]} << 8;
  const std::string header(b.begin() + 10, b.begin() + static_cast<std::ptrdiff_t>(10 + length));
  std::size_t at = header.find("'shape': (") + 10, n = 1;
  while (header[at] != ')') {
    if (header[at] >= '0' && header[at] <= '9') {
      std::size_t used = 0;
      a.shape.push_back(std::stoll(header.substr(at), &used));
      n *= static_cast<std::size_t>(a.shape.back());
      at += used;
    } else {
      ++at;
    }
  }
  const std::size_t type_at = header.find("'descr': '") + 10;
  const std::string type = header.substr(type_at, header.find('\'', type_at) - type_at);
  const unsigned char* p = b.data() + 10 + length;
  if (type[1] == 'U') {
    const std::size_t chars = std::stoul(type.substr(2));
    for (std::size_t i = 0; i < n; ++i) {
      std::string s;
      for (std::size_t c = 0; c < chars; ++c)
        if (p[4 * (i * chars + c)] != 0) s += static_cast<char>(p[4 * (i * chars + c)]);
      a.strings.push_back(s);
    }
    return a;
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (type == "<f4") {
      float f;
      std::memcpy(&f, p + 4 * i, 4);
      a.values.push_back(f);
    } else if (type == "<f8") {
      double d;
      std::memcpy(&d, p + 8 * i, 8);
      a.values.push_back(d);
    } else if (type == "<i8") {
      a.values.push_back(
          static_cast<double>(static_cast<std::int64_t>(rexnet::detail::little_endian<8>(p + 8 * i))));
    } else {
      give_up("npz: type " + type);
    }
  }
  return a;
}

/// All arrays by name. Trusted input: damage ends the program.
inline std::map<std::string, array> read_npz(const std::string& path) {
  const rexnet::file_bytes file = must(rexnet::file_bytes::map(path));
  const rexnet::byte_span b = file.bytes();
  const auto number = [&b](std::size_t at, int bytes) {
    std::size_t v = 0;
    for (int i = bytes; i-- > 0;) v = v << 8 | b[at + static_cast<std::size_t>(i)];
    return v;
  };
  std::size_t end = b.size() - 22;
  while (number(end, 4) != 0x06054b50) --end;
  std::map<std::string, array> out;
  std::size_t at = number(end + 16, 4);
  for (std::size_t i = 0; i < number(end + 10, 2); ++i) {
    std::size_t packed = number(at + 20, 4), size = number(at + 24, 4), offset = number(at + 42, 4);
    const std::size_t name = number(at + 28, 2), extra = number(at + 30, 2);
    std::string key(reinterpret_cast<const char*>(b.data()) + at + 46, name);
    key = key.substr(0, key.size() - 4);
    const std::size_t data = offset + 30 + number(offset + 26, 2) + number(offset + 28, 2);
    std::vector<unsigned char> bytes(size);
    if (number(at + 10, 2) == 0) {
      std::memcpy(bytes.data(), b.data() + data, size);
    } else {
      z_stream z{};
      inflateInit2(&z, -15);
      z.next_in = const_cast<unsigned char*>(b.data()) + data;
      z.avail_in = static_cast<unsigned>(packed);
      z.next_out = bytes.data();
      z.avail_out = static_cast<unsigned>(size);
      if (inflate(&z, Z_FINISH) != Z_STREAM_END) give_up(path + ": damaged");
      inflateEnd(&z);
    }
    out[key] = parse_npy(bytes);
    at += 46 + name + extra + number(at + 32, 2);
  }
  return out;
}

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_NPZ_HPP
