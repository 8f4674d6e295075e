// SPDX-License-Identifier: MIT
#include "rexnet/labels/imagenet.hpp"

#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cctype>
#include <fstream>
#include <set>
#include <string>

namespace {

using rexnet::imagenet_1k;
using rexnet::imagenet_index;

static_assert(imagenet_1k().size() == 1000 && imagenet_1k()[281].name == "tabby");
static_assert(imagenet_index("n01440764") == 0 && imagenet_index("n15075141") == 999);

}  // namespace

TEST_CASE("imagenet: a thousand synsets in ascending order, each with a name of its own") {
  std::set<std::string> names;
  std::string_view before;
  for (const rexnet::imagenet_class& c : imagenet_1k()) {
    CHECK(c.synset.size() == 9);
    CHECK(c.synset[0] == 'n');
    CHECK(c.synset > before);
    before = c.synset;
    std::string folded(c.name);
    CHECK_FALSE(folded.empty());
    for (char& letter : folded) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    CHECK_MESSAGE(names.insert(folded).second, folded, " stands there twice");
  }
  CHECK(names.size() == 1000);
}

TEST_CASE("imagenet: classes that everybody knows by number") {
  const auto is = [](int index, const char* synset, const char* name) {
    CHECK(imagenet_1k()[static_cast<std::size_t>(index)].synset == synset);
    CHECK(imagenet_1k()[static_cast<std::size_t>(index)].name == name);
    CHECK(imagenet_index(synset) == index);
  };
  is(0, "n01440764", "tench");
  is(134, "n02012849", "crane (bird)");
  is(264, "n02113186", "Cardigan Welsh corgi");
  is(281, "n02123045", "tabby");
  is(474, "n02963159", "cardigan");
  is(497, "n03028079", "church");
  is(517, "n03126707", "crane (machine)");
  is(638, "n03710637", "maillot");
  is(639, "n03710721", "tank suit");
  is(999, "n15075141", "toilet tissue");
}

TEST_CASE("imagenet: every synset is found, what is none is not") {
  for (std::size_t i = 0; i < 1000; ++i)
    CHECK(imagenet_index(imagenet_1k()[i].synset) == static_cast<int>(i));
  for (const char* none : {"", "n", "n01440763", "n01440765", "n0144076", "n014407640", "n99999999", "tench"})
    CHECK(imagenet_index(none) == -1);
}

TEST_CASE("imagenet: order and words are those of the list that the names come from") {
  REXNET_NEEDS("data/labels/imagenet_1k_lemmas.tsv");
  std::ifstream file(rexnet_test::shared_path("data/labels/imagenet_1k_lemmas.tsv"));
  std::string line;
  int i = 0, changed = 0;
  for (; std::getline(file, line); ++i) {
    REQUIRE(i < 1000);
    const rexnet::imagenet_class& c = imagenet_1k()[static_cast<std::size_t>(i)];
    CHECK(line.substr(0, 9) == c.synset);
    const std::string words = line.substr(10);
    changed += words.substr(0, words.find(", ")) != c.name;
  }
  CHECK(i == 1000);
  CHECK(changed == 4);  // both cranes, the corgi, the second maillot
}
