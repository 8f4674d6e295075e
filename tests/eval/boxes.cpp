// SPDX-License-Identifier: MIT
// A detector's classes and COCO's categories, confusions, the rows of a run. The command with a detector:
// detector_command.py.
#include "tools/box_evaluation.hpp"
#include "tools/box_rows.hpp"
#include "tools/output_guard.hpp"

#include "rexnet/rexnet.hpp"

#include "tests/support/scratch.hpp"

#include <doctest/doctest.h>

using namespace rexnet_tools;
using rexnet_test::scratch;

namespace {

coco_truth cells() {
  coco_truth t;
  t.pictures = {{3, "a.png", 0, 0}, {5, "b.png", 0, 0}, {9, "c.png", 0, 0}};
  t.categories = {{1, "red"}, {2, "white"}};
  return t;
}

/// What an attempt is refused with.
template <class Attempt>
std::string why_not(Attempt&& attempt) {
  try {
    attempt();
  } catch (const rexnet::error& e) {
    return e.message();
  }
  return "";
}

bool holds(const std::string& text, const char* part) {
  return text.find(part) != text.npos;
}

const std::string box_run = "11111111-22222222-33333333";

picture_boxes found(std::vector<coco_detection> boxes) {
  picture_boxes p;
  p.boxes = std::move(boxes);
  return p;
}

}  // namespace

TEST_CASE("boxes: classes become categories by name, or by id") {
  const coco_truth t = cells();
  const auto none = no_category;
  CHECK(map_classes({"white", "red"}, 3, t, false).category == std::vector<std::size_t>{none, 1, 0});
  CHECK(map_classes({"white", "red"}, 3, t, true).category == std::vector<std::size_t>{none, 0, 1});
  CHECK(map_classes({}, 3, t, false).category == std::vector<std::size_t>{none, 0, 1});
  const class_map more = map_classes({}, 5, t, false);
  CHECK(more.category == std::vector<std::size_t>{none, 0, 1, none, none});
  CHECK(more.without_category() == 2);
  CHECK(holds(why_not([&] { static_cast<void>(map_classes({}, 2, t, false)); }), "category id 2"));
  CHECK(holds(why_not([&] {
                static_cast<void>(map_classes({"red", "blue"}, 3, t, false));
              }),
              "only the model has blue; only the file has white"));
  CHECK(holds(why_not([&] { static_cast<void>(map_classes({"red", "red"}, 3, t, false)); }), "two classes"));
  coco_truth twice = t;
  twice.categories[1].name = "red";
  CHECK(holds(why_not([&] {
                static_cast<void>(map_classes({"red", "white"}, 3, twice, false));
              }),
              "two categories"));
  twice.categories[0].id = 0;
  CHECK(holds(why_not([&] { static_cast<void>(map_classes({}, 3, twice, false)); }), "--labels"));
}

TEST_CASE("boxes: pictures stay in their folder") {
  coco_truth t = cells();
  for (const char* good : {"a.png", "b/c.png", "./a", "..a/b..", "a/./b"}) {
    t.pictures[1].file_name = good;
    CHECK(why_not([&] { check_picture_names(t, false); }).empty());
  }
  for (const char* bad : {"../a", "..", "a/../b", "/a/../b"}) {
    t.pictures[1].file_name = bad;
    CHECK(holds(why_not([&] { check_picture_names(t, true); }), "id 5: file_name"));
  }
  CHECK(picture_file("folder", t.pictures[0]) == "folder/a.png");
  t.pictures[1].file_name = "/a/b.png";
  CHECK(why_not([&] { check_picture_names(t, true); }).empty());
  CHECK(holds(why_not([&] { check_picture_names(t, false); }), "without --images only"));
  CHECK(picture_file("folder", t.pictures[1]) == "/a/b.png");
  t.pictures[1].file_name.clear();
  CHECK(holds(why_not([&] { check_picture_names(t, false); }), "no file_name"));
}

TEST_CASE("boxes: which class was found for which") {
  coco_truth t = cells();
  t.annotations = {{0, 0, {0, 0, 10, 10}, 100, false},
                   {0, 1, {100, 0, 10, 10}, 100, false},
                   {0, 1, {200, 0, 10, 10}, 100, false},
                   {1, 0, {0, 0, 50, 50}, 2500, true}};
  coco_detections d;
  d.boxes = {{0, 1, {0, 0, 10, 10}, 0.5},     // the first, as another
             {0, 0, {0, 0, 10, 10}, 0.4},     // too late for it
             {0, 1, {100, 0, 10, 20}, 0.9},   // overlaps by a half
             {0, 1, {200, 0, 10, 10}, 0.29},  // too improbable
             {1, 0, {10, 10, 5, 5}, 0.9},     // in a crowd
             {1, 1, {200, 200, 5, 5}, 0.9}};  // alone
  const std::map<std::pair<int, int>, std::int64_t> expected = {
      {{0, 1}, 1}, {{1, 1}, 1}, {{1, 2}, 1}, {{2, 0}, 1}, {{2, 1}, 1}};
  CHECK(confusion_of(t, d).confusion() == expected);
  CHECK(confusion_of(t, {}).confusion() ==
        std::map<std::pair<int, int>, std::int64_t>{{{0, 2}, 1}, {{1, 2}, 2}});
  const coco_truth first = truth_of_first(t, 1);
  CHECK(first.pictures.size() == 1);
  CHECK(first.annotations.size() == 3);
}

TEST_CASE("boxes: rows are read back as they were, from wherever the file ends") {
  const scratch dir;
  const coco_truth t = cells();
  const std::string path = dir.path("found.json.rows");
  guard().output(path, "--detections");
  {
    auto f = box_rows::create(path, box_run, t);
    f.append(found({{0, 1, {0.1, 1.0 / 3, 2, 1e-30}, 0.7}, {0, 0, {0, 0, 0, 0}, 0.25}}));
    picture_boxes broken;
    broken.broken = "cut, \"short\"\n";
    f.append(broken);
    f.append(found({}));
    f.close();
  }
  const std::string whole = rexnet_test::read_bytes(path);
  CHECK(holds(why_not([&] { box_rows::create(path, box_run, t); }), "--resume"));
  for (std::size_t n = 0; n <= whole.size(); ++n) {
    rexnet_test::write_bytes(path, whole.substr(0, n));
    std::size_t rows = 0;
    auto f = box_rows::resume(path, box_run, t, [&rows](std::size_t i, const picture_boxes& p) {
      CHECK(i == rows++);
      if (i == 0) {
        REQUIRE(p.boxes.size() == 2);
        CHECK(p.boxes[0].category == 1);
        CHECK(p.boxes[0].box.y == 1.0 / 3);
        CHECK(p.boxes[0].box.h == 1e-30);
        CHECK(p.boxes[0].score == 0.7);
      }
      if (i == 1) CHECK(p.broken == "cut, \"short\"\n");
      if (i == 2) CHECK((p.boxes.empty() && p.broken.empty()));
    });
    CHECK(rows == f.rows());
    f.close();
    const std::string kept = rexnet_test::read_bytes(path);
    const std::size_t head = whole.find('\n') + 1;
    CHECK(kept == whole.substr(0, kept.size()));
    CHECK(kept.size() >= head);
    CHECK(kept.back() == '\n');
  }
}
