// SPDX-License-Identifier: MIT
// The walk of `classify DIR` and `eval DIR`: every file is a picture, counted by kind, or named as
// unreadable.
#include "tools/image_list.hpp"

#include "tests/support/scratch.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#if !defined(_WIN32)
#include <sys/stat.h>
#endif

using rexnet_test::scratch;
using rexnet_tools::each_file_below;
using rexnet_tools::found_file;

namespace {

namespace fs = std::filesystem;

const std::string picture = "P6\n1 1\n255\nabc";

void write(const scratch& dir, const std::string& name, const std::string& bytes) {
  const fs::path path = fs::u8path(dir.path(name));
  fs::create_directories(path.parent_path());
  rexnet_test::write_bytes(path.u8string(), bytes);
}

/// "picture NAME", "other NAME (KIND)", "loop NAME" or "failed NAME", in the walk's order.
std::vector<std::string> walked(const std::string& dir) {
  std::vector<std::string> found;
  each_file_below(dir, [&](const found_file& f) {
    const std::string name = f.path.substr(dir.size() + (dir.back() == '/' ? 0 : 1));
    switch (f.what) {
      case found_file::as::picture: found.push_back("picture " + name); break;
      case found_file::as::other: found.push_back("other " + name + " (" + f.text + ")"); break;
      case found_file::as::loop: found.push_back("loop " + name); break;
      case found_file::as::failed: found.push_back("failed " + name); break;
    }
    return true;
  });
  return found;
}

using names = std::vector<std::string>;

}  // namespace

TEST_CASE("image_list: names of pictures, in capitals or not") {
  for (const char* name : {"a.jpg", "a.JPEG", "a.jpe",  "a.JFIF", "a.jpg_large", "a.png",      "a.pnm",
                           "a.pbm", "a.pgm",  "a.ppm",  "a.webp", "a.gif",       "a.bmp",      "a.dib",
                           "a.tif", "a.TIFF", "a.avif", "a.heic", "a.heif",      "dir/b.c.Png"})
    CHECK_MESSAGE(rexnet_tools::named_as_picture(name), name);
  for (const char* name : {"a", "a.txt", "jpg", "ajpg", "a.jpg.bak", "a.jpg~", "a.png.json"})
    CHECK_FALSE_MESSAGE(rexnet_tools::named_as_picture(name), name);
  CHECK(rexnet_tools::torchvision_takes("a.WebP"));
  CHECK_FALSE(rexnet_tools::torchvision_takes("a.gif"));
}

TEST_CASE("image_list: what the name does not say, the first bytes do") {
  const scratch dir;
  write(dir, "a.jpg", "not a picture: whoever reads it says so");
  write(dir, "b", picture);
  write(dir, "c.jpg_orig", picture);
  write(dir, "d.txt", "notes about the pictures in this folder, longer than any signature");
  write(dir, "e", "");
  write(dir, ".hidden.jpg", picture);
  write(dir, "._a.jpg", std::string("\0\5\x16\7\0\2\0\0Mac OS X", 16));  // macOS' sidecar
  write(dir, ".x/.DS_Store", std::string("\0\0\0\1Bud1", 8));
  const names found = walked(dir.folder());
  REQUIRE(found.size() == 8);
  CHECK(found[0].find("other ._a.jpg (") == 0);
  CHECK(found[1] == "picture .hidden.jpg");
  CHECK(found[2] == "picture a.jpg");
  CHECK(found[3] == "picture b");
  CHECK(found[4] == "picture c.jpg_orig");
  CHECK(found[5].find("other d.txt (") == 0);
  CHECK(found[6] == "other e (empty file)");
  CHECK(found[7].find("other .x/.DS_Store (") == 0);
}

TEST_CASE("image_list: the order is that of sorted(os.walk()), each folder's files before deeper ones") {
  const scratch dir;
  for (const char* name :
       {"b.png", "a/z.png", "a/b/c.png", "a-b/d.png", "a.png", "Z.png", "a/a.png", "\xc3\xa9.png"})
    write(dir, name, picture);
  const names expected = {"picture Z.png",   "picture a.png",   "picture b.png",     "picture \xc3\xa9.png",
                          "picture a/a.png", "picture a/z.png", "picture a-b/d.png", "picture a/b/c.png"};
  CHECK(walked(dir.folder()) == expected);
  CHECK(walked(dir.folder() + "/") == expected);
}

TEST_CASE("image_list: the walk ends when its visitor has enough, and says where there is nothing to walk") {
  const scratch dir;
  for (const char* name : {"a.png", "b.png", "c.png"}) write(dir, name, picture);
  int seen = 0;
  each_file_below(dir.folder(), [&](const found_file&) { return ++seen < 2; });
  CHECK(seen == 2);
  std::string why;
  each_file_below(dir.path("absent"), [&](const found_file& f) {
    CHECK(f.what == found_file::as::failed);
    why = f.text;
    return true;
  });
  CHECK(why.find("absent: cannot be read: ") != why.npos);
}

TEST_CASE("image_list: how many of each kind") {
  CHECK(rexnet_tools::kinds_text({{"PDF", 1}, {"text", 12}}) == "PDF: 1, text: 12");
  CHECK(rexnet_tools::sum_of({{"PDF", 1}, {"text", 12}}) == 13);
}

#if !defined(_WIN32)
TEST_CASE("image_list: links are followed, twice where two lead there, and not in circles") {
  const scratch dir, elsewhere;
  write(dir, "a/1.png", picture);
  write(elsewhere, "2.png", picture);
  fs::create_directory_symlink(elsewhere.folder(), dir.path("a/there"));
  fs::create_directory_symlink(elsewhere.folder(), dir.path("b"));
  fs::create_directory_symlink("..", dir.path("a/up"));
  fs::create_directory_symlink(dir.folder(), elsewhere.path("back"));
  fs::create_symlink("1.png", dir.path("a/one"));
  fs::create_symlink("nothing", dir.path("a/lost.png"));
  fs::create_symlink("nothing", dir.path("a/.#lock"));
  fs::create_symlink("self", dir.path("a/self"));
  const names expected = {"other a/.#lock (link to nothing)",
                          "picture a/1.png",
                          "failed a/lost.png",
                          "picture a/one",
                          "failed a/self",
                          "loop a/up",
                          "picture a/there/2.png",
                          "loop a/there/back",
                          "picture b/2.png",
                          "loop b/back"};
  names found = walked(dir.folder());
  std::sort(found.begin(), found.end());
  names sorted = expected;
  std::sort(sorted.begin(), sorted.end());
  CHECK(found == sorted);
}

TEST_CASE("image_list: pipes are not opened") {
  const scratch dir;
  REQUIRE(::mkfifo(dir.path("pipe").c_str(), 0600) == 0);
  REQUIRE(::mkfifo(dir.path("pipe.jpg").c_str(), 0600) == 0);
  CHECK(walked(dir.folder()) == names{"other pipe (pipe)", "failed pipe.jpg"});  // and does not wait for ever
}
#endif
