// SPDX-License-Identifier: MIT
#include "tools/picture_structure.hpp"
#include "tools/image_codecs.hpp"

namespace rexnet_tools {
namespace {

using rexnet::byte_span;
using rexnet::errc;
using rexnet::error;

std::uint64_t big_endian(byte_span file, std::size_t at, std::size_t bytes) {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < bytes; ++i) v = v << 8 | file[at + i];
  return v;
}

rexnet::status check_size(const char* kind, std::uint64_t width, std::uint64_t height) {
  const std::string text =
      std::string(kind) + ": " + std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (width == 0 || height == 0) return error(errc::io_error, text);
  if (width > max_pixels / height) return error(errc::limit_exceeded, text);
  return rexnet::done;
}

bool begins_frame(unsigned marker) {  // SOF0 to SOF15; three numbers among them mean something else
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

}  // namespace

rexnet::status check_jpeg(byte_span file) {
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
      if (auto s = check_size("JPEG", big_endian(file, at + 5, 2), big_endian(file, at + 3, 2)); !s) return s;
      frame = true;
    }
    scan = scan || marker == 0xda;
    at += static_cast<std::size_t>(length);
  }
  if (!frame || !scan) return error(errc::io_error, "JPEG: the file holds no picture");
  return rexnet::done;
}

rexnet::status check_png(byte_span file) {
  bool data = false;
  for (std::size_t at = 8, chunk = 0;; ++chunk) {
    if (at + 12 > file.size() || big_endian(file, at, 4) > file.size() - at - 12)
      return error(errc::io_error, "PNG: the file is cut short");
    const auto length = static_cast<std::size_t>(big_endian(file, at, 4));
    const std::string_view type = rexnet::detail::text(file.subspan(at + 4, 4));
    if (rexnet::crc32(file.subspan(at + 4, length + 4)) != big_endian(file, at + 8 + length, 4))
      return error(errc::io_error, "PNG: checksum of chunk " + rexnet::detail::in_quotes(type));
    if ((chunk == 0) != (type == "IHDR") || (chunk == 0 && length != 13))
      return error(errc::io_error, "PNG: chunk " + std::to_string(chunk) + " is " +
                                       rexnet::detail::in_quotes(type) + " of " + std::to_string(length) +
                                       " bytes");
    if (chunk == 0)
      if (auto s = check_size("PNG", big_endian(file, at + 8, 4), big_endian(file, at + 12, 4)); !s) return s;
    data = data || type == "IDAT";
    at += length + 12;
    if (type == "IEND") break;
  }
  if (!data) return error(errc::io_error, "PNG: the file holds no picture");
  return rexnet::done;
}

}  // namespace rexnet_tools
