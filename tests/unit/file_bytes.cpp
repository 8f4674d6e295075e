// SPDX-License-Identifier: MIT
#include "rexnet/system/file_bytes.hpp"

#include "tests/support/child.hpp"
#include "tests/support/must.hpp"
#include "tests/support/scratch.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

#if !defined(_WIN32)
#include <csignal>
#endif

namespace {

using rexnet_test::scratch;

void refused(const std::string& path, const std::string& why) {
  auto r = rexnet::file_bytes::map(path);
  REQUIRE(!r.ok());
  CHECK(r.code() == rexnet::errc::io_error);
  CHECK_MESSAGE(r.error().message().find(rexnet::printable(path)) == 0, r.error().message());
  CHECK_MESSAGE(r.error().message().find(why) != std::string::npos, r.error().message());
  CHECK(rexnet::file_bytes::read(path).code() == rexnet::errc::io_error);
}

/// The system's words for a file that is not there.
std::string no_such_file() {
#if defined(_WIN32)
  return rexnet::detail::windows_message(ERROR_FILE_NOT_FOUND);
#else
  return std::strerror(ENOENT);
#endif
}

}  // namespace

TEST_CASE("file bytes: a file is mapped or copied, and moves; its name is UTF-8") {
  const scratch s;
  for (const std::string& name : {std::string("plain.bin"), rexnet_test::utf8_name}) {
    const std::string path = s.file(name, "hello");
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
}
TEST_CASE("file bytes: a copy does not change with the file") {
  const scratch s;
  const std::string path = s.file("x", "before");
  rexnet::file_bytes copy = rexnet_test::must(rexnet::file_bytes::read(path));
  rexnet_test::write_bytes(path, "AFTER!");
  CHECK(std::string(copy.bytes().begin(), copy.bytes().end()) == "before");
}
TEST_CASE("file bytes: missing and empty files, directories, pipes and devices are refused by name") {
  const scratch s;
  refused(s.path("missing"), "cannot be opened: " + no_such_file());
  refused(s.path(rexnet_test::utf8_name), "cannot be opened: " + no_such_file());
  refused(s.folder(), "directory");
  refused(s.file("empty", ""), "empty");
#if defined(_WIN32)
  refused("NUL", "regular");
  refused("not UTF-8: \xff", "cannot be opened");
#else
  REQUIRE(::mkfifo(s.path("pipe").c_str(), 0600) == 0);
  refused(s.path("pipe"), "regular");
  refused("/dev/zero", "regular");
  REQUIRE(::symlink("loop", s.path("loop").c_str()) == 0);
  refused(s.path("loop"), std::string("cannot be opened: ") + std::strerror(ELOOP));
  refused(s.path(std::string(300, 'n')), std::string("cannot be opened: ") + std::strerror(ENAMETOOLONG));
  refused(s.path(std::string(5000, 'n')), std::string("cannot be opened: ") + std::strerror(ENAMETOOLONG));
#endif
}

#if !defined(_WIN32)
TEST_CASE("file bytes: a file that nobody may read") {
  const scratch s;
  const std::string path = s.file("secret", "hello");
  REQUIRE(::chmod(path.c_str(), 0) == 0);
  CHECK(rexnet_test::in_child([&] {
          if (::geteuid() == 0 && (::chmod(s.folder().c_str(), 0711) != 0 || ::seteuid(65534) != 0)) return 1;
          const auto r = rexnet::file_bytes::map(path);
          if (r.ok()) return 2;
          return r.error().message() == path + ": cannot be opened: " + std::strerror(EACCES) ? 0 : 3;
        }) == 0);
}
TEST_CASE(
    "file bytes: a sparse file of 100 GB is mapped at once, and not copied into a memory that is smaller") {
  const scratch s;
  const std::string path = s.file("sparse", "");
  const std::int64_t size = 100000000000;
  if (sizeof(std::size_t) < 8 || ::truncate(path.c_str(), static_cast<::off_t>(size)) != 0)
    return;  // none here
  const auto sparse = rexnet_test::must(rexnet::file_bytes::map(path));
  CHECK(sparse.bytes().size() == static_cast<std::size_t>(size));
  const double memory =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (memory > 90e9) return;  // it would be read
  const auto copy = rexnet::file_bytes::read(path);
  CHECK(copy.code() == rexnet::errc::out_of_memory);
  CHECK(copy.error().message() == path + ": no memory for 100000000000 bytes");
}
TEST_CASE("file bytes: a file that shrinks ends a program that has it mapped, as the documents say") {
  const scratch s;
  const std::string path = s.file("x", std::string(100000, 'x'));
  CHECK(rexnet_test::in_child([&] {
          std::signal(SIGBUS, SIG_DFL);  // sanitizers have a handler
          const auto mapped = rexnet::file_bytes::map(path);
          if (!mapped || ::truncate(path.c_str(), 10) != 0) return 1;
          const volatile unsigned char* const bytes = mapped->bytes().data();
          return bytes[90000] == 'x' ? 2 : 3;
        }) == -SIGBUS);
}
TEST_CASE("file bytes: a file that ends early is an error when it is read") {
  // Files of sysfs claim a page and hold a line, as one that shrinks after it was opened.
  const std::string path = "/sys/devices/system/cpu/online";
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || info.st_size == 0) return;
  const auto r = rexnet::file_bytes::read(path);
  REQUIRE(!r.ok());
  CHECK(r.code() == rexnet::errc::io_error);
  CHECK_MESSAGE(r.error().message().find(" of 4096 bytes could be read") != std::string::npos,
                r.error().message());
}
#endif

#if defined(_WIN32)
TEST_CASE("file bytes: Windows' sharing, as POSIX has it") {
  const scratch s;
  const std::string path = s.file("shared", "hello");
  const auto open = [&path](DWORD access, DWORD share) {
    return CreateFileW(rexnet::detail::utf16(path).c_str(), access, share, nullptr, OPEN_EXISTING, 0,
                       nullptr);
  };
  const HANDLE writer = open(GENERIC_WRITE, FILE_SHARE_READ);
  REQUIRE(writer != INVALID_HANDLE_VALUE);
  CHECK(rexnet::file_bytes::map(path).ok());  // someone has it open for writing
  CloseHandle(writer);
  const HANDLE alone = open(GENERIC_WRITE, 0);
  REQUIRE(alone != INVALID_HANDLE_VALUE);
  refused(path, rexnet::detail::windows_message(ERROR_SHARING_VIOLATION));
  CloseHandle(alone);
  const auto mapped = rexnet_test::must(rexnet::file_bytes::map(path));
  const HANDLE later = open(GENERIC_WRITE, FILE_SHARE_READ);
  CHECK(later != INVALID_HANDLE_VALUE);  // a mapping holds no handle
  CloseHandle(later);
}
TEST_CASE("file bytes: Windows' words are UTF-8, in one line, with the number") {
  const std::string text = rexnet::detail::windows_message(ERROR_FILE_NOT_FOUND);
  CHECK_MESSAGE(text.find(" (Windows error 2)") != std::string::npos, text);
  CHECK(text.find('\n') == std::string::npos);
  CHECK(rexnet::detail::windows_message(0x20001234) == "Windows error 536875572");
  CHECK(rexnet::detail::utf8(rexnet::detail::utf16(rexnet_test::utf8_name).c_str()) ==
        rexnet_test::utf8_name);
  CHECK(rexnet::detail::utf16("\xff").empty());
  CHECK(rexnet::detail::utf16("").empty());
}
#endif
