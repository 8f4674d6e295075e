// SPDX-License-Identifier: MIT
// Small files of every format as Pillow decodes them (tests/golden/pictures, made by pillow_answers.py), and
// what becomes of them when they are cut, too large or something else.
#include "tools/image_io.hpp"

#include "tests/support/jpeg.hpp"
#include "tests/support/must.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>

namespace {

using rexnet::errc;
using rexnet::rgb_image;
using rexnet_test::must;
using namespace std::string_literals;

std::string file_of(const std::string& name) {
  return rexnet_test::read_bytes(rexnet_test::source_path("tests/golden/pictures/" + name));
}
bool ends(const std::string& s, const std::string& with) {
  return s.size() >= with.size() && s.compare(s.size() - with.size(), with.size(), with) == 0;
}
/// Whether this build reads what the name says.
bool is_built(const std::string& name) {
  static const std::vector<std::pair<std::string, std::string>> endings = {
      {".jpg", "JPEG"},  {".png", "PNG"},  {".bmp", "BMP"},   {".gif", "GIF"},
      {".webp", "WebP"}, {".tif", "TIFF"}, {".heic", "HEIC"}, {".avif", "AVIF"}};
  const auto formats = rexnet_tools::picture_formats();
  for (const auto& [ending, format] : endings)
    if (ends(name, ending)) return std::find(formats.begin(), formats.end(), format) != formats.end();
  return false;
}
nlohmann::json golden() {
  return nlohmann::json::parse(std::ifstream(rexnet_test::source_path("tests/golden/pictures.json")))
      .at("files");
}
/// In a block of its own, so that AddressSanitizer sees a byte read beyond the end.
rexnet::result<rexnet_tools::picture> decode(const std::string& file, bool exif = false,
                                             std::uint64_t largest = 1 << 20) {
  const std::vector<unsigned char> exact(file.begin(), file.end());
  return rexnet_tools::decode_picture({exact.data(), exact.size()}, exif, largest);
}
std::uint32_t crc(const rgb_image& image) {
  return rexnet::crc32({image.data.data(), image.data.size()});
}
void refused(const std::string& file, errc code, const std::string& why) {
  const auto p = decode(file);
  REQUIRE(!p.ok());
  CHECK_MESSAGE(p.error().message().find(why) != std::string::npos, p.error().message());
  CHECK(static_cast<int>(p.code()) == static_cast<int>(code));
}
/// A JPEG's frame header with another kind and another number of bits.
std::string other_frame(int kind, int bits) {
  std::string file = rexnet_test::read_bytes(rexnet_test::source_path("tests/golden/corners.jpg"));
  const std::size_t frame = file.find("\xff\xc0");
  file[frame + 1] = static_cast<char>(kind);
  file[frame + 4] = static_cast<char>(bits);
  return file;
}

}  // namespace

TEST_CASE("picture formats: Pillow's pixels, plain and upright") {
  int same = 0, left_out = 0;
  const auto files = golden();
  CHECK(files.size() > 70);
  for (const auto& item : files.items()) {
    const std::string& name = item.key();
    const auto& right = item.value();
    if (!is_built(name)) {
      ++left_out;
      continue;
    }
    INFO(name);
    const auto plain = decode(file_of(name)), upright = decode(file_of(name), true);
    REQUIRE_MESSAGE(plain.ok(), plain.error().message());
    REQUIRE(upright.ok());
    CHECK(plain->image.width == right.at("size")[0]);
    CHECK(plain->image.height == right.at("size")[1]);
    CHECK(upright->image.width == right.at("upright_size")[0]);
    CHECK(upright->image.height == right.at("upright_size")[1]);
    ++same;
    if (right.contains("near")) {
      const auto reference = must(decode(file_of(right.at("near")))).image;
      double sum = 0;
      REQUIRE(reference.data.size() == plain->image.data.size());
      for (std::size_t i = 0; i < reference.data.size(); ++i)
        sum += std::abs(int{reference.data[i]} - int{plain->image.data[i]});
      CHECK(sum / static_cast<double>(reference.data.size()) <= 2.0);
      continue;
    }
    if (ends(name, ".jpg") && !rexnet_test::jpeg_as_pillow) continue;
    CHECK(crc(plain->image) == right.at("crc32").get<std::uint32_t>());
    CHECK(crc(upright->image) == right.at("upright_crc32").get<std::uint32_t>());
  }
  MESSAGE(same, " files compared, ", left_out, " of formats that are not built");
}

TEST_CASE("picture formats: a file that is cut anywhere is an error or the same picture, and takes no time") {
  const auto files = golden();
  for (const auto& item : files.items()) {
    const std::string& name = item.key();
    if (!is_built(name)) continue;
    const std::string whole = file_of(name);
    const std::uint32_t right = crc(must(decode(whole)).image);
    const std::size_t step = ends(name, ".heic") || ends(name, ".avif") ? 41 : whole.size() > 1000 ? 7 : 3;
    for (std::size_t n = 0; n < whole.size(); n += step) {
      const auto start = std::chrono::steady_clock::now();
      const auto p = decode(whole.substr(0, n));
      INFO(name, " cut after ", n);
      CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
      if (p.ok() && !(ends(name, ".jpg") && !rexnet_test::jpeg_as_pillow)) CHECK(crc(p->image) == right);
      if (n < whole.size() / 2) CHECK(!p.ok());
    }
  }
}

TEST_CASE("picture formats: more pixels than allowed are refused before memory is taken") {
  const auto files = golden();
  for (const auto& item : files.items()) {
    const std::string& name = item.key();
    if (!is_built(name)) continue;
    INFO(name);
    const auto p = decode(file_of(name), false, 50);
    REQUIRE(!p.ok());
    const bool library_says_so = ends(name, ".heic") || ends(name, ".avif");  // libheif looks first
    if (!library_says_so) {
      CHECK(static_cast<int>(p.code()) == static_cast<int>(errc::limit_exceeded));
      CHECK_MESSAGE(p.error().message().find(" pixels, more than the 50") != std::string::npos,
                    p.error().message());
    }
  }
}

TEST_CASE("picture formats: huge sizes in small files") {
  const auto patched = [](const std::string& name, std::size_t at, const std::string& bytes) {
    std::string file = file_of(name);
    return file.replace(at, bytes.size(), bytes);
  };
  if (is_built(".gif"))
    refused(patched("plain.gif", 6, "\xff\xff\xff\xff"), errc::limit_exceeded, "GIF: 65535 x 65535");
  refused(patched("masks_565.bmp", 18, "\xff\xff\xff\x7f\xff\xff\xff\x7f"), errc::limit_exceeded,
          "BMP: 2147483647 x 2147483647");
  refused(patched("masks_565.bmp", 18, "\0\0\0\0"s), errc::io_error, "BMP: 0 x 9");
  refused(patched("runs8.bmp", 18, "\0\2\0\0\0\2\0\0"s), errc::io_error, "the runs end after");
  refused(patched("small_frame.webp", 24, "\xff\xff\xff\xff\xff\xff"),
          is_built(".webp") ? errc::io_error : errc::unknown_format, "WebP");
  refused("P6 99999 99999 255\n", errc::limit_exceeded, "PNM: 99999 x 99999");
}

TEST_CASE("picture formats: JPEGs that no decoder here reads say which kind they are") {
  if (!rexnet_test::jpeg_as_pillow) return;
  refused(other_frame(0xc0, 12), errc::unsupported, "samples of 12 bits");
  refused(other_frame(0xc5, 8), errc::unsupported, "hierarchical");
  std::string two = other_frame(0xc0, 8);
  // A warning that costs no pixel is none; one that does is an error.
  std::string damaged = two;
  damaged[damaged.size() - 8] = static_cast<char>(0xff);
  damaged[damaged.size() - 7] = static_cast<char>(0xd9);
  CHECK(decode(two).ok());
  CHECK(!decode(damaged).ok());
}

TEST_CASE("picture formats: formats that are not built, and files that are no pictures, are named") {
  refused("", errc::unknown_format, "an empty file, not a picture that rexnet reads");
  refused("%PDF-1.7\n", errc::unknown_format, "a PDF, not a picture that rexnet reads");
  refused(
      "\xff\x0a"
      "jxl",
      errc::unknown_format, "a JPEG XL picture, which this build does not read");
  refused("8BPS\0\1"s, errc::unknown_format, "a Photoshop document (PSD), which this build does not read");
  const auto files = golden();
  for (const auto& item : files.items())
    if (!is_built(item.key()))
      refused(file_of(item.key()), errc::unknown_format, "which this build does not read");
}
