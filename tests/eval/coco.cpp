// SPDX-License-Identifier: MIT
// COCO's evaluation: pycocotools' arrays, cases that can be counted by hand, files that are wrong.
#include "tools/coco_evaluation.hpp"
#include "tools/coco_report.hpp"

#include "tests/support/npz.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>

using namespace rexnet_tools;

namespace {

/// Ground truth of two pictures (1, 2) and two categories (3 "cat", 7 "dog").
std::string truth_of(const std::string& annotations) {
  return R"({"images": [{"id": 2}, {"id": 1, "file_name": "a.png", "width": 640, "height": 480}],
             "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}], "annotations": [)" +
         annotations + "]}";
}
/// A box of 50 x 50 pixels at x, in picture 1.
std::string annotation(int id, int x, const std::string& more = "") {
  return "{\"id\": " + std::to_string(id) +
         ", \"image_id\": 1, \"category_id\": 3, \"area\": 2500, \"bbox\": [" + std::to_string(x) +
         ", 0, 50, 50]" + more + "}";
}
std::string detection(const std::string& x, double score, int picture = 1, int category = 3) {
  return "{\"image_id\": " + std::to_string(picture) + ", \"category_id\": " + std::to_string(category) +
         ", \"bbox\": [" + x + ", 0, 50, 50], \"score\": " + std::to_string(score) + "}";
}
coco_result evaluate(const std::string& truth, const std::string& detections) {
  const coco_truth t = read_coco_truth(truth);
  return evaluate_coco(t, read_coco_detections("[" + detections + "]", t));
}
double ap(const coco_result& r) {
  return r.numbers()[0];
}

/// The message of a refusal.
template <class Read>
std::string refusal(Read&& read) {
  try {
    static_cast<void>(read());
  } catch (const rexnet::error& e) {
    return e.message();
  }
  return "accepted";
}
std::string refused(const std::string& truth) {
  return refusal([&] { return read_coco_truth(truth); });
}
std::string refused_detections(const std::string& detections) {
  const coco_truth t = read_coco_truth(truth_of(annotation(1, 0)));
  return refusal([&] { return read_coco_detections(detections, t); });
}
bool has(const std::string& text, const std::string& part) {
  const bool found = text.find(part) != text.npos;
  if (!found) MESSAGE("\"" << text << "\" lacks \"" << part << "\"");
  return found;
}

/// Every element, to 1e-12.
void compare(const std::vector<double>& found, const rexnet_test::array& expected) {
  REQUIRE(found.size() == expected.values.size());
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    worst = std::fmax(worst, std::fabs(found[i] - expected.values[i]));
  CHECK(worst <= 1e-12);
}

void compare_with_pycocotools(const std::string& name) {
  const std::string base = rexnet_test::shared_path("fixtures/detection/" + name);
  const coco_truth truth = read_coco_truth(rexnet_test::read_bytes(base + ".gt.json"));
  const coco_detections found = read_coco_detections(rexnet_test::read_bytes(base + ".dt.json"), truth);
  const coco_result r = evaluate_coco(truth, found);
  const auto expected = rexnet_test::read_npz(base + ".eval.npz");
  compare(r.precision, expected.at("precision"));
  compare(r.recall, expected.at("recall"));
  compare(r.scores, expected.at("scores"));
  const auto numbers = r.numbers();
  compare({numbers.begin(), numbers.end()}, expected.at("stats"));
}

}  // namespace

TEST_CASE("every element of pycocotools' arrays") {
  REXNET_NEEDS("fixtures/detection/eval_synthetic.gt.json");
  compare_with_pycocotools("eval_bccd_test");
  compare_with_pycocotools("eval_synthetic");
}

TEST_CASE("numbers that can be counted") {
  const std::string one = truth_of(annotation(5, 100));
  CHECK(ap(evaluate(one, detection("100", 0.5))) == doctest::Approx(1));
  CHECK(ap(evaluate(one, "")) == 0);  // where pycocotools fails
  CHECK(ap(evaluate(truth_of(""), detection("100", 0.5))) == -1);
  // 50 x 50 moved by 10: 40 / 60 is above 0.5, 0.55, 0.6, 0.65.
  CHECK(ap(evaluate(one, detection("110", 0.5))) == doctest::Approx(0.4));
  // A better-rated miss before it: precision 1/2 everywhere.
  CHECK(ap(evaluate(one, detection("300", 0.9) + "," + detection("100", 0.5))) == doctest::Approx(0.5));
  // Behind it: recall 1 is reached before.
  CHECK(ap(evaluate(one, detection("100", 0.5) + "," + detection("300", 0.4))) == doctest::Approx(1));
  // One of two found: 51 of 101 recalls.
  const std::string two = truth_of(annotation(5, 100) + "," + annotation(6, 300));
  CHECK(ap(evaluate(two, detection("100", 0.5))) == doctest::Approx(51.0 / 101));
  // The second detection of the same box is a miss; of a crowd it is not counted at all.
  CHECK(evaluate(two, detection("100", 0.5) + "," + detection("100", 0.4) + "," + detection("300", 0.3))
            .numbers()[0] == doctest::Approx((51 + 50 * 2.0 / 3) / 101));
  const std::string crowd = truth_of(annotation(5, 100, ", \"iscrowd\": 1") + "," + annotation(6, 300));
  CHECK(ap(evaluate(crowd, detection("100", 0.5) + "," + detection("101", 0.4) + "," +
                               detection("300", 0.3))) == doctest::Approx(1));
  // 2500 square pixels are medium.
  const auto numbers = evaluate(one, detection("100", 0.5)).numbers();
  CHECK(numbers[3] == -1);
  CHECK(numbers[4] == doctest::Approx(1));
  CHECK(numbers[5] == -1);
  CHECK(numbers[6] == doctest::Approx(1));
  // 1024 is small and medium.
  const std::string edge =
      truth_of(R"({"id": 5, "image_id": 1, "category_id": 3, "area": 1024, "bbox": [0, 0, 32, 32]})");
  const std::string found = R"({"image_id": 1, "category_id": 3, "bbox": [0, 0, 32, 32], "score": 1})";
  CHECK(evaluate(edge, found).numbers()[3] == doctest::Approx(1));
  CHECK(evaluate(edge, found).numbers()[4] == doctest::Approx(1));
  CHECK(evaluate(edge, found).numbers()[5] == -1);
}

TEST_CASE("no more than 100 detections of a picture and category count") {
  std::string many;
  for (int i = 0; i < 100; ++i) many += detection("300", 0.9) + ",";
  CHECK(ap(evaluate(truth_of(annotation(5, 100)), many + detection("100", 0.5))) == 0);
  CHECK(ap(evaluate(truth_of(annotation(5, 100)), many + detection("100", 0.95))) == doctest::Approx(1));
}

TEST_CASE("what is read, and what is passed over") {
  const coco_truth t = read_coco_truth(truth_of(
      annotation(
          5, 100,
          R"(, "segmentation": {"counts": [1, [2, {"bbox": 3}]], "id": "x"}, "id2": "y", "iscrowd": null)") +
      "," + R"({"id": 6, "image_id": 9, "category_id": 3, "area": 1, "bbox": [0, 0, 1, 1]},
                {"id": 7, "image_id": 1.0, "category_id": 8, "area": 1, "bbox": [0, 0, 1, 1]})"));
  REQUIRE(t.pictures.size() == 2);
  CHECK(t.pictures[0].id == 1);
  CHECK(t.pictures[0].file_name == "a.png");
  CHECK(t.pictures[0].width == 640);
  CHECK(t.pictures[1].height == 0);
  REQUIRE(t.categories.size() == 2);
  CHECK(t.categories[0].name == "cat");
  REQUIRE(t.annotations.size() == 1);
  CHECK(t.annotations[0].picture == 0);
  CHECK(t.annotations[0].category == 0);
  CHECK_FALSE(t.annotations[0].crowd);
  CHECK(t.of_unknown_pictures == 1);
  CHECK(t.of_unknown_categories == 1);
  const coco_detections d =
      read_coco_detections("[" + detection("1", 0.5, 2, 7) + "," + detection("1", 0.5, 2, 70) + "]", t);
  REQUIRE(d.boxes.size() == 1);
  CHECK(d.boxes[0].picture == 1);
  CHECK(d.boxes[0].category == 1);
  CHECK(d.of_unknown_categories == 1);
  CHECK(read_coco_detections("[]", t).boxes.empty());
  // A key that stands twice: the last counts, as in Python.
  CHECK(
      read_coco_detections(
          R"([{"image_id": 5, "image_id": 1, "category_id": 3, "score": 1, "bbox": [1], "bbox": [1, 2, 3, 4]}])",
          t)
          .boxes[0]
          .box.h == 4);
}

TEST_CASE("what is wrong is named") {
  CHECK(has(refused(""), "no JSON"));
  CHECK(has(refused("{\"images\": [}"), "no JSON"));
  CHECK(has(refused("[]"), "detections in place of ground truth"));
  CHECK(has(refused("{}"), "no array \"images\""));
  CHECK(has(refused("3"), "no array \"images\""));
  CHECK(has(refused(R"({"images": [], "categories": []})"), "no array \"annotations\""));
  CHECK(has(refused(R"({"images": 3})"), "images is another number, expected an array"));
  CHECK(has(refused(R"({"images": [], "images": []})"), "images stands twice"));
  CHECK(has(refused(R"({"images": [3]})"), "images[0] is another number, expected an object"));
  CHECK(has(refused(R"({"images": [{}]})"), "images[0]: no id"));
  CHECK(has(refused(R"({"images": [{"id": "1"}]})"), "images[0]: id is a string, expected a whole number"));
  CHECK(has(refused(R"({"images": [{"id": 1.5}]})"), "images[0]: id is another number"));
  CHECK(has(refused(R"({"images": [{"id": 1e300}]})"), "images[0]: id is another number"));
  CHECK(has(refused(R"({"images": [{"id": 1, "width": 0}]})"), "images[0]: width is 0"));
  CHECK(has(refused(R"({"images": [{"id": 1}, {"id": 1}], "categories": [], "annotations": []})"),
            "id 1 stands twice"));
  CHECK(has(refused(truth_of(annotation(0, 1))), "annotations[0]: id 0"));
  CHECK(has(refused(truth_of(annotation(4, 1) + "," + annotation(4, 1))), "annotations: id 4 stands twice"));
  CHECK(has(refused(truth_of(R"({"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]})")),
            "no area"));
  CHECK(has(refused(truth_of(R"({"id": 1, "image_id": 1, "category_id": 3, "area": 1})")),
            "annotations[0]: no bbox"));
  CHECK(has(refused(truth_of(annotation(1, 1, R"(, "iscrowd": 2)"))),
            "iscrowd is another number, expected 0 or 1"));
  CHECK(has(refused(truth_of(annotation(1, 1, R"(, "bbox": [1, 2, 3])"))), "bbox of 3 numbers"));
  CHECK(has(refused(truth_of(annotation(1, 1, R"(, "bbox": [1, 2, 3, 4, 5])"))),
            "bbox of more than 4 numbers"));
  CHECK(has(refused(truth_of(annotation(1, 1, R"(, "bbox": [1, 2, -3, 4])"))), "a box of -3"));
  CHECK(has(refused(truth_of(annotation(1, 1, R"(, "bbox": [1, 2, "3", 4])"))), "bbox has a string in it"));
  CHECK(has(refused(truth_of(annotation(1, 1, R"(, "bbox": [1, 2, NaN, 4])"))), "no JSON"));
  CHECK(has(refused(truth_of(annotation(1, 1, R"(, "bbox": [1, 2, 1e999, 4])"))), "no JSON"));
  CHECK(has(refused(truth_of(annotation(1, 1, R"(, "bbox": {})"))), "bbox is an object"));
  CHECK(has(refused_detections("{}"), "ground truth in place of detections"));
  CHECK(has(refused_detections("7"), "no array of detections"));
  CHECK(has(refused_detections("[7]"), "detections[0] is another number"));
  CHECK(has(refused_detections("[" + detection("1", 0.5) + "," + detection("1", 0.5, 9) + "]"),
            "detections[1]: image_id 9 is no picture of the ground truth"));
  CHECK(has(refused_detections(R"([{"image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]}])"), "no score"));
  CHECK(has(refused_detections(R"([{"image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4], "score": true}])"),
            "score is true or false, expected a number"));
}

TEST_CASE("size and depth of a file") {
  // A million brackets where nothing is looked for, and where a record belongs.
  const std::string deep = std::string(1000000, '[') + std::string(1000000, ']');
  CHECK(read_coco_truth(R"({"info": )" + deep + "," + truth_of("").substr(1)).pictures.size() == 2);
  CHECK(has(refused_detections(deep), "detections[0] is an array"));
  // 20,000 boxes on one spot, and the hundred detections that may take them.
  coco_truth t = read_coco_truth(truth_of(""));
  t.annotations.assign(20000, {0, 0, {0, 0, 10, 10}, 100, false});
  coco_detections d;
  d.boxes.assign(20000, {0, 0, {0, 0, 10, 10}, 0.5});
  CHECK(evaluate_coco(t, d).numbers()[8] == doctest::Approx(100.0 / 20000));
}

TEST_CASE("more categories than memory is for") {
  coco_truth t;
  t.categories.resize(coco_most_categories + 1);
  CHECK(has(refusal([&] { return evaluate_coco(t, {}); }), "5001 categories, at most 5000"));
}

TEST_CASE("reports") {
  const coco_truth t = read_coco_truth(truth_of(annotation(5, 100)));
  const coco_detections d = read_coco_detections("[" + detection("100", 0.5) + "]", t);
  const coco_result r = evaluate_coco(t, d);
  const std::string text = coco_text(t, d, r);
  CHECK(has(text, "AP        1.0000"));
  CHECK(has(text, "APsmall        -"));
  CHECK(has(text, "cat"));
  const auto json = coco_json(t, d, r);
  CHECK(json["AP"] == r.numbers()[0]);
  CHECK(json["APsmall"] == -1);
  REQUIRE(json["categories"].size() == 2);
  CHECK(json["categories"][0]["id"] == 3);
  CHECK(json["categories"][0]["boxes"] == 1);
  CHECK(json["categories"][0]["AP50"] == r.numbers_of(0)[1]);
  CHECK(json["categories"][1]["AP"] == -1);

  const std::vector<double> values = {1, -0.0, 1e-300, 3.25, 1.0 / 3, 2};
  const std::string file = npy_of_doubles({2, 3}, values);
  const auto again = rexnet_test::parse_npy({file.begin(), file.end()});
  CHECK(again.shape == std::vector<std::int64_t>{2, 3});
  CHECK(again.values == values);
}
