// SPDX-License-Identifier: MIT
// Little-endian integers out of untrusted bytes, and CRC-32.
#ifndef REXNET_CORE_BYTES_HPP
#define REXNET_CORE_BYTES_HPP

#include "rexnet/core/text.hpp"
#include "rexnet/core/views.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace rexnet {
inline namespace REXNET_BUILD {

using byte_span = span<const unsigned char>;

namespace detail {

/// Precondition: N readable bytes at p.
template <int N>
[[nodiscard]] inline std::uint64_t little_endian(const unsigned char* p) noexcept {
  std::uint64_t v = 0;
  for (int i = N; i-- > 0;) v = v << 8 | p[i];
  return v;
}

[[nodiscard]] inline std::string_view text(byte_span b) noexcept {
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

/// Something from a file, fit for a message: at most 60 characters, unprintable ones as '?'.
[[nodiscard]] inline std::string in_quotes(std::string_view s) {
  std::string out = "\"";
  for (const char c : s.substr(0, 60)) out += c >= 32 && c < 127 ? c : '?';
  return out + (s.size() > 60 ? "...\"" : "\"");
}

/// The tables of CRC-32 (polynomial 0xEDB88320), eight bytes a step.
struct crc_tables {
  std::uint32_t t[8][256] = {};
  constexpr crc_tables() {
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t remainder = i;
      for (int k = 0; k < 8; ++k)
        remainder = (remainder & 1u) != 0 ? 0xedb88320u ^ (remainder >> 1) : remainder >> 1;
      t[0][i] = remainder;
    }
    for (int k = 1; k < 8; ++k)
      for (std::uint32_t i = 0; i < 256; ++i) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 255u];
  }
};
inline constexpr crc_tables crc{};

}  // namespace detail

/// CRC-32 as in zip and PNG; `seed` continues an earlier one.
[[nodiscard]] REXNET_NOINLINE inline std::uint32_t crc32(byte_span bytes, std::uint32_t seed = 0) noexcept {
  const auto& t = detail::crc.t;
  std::uint32_t state = ~seed;
  const unsigned char* p = bytes.data();
  std::size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    const std::uint64_t v = detail::little_endian<8>(p) ^ state;
    state = t[7][v & 255] ^ t[6][v >> 8 & 255] ^ t[5][v >> 16 & 255] ^ t[4][v >> 24 & 255] ^
            t[3][v >> 32 & 255] ^ t[2][v >> 40 & 255] ^ t[1][v >> 48 & 255] ^ t[0][v >> 56];
  }
  for (; n > 0; --n, ++p) state = t[0][(state ^ *p) & 255u] ^ (state >> 8);
  return ~state;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CORE_BYTES_HPP
