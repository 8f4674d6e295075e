// SPDX-License-Identifier: MIT
// A detector through the C interface: the C++ library's boxes, alone, in batches and on threads; its
// settings; what is refused.
#include "rexnet.h"

#include "rexnet/heads/detector.hpp"
#include "rexnet/rexnet.hpp"

#include "tests/support/craft_model.hpp"
#include "tests/support/must.hpp"
#include "tests/support/packed_detector.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using rexnet_test::must;

struct deleter {
  void operator()(rexnet_model* m) const { rexnet_model_free(m); }
  void operator()(rexnet_classifier* c) const { rexnet_classifier_free(c); }
  void operator()(rexnet_detector* d) const { rexnet_detector_free(d); }
};
using model_ptr = std::unique_ptr<rexnet_model, deleter>;
using detector_ptr = std::unique_ptr<rexnet_detector, deleter>;

rexnet_error error;  // of the last call

/// Whether the last call, which gave `status`, was refused with `expected` and a text that has `part`.
bool refused(rexnet_status status, rexnet_status expected, const char* part) {
  if (status == expected && error.status == expected && std::strstr(error.message, part) != nullptr)
    return true;
  MESSAGE(status, " ", error.message, ", expected ", expected, " with ", part);
  return false;
}

model_ptr load(const std::string& file) {
  rexnet_model* m = nullptr;
  const rexnet_status s = rexnet_model_load_memory(file.data(), file.size(), 0, &m, &error);
  INFO(std::string(error.message));
  REQUIRE(s == REXNET_OK);
  return model_ptr(m);
}

detector_ptr detector_of(const model_ptr& m, const rexnet_detector_options* options = nullptr) {
  rexnet_detector* d = nullptr;
  const rexnet_status s = rexnet_detector_new(m.get(), options, &d, &error);
  INFO(std::string(error.message));
  REQUIRE(s == REXNET_OK);
  return detector_ptr(d);
}

rexnet_detector_options with_threads(int n) {
  rexnet_detector_options o = REXNET_DETECTOR_OPTIONS_INIT;
  o.threads = n;
  return o;
}

/// Pictures of different sizes, with edges to be seen.
struct pictures {
  std::vector<std::vector<std::uint8_t>> pixels;
  std::vector<rexnet_picture> views;

  pictures() {
    const int sides[][2] = {{200, 150}, {33, 401}, {130, 96}, {1, 1}, {640, 480}};
    for (const auto& side : sides) {
      const int w = side[0], h = side[1];
      std::vector<std::uint8_t> bytes;
      for (int i = 0; i < 3 * w * h; ++i) {
        const int x = i / 3 % w, y = i / 3 / w,
                  noise = static_cast<int>(std::uint32_t(i) * 2654435761u >> 27);
        bytes.push_back(static_cast<std::uint8_t>((x / 17 % 2 + y / 23 % 2) * 90 + noise + 10 * (i % 3)));
      }
      pixels.push_back(std::move(bytes));
      views.push_back({pixels.back().data(), w, h, 0, REXNET_RGB});
    }
  }
};

/// What a call wrote for a picture.
using boxes = std::vector<rexnet_detection>;

boxes detect(rexnet_detector* d, const rexnet_picture& p) {
  boxes found(static_cast<std::size_t>(rexnet_detector_capacity(d)));
  std::size_t count = 0;
  const rexnet_status s = rexnet_detect(d, &p, found.data(), found.size(), &count, &error);
  INFO(std::string(error.message));
  REQUIRE(s == REXNET_OK);
  CHECK(error.message[0] == '\0');
  found.resize(count);
  return found;
}

bool same(const boxes& a, const boxes& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(a[0])) == 0);
}

/// What the C++ library finds.
boxes expected_of(rexnet::detector& d, const rexnet_picture& p) {
  boxes all;
  for (const rexnet::detection& f : must(d.detect(rexnet::image_view{p.pixels, p.width, p.height})))
    all.push_back({f.at.x1, f.at.y1, f.at.x2, f.at.y2, f.score, f.label});
  return all;
}

/// False where the library under test and this program run kernels of different sets, whose bits differ.
bool same_kernels(const rexnet::detector& d) {
  return std::strcmp(d.instruction_set(), rexnet_instruction_set()) == 0;
}

}  // namespace

TEST_CASE("c_api: a detector tells what it is") {
  const rexnet_test::packed_detector file;
  const model_ptr m = load(file.bytes);
  CHECK(rexnet_model_is_detector(m.get()) == 1);
  CHECK(rexnet_model_class_count(m.get()) == 4);  // with the background
  CHECK(rexnet_model_label(m.get(), -1) == nullptr);
  CHECK(rexnet_model_label(m.get(), 0) == nullptr);
  CHECK(std::string(rexnet_model_label(m.get(), 1)) == "one");
  CHECK(std::string(rexnet_model_label(m.get(), 2)).empty());
  CHECK(std::string(rexnet_model_label(m.get(), 3)) == "three");
  CHECK(rexnet_model_label(m.get(), 4) == nullptr);
  CHECK(rexnet_model_label(m.get(), std::numeric_limits<std::int32_t>::min()) == nullptr);
  CHECK(rexnet_model_label(m.get(), std::numeric_limits<std::int32_t>::max()) == nullptr);
  CHECK(std::string(rexnet_model_variant(m.get())) == "SSDLite on v1 0.3x");
  CHECK(rexnet_model_feature_count(m.get()) == 0);
  CHECK(rexnet_model_input_size(m.get()) == 0);

  rexnet_detector_options o = REXNET_DETECTOR_OPTIONS_INIT;
  REQUIRE(rexnet_model_detector_options(m.get(), &o, &error) == REXNET_OK);
  CHECK(o.size == sizeof(o));
  CHECK(o.threads == 1);
  CHECK(o.input_width == 130);
  CHECK(o.input_height == 96);
  CHECK(o.candidates == 300);
  CHECK(o.most == 40);
  CHECK(o.score == static_cast<double>(0.3f));
  CHECK(o.overlap == 0.55);
  CHECK(o.least_anchor == 0.2);
  CHECK(o.most_anchor == 0.95);
  // Of a program with a newer header, what this library does not know stays.
  struct {
    rexnet_detector_options known;
    std::int64_t newer;
  } later = {{sizeof(later), 0, 0, 0, 0, 0, 0, 0, 0, 0}, 77};
  REQUIRE(rexnet_model_detector_options(m.get(), &later.known, &error) == REXNET_OK);
  CHECK(later.known.size == sizeof(later));
  CHECK(later.known.most == 40);
  CHECK(later.newer == 77);
}

TEST_CASE("c_api: boxes are the C++ library's, for NULL, for nothing asked and for the model's own options") {
  const rexnet_test::packed_detector file;
  const model_ptr m = load(file.bytes);
  auto d = must(rexnet::detector::make(must(rexnet::load_packed(file.span()))));
  const pictures all;
  rexnet_detector_options own = REXNET_DETECTOR_OPTIONS_INIT;
  REQUIRE(rexnet_model_detector_options(m.get(), &own, nullptr) == REXNET_OK);
  const rexnet_detector_options nothing = REXNET_DETECTOR_OPTIONS_INIT;
  const detector_ptr by_null = detector_of(m), by_nothing = detector_of(m, &nothing),
                     by_own = detector_of(m, &own);
  CHECK(rexnet_detector_capacity(by_null.get()) == 40);
  std::size_t boxes_of_all = 0;
  for (const rexnet_picture& p : all.views) {
    const boxes found = detect(by_null.get(), p);
    boxes_of_all += found.size();
    if (same_kernels(d)) CHECK(same(found, expected_of(d, p)));
    CHECK(same(found, detect(by_nothing.get(), p)));
    CHECK(same(found, detect(by_own.get(), p)));
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(found[i].score > 0.3f);
      CHECK((i == 0 || found[i].score <= found[i - 1].score));
      CHECK(found[i].label >= 1);
      CHECK(found[i].label <= 3);
      CHECK(found[i].x1 <= found[i].x2);
      CHECK(found[i].y2 <= static_cast<float>(p.height) * 1.00001f);
    }
  }
  CHECK(boxes_of_all > 20);
}

TEST_CASE("c_api: options of a detector win over the model's settings") {
  const rexnet_test::packed_detector file;
  const model_ptr m = load(file.bytes);
  const rexnet::model cpp = must(rexnet::load_packed(file.span()));
  const pictures all;
  const auto compare = [&](const rexnet_detector_options& o, auto change) {
    rexnet::detector_settings s = cpp.header().settings;
    change(s);
    auto expected = must(rexnet::detector::make(cpp, s));
    const detector_ptr d = detector_of(m, &o);
    if (!same_kernels(expected)) return;
    for (const rexnet_picture& p : all.views) CHECK(same(detect(d.get(), p), expected_of(expected, p)));
  };
  using settings = rexnet::detector_settings;
  rexnet_detector_options o = REXNET_DETECTOR_OPTIONS_INIT;
  o.input_width = 200;
  compare(o, [](settings& s) { s.input_w = 200; });
  o = REXNET_DETECTOR_OPTIONS_INIT, o.input_height = 65;
  compare(o, [](settings& s) { s.input_h = 65; });
  o = REXNET_DETECTOR_OPTIONS_INIT, o.candidates = 5;
  compare(o, [](settings& s) { s.boxes.candidates = 5; });
  CHECK(rexnet_detector_capacity(detector_of(m, &o).get()) == 15);  // 5 of each class
  o = REXNET_DETECTOR_OPTIONS_INIT, o.most = 1 << 20;
  compare(o, [](settings& s) { s.boxes.most = 1 << 20; });
  CHECK(rexnet_detector_capacity(detector_of(m, &o).get()) <= 3 * 300);
  o = REXNET_DETECTOR_OPTIONS_INIT, o.score = 0.6;
  compare(o, [](settings& s) { s.boxes.score = 0.6f; });
  o = REXNET_DETECTOR_OPTIONS_INIT, o.score = 1e-9;
  compare(o, [](settings& s) { s.boxes.score = 0; });
  o = REXNET_DETECTOR_OPTIONS_INIT, o.overlap = 0.1;
  compare(o, [](settings& s) { s.boxes.iou = 0.1; });
  o = REXNET_DETECTOR_OPTIONS_INIT, o.overlap = 1e-9;
  compare(o, [](settings& s) { s.boxes.iou = 0; });
  o = REXNET_DETECTOR_OPTIONS_INIT, o.least_anchor = 0.1, o.most_anchor = 0.8;
  compare(o, [](settings& s) { s.anchors = {0.1, 0.8}; });
}

TEST_CASE("c_api: formats and strides of a detector's pictures") {
  const rexnet_test::packed_detector file;
  const detector_ptr d = detector_of(load(file.bytes));  // the model is freed first
  const pictures all;
  const rexnet_picture& rgb = all.views[0];
  const boxes expected = detect(d.get(), rgb);
  CHECK(!expected.empty());
  const int w = rgb.width, h = rgb.height, stride = 4 * w + 8;
  std::vector<std::uint8_t> bgra(static_cast<std::size_t>(stride * h), 0xee);
  for (int y = 0; y < h; ++y)  // bottom-up, with gaps
    for (int x = 0; x < w; ++x)
      for (int c = 0; c < 3; ++c)
        bgra[static_cast<std::size_t>((h - 1 - y) * stride + 4 * x + 2 - c)] =
            rgb.pixels[(y * w + x) * 3 + c];
  CHECK(same(detect(d.get(), {bgra.data() + (h - 1) * stride, w, h, -stride, REXNET_BGRA}), expected));
}

TEST_CASE("c_api: boxes have the same bits alone, in batches and on threads") {
  const rexnet_test::packed_detector file;
  const model_ptr m = load(file.bytes);
  const pictures all;
  const detector_ptr one = detector_of(m);
  std::vector<boxes> expected;
  for (const rexnet_picture& p : all.views) expected.push_back(detect(one.get(), p));
  for (const int threads : {1, 2, 3, 8}) {
    const rexnet_detector_options o = with_threads(threads);
    const detector_ptr d = detector_of(m, &o);
    const std::size_t capacity = static_cast<std::size_t>(rexnet_detector_capacity(d.get())) + 3;
    CHECK(same(detect(d.get(), all.views[0]), expected[0]));
    for (std::size_t n = 0; n <= all.views.size(); ++n) {
      const rexnet_detection untouched = {-7, -7, -7, -7, -7, -7};
      boxes found(all.views.size() * capacity, untouched);
      std::vector<std::size_t> counts(all.views.size(), 999);
      REQUIRE(rexnet_detect_batch(d.get(), all.views.data(), n, found.data(), capacity, counts.data(),
                                  &error) == REXNET_OK);
      CHECK(error.status == REXNET_OK);
      for (std::size_t i = 0; i < all.views.size(); ++i) {
        const auto begin = found.begin() + static_cast<std::ptrdiff_t>(i * capacity);
        if (i < n) {
          REQUIRE(counts[i] == expected[i].size());
          CHECK(same(boxes(begin, begin + static_cast<std::ptrdiff_t>(counts[i])), expected[i]));
        } else {
          CHECK(counts[i] == 999);
        }
        CHECK(found[i * capacity + (i < n ? counts[i] : 0)].label == -7);  // what is behind the last box
      }
    }
    CHECK(rexnet_detect_batch(d.get(), nullptr, 0, nullptr, 0, nullptr, nullptr) == REXNET_OK);
  }
}

TEST_CASE("c_api: threads with detectors of their own, and with one against the rule") {
  const rexnet_test::packed_detector file;
  const model_ptr m = load(file.bytes);
  const pictures all;
  const detector_ptr shared = detector_of(m);
  const boxes expected = detect(shared.get(), all.views[0]);
  std::atomic<int> wrong{0}, answered{0};
  std::vector<std::thread> team;
  for (int number = 0; number < 4; ++number)
    team.emplace_back([&, number] {
      const rexnet_detector_options o = with_threads(1 + number % 2);
      rexnet_detector* made = nullptr;
      wrong += rexnet_detector_new(m.get(), &o, &made, nullptr) != REXNET_OK;
      const detector_ptr mine(made);
      boxes found(40);
      for (int i = 0; i < 5; ++i) {
        std::size_t count = 0;
        rexnet_error why;
        wrong += rexnet_detect(made, &all.views[0], found.data(), 40, &count, &why) != REXNET_OK ||
                 !same(boxes(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count)), expected);
        switch (rexnet_detect(shared.get(), &all.views[0], found.data(), 40, &count, &why)) {
          case REXNET_OK: ++answered; break;
          case REXNET_BUSY: wrong += std::strstr(why.message, "using this detector") == nullptr; break;
          default: ++wrong;
        }
      }
    });
  for (std::thread& t : team) t.join();
  CHECK(wrong == 0);
  CHECK(answered > 0);
}

TEST_CASE("c_api: options that no detector has") {
  const rexnet_test::packed_detector file;
  const model_ptr m = load(file.bytes);
  rexnet_detector* d = nullptr;
  const auto code = [&](auto change, const char* part) {
    rexnet_detector_options o = REXNET_DETECTOR_OPTIONS_INIT;
    change(o);
    return refused(rexnet_detector_new(m.get(), &o, &d, &error), REXNET_INVALID_ARGUMENT, part);
  };
  using options = rexnet_detector_options;
  CHECK(code([](options& o) { o.threads = -1; }, "-1 threads"));
  CHECK(code([](options& o) { o.threads = 65; }, "65 threads"));
  CHECK(code([](options& o) { o.input_width = -1; }, "-1 x 96 pixels"));
  CHECK(code([](options& o) { o.input_height = 16385; }, "130 x 16385 pixels"));
  CHECK(code([](options& o) { o.candidates = -1; }, "-1 candidates"));
  CHECK(code([](options& o) { o.most = (1 << 20) + 1; }, "1048577 boxes"));
  CHECK(code([](options& o) { o.score = 1; }, "score 1"));
  CHECK(code([](options& o) { o.score = -1e300; }, "score"));
  CHECK(code([](options& o) { o.score = 1e300; }, "score"));
  CHECK(code([](options& o) { o.score = NAN; }, "score"));
  CHECK(code([](options& o) { o.overlap = 1.5; }, "overlap 1.5"));
  CHECK(code([](options& o) { o.overlap = NAN; }, "overlap"));
  CHECK(code([](options& o) { o.least_anchor = -0.1; }, "anchors"));
  CHECK(code([](options& o) { o.most_anchor = 0.1; }, "anchors"));  // below the model's smallest
  CHECK(code([](options& o) { o.size = 0; },
             "size 0, must be at least 56: begin with REXNET_DETECTOR_OPTIONS_INIT"));
  CHECK(code([](options& o) { o.size = 55; }, "size 55"));
  CHECK(code([](options& o) { o.size = 0xffffffffu; }, "is no struct's"));
  struct {
    rexnet_detector_options known;
    std::int64_t newer;
  } later = {{sizeof(later), 0, 0, 0, 0, 0, 0, 0, 0, 0}, 1};
  CHECK(
      refused(rexnet_detector_new(m.get(), &later.known, &d, &error), REXNET_UNSUPPORTED, rexnet_version()));
  CHECK(d == nullptr);
  later.newer = 0;
  CHECK(rexnet_detector_new(m.get(), &later.known, &d, &error) == REXNET_OK);
  rexnet_detector_free(d);

  rexnet_detector_options o = REXNET_DETECTOR_OPTIONS_INIT;
  CHECK(refused(rexnet_model_detector_options(nullptr, &o, &error), REXNET_INVALID_ARGUMENT, "model"));
  CHECK(refused(rexnet_model_detector_options(m.get(), nullptr, &error), REXNET_INVALID_ARGUMENT, "options"));
  o.size = 8;
  CHECK(refused(rexnet_model_detector_options(m.get(), &o, &error), REXNET_INVALID_ARGUMENT, "size 8"));
  CHECK(o.most == 0);
}

TEST_CASE("c_api: what a detector refuses leaves its outputs alone") {
  const rexnet_test::packed_detector file;
  const model_ptr m = load(file.bytes);
  const detector_ptr made = detector_of(m);
  rexnet_detector* const d = made.get();
  const pictures all;
  const rexnet_picture& good = all.views[0];
  boxes found(3 * 40, rexnet_detection{0, 0, 0, 0, 0, -7});
  std::size_t counts[3] = {77, 77, 77};
  const auto bad = [&](const rexnet_picture& p, const char* part) {
    const rexnet_picture both[] = {good, p};
    return refused(rexnet_detect(d, &p, found.data(), 40, counts, &error), REXNET_INVALID_ARGUMENT, part) &&
           refused(rexnet_detect_batch(d, both, 2, found.data(), 40, counts, &error), REXNET_INVALID_ARGUMENT,
                   "pictures[1]: ") &&
           std::strstr(error.message, part) != nullptr;
  };
  const int w = good.width, h = good.height;
  CHECK(bad({nullptr, w, h, 0, REXNET_RGB}, "picture"));
  CHECK(bad({good.pixels, 0, h, 0, REXNET_RGB}, "picture of 0 x "));
  CHECK(bad({good.pixels, w, -h, 0, REXNET_RGB}, "picture"));
  CHECK(bad({good.pixels, 65537, 1, 0, REXNET_RGB}, "picture"));
  CHECK(bad({good.pixels, w, h, 3 * w - 1, REXNET_RGB}, "picture"));
  CHECK(bad({good.pixels, w, h, 0, 5}, "format 5"));
  CHECK(bad({good.pixels, w, h, 0, -1}, "format -1"));
  const auto invalid = REXNET_INVALID_ARGUMENT;
  CHECK(refused(rexnet_detect(nullptr, &good, found.data(), 40, counts, &error), invalid, "detector: null"));
  CHECK(refused(rexnet_detect(d, nullptr, found.data(), 40, counts, &error), invalid, "picture: null"));
  CHECK(refused(rexnet_detect(d, &good, nullptr, 40, counts, &error), invalid, "answer"));
  CHECK(refused(rexnet_detect(d, &good, found.data(), 40, nullptr, &error), invalid, "number of boxes"));
  // Too little room is refused whatever the picture has: none of its boxes is left out unnoticed.
  CHECK(refused(rexnet_detect(d, &good, found.data(), 39, counts, &error), REXNET_BUFFER_TOO_SMALL,
                "room for 39 boxes, a picture may have 40 (rexnet_detector_capacity())"));
  CHECK(refused(rexnet_detect(d, &good, found.data(), 0, counts, &error), REXNET_BUFFER_TOO_SMALL, "room"));
  const rexnet_picture* const three = all.views.data();
  CHECK(
      refused(rexnet_detect_batch(nullptr, three, 3, found.data(), 40, counts, &error), invalid, "detector"));
  CHECK(refused(rexnet_detect_batch(d, nullptr, 3, found.data(), 40, counts, &error), invalid, "picture"));
  CHECK(refused(rexnet_detect_batch(d, three, 3, nullptr, 40, counts, &error), invalid, "answer"));
  CHECK(refused(rexnet_detect_batch(d, three, 3, found.data(), 40, nullptr, &error), invalid, "number"));
  CHECK(refused(rexnet_detect_batch(d, three, 3, found.data(), 39, counts, &error), REXNET_BUFFER_TOO_SMALL,
                "room for 39 boxes"));
  CHECK(refused(rexnet_detect_batch(d, three, static_cast<std::size_t>(-1), found.data(), 40, counts, &error),
                REXNET_UNSUPPORTED, "pictures at once"));
  CHECK(found[0].label == -7);
  CHECK(found[40].label == -7);
  CHECK(counts[0] == 77);
  CHECK(rexnet_detect(d, &good, found.data(), 40, counts, nullptr) == REXNET_OK);
  CHECK(counts[0] <= 40);
}

TEST_CASE("c_api: classifiers and detectors are told apart by name") {
  const rexnet_test::packed_detector file;
  const model_ptr detector = load(file.bytes);
  rexnet_classifier* c = nullptr;
  CHECK(refused(rexnet_classifier_new(detector.get(), nullptr, &c, &error), REXNET_UNSUPPORTED,
                "the model is a detector: use rexnet_detector_new()"));
  CHECK(c == nullptr);
  for (const int classes : {7, 0}) {
    const model_ptr other =
        load(rexnet_test::model_writer(rexnet::config_for(rexnet::family::v1, 30, classes), true, 3)
                 .write()
                 .torch_zip());
    CHECK(rexnet_model_is_detector(other.get()) == 0);
    rexnet_detector* d = nullptr;
    rexnet_detector_options o = REXNET_DETECTOR_OPTIONS_INIT;
    CHECK(refused(rexnet_detector_new(other.get(), nullptr, &d, &error), REXNET_UNSUPPORTED,
                  "the model is not a detector"));
    CHECK(refused(rexnet_model_detector_options(other.get(), &o, &error), REXNET_UNSUPPORTED,
                  "use rexnet_classifier_new()"));
    CHECK(d == nullptr);
    CHECK(o.most == 0);
  }
}

TEST_CASE("c_api: null pointers where a detector is expected") {
  rexnet_detector* d = nullptr;
  const rexnet_test::packed_detector file;
  const model_ptr m = load(file.bytes);
  rexnet_detector_free(nullptr);
  CHECK(rexnet_detector_capacity(nullptr) == -1);
  CHECK(rexnet_model_is_detector(nullptr) == -1);
  CHECK(refused(rexnet_detector_new(nullptr, nullptr, &d, &error), REXNET_INVALID_ARGUMENT, "model"));
  CHECK(refused(rexnet_detector_new(m.get(), nullptr, nullptr, &error), REXNET_INVALID_ARGUMENT, "detector"));
}
