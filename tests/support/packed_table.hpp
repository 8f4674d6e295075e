// SPDX-License-Identifier: MIT
// The table of a packed file of version 2, for those who damage files: fields by position, checksums made
// right. Positions: docs/packed-format.md.
#ifndef REXNET_TESTS_SUPPORT_PACKED_TABLE_HPP
#define REXNET_TESTS_SUPPORT_PACKED_TABLE_HPP

#include "tests/support/craft.hpp"

#include <algorithm>
#include <string>

namespace rexnet_test {

inline constexpr std::size_t sections_crc = 16, sections_count = 20, sections_file_bytes = 24,
                             sections_at = 64, section_row = 32;

/// A little-endian number of the file. Precondition: it lies in the file.
inline std::uint64_t field(const std::string& file, std::size_t at, int bytes) {
  std::uint64_t v = 0;
  for (int i = bytes; i-- > 0;)
    v = v << 8 | static_cast<unsigned char>(file[at + static_cast<std::size_t>(i)]);
  return v;
}
inline void set_field(std::string& file, std::size_t at, std::uint64_t v, int bytes) {
  file.replace(at, static_cast<std::size_t>(bytes), number(v, bytes));
}

/// Makes the checksums of table and sections right, of those that lie in the file.
inline void repair_sections(std::string& file) {
  const auto count = static_cast<std::size_t>(field(file, sections_count, 4));
  const std::size_t end = sections_at + section_row * (std::min)(count, std::size_t{64});
  if (end > file.size()) return;
  for (std::size_t row = sections_at; row < end; row += section_row) {
    const std::uint64_t at = field(file, row + 8, 8), size = field(file, row + 16, 8);
    if (at > file.size() || size > file.size() - at) continue;
    const auto bytes = bytes_of(file).subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(size));
    set_field(file, row + 24, rexnet::crc32(bytes), 4);
  }
  set_field(file, sections_crc, rexnet::crc32(bytes_of(file).subspan(20, end - 20)), 4);
}

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_PACKED_TABLE_HPP
