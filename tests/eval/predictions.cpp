// SPDX-License-Identifier: MIT
// The file of predictions: what is written, what is read back, what is refused.
#include "tools/predictions.hpp"
#include "tools/csv.hpp"
#include "tools/output_guard.hpp"

#include "rexnet/rexnet.hpp"

#include "tests/support/must.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

using namespace rexnet_tools;
using rexnet_test::scratch;

namespace {

const class_list animals{3, {"cat", "dog, big", "\"bird\""}, true};

dataset three_pictures() {
  dataset d;
  d.samples = {{"a.png", 0}, {"b, \"c\".png", 1}, {"line\nfeed.png", 2}};
  return d;
}

prediction of(std::initializer_list<rexnet::scored_class> top) {
  prediction p;
  for (const auto& t : top) p.top[p.count++] = t;
  return p;
}

prediction broken(const char* why) {
  prediction p;
  p.broken = why;
  return p;
}

const std::string id = "11111111-22222222-33333333";

/// Nobody writes a file that output_guard does not know.
std::string declared(const std::string& path) {
  rexnet_tools::guard().output(path, "--csv");
  return path;
}

/// All three rows.
std::string whole_file(const scratch& dir) {
  const dataset d = three_pictures();
  const std::string path = declared(dir.path("whole.csv"));
  auto f = predictions_file::create(path, id, animals);
  f.append(d.samples[0], of({{0, 0.75f}, {2, 0.2f}, {1, 0.05f}}));
  f.append(d.samples[1], broken("PNG: cut, \"short\""));
  f.append(d.samples[2], of({{1, 0.1f}, {0, 1.0f / 3}, {2, 1e-30f}}));
  f.flush();
  return rexnet_test::read_bytes(path);
}

struct seen_row {
  std::size_t index;
  prediction p;
};

/// Rows that a resumed file gives back. @param after what stands in the file then
std::vector<seen_row> resume(const scratch& dir, const std::string& bytes, std::string& after,
                             const std::string& run = id) {
  const dataset d = three_pictures();
  const std::string path = declared(dir.file("resumed.csv", bytes));
  std::vector<seen_row> seen;
  {
    auto f = predictions_file::resume(path, run, animals, d, [&seen](std::size_t i, const prediction& p) {
      seen.push_back({i, p});
    });
    CHECK(f.rows() == seen.size());
  }
  after = rexnet_test::read_bytes(path);
  return seen;
}

std::string refusal(const scratch& dir, const std::string& bytes, const std::string& run = id) {
  std::string after;
  try {
    resume(dir, bytes, after, run);
  } catch (const rexnet::error& e) {
    CHECK(rexnet_test::read_bytes(dir.path("resumed.csv")) == bytes);
    return e.message();
  }
  FAIL_CHECK("not refused");
  return {};
}

bool says(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != text.npos;
}

std::string with(std::string text, const std::string& old, const std::string& now) {
  return text.replace(text.find(old), old.size(), now);
}

}  // namespace

TEST_CASE("csv: what is written is read back, whatever is in it") {
  const std::vector<std::string> fields{"", "plain", "a,b", "\"", "\"\"x\"", "two\nlines", "cr\r", "é 日本"};
  std::string text;
  for (const auto& f : fields) text += (text.empty() ? "" : ",") + csv_field(f);
  text = "," + text.substr(text[0] == ',' ? 1 : 0) + '\n';
  csv_reader reader(text);
  std::vector<std::string> found;
  REQUIRE(reader.next(found));
  CHECK(found == fields);
  CHECK(reader.position() == text.size());
  CHECK_FALSE(reader.next(found));
  CHECK(csv_field("a\"b") == "\"a\"\"b\"");
  CHECK(csv_field("plain text") == "plain text");
}

TEST_CASE("csv: a record without its line feed is not there") {
  std::vector<std::string> found;
  for (const char* half : {"c,d", "c,\"d\n", "c,\"d\"", "c"}) {
    const std::string text = std::string("a,b\r\n") + half;
    csv_reader reader(text);
    REQUIRE(reader.next(found));
    CHECK(found == std::vector<std::string>{"a", "b"});
    CHECK_FALSE(reader.next(found));
    CHECK(reader.position() == 5);
  }
}

TEST_CASE("predictions: a row for each picture, exact to the last bit of a probability") {
  const scratch dir;
  CHECK(whole_file(dir) ==
        "path,label,predicted,probability,top5,top5_probability,label_name,predicted_name,error,run\n"
        "a.png,0,0,0.75,0 2 1,0.75 0.200000003 0.0500000007,cat,cat,,11111111-22222222-33333333\n"
        "\"b, \"\"c\"\".png\",1,,,,,\"dog, big\",,\"PNG: cut, \"\"short\"\"\",11111111-22222222-33333333\n"
        "\"line\nfeed.png\",2,1,0.100000001,1 0 2,0.100000001 0.333333343 1e-30,\"\"\"bird\"\"\","
        "\"dog, big\",,11111111-22222222-33333333\n");
}

TEST_CASE("predictions: a file that exists is not written over") {
  const scratch dir;
  const std::string path = declared(dir.file("old.csv", "hours of work\n"));
  CHECK_THROWS_WITH(predictions_file::create(path, id, animals),
                    (path + ": exists already: remove it, or continue it with --resume").c_str());
  CHECK(rexnet_test::read_bytes(path) == "hours of work\n");
}

TEST_CASE("predictions: cut anywhere, the whole rows come back and the rest is cut off") {
  const scratch dir;
  const std::string whole = whole_file(dir);
  std::vector<std::size_t> ends;  // of the header and the rows
  csv_reader reader(whole);
  for (std::vector<std::string> row; reader.next(row);) ends.push_back(reader.position());
  REQUIRE(ends.size() == 4);
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    std::size_t rows = 0;
    while (rows < 3 && ends[rows + 1] <= length) ++rows;
    std::string after;
    const auto seen = resume(dir, whole.substr(0, length), after);
    INFO(length);
    REQUIRE(seen.size() == rows);
    CHECK(after == whole.substr(0, ends[rows]));
    for (std::size_t i = 0; i < rows; ++i) CHECK(seen[i].index == i);
    if (rows > 0) CHECK(seen[0].p.count == 3);
    if (rows > 1) CHECK(seen[1].p.broken == "PNG: cut, \"short\"");
    if (rows > 2) CHECK(seen[2].p.top[0].index == 1);
  }
}

TEST_CASE("predictions: rows of another run are refused, and the message says what differs") {
  const scratch dir;
  const std::string whole = whole_file(dir);
  CHECK(says(refusal(dir, whole, "01111111-22222222-33333333"), "row 1 is of another model"));
  CHECK(says(refusal(dir, whole, "11111111-02222222-33333333"), "row 1 is of other settings"));
  CHECK(says(refusal(dir, whole, "11111111-22222222-03333333"), "row 1 is of another data set"));
  CHECK(says(refusal(dir, with(whole, "\"b, ", "\"B, ")), "row 2 is of B, \"c\".png, expected b, \"c\".png"));
  CHECK(says(refusal(dir, with(whole, "a.png,0", "a.png,1")), "row 1 is of a.png"));
  CHECK(says(refusal(dir, with(whole, "0 2 1", "0 2 3")), "row 1 is damaged"));
  CHECK(says(refusal(dir, with(whole, "0 2 1", "2 0 1")), "row 1 is damaged"));
  CHECK(says(refusal(dir, with(whole, "0 2 1", std::string("0 2 1\0", 6))), "row 1 holds a NUL byte"));
  CHECK(says(refusal(dir, with(whole, ",cat,cat,,", ",cat,cat,")), "row 1 has 9 columns"));
  CHECK(says(refusal(dir, whole + whole.substr(whole.find("a.png"))), "more rows than the data set"));
  CHECK(says(refusal(dir, "path,label\na.png,0\n"), "no file of rexnet eval"));
  CHECK(says(refusal(dir, "something else"), "no file of rexnet eval"));
}

TEST_CASE("predictions: a run is known by weights, settings and pictures") {
  const rexnet::model m =
      rexnet_test::must(rexnet::load(rexnet_test::source_path("models/clothing_1.0x.rexnet")));
  const class_list classes{10, m.labels(), true};
  const dataset d = three_pictures();
  const std::string run = run_id(m, m.input(), false, classes, d);
  REQUIRE(run.size() == 26);
  CHECK(run == run_id(m, m.input(), false, classes, d));
  const auto differs_in = [&run](const std::string& other) {
    std::string parts;
    for (std::size_t i = 0; i < 3; ++i) parts += run.substr(9 * i, 8) != other.substr(9 * i, 8) ? '1' : '0';
    return parts;
  };
  auto input = m.input();
  input.input_size = 64;
  CHECK(differs_in(run_id(m, input, false, classes, d)) == "010");
  CHECK(differs_in(run_id(m, m.input(), true, classes, d)) == "010");
  CHECK(differs_in(run_id(m, m.input(), false, {10, {}, false}, d)) == "010");
  dataset other = d;
  other.samples[2].label = 1;
  CHECK(differs_in(run_id(m, m.input(), false, classes, other)) == "001");
  other = d;
  other.samples.pop_back();
  CHECK(differs_in(run_id(m, m.input(), false, classes, other)) == "001");
}
