// SPDX-License-Identifier: MIT
// The resize against a naive one, against Pillow's checksums, and in every pixel format.
#include "rexnet/core/bytes.hpp"
#include "rexnet/image/preprocess.hpp"

#include "tests/support/must.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <limits>
#include <random>

namespace {

using rexnet::interpolation;
using rexnet::pass_order;
using rexnet::pixel_format;
using rexnet::preprocessing;
using rexnet::rgb_image;
using rexnet_test::must;

/// The picture of tests/python/pillow_answers.py.
rgb_image drawn(int width, int height) {
  rgb_image p;
  p.width = width, p.height = height;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c) {
        const int smooth = x * 3 + y * 5 + c * 40;
        const std::int64_t rough = std::int64_t{x * 73 + y * 151 + c * 199} * (x + y + 1) / 7;
        p.data.push_back(static_cast<std::uint8_t>(((x / 9 + y / 11) % 2 == 0 ? smooth : rough) % 256));
      }
  return p;
}

rgb_image noise(int width, int height, std::mt19937& engine) {
  rgb_image p;
  p.width = width, p.height = height;
  for (int i = 0; i < width * height * 3; ++i) p.data.push_back(static_cast<std::uint8_t>(engine()));
  return p;
}

double kernel(interpolation f, double x) {
  x = std::fabs(x);
  if (f == interpolation::bilinear) return x < 1 ? 1 - x : 0;
  if (x < 1) return 1.5 * x * x * x - 2.5 * x * x + 1;
  return x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
}

std::size_t index(int row, int width, int column, int channel = 0, int channels = 1) {
  return static_cast<std::size_t>((std::int64_t{row} * width + column) * channels + channel);
}

/// One line of n samples, `step` apart, to m samples: weights in double, no fixed point.
std::vector<double> line(const std::vector<double>& in, int m, interpolation f) {
  const int n = static_cast<int>(in.size());
  const double scale = static_cast<double>(n) / m, stretch = std::max(scale, 1.0);
  std::vector<double> out;
  for (int i = 0; i < m; ++i) {
    const double centre = (i + 0.5) * scale, reach = stretch * (f == interpolation::bicubic ? 2 : 1);
    const int from = std::max(0, static_cast<int>(centre - reach + 0.5)),
              to = std::min(n, static_cast<int>(centre + reach + 0.5));
    double sum = 0, weights = 0;
    for (int x = from; x < to; ++x) {
      const double k = kernel(f, (x + 0.5 - centre) / stretch);
      sum += k * in[static_cast<std::size_t>(x)];
      weights += k;
    }
    out.push_back(std::clamp(sum / weights, 0.0, 255.0));
  }
  return out;
}

/// Both passes in double, without rounding between them: the order does not matter, the clipping does.
std::vector<double> naive_resize(const rgb_image& in, int w, int h, interpolation f) {
  std::vector<double> out(index(h, w, 0, 0, 3));
  for (int c = 0; c < 3; ++c) {
    std::vector<std::vector<double>> rows;
    for (int y = 0; y < in.height; ++y) {
      std::vector<double> row;
      for (int x = 0; x < in.width; ++x) row.push_back(in.data[index(y, in.width, x, c, 3)]);
      rows.push_back(line(row, w, f));
    }
    for (int x = 0; x < w; ++x) {
      std::vector<double> column;
      for (int y = 0; y < in.height; ++y)
        column.push_back(rows[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)]);
      column = line(column, h, f);
      for (int y = 0; y < h; ++y) out[index(y, w, x, c, 3)] = column[static_cast<std::size_t>(y)];
    }
  }
  return out;
}

}  // namespace

TEST_CASE("resize: random sizes are within one rounding of a naive resize in double") {
  std::mt19937 engine(7);
  const auto side = [&engine] { return 1 + static_cast<int>(engine() % 90); };
  for (int round = 0; round < 150; ++round) {
    const rgb_image in = noise(side(), side(), engine);
    const int w = side(), h = side();
    const auto f = round % 2 == 0 ? interpolation::bicubic : interpolation::bilinear;
    const rgb_image out =
        rexnet::detail::resize_part(in.view(), w, h, 0, 0, w, h, f, pass_order::horizontal_first);
    const std::vector<double> expected = naive_resize(in, w, h, f);
    REQUIRE(out.data.size() == expected.size());
    // Half a grey level from the first pass, through weights whose absolute sum is at most 1.5 (bicubic),
    // and half a level from the second; the 22-bit weights add a hundredth.
    double worst = 0;
    for (std::size_t i = 0; i < expected.size(); ++i)
      worst = std::max(worst, std::fabs(out.data[i] - expected[i]));
    INFO(in.width, "x", in.height, " -> ", w, "x", h);
    CHECK(worst <= 0.5 * 1.5 + 0.5 + 0.01);
  }
}

TEST_CASE("resize: a part is the same as cropping the whole") {
  std::mt19937 engine(9);
  for (int round = 0; round < 60; ++round) {
    const auto below = [&engine](int n) { return static_cast<int>(engine() % static_cast<unsigned>(n)); };
    const rgb_image in = noise(1 + below(70), 1 + below(70), engine);
    const int w = 2 + below(60), h = 2 + below(60), x0 = below(w - 1), y0 = below(h - 1);
    const int x1 = x0 + 1 + below(w - x0), y1 = y0 + 1 + below(h - y0);
    for (const auto order : {pass_order::pillow_13, pass_order::horizontal_first}) {
      const auto part = [&](int l, int t, int r, int b) {
        return rexnet::detail::resize_part(in.view(), w, h, l, t, r, b, interpolation::bicubic, order);
      };
      const rgb_image whole = part(0, 0, w, h), cut = part(x0, y0, x1, y1);
      bool same = true;
      for (int y = y0; y < y1; ++y)
        same = same && std::equal(cut.data.begin() + static_cast<std::ptrdiff_t>(y - y0) * (x1 - x0) * 3,
                                  cut.data.begin() + static_cast<std::ptrdiff_t>(y - y0 + 1) * (x1 - x0) * 3,
                                  whole.data.begin() + (static_cast<std::ptrdiff_t>(y) * w + x0) * 3);
      CHECK(same);
    }
  }
}

TEST_CASE("resize: Pillow's pixels for drawn pictures, by checksum") {
  const auto golden =
      nlohmann::json::parse(std::ifstream(rexnet_test::source_path("tests/golden/resize.json")));
  REQUIRE(golden.at("cases").size() >= 80);
  for (const auto& c : golden.at("cases")) {
    preprocessing p;
    p.input_size = c.at("input_size");
    p.crop_pct = c.at("crop_pct");
    p.interpolation = c.at("interpolation") == "bilinear" ? interpolation::bilinear : interpolation::bicubic;
    const rgb_image picture = drawn(c.at("width"), c.at("height"));
    const auto pixels = must(rexnet::preprocess_pixels(picture.view(), p));
    INFO(c.dump());
    CHECK(rexnet::crc32({pixels.data.data(), pixels.data.size()}) == c.at("crc32").get<std::uint32_t>());
  }
}

TEST_CASE("preprocess: every pixel format and stride gives the pixels of plain RGB") {
  std::mt19937 engine(11);
  for (const auto& [width, height] : {std::pair{37, 61}, {64, 20}, {1, 9}}) {
    const rgb_image in = noise(width, height, engine);
    preprocessing p;
    p.input_size = 48;
    const rgb_image expected = must(rexnet::preprocess_pixels(in.view(), p));
    for (const auto format : {pixel_format::rgb, pixel_format::bgr, pixel_format::rgba, pixel_format::bgra})
      for (const int gap : {0, 1, 13})
        for (const bool bottom_up : {false, true}) {
          const int bytes = rexnet::bytes_per_pixel(format);
          const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(width) * bytes + gap;
          std::vector<std::uint8_t> buffer(static_cast<std::size_t>(row * height), 0xee);
          for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
              for (int c = 0; c < 3; ++c)
                buffer[static_cast<std::size_t>((bottom_up ? height - 1 - y : y) * row + x * bytes +
                                                rexnet::channel_offset(format, c))] =
                    in.data[index(y, width, x, c, 3)];
          const rexnet::image_view view(buffer.data() + (bottom_up ? (height - 1) * row : 0), width, height,
                                        format, bottom_up ? -row : row);
          CHECK(must(rexnet::preprocess_pixels(view, p)).data == expected.data);
        }
    rgb_image grey = in;
    std::vector<std::uint8_t> levels;
    for (std::size_t i = 0; i < grey.data.size(); ++i) grey.data[i] = in.data[i / 3 * 3];
    for (std::size_t i = 0; i < grey.data.size(); i += 3) levels.push_back(grey.data[i]);
    CHECK(must(rexnet::preprocess_pixels({levels.data(), width, height, pixel_format::grey}, p)).data ==
          must(rexnet::preprocess_pixels(grey.view(), p)).data);
  }
}

TEST_CASE(
    "preprocess: into the caller's memory, scratch of the stated size at any address, not a byte beyond") {
  std::mt19937 engine(13);
  const auto below = [&engine](int n) { return static_cast<int>(engine() % static_cast<unsigned>(n)); };
  constexpr std::uint8_t guard = 0xa5;
  for (int round = 0; round < 300; ++round) {
    preprocessing p;
    p.input_size = 1 + below(40);
    p.crop_pct = round % 3 == 0 ? 1.0 : 0.5 + below(50) / 100.0;
    p.interpolation = round % 2 == 0 ? interpolation::bicubic : interpolation::bilinear;
    p.order = round % 5 == 0 ? pass_order::horizontal_first : pass_order::pillow_13;
    const auto format = static_cast<pixel_format>(below(5));
    const int width = 1 + below(round % 7 == 0 ? 300 : 60), height = 1 + below(round % 4 == 0 ? 300 : 60);
    std::vector<std::uint8_t> bytes(index(height, width, 0, 0, rexnet::bytes_per_pixel(format)));
    for (std::uint8_t& b : bytes) b = static_cast<std::uint8_t>(engine());
    const rexnet::image_view view(bytes.data(), width, height, format);
    const auto expected = rexnet::preprocess_pixels(view, p);
    const std::size_t needed = rexnet::preprocess_scratch_bytes(width, height, format, p);
    CHECK(expected.ok() == (needed > 0));
    if (!expected) continue;
    const std::size_t offset = engine() % 8, size = rexnet::preprocess_output_bytes(p);
    std::vector<std::uint8_t> scratch(offset + needed + 8, guard), out(size + 8, guard);
    const rexnet::span<unsigned char> work(scratch.data() + offset, needed);
    INFO(width, "x", height, " to ", p.input_size);
    CHECK(rexnet::preprocess_pixels_into(view, p, {out.data(), size - 1}, work) ==
          rexnet::errc::shape_mismatch);
    CHECK(rexnet::preprocess_pixels_into(view, p, {out.data(), size}, {work.data(), needed - 1}) ==
          rexnet::errc::workspace_too_small);
    CHECK(std::count(out.begin(), out.end(), guard) == static_cast<std::ptrdiff_t>(out.size()));
    REQUIRE(rexnet::preprocess_pixels_into(view, p, {out.data(), size}, work) == rexnet::errc::ok);
    CHECK(std::equal(expected->data.begin(), expected->data.end(), out.begin()));
    CHECK(std::count(out.end() - 8, out.end(), guard) == 8);
    CHECK(std::count(scratch.end() - 8, scratch.end(), guard) == 8);
    CHECK(std::count(scratch.begin(), scratch.begin() + static_cast<std::ptrdiff_t>(offset), guard) ==
          static_cast<std::ptrdiff_t>(offset));
  }
  static_assert(rexnet::preprocess_scratch_bytes(640, 480, pixel_format::bgra, {}) < 40000);
  static_assert(rexnet::preprocess_scratch_bytes(640, 0, pixel_format::bgra, {}) == 0);
}

TEST_CASE("preprocess: horizontal-first order differs only where Pillow 13 goes vertical first") {
  preprocessing now, before;
  before.order = pass_order::horizontal_first;
  const rgb_image tall = drawn(300, 1200), wide = drawn(1200, 300);
  CHECK(must(rexnet::preprocess_pixels(wide.view(), now)).data ==
        must(rexnet::preprocess_pixels(wide.view(), before)).data);
  const auto a = must(rexnet::preprocess_pixels(tall.view(), now)),
             b = must(rexnet::preprocess_pixels(tall.view(), before));
  CHECK(a.data != b.data);
}

TEST_CASE("preprocess: a picture smaller than the crop is centred on black") {
  const rgb_image in = drawn(5, 5);
  preprocessing p;
  p.input_size = 10;
  p.crop_pct = 1.0;
  const auto whole = must(rexnet::preprocess_pixels(in.view(), p));
  CHECK(whole.width == 10);
  CHECK(whole.height == 10);
}

TEST_CASE("preprocess: impossible pictures and options are named with their numbers") {
  const rgb_image in = drawn(4, 4);
  const auto message = [&](const rexnet::image_view& v, const preprocessing& p) {
    const auto r = rexnet::preprocess_pixels(v, p);
    REQUIRE(!r.ok());
    CHECK(r.code() == rexnet::errc::invalid_argument);
    return r.error().message();
  };
  const auto holds = [](const std::string& text, const char* part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  };
  holds(message({nullptr, 4, 4}, {}), "null");
  holds(message({in.data.data(), 0, 4}, {}), "0 x 4");
  holds(message({in.data.data(), 4, 70000}, {}), "4 x 70000");
  holds(message({in.data.data(), 4, 4, pixel_format::rgb, 11}, {}), "11 bytes for rows of 12");
  using limits = std::numeric_limits<std::ptrdiff_t>;
  for (const std::ptrdiff_t stride :
       {(limits::max)(), (limits::min)(), (limits::max)() / 3, (limits::min)() / 3})
    holds(message({in.data.data(), 4, 4, pixel_format::rgb, stride}, {}), "rows of 12, 4 of them");
  preprocessing p;
  p.input_size = 0;
  holds(message(in.view(), p), "input size 0");
  p = {};
  p.crop_pct = 0;
  holds(message(in.view(), p), "crop_pct");
  p.crop_pct = NAN;
  holds(message(in.view(), p), "crop_pct");
  p = {};
  p.std[1] = 0;
  holds(message(in.view(), p), "std 0");
  const std::vector<std::uint8_t> thin(65536 * 3);
  holds(message({thin.data(), 65536, 1}, {}), "too thin");
}

TEST_CASE("normalise: the table and the floats are torchvision's expression in float") {
  preprocessing p;
  rgb_image in = drawn(16, 16);
  std::vector<float> out(in.data.size());
  REQUIRE(rexnet::normalise(in, p, rexnet::span<float>(out)).ok());
  for (std::size_t i = 0; i < out.size(); ++i)
    CHECK(out[i] == (static_cast<float>(in.data[i]) / 255.0f - p.mean[i % 3]) / p.std[i % 3]);
  CHECK(rexnet::normalise(in, p, rexnet::span<float>(out.data(), 5)).code() == rexnet::errc::shape_mismatch);
}
