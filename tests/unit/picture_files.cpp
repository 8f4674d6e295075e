// SPDX-License-Identifier: MIT
// JPEG and PNG files as Pillow decodes them, EXIF orientations, damaged files.
#include "tools/image_io.hpp"

#include "rexnet/core/bytes.hpp"
#include "tests/support/jpeg.hpp"
#include "tests/support/must.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace {

using rexnet::rgb_image;
using rexnet_test::jpeg_as_pillow;
using rexnet_test::scratch;
using rexnet_test::write_bytes;

/// A JPEG of 24 x 16 pixels whose corners differ, with an EXIF orientation unless 0.
std::string small_jpeg(int orientation, bool big_endian) {
  const std::string file = rexnet_test::read_bytes(rexnet_test::source_path("tests/golden/corners.jpg"));
  REQUIRE(file.size() > 100);
  if (orientation == 0) return file;
  using namespace std::string_literals;
  const auto o = static_cast<char>(orientation);
  const std::string tiff = big_endian
                               ? "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"s + o + "\0\0\0\0\0\0"s
                               : "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"s + o + "\0\0\0\0\0\0\0"s;
  const std::string payload = "Exif\0\0"s + tiff;
  const std::size_t length = payload.size() + 2;
  return file.substr(0, 2) + "\xff\xe1"s + static_cast<char>(length >> 8) + static_cast<char>(length & 255) +
         payload + file.substr(2);
}

}  // namespace

TEST_CASE("picture files: the eight EXIF orientations, by the definition of TIFF 6") {
  const scratch s;
  const std::string path = s.path("exif.jpg");
  write_bytes(path, small_jpeg(0, false));
  const rgb_image plain = rexnet_test::must(rexnet_tools::read_image(path));
  REQUIRE(plain.width == 24);
  // Where row 0 and column 0 of the stored picture are seen: TIFF 6.0, tag 274.
  struct seen {
    bool transposed, row_at_end, column_at_end;
  };
  const seen definition[] = {{false, false, false}, {false, false, true}, {false, true, true},
                             {false, true, false},  {true, false, false}, {true, true, false},
                             {true, true, true},    {true, false, true}};
  for (int o = 1; o <= 8; ++o)
    for (const bool big : {false, true}) {
      write_bytes(path, small_jpeg(o, big));
      CHECK(rexnet_test::must(rexnet_tools::read_image(path)).data == plain.data);
      const rgb_image turned = rexnet_test::must(rexnet_tools::read_image(path, true));
      const seen d = definition[o - 1];
      REQUIRE(turned.width == (d.transposed ? 16 : 24));
      REQUIRE(turned.height == (d.transposed ? 24 : 16));
      bool same = true;
      for (int r = 0; r < 16; ++r)
        for (int c = 0; c < 24; ++c) {
          // Orientations 5 to 8: the stored row is a visual column. "row_at_end" is then right instead of
          // bottom.
          int x = d.transposed ? r : c, y = d.transposed ? c : r;
          if (d.transposed) {
            if (d.row_at_end) x = 15 - x;
            if (d.column_at_end) y = 23 - y;
          } else {
            if (d.row_at_end) y = 15 - y;
            if (d.column_at_end) x = 23 - x;
          }
          for (int ch = 0; ch < 3; ++ch)
            same = same && turned.data[static_cast<std::size_t>((y * turned.width + x) * 3 + ch)] ==
                               plain.data[static_cast<std::size_t>((r * 24 + c) * 3 + ch)];
        }
      INFO("orientation ", o, big ? " big endian" : "");
      CHECK(same);
    }
}

TEST_CASE("picture files: a JPEG that is cut anywhere is refused, never half a picture") {
  const scratch s;
  const std::string path = s.path("cut.jpg"), whole = small_jpeg(6, true);
  for (std::size_t n = 1; n + 2 < whole.size(); n += 7) {
    write_bytes(path, whole.substr(0, n));
    CHECK(!rexnet_tools::read_image(path, true).ok());
  }
}

TEST_CASE("picture files: a PNG comes back as it was written, and is refused when damaged") {
  const scratch s;
  const std::string path = s.path(rexnet_test::utf8_name + ".png");
  rgb_image p;
  p.width = 5, p.height = 3;
  for (int i = 0; i < 45; ++i) p.data.push_back(static_cast<std::uint8_t>(5 * i));
  REQUIRE(rexnet_tools::write_png(path, p).ok());
  CHECK(rexnet_test::must(rexnet_tools::read_image(path)).data == p.data);
  const std::string whole = rexnet_test::read_bytes(path);
  // Its last twelve bytes are IEND, the four before them the data's checksum: Pillow misses neither.
  for (std::size_t n = 1; n < whole.size() - 16; ++n) {
    write_bytes(path, whole.substr(0, n));
    CHECK(!rexnet_tools::read_image(path).ok());
  }
  std::filesystem::remove(std::filesystem::u8path(path));
  CHECK(rexnet_tools::read_image(path).error().message().find(path) != std::string::npos);
  CHECK(!rexnet_tools::write_png(s.path("no/such/folder.png"), p).ok());
}

TEST_CASE("picture files: Pillow's pixels for every file of data/robustness, plain and upright") {
  REXNET_NEEDS("data/robustness");
  const auto golden =
      nlohmann::json::parse(std::ifstream(rexnet_test::source_path("tests/golden/picture_files.json")));
  int same = 0, refused = 0, not_compared = 0;
  for (const auto& item : golden.at("files").items()) {
    const std::string& name = item.key();
    const std::string path = rexnet_test::shared_path("data/robustness/" + name);
    INFO(name);
    const auto plain = rexnet_tools::read_image(path), upright = rexnet_tools::read_image(path, true);
    // The checksum of the data counts here; Pillow does not look at it (README, "What differs").
    if (item.value() == "refused" || name == "pngsuite/corrupt/xcsn0g01.png") {
      CHECK(!plain.ok());
      if (!plain.ok()) CHECK(plain.error().message().find(path) != std::string::npos);
      ++refused;
      continue;
    }
    REQUIRE_MESSAGE(plain.ok(), plain.error().message());
    CHECK(plain->width == item.value().at("size")[0]);
    CHECK(plain->height == item.value().at("size")[1]);
    const bool jpeg = name.find(".jpg") != name.npos;
    if (jpeg && !jpeg_as_pillow) {
      ++not_compared;
      continue;
    }
    // 16-bit grey: Pillow clips to white, rexnet keeps the high byte (README, "What differs").
    if (item.value().at("mode") == "I;16") continue;
    CHECK(rexnet::crc32({plain->data.data(), plain->data.size()}) ==
          item.value().at("crc32").get<std::uint32_t>());
    if (jpeg)
      CHECK(rexnet::crc32({upright->data.data(), upright->data.size()}) ==
            item.value().at("upright_crc32").get<std::uint32_t>());
    ++same;
  }
  MESSAGE(same, " files as Pillow decodes them, ", refused, " refused, ", not_compared,
          " JPEGs whose pixels are not compared on this system");
  CHECK(same > (jpeg_as_pillow ? 180 : 160));
}
