// SPDX-License-Identifier: MIT
#include "tools/picture_structure.hpp"

#include <algorithm>

namespace rexnet_tools {
namespace {

using rexnet::byte_span;
using rexnet::errc;
using rexnet::error;
using rexnet::detail::in_quotes;

std::uint64_t big_endian(byte_span file, std::size_t at, std::size_t bytes) {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < bytes; ++i) v = v << 8 | file[at + i];
  return v;
}

bool begins_frame(unsigned marker) {  // SOF0 to SOF15; three numbers among them mean something else
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

struct png_chunk {
  std::string_view name;
  byte_span payload;  ///< what is there of it
  bool whole;         ///< the payload is
  bool checked;       ///< and its checksum is there
  bool right;         ///< and agrees
};

/// Precondition: eight bytes are there.
png_chunk chunk_at(byte_span file, std::size_t at) {
  const std::uint64_t length = big_endian(file, at, 4);
  const std::size_t there = file.size() - at - 8;
  png_chunk c{};
  c.name = rexnet::detail::text(file.subspan(at + 4, 4));
  c.payload = file.subspan(at + 8, static_cast<std::size_t>((std::min)(length, std::uint64_t{there})));
  c.whole = length <= there;
  c.checked = c.whole && there - c.payload.size() >= 4;
  c.right = c.checked && rexnet::crc32(file.subspan(at + 4, c.payload.size() + 4)) ==
                             big_endian(file, at + 8 + c.payload.size(), 4);
  return c;
}

/// Letters, digits and _, as Pillow has it.
bool is_chunk_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

void append_number(std::string& out, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(v >> shift & 255);
}

/// With the length and the checksum of what is there.
void append_chunk(std::string& out, std::string_view name, byte_span payload) {
  append_number(out, static_cast<std::uint32_t>(payload.size()));
  const std::size_t start = out.size();
  out.append(name);
  out.append(rexnet::detail::text(payload));
  append_number(
      out, rexnet::crc32({reinterpret_cast<const unsigned char*>(out.data()) + start, out.size() - start}));
}

}  // namespace

rexnet::status check_jpeg(byte_span file, std::uint64_t largest) {
  bool frame = false, scan = false;
  for (std::size_t at = 2;;) {
    // To the next marker: compressed data hold 0xff before 0 alone, and fill bytes are 0xff themselves.
    while (at + 1 < file.size() && (file[at] != 0xff || file[at + 1] == 0 || file[at + 1] == 0xff)) ++at;
    if (at + 1 >= file.size()) return error(errc::io_error, "JPEG: the file is cut short");
    const unsigned marker = file[at + 1];
    at += 2;
    if (marker == 0xd9) break;
    if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue;  // these have no length
    const std::uint64_t length = at + 2 <= file.size() ? big_endian(file, at, 2) : 2;
    if (length > file.size() - at) return error(errc::io_error, "JPEG: the file is cut short");
    if (length < 2) return error(errc::io_error, "JPEG: a segment is shorter than its own length");
    if (begins_frame(marker)) {
      if (length < 8) return error(errc::io_error, "JPEG: the frame's header is too short");
      if (auto s = check_size("JPEG", big_endian(file, at + 5, 2), big_endian(file, at + 3, 2), largest); !s)
        return s;
      frame = true;
    }
    scan = scan || marker == 0xda;
    at += static_cast<std::size_t>(length);
  }
  if (!frame || !scan) return error(errc::io_error, "JPEG: the file holds no picture");
  return rexnet::done;
}

rexnet::result<std::string> essential_png(byte_span file, std::uint64_t largest) {
  std::string out(rexnet::detail::text(file.subspan(0, (std::min)(file.size(), std::size_t{8}))));
  bool data = false, behind = false;
  std::size_t number = 0;
  for (std::size_t at = out.size(); file.size() - at >= 8; ++number) {
    const png_chunk c = chunk_at(file, at);
    if (!is_chunk_name(c.name)) {
      if (data) break;
      return error(errc::io_error, "PNG: " + in_quotes(c.name) + " where a chunk should begin");
    }
    if (c.name == "IEND") break;
    const bool picture = c.name == "IDAT" && !behind;
    behind = behind || (data && !picture);
    data = data || picture;
    if (!c.whole) return error(errc::io_error, "PNG: chunk " + in_quotes(c.name) + " is cut short");
    if (!behind && (c.checked ? !c.right : !picture))
      return error(errc::io_error, "PNG: checksum of chunk " + in_quotes(c.name));
    if ((number == 0) != (c.name == "IHDR") || (number == 0 && c.payload.size() != 13))
      return error(errc::io_error, "PNG: chunk " + std::to_string(number) + " is " + in_quotes(c.name) +
                                       " of " + std::to_string(c.payload.size()) + " bytes");
    if (number == 0) {
      const auto size = check_size("PNG", big_endian(c.payload, 0, 4), big_endian(c.payload, 4, 4), largest);
      if (!size) return size.error();
    }
    if (number == 0 || picture || (!behind && c.name == "PLTE")) append_chunk(out, c.name, c.payload);
    at = (std::min)(file.size(), at + 12 + c.payload.size());
  }
  if (!data) return error(errc::io_error, "PNG: the file holds no picture, or is cut short before it");
  append_chunk(out, "IEND", {});
  return out;
}

}  // namespace rexnet_tools
