// SPDX-License-Identifier: MIT
// What files are called, by their first bytes.
#include "tools/image_io.hpp"

#include "tests/support/craft.hpp"
#include "tests/support/must.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <string>

#if !defined(_WIN32)
#include <sys/stat.h>
#endif

namespace {

using rexnet_test::bytes_of;
using rexnet_test::scratch;
using rexnet_test::write_bytes;
using namespace std::string_literals;

rexnet_tools::file_kind kind(const std::string& start) {
  return rexnet_tools::kind_of(bytes_of(start));
}
std::string ftyp(const std::string& brands) {
  return "\0\0\0"s + static_cast<char>(12 + brands.size()) + "ftyp" + brands.substr(0, 4) + "\0\0\0\0"s +
         brands.substr(4);
}

struct sample {
  std::string start;
  std::string name;
  bool picture;
};

}  // namespace

TEST_CASE("file kind: pictures that are read") {
  for (const sample& s :
       {sample{"\xff\xd8\xff\xe0", "JPEG", true}, sample{"\x89PNG\r\n\x1a\n....", "PNG", true},
        sample{"P6 1 1 255\n...", "PNM", true},
        sample{"BM" + std::string(12, 0) + "\x28\0\0\0"s, "BMP", true}}) {
    CHECK(kind(s.start).name == s.name);
    CHECK(kind(s.start).picture);
    CHECK(kind(s.start).read);
  }
}
TEST_CASE("file kind: pictures that need a library, or are not read") {
  const sample samples[] = {
      {"GIF89a", "GIF", true},
      {"GIF87a", "GIF", true},
      {"RIFF\1\0\0\0WEBPVP8 "s, "WebP", true},
      {"II*\0\x8\0\0\0"s, "TIFF", true},
      {"MM\0*\0\0\0\x8"s, "TIFF", true},
      {"II+\0\x8\0\0\0"s, "TIFF", true},
      {ftyp("avif"), "AVIF", true},
      {ftyp("mif1miafavif"), "AVIF", true},
      {ftyp("heic"), "HEIC", true},
      {ftyp("mif1heic"), "HEIC", true},
      {ftyp("mif1miaf"), "HEIF picture", true},
  };
  for (const sample& s : samples) {
    INFO(s.name);
    CHECK(kind(s.start).name == s.name);
    CHECK(kind(s.start).picture == s.picture);
  }
  for (const sample& s :
       {sample{"\xff\x0a", "JPEG XL picture", true},
        sample{"\0\0\0\x0cjP  \r\n\x87\n"s, "JPEG 2000 picture", true},
        sample{"8BPS\0\1"s, "Photoshop document (PSD)", true},
        sample{"\0\0\1\0\2\0"s, "Windows icon (ICO)", true},
        sample{"II*\0\x10\0\0\0CR\2\0"s, "Canon raw picture (CR2)", true},
        sample{ftyp("crx isom"), "Canon raw picture (CR3)", true},
        sample{"gimp xcf v011", "GIMP picture (XCF)", true}, sample{"qoif", "QOI picture", true},
        sample{"v/1\1", "OpenEXR picture", true}, sample{std::string(128, 0) + "DICM", "DICOM file", true}}) {
    INFO(s.name);
    CHECK(kind(s.start).name == s.name);
    CHECK(kind(s.start).picture);
    CHECK(!kind(s.start).read);
  }
}
TEST_CASE("file kind: what is no picture") {
  const sample samples[] = {
      {"%PDF-1.4", "PDF", false},
      {"<!DOCTYPE html>", "HTML page", false},
      {"\xef\xbb\xbf\n  <HTML lang=en>", "HTML page", false},
      {"<?xml version='1.0'?>\n<svg>", "SVG drawing", false},
      {"<svg xmlns=", "SVG drawing", false},
      {"<?xml version='1.0'?><a/>", "XML document", false},
      {"{\"a\": 1}", "JSON text", false},
      {"hello\n", "text", false},
      {"caf\xc3\xa9", "text", false},
      {"\xff\xfeh\0i\0"s, "text in UTF-16", false},
      {"#!/bin/sh\n", "script", false},
      {"version https://git-lfs.github.com/spec/v1\n", "git-lfs pointer (the picture was not downloaded)",
       false},
      {"", "empty file", false},
      {std::string(100, 0), "file of zeros (its content is lost)", false},
      {ftyp("isommp41"), "MPEG-4 film", false},
      {ftyp("qt  "), "QuickTime film", false},
      {"RIFF\1\0\0\0AVI LIST"s, "AVI film", false},
      {"\x1a\x45\xdf\xa3", "WebM or Matroska film", false},
      {"\x7f"
       "ELF\2",
       "ELF program", false},
      {"MZ" + std::string(64, 0), "Windows program", false},
      {"\x1f\x8b\x08", "gzip archive", false},
      {"\x93NUMPY\1", "NumPy array (.npy)", false},
      {"PK\3\4" + std::string(26, 0) + "a.txt", "ZIP archive", false},
      {"PK\3\4" + std::string(26, 0) + "model/data.pkl", "PyTorch checkpoint", false},
      {"PK\3\4" + std::string(26, 0) + "[Content_Types].xml", "Office document", false},
      {"PK\3\4" + std::string(26, 0) + "x.npy", "NumPy archive (.npz)", false},
      {"\x80\2}q", "Python pickle", false},
      {"\x40\0\0\0\0\0\0\0{\"a"s, "safetensors file", false},
      {"REXNETPK\1\0"s, "packed rexnet model", false},
      {"\1\2\3\4", "unknown data", false},
      {"BMW is a text", "text", false},
      {"RIFF\1\0\0\0QLCM"s, "unknown data", false},
  };
  for (const sample& s : samples) {
    INFO(s.name);
    CHECK(kind(s.start).name == s.name);
    CHECK(!kind(s.start).picture);
    CHECK(!kind(s.start).read);
  }
}
TEST_CASE("file kind: a text is one although its last character is cut") {
  std::string many;
  while (many.size() < rexnet_tools::kind_bytes) many += "\xe4\xb8\xad";
  CHECK(kind(many.substr(0, rexnet_tools::kind_bytes)).name == "text");
}
TEST_CASE("file kind: of a path, whatever its name") {
  const scratch s;
  const std::string path = s.path(rexnet_test::utf8_name + ".jpg");
  write_bytes(path, "%PDF-1.4" + std::string(10000, 'x'));
  CHECK(rexnet_test::must(rexnet_tools::kind_of(path)).name == "PDF");
  CHECK(rexnet_tools::read_picture(path).error().message() ==
        path + ": a PDF, not a picture that rexnet reads");
  write_bytes(path, "");
  CHECK(rexnet_test::must(rexnet_tools::kind_of(path)).name == "empty file");
  CHECK(rexnet_tools::kind_of(s.path("none")).error().message().find("none: cannot be opened: ") !=
        std::string::npos);
  CHECK(rexnet_tools::kind_of(rexnet_test::source_path("tests")).error().message().find("is a directory") !=
        std::string::npos);
#if !defined(_WIN32)
  const std::string pipe = s.path("pipe.jpg");  // nobody writes to it: reading would wait for ever
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(rexnet_tools::kind_of(pipe).error().message().find("is not a regular file") != std::string::npos);
  CHECK(rexnet_tools::kind_of("/dev/zero"s).error().message().find("is not a regular file") !=
        std::string::npos);
#endif
}
