// SPDX-License-Identifier: MIT
#include "rexnet/system/output_file.hpp"

#include "rexnet/system/file_bytes.hpp"
#include "tests/support/child.hpp"
#include "tests/support/craft.hpp"
#include "tests/support/must.hpp"
#include "tests/support/scratch.hpp"

#include <doctest/doctest.h>

#include <string>

#if !defined(_WIN32)
#include <sys/resource.h>
#include <csignal>
#endif

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
TEST_CASE("output file: a part that a killed process left is taken over, whatever its length") {
  const scratch s;
  const std::string path = s.path("x"), stale = s.file("x.part", std::string(100000, 's'));
  auto file = rexnet_test::must(rexnet::output_file::create(path));
  REQUIRE(file.write(bytes_of("new")).ok());
  CHECK(file.commit().ok());
  CHECK(rexnet_test::read_bytes(path) == "new");
  CHECK(!rexnet_test::exists(stale));
}
TEST_CASE("output file: the output may be the input") {
  const scratch s;
  const std::string path = s.file("x", "content");
  {
    auto file = rexnet_test::must(rexnet::output_file::create(path));
    const auto in = rexnet_test::must(rexnet::file_bytes::map(path));
    REQUIRE(file.write(in.bytes()).ok());
    REQUIRE(file.write(in.bytes()).ok());
#if defined(_WIN32)
    CHECK(file.commit().code() == rexnet::errc::io_error);  // Windows replaces no file that is mapped
#else
    CHECK(file.commit().ok());
#endif
    CHECK(rexnet::detail::text(in.bytes()) == "content");  // the mapping keeps the old file
  }
#if defined(_WIN32)
  CHECK(rexnet_test::read_bytes(path) == "content");
#else
  CHECK(rexnet_test::read_bytes(path) == "contentcontent");
#endif
  CHECK(!rexnet_test::exists(s.path("x.part")));
}
TEST_CASE("output file: a directory is refused at once, and nothing is left in it") {
  const scratch s;
  std::filesystem::create_directories(std::filesystem::u8path(s.path("folder")));
  const auto created = rexnet::output_file::create(s.path("folder"));
  REQUIRE(!created.ok());
  CHECK(created.error().message() == s.path("folder") + ": cannot be created: it is a directory");
  CHECK(!rexnet_test::exists(s.path("folder.part")));
}

#if !defined(_WIN32)
TEST_CASE("output file: a full disk leaves the old file and no part") {
  const scratch s;
  const std::string path = s.file("x", "old");
  // A limit for files has the same effect as a full disk: write() fails, here with EFBIG. Buffered bytes fail
  // in write(), in flush() or in commit(), depending on how many they are.
  for (const std::size_t bytes : {std::size_t{1} << 20, std::size_t{2000}})
    CHECK(rexnet_test::in_child([&] {
            std::signal(SIGXFSZ, SIG_IGN);
            const ::rlimit limit{1000, 1000};
            if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
            auto file = rexnet::output_file::create(path);
            if (!file) return 2;
            rexnet::status written = file->write(bytes_of(std::string(bytes, 'n')));
            if (written) written = file->commit();
            if (written) return 3;
            return written.error().message() == path + ": cannot be written: " + std::strerror(EFBIG) ? 0 : 4;
          }) == 0);
  CHECK(rexnet_test::read_bytes(path) == "old");
  CHECK(!rexnet_test::exists(path + ".part"));
}
TEST_CASE("output file: a killed process leaves the old file, and its part hinders nobody") {
  const scratch s;
  const std::string path = s.file("x", "old");
  CHECK(rexnet_test::in_child([&] {
          auto file = rexnet::output_file::create(path);
          if (!file || !file->write(bytes_of("half")).ok() || !file->flush().ok()) return 1;
          return std::raise(SIGKILL);
        }) == -SIGKILL);
  CHECK(rexnet_test::read_bytes(path) == "old");
  CHECK(rexnet_test::read_bytes(path + ".part") == "half");
  auto file = rexnet_test::must(rexnet::output_file::create(path));
  CHECK(file.commit().ok());
  CHECK(rexnet_test::read_bytes(path).empty());
}
TEST_CASE("output file: two writers of one file do not mix") {
  const scratch s;
  auto first = rexnet_test::must(rexnet::output_file::create(s.path("x")));
  REQUIRE(first.write(bytes_of("first")).ok());
  const auto second = rexnet::output_file::create(s.path("x"));
  REQUIRE(!second.ok());
  CHECK(second.error().message() == s.path("x") + ": cannot be created: another process is writing it");
  CHECK(first.commit().ok());
  CHECK(rexnet_test::read_bytes(s.path("x")) == "first");
  CHECK(rexnet::output_file::create(s.path("x")).ok());
}
TEST_CASE("output file: symbolic links stay, devices and pipes are refused, a linked part is not followed") {
  const scratch s;
  const std::string target = s.file("target", "old"), link = s.path("link");
  REQUIRE(::symlink("target", link.c_str()) == 0);
  auto file = rexnet_test::must(rexnet::output_file::create(link));
  REQUIRE(file.write(bytes_of("new")).ok());
  CHECK(file.commit().ok());
  CHECK(rexnet_test::read_bytes(target) == "new");
  CHECK(std::filesystem::is_symlink(link));

  const auto refused = [](const std::string& path, const std::string& why) {
    const auto created = rexnet::output_file::create(path);
    REQUIRE(!created.ok());
    CHECK(created.code() == rexnet::errc::io_error);
    CHECK_MESSAGE(created.error().message() == path + ": cannot be created: " + why,
                  created.error().message());
  };
  refused("/dev/null", "it is not a regular file");
  REQUIRE(::mkfifo(s.path("pipe").c_str(), 0600) == 0);
  refused(s.path("pipe"), "it is not a regular file");
  REQUIRE(::symlink("nowhere", s.path("dangling").c_str()) == 0);
  refused(s.path("dangling"), std::string("it is a symbolic link: ") + std::strerror(ENOENT));
  REQUIRE(::symlink("loop", s.path("loop").c_str()) == 0);
  refused(s.path("loop"), std::string("it is a symbolic link: ") + std::strerror(ELOOP));
  REQUIRE(::symlink("target", s.path("a.part").c_str()) == 0);
  refused(s.path("a"), std::strerror(ELOOP));
  REQUIRE(::mkfifo(s.path("b.part").c_str(), 0600) == 0);
  refused(s.path("b"), std::strerror(ENXIO));
  CHECK(rexnet_test::read_bytes(target) == "new");
}
TEST_CASE("output file: a folder that may not be written to") {
  const scratch s;
  const std::string folder = s.path("folder");
  std::filesystem::create_directories(folder);
  REQUIRE(::chmod(folder.c_str(), 0500) == 0);
  const std::string path = folder + "/x";
  CHECK(rexnet_test::in_child([&] {
          // Root may write everywhere: as somebody else, then.
          if (::geteuid() == 0 && (::chown(folder.c_str(), 65534, 65534) != 0 ||
                                   ::chmod(s.folder().c_str(), 0711) != 0 || ::seteuid(65534) != 0))
            return 1;
          const auto created = rexnet::output_file::create(path);
          if (created.ok()) return 2;
          return created.error().message() == path + ": cannot be created: " + std::strerror(EACCES) ? 0 : 3;
        }) == 0);
  REQUIRE(::chmod(folder.c_str(), 0700) == 0);
}
#endif
