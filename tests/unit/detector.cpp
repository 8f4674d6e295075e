// SPDX-License-Identifier: MIT
// The detector: a checkpoint as a model, packed files of detectors, pictures to boxes alone, in batches and
// on threads, against the parts that it is made of; torchvision's checkpoint of the fixtures.
#include "rexnet/heads/detector.hpp"
#include "rexnet/load.hpp"
#include "rexnet/payload/file/write.hpp"

#include "tests/support/must.hpp"
#include "tests/support/packed_detector.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

using rexnet::errc;
using rexnet_test::must;

namespace {

using rexnet_test::packed_detector;

/// Pictures of different sizes and formats, with edges to be seen.
struct picture {
  std::vector<unsigned char> pixels;
  int width, height;
  picture(int w, int h, unsigned seed) : pixels(static_cast<std::size_t>(3 * w * h)), width(w), height(h) {
    std::mt19937 engine(seed);
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x)
        for (int c = 0; c < 3; ++c)
          pixels[static_cast<std::size_t>((y * w + x) * 3 + c)] = static_cast<unsigned char>(
              (x / 17 % 2 + y / 23 % 2) * 90 + static_cast<int>(engine() % 40) + 10 * c);
  }
  [[nodiscard]] rexnet::image_view view() const { return {pixels.data(), width, height}; }
};

bool same(rexnet::span<const rexnet::detection> a, rexnet::span<const rexnet::detection> b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::memcmp(&a[i], &b[i], sizeof(a[i])) != 0) return false;
  return true;
}

}  // namespace

TEST_CASE("a packed detector is read back: shape, settings, labels, weights") {
  for (const rexnet::element_type type : {rexnet::element_type::f32, rexnet::element_type::f16}) {
    const packed_detector file(type);
    const rexnet::model m = must(rexnet::load_packed(file.span(), rexnet::check::full));
    CHECK(m.is_detector());
    CHECK(m.header().version == 2);
    CHECK(rexnet::same_shape(m.shape(), file.header.shape));
    CHECK(rexnet::same_part(m.header().ssd, file.header.ssd));
    CHECK(m.header().settings.input_h == 96);
    CHECK(m.header().settings.input_w == 130);
    CHECK(m.header().settings.boxes.most == 40);
    CHECK(m.header().settings.boxes.score == 0.3f);
    CHECK(m.header().settings.boxes.iou == 0.55);
    CHECK(m.header().settings.boxes.candidates == 300);
    CHECK(m.header().settings.anchors.least == 0.2);
    CHECK(m.header().settings.anchors.most == 0.95);
    CHECK(m.input().mean[2] == 0.6f);
    CHECK(m.labels() == file.header.labels);
    CHECK(static_cast<std::int64_t>(m.payload().size()) == rexnet::packed_numbers(m.detector_shape()));
  }
}

TEST_CASE("a program for one detector opens its file and no other") {
  const packed_detector file;
  using own = rexnet::static_detector<rexnet::family::v1, 30, 4>;
  using other = rexnet::static_detector<rexnet::family::v1, 30, 5>;
  rexnet::packed_view v;
  REQUIRE(rexnet::open_packed(file.span(), rexnet::check::full, own::value, v) == errc::ok);
  CHECK(v.floats() != nullptr);
  CHECK(rexnet::open_packed(file.span(), rexnet::check::full, other::value, v) == errc::shape_mismatch);
  CHECK(rexnet::open_packed(file.span(), rexnet::check::full, own::value.backbone, v) == errc::ok);
}

TEST_CASE("headers of detectors that no reader would take are not written") {
  packed_detector file;
  const auto code = [&](auto change) {
    rexnet::packed_header h = file.header;
    change(h);
    const auto nothing = [](auto&&) -> rexnet::status { return rexnet::done; };
    const auto e =
        rexnet::write_packed(h, nothing, [](rexnet::byte_span) -> rexnet::status { return rexnet::done; });
    return e.ok() ? errc::ok : e.error().code();
  };
  CHECK(code([](rexnet::packed_header& h) { h.version = 1; }) == errc::packed_version);
  CHECK(code([](rexnet::packed_header& h) { h.labels.emplace_back("four"); }) == errc::packed_labels);
  CHECK(code([](rexnet::packed_header& h) { h.ssd.tap = 99; }) == errc::packed_shape);
  CHECK(code([](rexnet::packed_header& h) { h.ssd.extra[1].in_c += 8; }) == errc::packed_shape);
  CHECK(code([](rexnet::packed_header& h) { h.shape.classes = 7; }) == errc::packed_shape);
  CHECK(code([](rexnet::packed_header& h) { h.settings.boxes.iou = 1.5; }) == errc::packed_preprocessing);
  CHECK(code([](rexnet::packed_header& h) { h.settings.boxes.score = NAN; }) == errc::packed_preprocessing);
  CHECK(code([](rexnet::packed_header& h) { h.settings.anchors.least = 0; }) == errc::packed_preprocessing);
  CHECK(code([](rexnet::packed_header& h) { h.settings.input_w = 0; }) == errc::packed_preprocessing);
  // What would take hours in each picture: see max_ssd_candidates.
  CHECK(code([](rexnet::packed_header& h) { h.settings.boxes.candidates = 4096; }) == errc::ok);
  CHECK(code([](rexnet::packed_header& h) { h.settings.boxes.candidates = 4097; }) ==
        errc::packed_preprocessing);
  CHECK(code([](rexnet::packed_header& h) { h.settings.boxes.most = 1048576; }) == errc::ok);
  CHECK(code([](rexnet::packed_header& h) { h.settings.boxes.most = 1048577; }) ==
        errc::packed_preprocessing);
}

TEST_CASE("boxes have the same bits alone, in batches and on threads") {
  const packed_detector file;
  const rexnet::model m = must(rexnet::load_packed(file.span()));
  const std::vector<picture> pictures = {{200, 150, 1}, {33, 401, 2}, {130, 96, 3}, {1, 1, 4}, {640, 480, 5}};
  auto alone = must(rexnet::detector::make(m));
  std::vector<std::vector<rexnet::detection>> expected;
  std::size_t boxes = 0;
  for (const picture& p : pictures) {
    const auto found = must(alone.detect(p.view()));
    expected.emplace_back(found.begin(), found.end());
    boxes += found.size();
    for (const rexnet::detection& d : found) {
      CHECK(d.score > 0.3f);
      CHECK(d.label >= 1);
      CHECK(d.label <= 3);
      CHECK(d.at.x1 >= 0);
      CHECK(d.at.y2 <= static_cast<float>(p.height) * 1.00001f);
    }
  }
  CHECK(boxes > 20);
  std::vector<rexnet::image_view> views;
  for (const picture& p : pictures) views.push_back(p.view());
  for (const int threads : {1, 2, 3, 7}) {
    auto d = must(rexnet::detector::make(m, threads));
    for (std::size_t i = 0; i < views.size(); ++i) CHECK(same(must(d.detect(views[i])), expected[i]));
    const auto all = must(d.detect({views.data(), views.size()}));
    REQUIRE(all.size() == views.size());
    for (std::size_t i = 0; i < views.size(); ++i) CHECK(same(all[i], expected[i]));
    CHECK(must(d.detect(rexnet::span<const rexnet::image_view>())).empty());
  }
}

TEST_CASE("a detector that was moved from finds the same") {
  const packed_detector file;
  auto first = must(rexnet::detector::make(must(rexnet::load_packed(file.span())), 2));
  const picture p(200, 150, 1);
  const auto found = must(first.detect(p.view()));
  const std::vector<rexnet::detection> expected(found.begin(), found.end());
  auto second = std::move(first);
  CHECK(same(must(second.detect(p.view())), expected));
  CHECK(same(must(first.detect(p.view())), expected));  // NOLINT(bugprone-use-after-move): promised
  const rexnet::image_view views[] = {p.view(), p.view(), p.view()};
  auto third = std::move(second);
  const auto all = must(second.detect({views, 3}));  // NOLINT(bugprone-use-after-move): promised
  for (const auto& each : all) CHECK(same({each.data(), each.size()}, expected));
  CHECK(third.run({nullptr, 0, 4, 4, 3}, {}, {}).ok());
  std::vector<float> few(3);
  const std::vector<float> image(3 * 16);
  CHECK(std::string(third.run({image.data(), 1, 4, 4, 3}, few, few).error().what())
            .find("logits of 3 floats") != std::string::npos);
}

TEST_CASE("what is no picture, no detector, no setting") {
  const packed_detector file;
  const rexnet::model m = must(rexnet::load_packed(file.span()));
  auto d = must(rexnet::detector::make(m));
  const picture p(20, 10, 1);
  CHECK(d.detect(rexnet::image_view(nullptr, 20, 10)).error().code() == errc::invalid_argument);
  CHECK(d.detect(rexnet::image_view(p.pixels.data(), 0, 10)).error().code() == errc::invalid_argument);
  for (const std::ptrdiff_t stride : {PTRDIFF_MAX, PTRDIFF_MIN, std::ptrdiff_t{59}})
    CHECK(d.detect(rexnet::image_view(p.pixels.data(), 20, 10, rexnet::pixel_format::rgb, stride))
              .error()
              .code() == errc::invalid_argument);
  const rexnet::image_view views[] = {p.view(), {p.pixels.data(), 20, -1}};
  CHECK(std::string(d.detect({views, 2}).error().what()).find("pictures[1]") != std::string::npos);
  CHECK(rexnet::detector::make(rexnet::model()).error().code() == errc::invalid_argument);
  CHECK(rexnet::detector::make(m, 0).error().code() == errc::invalid_argument);
  rexnet::detector_settings how = m.header().settings;
  how.boxes.candidates = 0;
  CHECK(rexnet::detector::make(m, how).error().code() == errc::invalid_argument);
  // As a session a detector is its backbone.
  auto s = must(rexnet::session::make(m));
  std::vector<float> features(static_cast<std::size_t>(rexnet::output_c(m.shape())));
  CHECK(s.run(p.view(), features).ok());
}

TEST_CASE("raw outputs of normalised images") {
  const packed_detector file;
  const rexnet::model m = must(rexnet::load_packed(file.span()));
  auto d = must(rexnet::detector::make(m, 2));
  const int h = 65, w = 40;
  const auto rows = static_cast<std::size_t>(d.rows(h, w));
  const std::vector<float> images = rexnet::self_test_input(2 * h, w, 3);
  std::vector<float> logits(2 * rows * 4), codes(2 * rows * 4), first(rows * 4), second(rows * 4);
  CHECK(d.run({images.data(), 2, h, w, 3}, logits, codes).ok());
  CHECK(d.run({images.data(), 1, h, w, 3}, first, second).ok());
  CHECK(std::equal(first.begin(), first.end(), logits.begin()));
  CHECK(std::equal(second.begin(), second.end(), codes.begin()));
  CHECK(d.run({images.data(), 2, h, w, 3}, first, second).error().code() == errc::shape_mismatch);
}

TEST_CASE("torchvision's checkpoint is a model") {
  REXNET_NEEDS("fixtures/detection/ssdlite_050_320.pth");
  const rexnet::model m =
      must(rexnet::load(rexnet_test::shared_path("fixtures/detection/ssdlite_050_320.pth")));
  CHECK(m.is_detector());
  CHECK(m.shape().width_hundredths == 50);
  CHECK(m.detector_shape().classes == 4);
  CHECK(m.header().settings.input_h == 320);
  CHECK(m.labels().empty());
  CHECK(m.input().mean[0] == 0.485f);
}
