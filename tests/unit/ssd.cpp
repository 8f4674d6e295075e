// SPDX-License-Identifier: MIT
// Anchors, decoding and suppression of an SSD head, against torchvision's.
#include "rexnet/heads/ssd.hpp"

#include "tests/support/npz.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using rexnet::box;
using rexnet::detection;
using rexnet::errc;

namespace {

rexnet::ssd_shape shape_of(int h, int w) {
  rexnet::ssd_shape s;
  s.input_h = h, s.input_w = w, s.levels = 6;
  int mh = (h + 15) / 16, mw = (w + 15) / 16;
  for (int k = 0; k < 6; ++k, mh = (mh + 1) / 2, mw = (mw + 1) / 2) s.h[k] = mh, s.w[k] = mw;
  return s;
}
std::vector<float> floats(const rexnet_test::array& a) {
  return {a.values.begin(), a.values.end()};
}

/// Detections of logits and codes, with one anchor for each row.
std::vector<detection> detect(const std::vector<float>& logits, const std::vector<float>& codes,
                              const std::vector<box>& anchors, int classes, int h, int w,
                              rexnet::ssd_options o = {}) {
  const rexnet::ssd_outputs out{logits.data(), codes.data(), anchors.size(), classes};
  std::vector<int> counts(static_cast<std::size_t>(classes));
  std::vector<detection> room(rexnet::ssd_candidates(anchors.size(), classes, o));
  std::size_t found = 0;
  REQUIRE(rexnet::ssd_detections(out, anchors, h, w, o, counts, room, found) == errc::ok);
  room.resize(found);
  return room;
}

void compare_with_torchvision(const std::string& name, int picture_h, int picture_w) {
  const auto z = rexnet_test::read_npz(rexnet_test::shared_path("fixtures/detection/" + name));
  const rexnet_test::array &input = z.at("input_nchw"), &expected_anchors = z.at("anchors");
  const rexnet::ssd_shape s = shape_of(static_cast<int>(input.shape[2]), static_cast<int>(input.shape[3]));
  std::vector<box> anchors(rexnet::ssd_rows(s));
  REQUIRE(anchors.size() == static_cast<std::size_t>(expected_anchors.shape[0]));
  REQUIRE(rexnet::ssd_anchors(s, anchors) == errc::ok);
  std::size_t other = 0;
  for (std::size_t i = 0; i < anchors.size(); ++i) {
    const double* e = &expected_anchors.values[4 * i];
    other += static_cast<double>(anchors[i].x1) != e[0] || static_cast<double>(anchors[i].y1) != e[1] ||
             static_cast<double>(anchors[i].x2) != e[2] || static_cast<double>(anchors[i].y2) != e[3];
  }
  CHECK(other == 0);

  std::vector<detection> found = detect(floats(z.at("cls_logits")), floats(z.at("bbox_regression")), anchors,
                                        static_cast<int>(z.at("cls_logits").shape[1]), s.input_h, s.input_w);
  rexnet::scale_boxes(found, s.input_h, s.input_w, picture_h, picture_w);
  const auto &boxes = z.at("boxes").values, &scores = z.at("scores").values, &labels = z.at("labels").values,
             &rows = z.at("anchor_index").values;
  REQUIRE(found.size() == scores.size());
  double worst_box = 0, worst_score = 0;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    wrong += found[i].label != static_cast<int>(labels[i]) || found[i].anchor != static_cast<int>(rows[i]);
    worst_score = std::fmax(worst_score, std::fabs(static_cast<double>(found[i].score) - scores[i]));
    const float at[] = {found[i].at.x1, found[i].at.y1, found[i].at.x2, found[i].at.y2};
    for (std::size_t c = 0; c < 4; ++c)
      worst_box = std::fmax(worst_box, std::fabs(static_cast<double>(at[c]) - boxes[4 * i + c]));
  }
  MESSAGE(name << ": boxes within " << worst_box << " pixels, scores within " << worst_score);
  CHECK(wrong == 0);
  CHECK(worst_box <= 1e-3);
  CHECK(worst_score <= 1e-5);
}

/// Codes of zeros: the anchors themselves.
const std::vector<float> no_shift(400, 0.0f);
/// Logits of two classes, background and one, whose probability is p.
float logit(double p) {
  return static_cast<float>(std::log(p / (1 - p)));
}

}  // namespace

TEST_CASE("torchvision's anchors, boxes, scores, labels and order") {
  REXNET_NEEDS("fixtures/detection/ssdlite_050_320.0.npz");
  compare_with_torchvision("ssdlite_050_320.0.npz", 480, 640);
  compare_with_torchvision("ssdlite_050_320.1.npz", 480, 640);
}

TEST_CASE("suppression") {
  const std::vector<box> anchors = {{0, 0, 10, 10},   {0, 0, 10, 10}, {0, 4, 10, 14},
                                    {20, 20, 30, 30}, {5, 5, 5, 5},   {5, 5, 5, 5}};
  const std::vector<float> logits = {0, logit(0.6), 0, logit(0.9), 0, logit(0.8),
                                     0, logit(0.7), 0, logit(0.3), 0, logit(0.2)};
  const auto rows = [](const std::vector<detection>& found) {
    std::vector<int> r;
    for (const detection& d : found) r.push_back(d.anchor);
    return r;
  };
  // Row 0 is row 1 again; row 2 overlaps it by 60 / 140; two boxes without area do not overlap: 0 / 0.
  CHECK(rows(detect(logits, no_shift, anchors, 2, 100, 100)) == std::vector<int>{1, 2, 3, 4, 5});
  rexnet::ssd_options o;
  o.iou = 0.4;
  CHECK(rows(detect(logits, no_shift, anchors, 2, 100, 100, o)) == std::vector<int>{1, 3, 4, 5});
  o.score = 0.7f;  // not itself
  CHECK(rows(detect(logits, no_shift, anchors, 2, 100, 100, o)) == std::vector<int>{1});
  o = {};
  o.candidates = 2;
  CHECK(rows(detect(logits, no_shift, anchors, 2, 100, 100, o)) == std::vector<int>{1, 2});
  o = {};
  o.most = 3;
  CHECK(rows(detect(logits, no_shift, anchors, 2, 100, 100, o)) == std::vector<int>{1, 2, 3});
}

TEST_CASE("equal scores: the lower class, then the lower row") {
  const std::vector<box> anchors = {{0, 0, 1, 1}, {10, 0, 11, 1}, {20, 0, 21, 1}, {30, 0, 31, 1}};
  const std::vector<float> logits(12, 0.0f);
  rexnet::ssd_options o;
  o.candidates = 3;
  const auto found = detect(logits, no_shift, anchors, 3, 100, 100, o);
  REQUIRE(found.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(found[i].label == static_cast<int>(1 + i / 3));
    CHECK(found[i].anchor == static_cast<int>(i % 3));
  }
}

TEST_CASE("both ways of suppression: classes do not touch each other") {
  // 600 boxes on one spot, of two classes: 1200 candidates take the second way, 400 the first.
  for (const int candidates : {200, 600}) {
    std::vector<box> anchors(600, box{10, 10, 50, 50});
    std::vector<float> logits(600 * 3, 0.0f), codes(600 * 4, 0.0f);
    rexnet::ssd_options o;
    o.candidates = candidates;
    const auto found = detect(logits, codes, anchors, 3, 64, 64, o);
    REQUIRE(found.size() == 2);
    CHECK(found[0].label == 1);
    CHECK(found[1].label == 2);
  }
}

TEST_CASE("decoding: the clamp, the clip, and what is not finite") {
  const box a{10, 10, 30, 50};
  const float grow[] = {0, 0, 30, 0};
  const box b = rexnet::decode_box(a, grow, 320, 320);
  CHECK(b.x1 == 0);
  CHECK(b.x2 == 320);
  CHECK(b.y1 == 10);
  CHECK(b.y2 == 50);
  const float shift[] = {10, -10, 0, 0};
  const box c = rexnet::decode_box(a, shift, 320, 320);
  CHECK(c.x1 == 30);
  CHECK(c.y1 == 0);
  CHECK(c.y2 == 10);
  const float odd[] = {NAN, INFINITY, -INFINITY, NAN};
  CHECK(std::isnan(rexnet::decode_box(a, odd, 320, 320).x1));

  // A row with a NaN or infinity has no class, one whose box is NaN is dropped, the others keep theirs.
  const std::vector<box> anchors(4, a);
  const std::vector<float> logits = {0, 1, NAN, 5, 0, INFINITY, 0, 2};
  std::vector<float> codes(16, 0.0f);
  codes[12] = NAN;
  const auto found = detect(logits, codes, anchors, 2, 320, 320);
  REQUIRE(found.size() == 1);
  CHECK(found[0].anchor == 0);
}

TEST_CASE("logits and codes that no network should give") {
  const float inf = INFINITY;
  const auto rows = [](const std::vector<float>& logits, const std::vector<float>& codes,
                       const std::vector<box>& anchors) {
    std::vector<int> r;
    for (const detection& d : detect(logits, codes, anchors, 3, 100, 100)) {
      r.push_back(d.anchor);
      for (const float v : {d.at.x1, d.at.y1, d.at.x2, d.at.y2}) CHECK((v >= 0 && v <= 100));
      CHECK((d.score > 0.001f && d.score <= 1));
    }
    return r;
  };
  std::vector<box> apart;
  for (int i = 0; i < 8; ++i)
    apart.push_back({10.0f * static_cast<float>(i), 0, 10.0f * static_cast<float>(i) + 9, 9});
  const std::vector<float> logits = {NAN,  1,      1,      // a NaN at each place
                                     1,    NAN,    1,      //
                                     1,    1,      NAN,    //
                                     0,    inf,    0,      // infinity minus infinity
                                     -inf, -inf,   -inf,   //
                                     -inf, 0,      -inf,   // certain
                                     0,    -3e38f, 3e38f,  // too
                                     0,    0,      -104};  // a half, and a denormal of no score
  CHECK(rows(logits, no_shift, apart) == std::vector<int>{5, 6, 7});
  // Codes: one NaN anywhere is enough; infinities are places and sizes, but for 0 times infinity.
  std::vector<float> codes(32, 0.0f), even(24, 0.0f);
  for (std::size_t row = 0; row < 8; ++row) even[3 * row + 1] = 1;
  for (std::size_t c = 0; c < 4; ++c) codes[4 * c + c] = NAN;
  codes[16] = inf, codes[21] = -inf, codes[26] = inf, codes[31] = -inf;
  CHECK(rows(even, codes, apart) == std::vector<int>{4, 5, 6, 7, 4, 5, 6, 7});
}

TEST_CASE("NaN boxes neither suppress nor move the others") {
  // 1001 candidates, of which one is dropped: still the first way, by the candidates that are boxes.
  std::vector<box> anchors;
  std::vector<float> logits, codes;
  for (int i = 0; i < 1001; ++i) {
    const auto x = static_cast<float>(i % 100) * 3, y = static_cast<float>(i / 100) * 3;
    anchors.push_back({x, y, x + 2, y + 2});
    logits.insert(logits.end(), {0, 1 + static_cast<float>(i) * 1e-3f});
    codes.insert(codes.end(), {0, 0, 0, i == 1000 ? NAN : 0.0f});
  }
  rexnet::ssd_options o;
  o.candidates = 2000, o.most = 2000;
  const auto found = detect(logits, codes, anchors, 2, 320, 320, o);
  CHECK(found.size() == 1000);
  CHECK(found[0].anchor == 999);
  // A candidate that is dropped has taken the place of one that is not: the best 5 are chosen before.
  o.candidates = 5;
  CHECK(detect(logits, codes, anchors, 2, 320, 320, o).size() == 4);
}

TEST_CASE("what cannot be is refused") {
  rexnet::ssd_shape s = shape_of(320, 320);
  std::vector<box> anchors(rexnet::ssd_rows(s));
  CHECK(anchors.size() == 3234);
  CHECK(rexnet::ssd_anchors(s, rexnet::span<box>(anchors).subspan(0, 10)) == errc::shape_mismatch);
  s.levels = 0;
  CHECK(rexnet::ssd_anchors(s, {}) == errc::invalid_argument);
  s = shape_of(320, 320);
  s.w[2] = 0;
  CHECK(rexnet::ssd_anchors(s, anchors) == errc::invalid_argument);

  const std::vector<float> logits(8), codes(16);
  std::vector<int> counts(2);
  std::vector<detection> room(4);
  std::size_t found = 7;
  const rexnet::ssd_outputs out{logits.data(), codes.data(), 4, 2};
  const auto four = rexnet::span<const box>(anchors.data(), 4);
  const auto call = [&](const rexnet::ssd_outputs& of, const rexnet::ssd_options& o, std::size_t places) {
    return rexnet::ssd_detections(of, four, 320, 320, o, counts, {room.data(), places}, found);
  };
  CHECK(call(out, {}, 4) == errc::ok);
  CHECK(call(out, {}, 3) == errc::shape_mismatch);
  CHECK(found == 0);
  CHECK(call({logits.data(), codes.data(), 3, 2}, {}, 4) == errc::shape_mismatch);
  CHECK(call({logits.data(), codes.data(), 4, 1}, {}, 4) == errc::invalid_argument);
  rexnet::ssd_options o;
  o.iou = NAN;
  CHECK(call(out, o, 4) == errc::invalid_argument);
  o = {};
  o.most = 0;
  CHECK(call(out, o, 4) == errc::invalid_argument);
  // Rows beyond int, and as many as wrap around with their classes: refused before a pointer is touched.
  const rexnet::span<const box> many(anchors.data(), std::size_t{0x80000000u});
  std::size_t none = 1;
  CHECK(rexnet::ssd_detections({logits.data(), codes.data(), many.size(), 2}, many, 320, 320, {}, {}, {},
                               none) == errc::invalid_argument);
  CHECK(none == 0);
}
