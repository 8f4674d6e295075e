// SPDX-License-Identifier: MIT
// What detect --draw draws, and that it stays inside.
#include "tools/drawn_boxes.hpp"
#include "tools/stroke_font.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace {

rexnet::rgb_image grey(int w, int h) {
  return {w, h, std::vector<std::uint8_t>(static_cast<std::size_t>(w * h * 3), 128)};
}
const std::uint8_t* pixel_of(const rexnet::rgb_image& image, int x, int y) {
  return &image.data[static_cast<std::size_t>((y * image.width + x) * 3)];
}
bool is_colour(const std::uint8_t* pixel, int label) {
  const auto colour = rexnet_tools::colour_of_class(label);
  return std::equal(colour.begin(), colour.end(), pixel);
}
rexnet::detection found_at(float x1, float y1, float x2, float y2, int label = 1) {
  rexnet::detection d;
  d.at = {x1, y1, x2, y2};
  d.label = label;
  d.score = 0.5f;
  return d;
}

}  // namespace

TEST_CASE(
    "stroke font: every character of ASCII is seen, differs from all others and stays inside its line") {
  for (const double size : {7.0, 8.0, 9.5, 12.0, 31.0, 64.0}) {
    std::set<std::vector<std::uint8_t>> seen;
    for (int c = ' '; c <= '~'; ++c) {
      const std::string text(1, static_cast<char>(c));
      INFO(text, " of ", size);
      REQUIRE(rexnet_tools::font_has(text));
      const rexnet_tools::drawn_text d = rexnet_tools::draw_text(text, size);
      REQUIRE(
          (d.width == rexnet_tools::text_width(text, size) && d.height == rexnet_tools::text_height(size)));
      CHECK((*std::max_element(d.coverage.begin(), d.coverage.end()) > 120) == (c != ' '));
      CHECK(seen.insert(d.coverage).second);
      for (int y = 0; y < d.height; ++y)
        for (int x = 0; x < d.width; ++x)
          if (x == 0 || y == 0 || x == d.width - 1 || y == d.height - 1)
            REQUIRE(static_cast<int>(d.coverage[static_cast<std::size_t>(y * d.width + x)]) < 128);
    }
  }
  for (const char* other : {"\n", "\x7f", "caf\xc3\xa9", "\xff"}) CHECK_FALSE(rexnet_tools::font_has(other));
  CHECK(rexnet_tools::font_has(""));
}

TEST_CASE("boxes: lines on the border of the box, the label on its ground, the rest as it was") {
  for (const int side : {300, 4000}) {
    const auto part = [side](double of) { return static_cast<float>(of * side); };
    const rexnet::detection d = found_at(part(0.2), part(0.4), part(0.9), part(0.8), 3);
    const rexnet::rgb_image before = grey(side, side),
                            after = rexnet_tools::with_boxes(before, {&d, 1}, {"cat"});
    REQUIRE((after.width == side && after.height == side && after.data.size() == before.data.size()));
    const int left = side / 5, top = side * 2 / 5, right = side * 9 / 10, bottom = side * 4 / 5;
    for (const int y : {top + 1, (top + bottom) / 2, bottom - 2}) {
      CHECK(is_colour(pixel_of(after, left + 1, y), 3));
      CHECK(is_colour(pixel_of(after, right - 2, y), 3));
    }
    CHECK(static_cast<int>(pixel_of(after, (left + right) / 2, (top + bottom) / 2)[0]) == 128);
    const double size = (std::max)(8.0, 0.016 * side);
    const int height = rexnet_tools::text_height(size), width = rexnet_tools::text_width("cat 50 %", size);
    CHECK(height * 40 > side);  // readable where the whole picture is looked at
    int black = 0;
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x) {
        const bool in_box = x >= left - 1 && x <= right && y >= top - 1 && y <= bottom;
        const bool in_label = x >= left - 1 && x <= left + width && y >= top - height - 1 && y <= top;
        const std::uint8_t* const p = pixel_of(after, x, y);
        if (in_label && p[1] < 100) ++black;  // on green
        if (!in_box && !in_label && (p[0] != 128 || p[1] != 128 || p[2] != 128)) FAIL(x, ", ", y);
      }
    CHECK(black > 20);
  }
}

TEST_CASE("boxes: the most probable lies on top, labels keep off each other") {
  const rexnet::detection both[] = {found_at(50, 100, 250, 250, 1), found_at(50, 100, 250, 250, 2)};
  const rexnet::rgb_image out = rexnet_tools::with_boxes(grey(300, 300), {both, 2}, {"a", "b"});
  CHECK(is_colour(pixel_of(out, 51, 200), 1));
  const int height = rexnet_tools::text_height(8);
  CHECK(is_colour(pixel_of(out, 50, 100 - height), 1));
  CHECK(is_colour(pixel_of(out, 249, 100 - height), 2));
}

TEST_CASE("boxes: any box, name and picture is drawn without a step outside") {
  constexpr float infinity = std::numeric_limits<float>::infinity(),
                  nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> coordinates{-infinity, -1e30f, -3, 0,     0.4f,     7,
                                       59.9f,     60,     61, 1e30f, infinity, nan};
  std::vector<rexnet::detection> found;
  for (const float a : coordinates)
    for (const float b : coordinates)
      found.push_back(found_at(a, b, b, a, static_cast<int>(found.size()) + 1));
  const std::vector<std::string> kinds{"", "cat", std::string(500, 'm'), "caf\xc3\xa9", "\xff\xfe", "\n"};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < found.size(); ++i) names.push_back(kinds[i % kinds.size()]);
  for (const auto& size : {std::pair{1, 1}, {60, 60}, {3, 200}, {200, 3}, {12, 300}, {300, 57}}) {
    const rexnet::rgb_image out =
        rexnet_tools::with_boxes(grey(size.first, size.second), {found.data(), found.size()}, names);
    CHECK(out.data.size() == static_cast<std::size_t>(size.first * size.second * 3));
  }
  CHECK(rexnet_tools::with_boxes(grey(5, 5), {}, {}).data == grey(5, 5).data);
}

TEST_CASE("boxes: a name that the font has not is drawn as the class's number") {
  const rexnet::detection d = found_at(10, 100, 200, 200, 7);
  const auto drawn = [&d](const char* name) {
    return rexnet_tools::with_boxes(grey(300, 300), {&d, 1}, {name}).data;
  };
  CHECK(drawn("\xe7\x99\xbd") == drawn("class 7"));
  CHECK(drawn("cat") != drawn("class 7"));
}

TEST_CASE("colours: each class has its own, and neighbours differ much") {
  std::set<std::array<std::uint8_t, 3>> seen;
  for (int c = 1; c <= 90; ++c) {
    const auto a = rexnet_tools::colour_of_class(c), b = rexnet_tools::colour_of_class(c + 1);
    CHECK(seen.insert(a).second);
    int apart = 0;
    for (std::size_t k = 0; k < 3; ++k) apart += std::abs(a[k] - b[k]);
    CHECK(apart > 100);
  }
}
