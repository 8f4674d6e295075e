// SPDX-License-Identifier: MIT
// Which pictures an evaluation takes, and which class each is given.
#include "tools/dataset.hpp"
#include "tools/unicode_form.hpp"

#include "rexnet/core/error.hpp"

#include "tests/support/scratch.hpp"

#include <doctest/doctest.h>

namespace fs = std::filesystem;
using namespace std::string_literals;
using rexnet_test::scratch;
using rexnet_tools::class_list;
using rexnet_tools::dataset;
using rexnet_tools::read_dataset;

namespace {

/// Files of nothing: read_dataset() opens none that is named as a picture.
void touch(const scratch& dir, std::initializer_list<const char*> files) {
  for (const char* file : files) {
    const auto path = std::filesystem::u8path(dir.path(file));
    std::filesystem::create_directories(path.parent_path());
    rexnet_test::write_bytes(path.u8string(), "");
  }
}

void make_folder(const scratch& dir, const std::string& name) {
  std::filesystem::create_directories(std::filesystem::u8path(dir.path(name)));
}

class_list named(std::vector<std::string> names, bool own = true) {
  const int count = static_cast<int>(names.size());
  return {count, std::move(names), own};
}

class_list nameless(int count) {
  return {count, {}, false};
}

/// "path=label path=label ..."
std::string samples(const dataset& d) {
  std::string text;
  for (const auto& s : d.samples) text += (text.empty() ? "" : " ") + s.path + '=' + std::to_string(s.label);
  return text;
}

/// The message of a refusal; fails where there is none, or another code.
std::string refusal(const std::string& path, const class_list& classes, rexnet::errc code) {
  try {
    const dataset d = read_dataset(path, classes);
    FAIL_CHECK("not refused: ", samples(d));
  } catch (const rexnet::error& e) {
    CHECK(e.code() == code);
    return e.message();
  }
  return {};
}

bool says(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != text.npos;
}

}  // namespace

TEST_CASE("dataset: folders take the class whose name they have, in any order and number") {
  const scratch dir;
  touch(dir, {"hat/b.png", "hat/a.JPEG", "dress/x/deep.ppm", "dress/y.gif", "dress/notes.txt", "loose.png",
              ".git/c.png"});
  make_folder(dir, "shoes");
  const dataset d = read_dataset(dir.folder(), named({"shoes", "hat", "coat", "dress"}));
  CHECK(samples(d) == "dress/y.gif=3 dress/x/deep.ppm=3 hat/a.JPEG=1 hat/b.png=1");
  CHECK(d.labels == "folders by name");
  REQUIRE(d.notes.size() == 4);
  CHECK(d.notes[0] == "1 pictures beside the class folders were left out");
  CHECK(d.notes[1] == "1 hidden folders were left out: .git");
  CHECK(d.notes[2] == "1 folders without pictures: shoes");
  CHECK(d.notes[3] == "1 pictures count that torchvision's ImageFolder does not take (.gif: 1)");
  REQUIRE(d.others.size() == 1);
  CHECK(d.others[0].path == "dress/notes.txt");
  CHECK(d.others[0].what == "empty file");
  CHECK(d.unread.empty());
  CHECK(rexnet_test::exists(d.file(d.samples[0])));
  CHECK(samples(read_dataset(dir.folder() + "/", named({"shoes", "hat", "coat", "dress"}))) == samples(d));
}

TEST_CASE("dataset: hidden folders are classes where the model knows them") {
  const scratch dir;
  touch(dir, {"a/1.png", "b/2.png", ".c/3.png"});
  CHECK(samples(read_dataset(dir.folder(), named({"b", ".c", "a"}))) == ".c/3.png=1 a/1.png=2 b/2.png=0");
  CHECK(samples(read_dataset(dir.folder(), named({"b", "a"}))) == "a/1.png=1 b/2.png=0");
  // As torchvision counts: .ipynb_checkpoints was a class in training, too.
  CHECK(samples(read_dataset(dir.folder(), nameless(3))) == ".c/3.png=0 a/1.png=1 b/2.png=2");
  CHECK(samples(read_dataset(dir.folder(), nameless(2))) == "a/1.png=0 b/2.png=1");
}

TEST_CASE("dataset: a name that Unicode spells in two ways is one name, unless the classes tell them apart") {
  const std::string composed = "caf\xc3\xa9", decomposed = "cafe\xcc\x81";
  const scratch dir;
  touch(dir, {"th\xc3\xa9/1.png"});
  fs::create_directories(fs::u8path(dir.path(decomposed)));
  rexnet_test::write_bytes(dir.path(decomposed + "/2.png"), "");
  const std::string list = dir.file("list.txt", "x.png\t" + decomposed + "\ny.png " + composed + "\n");
  const class_list classes = named({"th\xc3\xa9", composed});
  if (rexnet_tools::can_compose()) {
    CHECK(samples(read_dataset(dir.folder(), classes)) == decomposed + "/2.png=1 th\xc3\xa9/1.png=0");
    CHECK(samples(read_dataset(list, classes)) == "x.png=1 y.png=1");
    const class_list other = named({"th\xc3\xa9", decomposed});
    CHECK(samples(read_dataset(list, other)) == "x.png=1 y.png=1");
    touch(dir, {"caf\xc3\xa9/3.png"});
    const dataset two = read_dataset(dir.folder(), classes);
    CHECK(two.samples.size() == 3);
    CHECK(says(two.notes.back(), "1 folders are of the same class as another"));
  } else {
    CHECK(says(refusal(dir.folder(), classes, rexnet::errc::invalid_argument), "cafe\\u{301}"));
    CHECK(says(refusal(list, classes, rexnet::errc::invalid_argument), "caf\\u{e9}"));
  }
  const class_list both = named({composed, decomposed, "th\xc3\xa9"});
  CHECK(samples(read_dataset(list, both)) == "x.png=1 y.png=0");
  CHECK(rexnet_tools::spelt_out(decomposed + "/\xf0\x9f\x91\x92") == "cafe\\u{301}/\\u{1f452}");
}

TEST_CASE("dataset: a folder that names no class is refused by name") {
  const scratch dir;
  touch(dir, {"hat/a.png", "drees/b.png"});
  const std::string text = refusal(dir.folder(), named({"dress", "hat"}), rexnet::errc::invalid_argument);
  CHECK(says(text, "1 of 2 folders are no class of the model (dress, hat): drees"));
  CHECK(says(refusal(dir.folder(), named({"Kleid", "Hut"}), rexnet::errc::invalid_argument),
             "none of 2 folders (drees, hat) is a class of the model (Kleid, Hut)"));
  CHECK(says(refusal(dir.folder(), named({"hat", "hat", "drees"}), rexnet::errc::invalid_argument),
             "'hat' names several of the model's classes"));
}

TEST_CASE("dataset: without names the sorted position counts, as with torchvision's ImageFolder") {
  const scratch dir;
  // Python sorts by code points, which is the order of UTF-8's bytes: capitals first, then a to z, then é.
  touch(dir, {"b/1.png", "\xc3\xa9/2.png", "C/3.png", "a/4.png", "10/5.png", "9/6.png"});
  const dataset d = read_dataset(dir.folder(), nameless(6));
  CHECK(samples(d) == "10/5.png=0 9/6.png=1 C/3.png=2 a/4.png=3 b/1.png=4 \xc3\xa9/2.png=5");
  CHECK(d.labels == "folders by position");
  CHECK(says(refusal(dir.folder(), nameless(7), rexnet::errc::shape_mismatch),
             "6 folders for 7 classes without names"));
  make_folder(dir, "d");  // an empty folder has its position, too
  CHECK(samples(read_dataset(dir.folder(), nameless(7))) ==
        "10/5.png=0 9/6.png=1 C/3.png=2 a/4.png=3 b/1.png=4 \xc3\xa9/2.png=6");
}

TEST_CASE("dataset: ImageNet's synsets are classes of any model with a thousand") {
  const scratch dir;
  touch(dir, {"n01440764/a.JPEG", "n15075141/b.JPEG", "n02123045/c.JPEG"});
  const dataset d = read_dataset(dir.folder(), nameless(1000));
  CHECK(samples(d) == "n01440764/a.JPEG=0 n02123045/c.JPEG=281 n15075141/b.JPEG=999");
  CHECK(d.labels == "folders by ImageNet synset");
  touch(dir, {"n00000001/d.JPEG"});
  CHECK(says(refusal(dir.folder(), nameless(1000), rexnet::errc::invalid_argument),
             "1 of 4 folders are no synset of ImageNet-1k: n00000001"));
  CHECK(says(refusal(dir.folder(), nameless(10), rexnet::errc::shape_mismatch), "4 folders for 10 classes"));
}

TEST_CASE("dataset: a list names pictures from its own folder and classes by name or number") {
  const scratch dir;
  const std::string list = dir.file("list.txt",
                                    "\xef\xbb\xbf# a comment\r\n"
                                    "a.png\thot dog\r\n"
                                    "b c.png 1\n"
                                    "d,e.png,0\n"
                                    "d,e.png 2\n"
                                    "f.png maillot, tank suit\n"
                                    "\n"
                                    "\"g, \"\"h\"\".png\",hot dog\n"
                                    "sub/i.png hot dog");
  const class_list classes = named({"cat", "maillot, tank suit", "hot dog"});
  const dataset d = read_dataset(list, classes);
  CHECK(samples(d) == "a.png=2 b c.png=1 d,e.png=0 d,e.png=2 f.png=1 g, \"h\".png=2 sub/i.png=2");
  CHECK(d.file(d.samples[0]) == dir.path("a.png"));
  CHECK(samples(read_dataset(dir.file("head.csv", "path,label\nx.png,1\n"), nameless(2))) == "x.png=1");
  CHECK(samples(read_dataset(dir.file("digits.txt", "x.png 1\n"), named({"1", "2"}))) == "x.png=0");
  CHECK(samples(read_dataset(dir.file("synsets.txt", "x.png n02123045\n"), nameless(1000))) == "x.png=281");
}

TEST_CASE("dataset: a list's bad line is refused by its number") {
  const scratch dir;
  const auto refused = [&](const std::string& text) {
    return refusal(dir.file("list.txt", text), named({"cat", "dog"}), rexnet::errc::invalid_argument);
  };
  CHECK(says(refused("a.png 0\nb.png 2\n"), "line 2: 'b.png 2': expected"));
  CHECK(says(refused("a.png bird\n"), "line 1: 'a.png bird'"));
  CHECK(says(refused("a.png\n"), "0 to 1, or a name: cat, dog"));
  CHECK(says(refused("a.png -1\n"), "line 1"));
  CHECK(says(refused("# nothing\n"), "no pictures"));
  CHECK(says(refused("a.png 0\nb.png\0 1\n"s), "line 2: "));
  CHECK(says(refused("a.png 0\nb.png\0 1\n"s), "a NUL byte"));
  CHECK(says(refused("a.png 0\0b.png 1\0"s), "list.txt: NUL bytes: a list as find -print0"));
  CHECK(says(refused("\xff\xfe"
                     "a\0 \0"s
                     "0\0"s),
             "UTF-16"));
}

TEST_CASE("dataset: a list whose lines end with NUL holds line feeds in its paths") {
  const scratch dir;
  const std::string list = dir.file("list", "a\nb.png 1\0c.png\tcat\0d.png,1"s);
  CHECK(samples(read_dataset(list, named({"cat", "dog"}), true)) == "a\nb.png=1 c.png=0 d.png=1");
  CHECK_THROWS_WITH(static_cast<void>(read_dataset(dir.folder(), nameless(2), true)),
                    (dir.folder() + ": is a directory: --null is for lists").c_str());
}

TEST_CASE("dataset: nothing to evaluate is an error, and what cannot be read is mentioned") {
  const scratch dir;
  CHECK(says(refusal(dir.folder(), nameless(2), rexnet::errc::invalid_argument), "no folders"));
  CHECK(says(refusal(dir.path("absent"), nameless(2), rexnet::errc::io_error), "absent: cannot be opened"));
  touch(dir, {"a/1.txt", "b/2.txt"});
  CHECK(says(refusal(dir.folder(), nameless(2), rexnet::errc::invalid_argument),
             "no pictures (empty file: 2)"));
  touch(dir, {"b/3.webp"});
  const dataset d = read_dataset(dir.folder(), nameless(2));
  CHECK(samples(d) == "b/3.webp=1");
  REQUIRE(d.others.size() == 2);
  CHECK(d.others[0].path == "a/1.txt");
}
