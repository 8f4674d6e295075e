// SPDX-License-Identifier: MIT
#include "rexnet/weights/file_bytes.hpp"

#include "tests/support/must.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace {

/// A folder that goes away with the test.
struct scratch {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("rexnet_file_bytes_" + std::to_string(std::random_device{}()));
  scratch() { std::filesystem::create_directories(path); }
  ~scratch() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(path / name, std::ios::binary) << content;
    return (path / name).string();
  }
};
void refused(const std::string& path, const std::string& why) {
  auto r = rexnet::file_bytes::map(path);
  REQUIRE(!r.ok());
  CHECK(r.code() == rexnet::errc::io_error);
  CHECK_MESSAGE(r.error().message().find(path) == 0, r.error().message());
  CHECK_MESSAGE(r.error().message().find(why) != std::string::npos, r.error().message());
  CHECK(rexnet::file_bytes::read(path).code() == rexnet::errc::io_error);
}

}  // namespace

TEST_CASE("file bytes: a file is mapped or copied, and moves") {
  scratch s;
  const std::string path = s.file(
      "gr\xc3\xbc\xc3\x9f"
      "e.bin",
      "hello");
  for (auto* open : {&rexnet::file_bytes::map, &rexnet::file_bytes::read}) {
    rexnet::file_bytes a = rexnet_test::must(open(path));
    const unsigned char* first = a.bytes().data();
    rexnet::file_bytes b = std::move(a);
    rexnet::file_bytes c;
    c = std::move(b);
    CHECK(c.bytes().data() == first);
    CHECK(std::string(c.bytes().begin(), c.bytes().end()) == "hello");
  }
}
TEST_CASE("file bytes: a copy does not change with the file") {
  scratch s;
  const std::string path = s.file("x", "before");
  rexnet::file_bytes copy = rexnet_test::must(rexnet::file_bytes::read(path));
  s.file("x", "AFTER!");
  CHECK(std::string(copy.bytes().begin(), copy.bytes().end()) == "before");
}
TEST_CASE("file bytes: missing and empty files, directories, pipes and devices are refused by name") {
  scratch s;
  refused((s.path / "missing").string(), "cannot be opened");
  refused(s.path.string(), "directory");
  refused(s.file("empty", ""), "empty");
#if !defined(_WIN32)
  REQUIRE(::mkfifo((s.path / "pipe").c_str(), 0600) == 0);
  refused((s.path / "pipe").string(), "regular");
  refused("/dev/zero", "regular");
#endif
}
