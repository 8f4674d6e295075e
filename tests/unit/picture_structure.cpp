// SPDX-License-Identifier: MIT
#include "tools/picture_structure.hpp"

#include "tests/support/craft.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using rexnet::errc;
using rexnet_test::bytes_of;
using rexnet_test::patched;
using namespace std::string_literals;

using check_function = rexnet::status (*)(rexnet::byte_span);

/// The error, in a block of its own, so that AddressSanitizer sees a byte read beyond the end.
rexnet::error failure(check_function check, const std::string& file) {
  const std::vector<unsigned char> exact(file.begin(), file.end());
  const auto s = check({exact.data(), exact.size()});
  return s ? rexnet::error(errc::ok, "") : s.error();
}
void refused(check_function check, const std::string& file, errc code, const std::string& why) {
  const rexnet::error e = failure(check, file);
  CHECK(static_cast<int>(e.code()) == static_cast<int>(code));
  CHECK_MESSAGE(e.message().find(why) != std::string::npos, e.message());
}

std::string jpeg() {
  return rexnet_test::read_bytes(rexnet_test::source_path("tests/golden/corners.jpg"));
}
std::string big_endian(std::uint32_t v) {
  std::string s;
  for (int shift = 24; shift >= 0; shift -= 8) s += static_cast<char>(v >> shift & 255);
  return s;
}
std::string chunk(const std::string& type, const std::string& data) {
  return big_endian(static_cast<std::uint32_t>(data.size())) + type + data +
         big_endian(rexnet::crc32(bytes_of(type + data)));
}
const std::string signature = "\x89PNG\r\n\x1a\n";
std::string header(std::uint32_t width, std::uint32_t height) {
  return chunk("IHDR", big_endian(width) + big_endian(height) + "\x08\x02\x00\x00\x00"s);
}

}  // namespace

TEST_CASE("picture structure: a JPEG is whole with its last marker, and not before") {
  const std::string whole = jpeg();
  CHECK(failure(rexnet_tools::check_jpeg, whole).code() == errc::ok);
  CHECK(failure(rexnet_tools::check_jpeg, whole + "more").code() == errc::ok);
  // Cameras leave bytes between segments, and fill bytes before markers.
  CHECK(failure(rexnet_tools::check_jpeg, whole.substr(0, 2) + "pad\xff\xff" + whole.substr(2)).code() ==
        errc::ok);
  for (std::size_t n = 2; n < whole.size(); ++n)
    refused(rexnet_tools::check_jpeg, whole.substr(0, n), errc::io_error, "cut short");
}
TEST_CASE("picture structure: broken JPEGs are refused by name") {
  const std::string whole = jpeg();
  refused(rexnet_tools::check_jpeg, "\xff\xd8\xff\xd9", errc::io_error, "no picture");
  refused(rexnet_tools::check_jpeg, "\xff\xd8\xff\xe0\x00\x01\xff\xd9"s, errc::io_error, "its own length");
  const std::size_t frame = whole.find("\xff\xc0");
  REQUIRE(frame != std::string::npos);
  refused(rexnet_tools::check_jpeg, patched(whole, frame + 5, "\x00\x00"s), errc::io_error, "24 x 0 pixels");
  refused(rexnet_tools::check_jpeg, patched(whole, frame + 5, "\xff\xff\xff\xff"), errc::limit_exceeded,
          "65535 x 65535");
}
TEST_CASE("picture structure: a PNG is whole with its last chunk; every byte counts") {
  const std::string whole = signature + header(5, 3) + chunk("IDAT", "data") + chunk("IEND", "");
  CHECK(failure(rexnet_tools::check_png, whole).code() == errc::ok);
  CHECK(failure(rexnet_tools::check_png, whole + "more").code() == errc::ok);
  for (std::size_t n = 8; n < whole.size(); ++n)
    refused(rexnet_tools::check_png, whole.substr(0, n), errc::io_error, "cut short");
  for (std::size_t i = 8; i < whole.size(); ++i) {
    std::string bent = whole;
    bent[i] = static_cast<char>(bent[i] ^ 4);
    CHECK(failure(rexnet_tools::check_png, bent).code() == errc::io_error);
  }
}
TEST_CASE("picture structure: broken PNGs are refused by name") {
  const std::string end = chunk("IEND", "");
  refused(rexnet_tools::check_png, signature + header(5, 3) + end, errc::io_error, "no picture");
  refused(rexnet_tools::check_png, signature + chunk("IDAT", "x") + header(5, 3) + end, errc::io_error,
          "chunk 0 is \"IDAT\"");
  refused(rexnet_tools::check_png, signature + header(5, 3) + header(5, 3) + end, errc::io_error, "chunk 1");
  refused(rexnet_tools::check_png, signature + header(0, 3) + end, errc::io_error, "0 x 3");
  refused(rexnet_tools::check_png, signature + header(0xffffffff, 0xffffffff) + end, errc::limit_exceeded,
          "4294967295 x 4294967295");
}
