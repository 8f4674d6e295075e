// SPDX-License-Identifier: MIT
#include "rexnet/weights/output_file.hpp"

#include "rexnet/weights/file_bytes.hpp"
#include "tests/support/craft.hpp"
#include "tests/support/must.hpp"
#include "tests/support/scratch.hpp"

#include <doctest/doctest.h>

#include <string>

using rexnet_test::bytes_of;
using rexnet_test::scratch;

TEST_CASE("output file: appears whole under a UTF-8 name, in the place of an old one") {
  const scratch s;
  for (const std::string& name : {std::string("plain"), rexnet_test::utf8_name})
    for (const std::string& content : {std::string("first"), std::string("second\r\n\x1a")}) {
      auto file = rexnet_test::must(rexnet::output_file::create(s.path(name)));
      CHECK(file.part() == s.path(name) + ".part");
      REQUIRE(file.write(bytes_of("?")).ok());
      REQUIRE(file.write(bytes_of(content.substr(1))).ok());
      REQUIRE(file.rewrite_start(bytes_of(content.substr(0, 1))).ok());
      REQUIRE(file.commit().ok());
      CHECK(rexnet_test::read_bytes(s.path(name)) == content);
      CHECK(!rexnet_test::exists(file.part()));
    }
}
TEST_CASE("output file: what was written can be mapped before it has its name, and is renamed mapped") {
  const scratch s;
  auto file = rexnet_test::must(rexnet::output_file::create(s.path("x")));
  REQUIRE(file.write(bytes_of("content")).ok());
  REQUIRE(file.flush().ok());
  const auto part = rexnet_test::must(rexnet::file_bytes::map(file.part()));
  CHECK(rexnet::detail::text(part.bytes()) == "content");
  CHECK(file.commit().ok());
  CHECK(rexnet_test::read_bytes(s.path("x")) == "content");
}
TEST_CASE("output file: without commit the old file stays and the part goes") {
  const scratch s;
  const std::string path = s.file(rexnet_test::utf8_name, "old");
  {
    auto file = rexnet_test::must(rexnet::output_file::create(path));
    REQUIRE(file.write(bytes_of("half")).ok());
    CHECK(rexnet_test::exists(path + ".part"));
  }
  CHECK(rexnet_test::read_bytes(path) == "old");
  CHECK(!rexnet_test::exists(path + ".part"));
}
TEST_CASE("output file: what cannot be created or replaced is named, with the system's reason") {
  const scratch s;
  const std::string nowhere = s.path("no/such/file");
  const auto created = rexnet::output_file::create(nowhere);
  REQUIRE(!created.ok());
  CHECK(created.code() == rexnet::errc::io_error);
  CHECK(created.error().message() == nowhere + ": cannot be created: " + std::strerror(ENOENT));
  // A folder has the name.
  auto file = rexnet_test::must(rexnet::output_file::create(s.path("taken")));
  std::filesystem::create_directories(std::filesystem::u8path(s.path("taken/inside")));
  const auto status = file.commit();
  REQUIRE(!status.ok());
  CHECK(status.error().message().find(s.path("taken") + ": cannot be written: ") == 0);
  CHECK(!rexnet_test::exists(file.part()));
}
