// SPDX-License-Identifier: MIT
// Pictures through the network on several threads; what is counted and reported.
#include "tools/eval_report.hpp"
#include "tools/image_io.hpp"
#include "tools/progress.hpp"

#include "rexnet/rexnet.hpp"

#include "tests/support/must.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <stdexcept>

using namespace rexnet_tools;
using rexnet_test::must;
using rexnet_test::scratch;

namespace {

const rexnet::model& clothing() {
  static const rexnet::model m = must(rexnet::load(rexnet_test::source_path("models/clothing_1.0x.rexnet")));
  return m;
}

/// Noise and broken files, one in seven.
dataset noise(const scratch& dir, int pictures) {
  dataset d;
  d.folder = dir.folder();
  std::uint32_t x = 1;
  for (int i = 0; i < pictures; ++i) {
    const int w = 20 + i % 7, h = 50 - i % 11;
    std::string bytes = "P6\n" + std::to_string(w) + ' ' + std::to_string(h) + "\n255\n";
    for (int k = 0; k < w * h * 3; ++k) bytes += static_cast<char>((x = x * 1664525u + 1013904223u) >> 24);
    if (i % 7 == 3) bytes.resize(bytes.size() / 2);
    const std::string name = std::to_string(i) + ".ppm";
    rexnet_test::write_bytes(dir.path(name), bytes);
    d.samples.push_back({name, i % 10});
  }
  return d;
}

evaluation_settings settings(int threads, int batch) {
  evaluation_settings how;
  how.input = clothing().input();
  how.input.input_size = 32;
  how.threads = threads;
  how.batch = batch;
  return how;
}

std::vector<prediction> predictions(const dataset& d, const evaluation_settings& how, std::size_t first = 0) {
  std::vector<prediction> all;
  const std::atomic<int> stop{0};
  static_cast<void>(evaluate(clothing(), d, how, first, stop, [&](std::size_t i, const prediction& p) {
    CHECK(i == first + all.size());
    all.push_back(p);
  }));
  return all;
}

prediction taken_for(std::initializer_list<int> classes) {
  prediction p;
  for (const int c : classes) p.top[p.count++].index = c;
  return p;
}

}  // namespace

TEST_CASE("evaluate: the same bits in the same order, whatever threads and batch") {
  const scratch dir;
  const dataset d = noise(dir, 40);
  const auto expected = predictions(d, settings(1, 1));
  REQUIRE(expected.size() == 40);
  for (const auto& how : {settings(1, 3), settings(2, 1), settings(2, 3), settings(5, 8), settings(3, 64)}) {
    const auto found = predictions(d, how);
    INFO(how.threads, " threads, batch ", how.batch);
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(found[i].broken == expected[i].broken);
      REQUIRE(found[i].count == expected[i].count);
      for (std::size_t k = 0; k < found[i].count; ++k) {
        CHECK(found[i].top[k].index == expected[i].top[k].index);
        CHECK(found[i].top[k].score == expected[i].top[k].score);
      }
    }
  }
  CHECK(predictions(d, settings(2, 3), 37).size() == 3);
  CHECK(predictions(d, settings(2, 3), 40).empty());
}

TEST_CASE("evaluate: predictions are the classifier's") {
  const scratch dir;
  const dataset d = noise(dir, 8);
  auto c = must(rexnet::classifier::make(clothing(), settings(1, 1).input));
  const auto found = predictions(d, settings(2, 2));
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto picture = read_image(d.file(d.samples[i]));
    REQUIRE(picture.ok() == found[i].broken.empty());
    if (!picture) {
      CHECK(picture.error().message() == d.file(d.samples[i]) + ": " + found[i].broken);
      continue;
    }
    const auto top = must(c.classify(picture->view(), 5));
    REQUIRE(found[i].count == 5);
    for (std::size_t k = 0; k < 5; ++k) CHECK(found[i].top[k].score == top[k].score);
  }
}

TEST_CASE("evaluate: asked to stop, it leaves a beginning without gaps") {
  const scratch dir;
  const dataset d = noise(dir, 60);
  std::atomic<int> stop{0};
  std::size_t finished = 0;
  static_cast<void>(evaluate(clothing(), d, settings(3, 2), 0, stop, [&](std::size_t i, const prediction&) {
    CHECK(i == finished++);
    if (i == 10) stop = 2;
  }));
  CHECK(finished > 10);
  CHECK(finished < 60);
}

TEST_CASE("evaluate: what the receiver throws ends it and arrives") {
  const scratch dir;
  const dataset d = noise(dir, 60);
  const std::atomic<int> stop{0};
  const auto full = [](std::size_t i, const prediction&) {
    if (i == 5) throw std::runtime_error("disk full");
    CHECK(i < 5);
  };
  for (const int threads : {1, 3})
    CHECK_THROWS_WITH(static_cast<void>(evaluate(clothing(), d, settings(threads, 2), 0, stop, full)),
                      "disk full");
}

TEST_CASE("tally: top-1, top-5 and mistakes of the pictures that could be read") {
  tally t(7);
  t.add("a", 0, taken_for({0, 1, 2, 3, 4}));
  t.add("b", 0, taken_for({1, 2, 3, 4, 0}));
  t.add("c", 0, taken_for({2, 3, 4, 5, 6}));
  t.add("d", 0, taken_for({2, 0, 4, 5, 6}));
  t.add("e", 6, taken_for({6, 0, 4, 5, 1}));
  prediction bad;
  bad.broken = "cut short";
  t.add("f", 6, bad);
  CHECK(t.all().n == 5);
  CHECK(t.all().top1 == 2);
  CHECK(t.all().top5 == 4);
  CHECK(t.classes()[0].n == 4);
  CHECK(t.classes()[0].top5 == 3);
  CHECK(t.classes()[6].n == 1);
  CHECK(t.worst_mistake(0).predicted == 2);
  CHECK(t.worst_mistake(0).n == 2);
  CHECK(t.worst_mistake(6).predicted == -1);
  REQUIRE(t.broken().size() == 1);
  CHECK(t.broken()[0].path == "f");
  CHECK(t.confusion().size() == 4);
}

TEST_CASE("progress: a terminal gets a bar in place, a pipe a line in half a minute") {
  progress bar(0, 200, true);
  CHECK(bar.at(1, 0.01).find("\r  0 % [........................] 1/200") == 0);
  CHECK(bar.at(2, 0.05).empty());
  const std::string half = bar.at(100, 10.0);
  CHECK(half == "\r 50 % [############............] 100/200, 10.0/s, 0:10 left");
  CHECK(bar.away() == '\r' + std::string(half.size() - 1, ' ') + '\r');
  CHECK(bar.away().empty());
  CHECK(bar.at(200, 10.01).find("100 % [########################] 200/200") == 1);

  progress lines(100, 100100, false);
  CHECK(lines.at(101, 0.0).empty());
  CHECK(lines.at(2000, 29.0).empty());
  CHECK(lines.at(3100, 30.0) == "3100 of 100100 pictures (3 %), 100.0 a second, 16:10 left\n");
  CHECK(lines.at(4000, 59.0).empty());
  CHECK(lines.away().empty());
  CHECK(lines.at(100100, 1000.0).find('\r') == std::string::npos);
  CHECK(clock_text(3661) == "1:01:01");
  for (const double s : {0.0, 1e3, 1e9, 1e300}) CHECK(progress(0, 1000000000, true).at(1, s).size() <= 80);
}

TEST_CASE("report: a thousand classes stay readable, odd names stay harmless") {
  evaluation_report r;
  r.classes = {1000, {}, false};
  r.counts = tally(1000);
  for (int i = 0; i < 1000; ++i) {
    r.counts.add("x", i, taken_for({i}));
    r.counts.add("x", i, taken_for({i % 10 == 0 ? 5 : i}));
  }
  r.pictures = 2000;
  const std::string text = text_report(r);
  CHECK(std::count(text.begin(), text.end(), '\n') < 40);
  CHECK(text.find("the 20 worst of 1000 classes") != text.npos);
  CHECK(text.find("top-1   95.00 %  (1900 of 2000)") != text.npos);
  CHECK(json_report(r)["per_class"].size() == 1000);
  CHECK(confusion_svg(r).size() < 400000);

  r.classes = {2, {"<a & \"b\">", "日本"}, true};
  r.counts = tally(2);
  r.counts.add("x", 0, taken_for({1, 0}));
  const std::string svg = confusion_svg(r);
  CHECK(svg.find("&lt;a &amp; &quot;b&quot;&gt; taken for 日本: 1") != svg.npos);
  CHECK(svg.find("<a &") == svg.npos);
  r.classes.names[1] = "12345678901234567890123\xc3\xa9";  // cut to 24 bytes it would lose half a letter
  CHECK(confusion_svg(r).find(">12345678901234567890123</text>") != std::string::npos);
  r.counts = tally(2);
  CHECK(confusion_svg(r).find("0 pictures: top-1 0.00 %") != svg.npos);
  CHECK(text_report(r).find("top-1    0.00 %  (0 of 0)") != text.npos);
}
