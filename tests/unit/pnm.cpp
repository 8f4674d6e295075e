// SPDX-License-Identifier: MIT
// Binary PNM pictures, right and broken in one way each.
#include "tools/pnm.hpp"

#include "tests/support/craft.hpp"
#include "tests/support/must.hpp"
#include "tests/support/scratch.hpp"
#include "tools/image_io.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace {

using rexnet::errc;
using rexnet_test::bytes_of;
using namespace std::string_literals;

std::vector<int> pixels(const std::string& file) {
  const auto image = rexnet_tools::decode_pnm(bytes_of(file));
  REQUIRE_MESSAGE(image.ok(), image.error().message());
  return {image->data.begin(), image->data.end()};
}
void refused(const std::string& file, errc code, const std::string& why) {
  REQUIRE(rexnet_tools::is_pnm(bytes_of(file)));
  const std::vector<unsigned char> exact(file.begin(), file.end());  // nothing may be read beyond
  const auto image = rexnet_tools::decode_pnm({exact.data(), exact.size()});
  REQUIRE(!image.ok());
  CHECK(static_cast<int>(image.code()) == static_cast<int>(code));
  CHECK_MESSAGE(image.error().message().find(why) != std::string::npos, image.error().message());
}

}  // namespace

TEST_CASE("pnm: colour and grey, comments and any white space in the header") {
  CHECK(pixels("P6 2 1 255\n\x01\x02\x03\xfd\xfe\xff") == std::vector<int>{1, 2, 3, 253, 254, 255});
  CHECK(pixels("P5\n# by hand\n1# one\n\t2\r\n255\n\x07\xf0") == std::vector<int>{7, 7, 7, 240, 240, 240});
  const auto image = rexnet_test::must(rexnet_tools::decode_pnm(bytes_of("P5\n3 2\n255\nabcdef and more")));
  CHECK(image.width == 3);
  CHECK(image.height == 2);
  CHECK(image.data.size() == 18);
  // The byte behind the largest sample ends the header, whatever the pixels look like.
  CHECK(pixels("P5 2 1 255\n#\n") == std::vector<int>{'#', '#', '#', '\n', '\n', '\n'});
}
TEST_CASE("pnm: a smaller largest sample is stretched, halves to even, what lies above is white") {
  // 1 / 2 * 255 = 127.5 -> 128; 1 / 6 * 255 = 42.5 -> 42
  CHECK(pixels("P5 4 1 2\n\x00\x01\x02\x09"s) ==
        std::vector<int>{0, 0, 0, 128, 128, 128, 255, 255, 255, 255, 255, 255});
  CHECK(pixels("P5 1 1 6\n\x01"s) == std::vector<int>{42, 42, 42});
}
TEST_CASE("pnm: what is broken or of another kind is refused by name") {
  refused("P4 8 1\n\xff", errc::unsupported, "P4");
  refused("P3 1 1 255\n1 2 3", errc::unsupported, "only P5 and P6");
  refused("P6 1 1 65535\nabcdef", errc::unsupported, "16 bits");
  refused("P5 1 1 70000\nabcdef", errc::io_error, "70000");
  refused("P5 1 1 0\na", errc::io_error, "largest sample of 0");
  refused("P5 0 4 255\n", errc::io_error, "0 x 4");
  refused("P5 3x 4 255\n", errc::io_error, "byte 4");
  refused("P5 -3 4 255\n", errc::io_error, "byte 3");
  refused("P6 100000 100000 255\n", errc::limit_exceeded, "100000 x 100000");
  refused("P6 99999999999999999999999 1 255\n", errc::limit_exceeded, "too large");
  refused("P6 2 2 255\n0123456789a", errc::io_error, "11 of 12 bytes");
  const std::string whole = "P6 # x\n2 2 255\n0123456789ab";
  for (std::size_t n = 3; n < whole.size(); ++n) refused(whole.substr(0, n), errc::io_error, "cut short");
}
TEST_CASE("pnm: read_image() knows them by their content") {
  const rexnet_test::scratch s;
  const auto image = rexnet_test::must(rexnet_tools::read_image(s.file("picture.jpg", "P6 1 1 255\nabc")));
  CHECK(image.data == std::vector<std::uint8_t>{'a', 'b', 'c'});
  const auto cut = rexnet_tools::read_image(s.file("cut.ppm", "P6 1 1 255\nab"));
  CHECK(cut.error().message().find(s.path("cut.ppm") + ": PNM: cut short") == 0);
}
