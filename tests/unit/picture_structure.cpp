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

/// The error, in a block of its own, so that AddressSanitizer sees a byte read beyond the end.
using check_function = rexnet::error (*)(const std::string& file);
template <class Check>
rexnet::error failure_of(Check check, const std::string& file) {
  const std::vector<unsigned char> exact(file.begin(), file.end());
  const auto s = check(rexnet::byte_span(exact.data(), exact.size()), rexnet_tools::max_pixels);
  return s.ok() ? rexnet::error(errc::ok, "") : s.error();
}
rexnet::error jpeg_failure(const std::string& file) {
  return failure_of(rexnet_tools::check_jpeg, file);
}
rexnet::error png_failure(const std::string& file) {
  return failure_of(rexnet_tools::essential_png, file);
}
void refused(check_function check, const std::string& file, errc code, const std::string& why) {
  const rexnet::error e = check(file);
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
  CHECK(jpeg_failure(whole).code() == errc::ok);
  CHECK(jpeg_failure(whole + "more").code() == errc::ok);
  // Cameras leave bytes between segments, and fill bytes before markers.
  CHECK(jpeg_failure(whole.substr(0, 2) + "pad\xff\xff" + whole.substr(2)).code() == errc::ok);
  for (std::size_t n = 2; n < whole.size(); ++n)
    refused(jpeg_failure, whole.substr(0, n), errc::io_error, "cut short");
}
TEST_CASE("picture structure: broken JPEGs are refused by name") {
  const std::string whole = jpeg();
  refused(jpeg_failure, "\xff\xd8\xff\xd9", errc::io_error, "no picture");
  refused(jpeg_failure, "\xff\xd8\xff\xe0\x00\x01\xff\xd9"s, errc::io_error, "its own length");
  const std::size_t frame = whole.find("\xff\xc0");
  REQUIRE(frame != std::string::npos);
  refused(jpeg_failure, patched(whole, frame + 5, "\x00\x00"s), errc::io_error, "24 x 0 pixels");
  refused(jpeg_failure, patched(whole, frame + 5, "\xff\xff\xff\xff"), errc::limit_exceeded, "65535 x 65535");
}
TEST_CASE("picture structure: a PNG is whole with its data; until there every byte counts") {
  const std::string data = signature + header(5, 3) + chunk("IDAT", "data"), whole = data + chunk("IEND", "");
  CHECK(png_failure(whole).code() == errc::ok);
  CHECK(png_failure(whole + "more").code() == errc::ok);
  for (std::size_t n = 8; n < data.size() - 4; ++n)
    CHECK(png_failure(whole.substr(0, n)).code() == errc::io_error);
  for (std::size_t n = data.size() - 4; n < whole.size(); ++n)
    CHECK(png_failure(whole.substr(0, n)).code() == errc::ok);
  for (std::size_t i = 8; i < data.size(); ++i) {
    std::string bent = whole;
    bent[i] = static_cast<char>(bent[i] ^ 4);
    CHECK(png_failure(bent).code() == errc::io_error);
  }
}
TEST_CASE("picture structure: of a PNG nothing is left that is not the picture") {
  const std::string palette = chunk("PLTE", "rgb"), data = chunk("IDAT", "data"), end = chunk("IEND", "");
  const std::string start = signature + header(5, 3);
  const std::string noisy =
      start + chunk("tEXt", "a") + palette + chunk("ABCD", "b") + data + data + chunk("tEXt", "c") + data;
  const auto left = rexnet_tools::essential_png(bytes_of(noisy));
  REQUIRE(left.ok());
  CHECK(*left == start + palette + data + data + end);
  // A checksum that is missing at the end is made.
  const std::string cut = start + data.substr(0, data.size() - 3);
  CHECK(*rexnet_tools::essential_png(bytes_of(cut)) == start + data + end);
  refused(png_failure, start + data + chunk("tEXt", "abc").substr(0, 10), errc::io_error,
          "\"tEXt\" is cut short");
}
TEST_CASE("picture structure: broken PNGs are refused by name") {
  const std::string end = chunk("IEND", "");
  refused(png_failure, signature + header(5, 3) + end, errc::io_error, "no picture");
  refused(png_failure, signature + chunk("IDAT", "x") + header(5, 3) + end, errc::io_error,
          "chunk 0 is \"IDAT\"");
  refused(png_failure, signature + header(5, 3) + header(5, 3) + end, errc::io_error, "chunk 1");
  refused(png_failure, signature + header(0, 3) + end, errc::io_error, "0 x 3");
  refused(png_failure, signature + header(0xffffffff, 0xffffffff) + end, errc::limit_exceeded,
          "4294967295 x 4294967295");
  refused(png_failure, signature + header(5, 3) + chunk("a b!", ""), errc::io_error,
          "where a chunk should begin");
}
