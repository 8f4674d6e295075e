// SPDX-License-Identifier: MIT
// Lists of paths and what is none: by their first bytes, and line by line as the pieces come.
#include "tools/path_list.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace std::string_literals;
using rexnet_tools::judge_stream;
using rexnet_tools::line_splitter;
using rexnet_tools::stream_start;
using as = stream_start::as;

namespace {

as judged(const std::string& start, bool null_separated = false, bool ended = false) {
  return judge_stream(start, null_separated, ended).what;
}

std::string refusal(const std::string& start, bool null_separated = false) {
  const stream_start s = judge_stream(start, null_separated, true);
  CHECK(s.what == as::refused);
  return s.why;
}

bool says(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != text.npos;
}

/// All lines, the text given in pieces of `size` bytes: "number:text" or "number!why".
std::vector<std::string> lines(const std::string& text, bool null_separated, std::size_t size) {
  line_splitter splitter(null_separated);
  std::vector<std::string> found;
  line_splitter::line l;
  const auto take = [&] {
    while (splitter.next(l))
      found.push_back(std::to_string(l.number) + (l.why.empty() ? ":" + l.text : "!" + l.why));
  };
  for (std::size_t at = 0; at < text.size(); at += size) {
    splitter.add(std::string_view(text).substr(at, size));
    take();
  }
  splitter.finish();
  take();
  return found;
}

const std::string jpeg = "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"s;
const std::string png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"s;

}  // namespace

TEST_CASE("path_list: a picture is known by its first bytes, and never taken for lines") {
  CHECK(judged(jpeg) == as::picture);
  CHECK(judged(png) == as::picture);
  CHECK(judged("P6\n3 2\n255\n") == as::picture);
  CHECK(judged("P5 # by gimp\n3 2 255\n\x01\x02"s) == as::picture);
  // Pipes may give a byte at a time: no beginning of a picture is a list yet.
  for (const std::string& picture : {jpeg, png})
    for (std::size_t n = 1; n < picture.size(); ++n)
      CHECK_MESSAGE(judged(picture.substr(0, n)) != as::list, n);
}

TEST_CASE("path_list: a list is known as soon as its first line is whole") {
  CHECK(judged("a.png\n") == as::list);
  CHECK(judged("a.png") == as::unclear);
  CHECK(judged("a.png", false, true) == as::list);
  CHECK(judged("") == as::unclear);
  CHECK(judged("", false, true) == as::list);
  CHECK(judged("\xef\xbb\xbf"
               "caf\xc3\xa9.png\r\n") == as::list);
  CHECK(judged("P6/a.png\n") == as::list);
  CHECK(judged("caf\xe9.jpg\n") == as::list);      // Latin-1
  CHECK(judged("\x1b[31mred.jpg\n") == as::list);  // a name that colours terminals
  CHECK(judged("a.png\0"s, true) == as::list);
  CHECK(judged("a\nb.png\0"s, true) == as::list);     // names may hold line feeds
  CHECK(judged("a.png\nb\0c\n"s) == as::list);        // the second line alone is refused, when it comes
  CHECK(judged(std::string(5000, 'x')) == as::list);  // too long for a picture's beginning
}

TEST_CASE("path_list: anything else is refused in words") {
  CHECK(says(refusal("a.png\0b.png\0"s), "--null"));
  CHECK(says(refusal("\xff\xfe"
                     "a\0.\0p\0"s),
             "UTF-16"));
  CHECK(says(refusal("a\0.\0p\0n\0g\0"s), "UTF-16"));
  CHECK(says(refusal("\0a\0.\0p\0n\0g"s), "UTF-16"));
  CHECK(says(refusal("PK\x03\x04\x14\0\0\0\x08\0\xb7\xac"s), "nor a list of paths"));
  CHECK(says(refusal("\x7f"
                     "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0"s),
             "nor a list of paths"));
  CHECK(says(refusal("\x1f\x8b\x08\0\0\0\0\0\0\x03\xed\xbd"s), "nor a list of paths"));
  CHECK(says(refusal("<!DOCTYPE html>\n<html>\n"), "nor a list of paths"));
  CHECK(says(refusal("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), "nor a list of paths"));
  CHECK(says(refusal("PK\x03\x04\x14\0\0\0\x08\0\xb7\xac\x7b\x5b\x2c"s, true), "nor a list of paths"));
}

TEST_CASE("path_list: lines are the same in whatever pieces they come") {
  const std::string text =
      "\xef\xbb\xbf"
      "a b.png\r\n\n-c.png\nd\\e.png\r\n \nlast"s;
  const std::vector<std::string> expected = {"1:a b.png", "3:-c.png", "4:d\\e.png", "5: ", "6:last"};
  for (std::size_t size = 1; size <= text.size(); ++size) CHECK(lines(text, false, size) == expected);
  const std::string nul = "a\nb.png\0\0c.png\r\0last"s;
  const std::vector<std::string> separated = {"1:a\nb.png", "3:c.png\r", "4:last"};
  for (std::size_t size = 1; size <= nul.size(); ++size) CHECK(lines(nul, true, size) == separated);
  CHECK(lines("", false, 1).empty());
  CHECK(lines("\xef", false, 1) == std::vector<std::string>{"1:\xef"});
}

TEST_CASE("path_list: a line with a NUL, and one that no path is as long as, are named by number") {
  const auto nul = lines("a.png\nb\0c.png\nd.png\n"s, false, 4);
  REQUIRE(nul.size() == 3);
  CHECK(nul[0] == "1:a.png");
  CHECK(says(nul[1], "2!a NUL byte"));
  CHECK(nul[2] == "3:d.png");
  const std::string longest(line_splitter::longest, 'x');
  for (const std::size_t size : {std::size_t{1000}, std::size_t{1} << 16, std::size_t{1} << 20}) {
    CHECK(lines("a\n" + longest + "\nb", false, size)[1] == "2:" + longest);
    const auto over = lines("a\n" + longest + "xx\nb", false, size);
    REQUIRE(over.size() == 3);
    CHECK(says(over[1], "2!longer than 131072 bytes"));
    CHECK(over[2] == "3:b");
    CHECK(lines("a\n" + longest + longest, false, size).size() == 2);
  }
}
