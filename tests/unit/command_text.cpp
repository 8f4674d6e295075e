// SPDX-License-Identifier: MIT
// What the command makes of text that others wrote: lists of labels, JSON, SVG.
#include "rexnet/core/error.hpp"
#include "tests/support/scratch.hpp"
#include "tools/json_text.hpp"
#include "tools/label_file.hpp"
#include "tools/xml_text.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace std::string_literals;
using rexnet_tools::labels_of_text;

#if REXNET_EXCEPTIONS
namespace {

std::string refusal(const std::string& text) {
  try {
    static_cast<void>(labels_of_text(text));
    return "";
  } catch (const rexnet::error& e) {
    CHECK(e.code() == rexnet::errc::packed_label_text);
    return e.message();
  }
}

/// ASCII in an encoding of so many bytes a character.
std::string wide(const std::string& text, std::size_t bytes, bool big) {
  std::string out;
  for (const char c : text) {
    std::string unit(bytes, '\0');
    unit[big ? bytes - 1 : 0] = c;
    out += unit;
  }
  return out;
}

}  // namespace

TEST_CASE("labels: UTF-8, with the line ends of every system") {
  const std::vector<std::string> expected{"hat", "caf\xc3\xa9 au lait", "\xe5\xb8\xbd"};
  for (const char* end : {"\n", "\r\n", "\r"})
    for (const char* mark : {"", "\xef\xbb\xbf"})
      for (const int blank : {0, 1, 3}) {
        std::string text = mark;
        for (const std::string& name : expected) text += name + end;
        for (int i = 0; i < blank; ++i) text += end;
        CHECK(labels_of_text(text) == expected);
      }
  CHECK(labels_of_text("a\nb") == std::vector<std::string>{"a", "b"});
  CHECK(labels_of_text("a  \n  b \n") == std::vector<std::string>{"a", "  b"});
  CHECK(labels_of_text("").empty());
  CHECK(labels_of_text("\n\n").empty());
}
TEST_CASE("labels: other encodings are named") {
  const std::string text = "dress\nhat\nlongsleeve\n";
  for (const bool big : {false, true}) {
    const std::string two = wide(text, 2, big), four = wide(text, 4, big);
    for (const std::string& mark : {std::string(), big ? "\xfe\xff"s : "\xff\xfe"s})
      CHECK(refusal(mark + two) == "the text is UTF-16: save it as UTF-8");
    for (const std::string& mark : {std::string(), big ? "\0\0\xfe\xff"s : "\xff\xfe\0\0"s})
      CHECK(refusal(mark + four) == "the text is UTF-32: save it as UTF-8");
  }
  CHECK(refusal("\xff\xfe\x26\x5e"s) == "the text is UTF-16: save it as UTF-8");  // no zero in it
  CHECK(refusal("a\ncaf\xe9\n") == "line 2 \"caf\\xe9\": is not UTF-8: save it as UTF-8");
  CHECK(refusal("\x8a\xbf\x8e\x71\n").find("line 1 ") == 0);  // Shift JIS
}
TEST_CASE("labels: controls and lines without a name are refused by their number") {
  CHECK(refusal("a\nb\x1b[31m\n") == "line 2 \"b\\x1b[31m\": has a control character");
  CHECK(refusal("a\nb\tc\n") == "line 2 \"b\\tc\": has a control character");
  CHECK(refusal("a\nb\rc\n") == "line 2 \"b\\rc\": has a control character");
  CHECK(refusal("a\nb\0c\n"s) == "line 2 \"b\\x00c\": has a control character");
  CHECK(refusal("a\n\xe2\x80\xae"
                "b\n")
            .find("line 2") == 0);
  CHECK(refusal("a\n\n  \nb\n") ==
        "line 2 is blank: a class needs a name, and only the file's end may be blank");
  CHECK(refusal("\na\n").find("line 1 is blank") == 0);
}
TEST_CASE("labels: the path stands in front") {
  const rexnet_test::scratch s;
  const std::string path = s.file("names", "a\n\xff\n");
  try {
    static_cast<void>(rexnet_tools::read_labels(path));
    CHECK(false);
  } catch (const rexnet::error& e) {
    CHECK(e.message() == path + ": line 2 \"\\xff\": is not UTF-8: save it as UTF-8");
  }
}
TEST_CASE("labels: a name that is there twice is told") {
  CHECK(rexnet_tools::repeated_labels({"a", "b", "c"}).empty());
  CHECK(rexnet_tools::repeated_labels({"a", "b", "a"}) == "label 3 is label 1 again: a");
  CHECK(rexnet_tools::repeated_labels({"a", "b", "a", "b", "a"}) ==
        "label 3 is label 1 again: a, and 2 more");
}
#endif

TEST_CASE("JSON: whatever a name holds, it is valid, and shows nothing to a terminal") {
  using nlohmann::ordered_json;
  const auto text = [](const std::string& name) { return rexnet_tools::json_text({{"n", name}}, -1); };
  CHECK(text("caf\xc3\xa9 \xf0\x9f\x91\x95\\\"") == "{\"n\":\"caf\xc3\xa9 \xf0\x9f\x91\x95\\\\\\\"\"}\n");
  CHECK(text("\x1b]0;x\x07\x7f") == "{\"n\":\"\\u001b]0;x\\u0007\\u007f\"}\n");
  CHECK(text("\xc2\x9b") == "{\"n\":\"\\u009b\"}\n");
  CHECK(text("\xe2\x80\xae\xd8\x9c") == "{\"n\":\"\\u202e\\u061c\"}\n");
  CHECK(text("caf\xe9") == "{\"n\":\"caf\xef\xbf\xbd\"}\n");
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  for (const std::string& name : {all, "\x7f\xc2\x80\xe2\x80\xa8\n\t"s}) {
    const ordered_json parsed = ordered_json::parse(text(name), nullptr, false);
    REQUIRE(!parsed.is_discarded());
    if (name != all) CHECK(parsed["n"] == name);
    CHECK(rexnet::printable(text(name), "\n") == text(name));
  }
  CHECK(rexnet_tools::json_text({{"a", {1, 2}}}) == "{\n  \"a\": [\n    1,\n    2\n  ]\n}\n");
}
TEST_CASE("XML: names become text that XML 1.0 has") {
  CHECK(rexnet_tools::xml_text("a<b> & \"c\"") == "a&lt;b&gt; &amp; &quot;c&quot;");
  CHECK(rexnet_tools::xml_text("\x1b[1m\xc2\x9b"
                               "caf\xe9\n") ==
        "\\x1b[1m\\xc2\\x9b"
        "caf\\xe9\\n");
  CHECK(rexnet_tools::xml_text("\xef\xbf\xbf!\xef\xbf\xbe") == "\xef\xbf\xbd!\xef\xbf\xbd");
}
