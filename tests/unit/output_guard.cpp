// SPDX-License-Identifier: MIT
// Which outputs of a call are refused. tests/command_outputs.sh has the commands.
#include "tools/output_guard.hpp"

#include "rexnet/core/error.hpp"
#include "tests/support/scratch.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#if !defined(_WIN32)
#include <unistd.h>
#endif

namespace fs = std::filesystem;
using rexnet_test::scratch;
using rexnet_tools::output_guard;

namespace {

/// What the call says; "" where it is content.
template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
    return "";
  } catch (const rexnet::error& e) {
    CHECK(e.code() == rexnet::errc::output_is_input);
    return e.message();
  }
}

}  // namespace

TEST_CASE("output guard: an output is compared with inputs by what it is, in either order") {
  const scratch s;
  fs::create_directories(fs::u8path(s.path("folder")));
  const std::string in = s.file("in", "1"), other = s.path("folder/../in"), fresh = s.path("fresh");
  {
    output_guard g;
    g.output(other, "-o");
    g.output(fresh, "--csv");
    CHECK(refusal([&] { g.input(s.path("none"), "MODEL"); }).empty());
    CHECK(refusal([&] { g.input(in, "MODEL"); }) ==
          "-o " + other + " is the same file as MODEL " + in + ": nothing was written");
  }
  output_guard g;
  g.output_folder(s.folder());
  g.input(in, "MODEL");
  CHECK(refusal([&] { g.writing(s.path("folder/new")); }).empty());
  CHECK(refusal([&] { g.writing(in); }) ==
        "the output " + in + " is the same file as MODEL " + in + ": nothing was written");
}

TEST_CASE("output guard: two outputs are compared though neither exists yet") {
  const scratch s;
  fs::create_directories(fs::u8path(s.path("folder")));
  const std::string a = s.path("folder/a"), again = s.path("folder/./a"), deep = s.path("no/such/a");
  output_guard g;
  g.output(a, "--embed");
  CHECK(refusal([&] { g.output(a, "--embed"); }).empty());
  CHECK(refusal([&] { g.output(s.path("a"), "--csv"); }).empty());
  CHECK(refusal([&] { g.output(again, "--cam"); }) ==
        "--cam " + again + " is the same file as --embed " + a + ": nothing was written");
  g.output(deep, "--svg");
  CHECK(refusal([&] { g.output(deep, "-o"); }) ==
        "-o " + deep + " is the same file as --svg " + deep + ": nothing was written");
}

TEST_CASE("output guard: the name that an output has while it is written is an output, too") {
  const scratch s;
  const std::string part = s.file("x.part", "1"), x = s.path("x");
  output_guard g;
  g.output(x, "-o");
  CHECK(refusal([&] {
          g.input(part, "MODEL");
        }).find("as long as it is written) is the same file as MODEL") != std::string::npos);
  CHECK(!refusal([&] { g.output(part, "--csv"); }).empty());
}

TEST_CASE("output guard: nobody writes what was not declared") {
  const scratch s;
  output_guard g;
  g.output(s.path("x"), "-o");
  g.output_folder(s.path("maps"));
  g.writing(s.path("x"));
  g.writing(s.path("maps/a/b"));
  CHECK_THROWS_AS(g.writing(s.path("y")), std::logic_error);
  CHECK_THROWS_AS(g.writing(s.path("maps")), std::logic_error);
  CHECK_THROWS_AS(g.writing(s.path("maps/../y")), std::logic_error);
  CHECK_THROWS_AS(g.writing(s.path("maps.npy")), std::logic_error);
}

TEST_CASE("output guard: what was written is no input any more, until it is gone") {
  const scratch s;
  output_guard g;
  const std::string old = s.file("old", "1"), map = s.path("maps/a.png");
  g.output(old, "-o");
  g.output_folder(s.path("maps"));
  fs::create_directories(fs::u8path(s.path("maps")));
  g.writing(map);
  rexnet_test::write_bytes(map, "2");
  g.written(map);
  CHECK(refusal([&] { g.input(map, "the picture"); }) ==
        "the picture " + map + " is the same file as the output " + map + ", which was written before");
  // Its number may be another file's then.
  fs::rename(fs::u8path(map), fs::u8path(s.path("elsewhere")));
  CHECK(refusal([&] { g.input(s.path("elsewhere"), "the picture"); }).empty());
}

#if !defined(_WIN32)
TEST_CASE("output guard: links, hard and symbolic, of files and of folders") {
  const scratch s;
  const std::string in = s.file("in", "1"), soft = s.path("soft"), hard = s.path("hard");
  REQUIRE(::symlink("in", soft.c_str()) == 0);
  REQUIRE(::link(in.c_str(), hard.c_str()) == 0);
  for (const std::string& output : {soft, hard}) {
    output_guard g;
    g.output(output, "-o");
    CHECK(!refusal([&] { g.input(in, "MODEL"); }).empty());
  }
  for (const std::string& input : {soft, hard}) {
    output_guard g;
    g.output(in, "-o");
    CHECK(!refusal([&] { g.input(input, "MODEL"); }).empty());
  }
  fs::create_directories(s.path("folder"));
  REQUIRE(::symlink("folder", s.path("way").c_str()) == 0);
  output_guard g;
  g.output(s.path("folder/new"), "--embed");
  CHECK(!refusal([&] { g.output(s.path("way/new"), "--cam"); }).empty());
}
#endif
