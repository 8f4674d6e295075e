// SPDX-License-Identifier: MIT
// Pictures as a detector's input, against torch's interpolate() and a plain reference in double.
#include "rexnet/image/resize_normalised.hpp"
#include "rexnet/image/preprocess.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

using rexnet::errc;
using rexnet::image_view;
using rexnet::pixel_format;

namespace {

std::vector<float> resized(const image_view& in, int h, int w) {
  const auto table = rexnet::normalise_table(rexnet::preprocessing());
  std::vector<float> out(static_cast<std::size_t>(h * w * 3)), scratch(rexnet::resize_normalised_scratch(w));
  REQUIRE(rexnet::resize_normalised(in, table, h, w, out, scratch) == errc::ok);
  return out;
}

/// The same in double, place by place.
double reference(const std::vector<std::uint8_t>& rgb, int h, int w, int oh, int ow, int y, int x, int c) {
  const rexnet::preprocessing p;
  const auto place = [](int i, int in, int out) {
    const double at = (std::max)(static_cast<double>(in) / out * (i + 0.5) - 0.5, 0.0);
    return (std::min)(at, in - 1.0);
  };
  const double fy = place(y, h, oh), fx = place(x, w, ow);
  const auto value = [&](double row, double column) {
    const int r = (std::min)(static_cast<int>(row), h - 1), q = (std::min)(static_cast<int>(column), w - 1);
    const auto i = static_cast<std::size_t>(c);
    return (rgb[static_cast<std::size_t>((r * w + q) * 3 + c)] / 255.0 - static_cast<double>(p.mean[i])) /
           static_cast<double>(p.std[i]);
  };
  const double y0 = std::floor(fy), x0 = std::floor(fx), ty = fy - y0, tx = fx - x0;
  return (value(y0, x0) * (1 - tx) + value(y0, x0 + 1) * tx) * (1 - ty) +
         (value(y0 + 1, x0) * (1 - tx) + value(y0 + 1, x0 + 1) * tx) * ty;
}

}  // namespace

TEST_CASE("resize_normalised: torch's answer for two rows of three pixels") {
  const std::vector<std::uint8_t> rgb = {0,   128, 255, 10, 20, 30, 200, 100, 50,
                                         255, 0,   1,   2,  3,  4,  90,  180, 45};
  // torch 2.15: interpolate(normalised, size=(3, 5), mode="bilinear", align_corners=False), [3][5][3]
  const float expected[] = {
      -2.11790395f, 0.205182195f,  2.6400001f,     -2.04940486f,  -0.55112046f,  1.07137251f,   -1.94665647f,
      -1.68557417f, -1.28156865f,  0.00556595763f, -0.845237851f, -1.07241821f,  1.30704677f,   -0.285013974f,
      -0.93298471f, 0.0655021667f, -0.915265977f,  0.426492453f,  -0.766760886f, -1.28291309f,  -0.34736383f,
      -2.01515532f, -1.83438373f,  -1.50814819f,   -0.58695066f,  -0.484593481f, -1.18919373f,  0.36518532f,
      0.415266126f, -0.976557672f, 2.24890828f,    -2.03571415f,  -1.7870152f,   0.515883029f,  -2.01470566f,
      -1.76610029f, -2.0836544f,   -1.98319328f,   -1.73472762f,  -1.1794672f,   -0.123949185f, -1.30596924f,
      -0.57667613f, 1.11554623f,   -1.02013063f};
  const std::vector<float> found = resized({rgb.data(), 3, 2}, 3, 5);
  REQUIRE(found.size() == sizeof(expected) / sizeof(float));
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(std::fabs(found[i] - expected[i]) <= 5e-7f);
}

TEST_CASE("resize_normalised: a plain reference in double, up and down, one pixel, every order of bytes") {
  std::mt19937 engine(5);
  for (const auto& [h, w, oh, ow] :
       {std::array{480, 640, 300, 320}, std::array{1, 1, 7, 5}, std::array{3, 2, 32, 30},
        std::array{33, 57, 30, 41}, std::array{64, 48, 3, 200}}) {
    std::vector<std::uint8_t> rgb(static_cast<std::size_t>(h * w * 3));
    for (std::uint8_t& v : rgb) v = static_cast<std::uint8_t>(engine());
    const std::vector<float> found = resized({rgb.data(), w, h}, oh, ow);
    double worst = 0;
    for (int y = 0; y < oh; ++y)
      for (int x = 0; x < ow; ++x)
        for (int c = 0; c < 3; ++c)
          worst = (std::max)(
              worst, std::fabs(static_cast<double>(found[static_cast<std::size_t>((y * ow + x) * 3 + c)]) -
                               reference(rgb, h, w, oh, ow, y, x, c)));
    CHECK(worst <= 2.5e-4);  // a place near 640 is off by 3e-5 in float32, its pixels by up to 4.6
    // The same picture as BGRA, upside down.
    std::vector<std::uint8_t> bgra(static_cast<std::size_t>(h * w * 4));
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x)
        for (int c = 0; c < 3; ++c)
          bgra[static_cast<std::size_t>(((h - 1 - y) * w + x) * 4 + 2 - c)] =
              rgb[static_cast<std::size_t>((y * w + x) * 3 + c)];
    const std::ptrdiff_t stride = std::ptrdiff_t{4} * w;
    CHECK(resized({bgra.data() + (h - 1) * stride, w, h, pixel_format::bgra, -stride}, oh, ow) == found);
  }
}

TEST_CASE("resize_normalised: thin and tiny pictures of every format, in exactly their memory") {
  std::mt19937 engine(6);
  for (const auto& [h, w] : {std::array{1, 1}, std::array{1, 65536}, std::array{65536, 1}, std::array{2, 3}})
    for (const pixel_format f :
         {pixel_format::rgb, pixel_format::bgr, pixel_format::rgba, pixel_format::bgra, pixel_format::grey})
      for (const std::ptrdiff_t gap : {0, 5}) {
        const int step = rexnet::bytes_per_pixel(f);
        const std::ptrdiff_t row = std::ptrdiff_t{w} * step, stride = row + gap;
        // Nothing behind the last pixel, wherever it is.
        std::vector<std::uint8_t> down(static_cast<std::size_t>((h - 1) * stride + row)), up(down.size()),
            rgb;
        for (std::uint8_t& v : down) v = static_cast<std::uint8_t>(engine());
        for (int y = 0; y < h; ++y) {
          const std::uint8_t* const from = down.data() + y * stride;
          std::copy(from, from + row, up.data() + (h - 1 - y) * stride);
          for (int x = 0; x < w; ++x)
            for (int c = 0; c < 3; ++c) rgb.push_back(from[x * step + rexnet::channel_offset(f, c)]);
        }
        for (const auto& [oh, ow] : {std::array{1, 1}, std::array{3, 7}}) {
          const std::vector<float> expected = resized({rgb.data(), w, h}, oh, ow);
          for (const float v : expected) CHECK(std::isfinite(v));
          CHECK(resized({down.data(), w, h, f, stride}, oh, ow) == expected);
          CHECK(resized({up.data() + (h - 1) * stride, w, h, f, -stride}, oh, ow) == expected);
        }
      }
}

TEST_CASE("resize_normalised: what does not fit is refused") {
  const std::uint8_t pixel[3] = {};
  const auto table = rexnet::normalise_table(rexnet::preprocessing());
  std::vector<float> out(12), scratch(rexnet::resize_normalised_scratch(2));
  CHECK(rexnet::resize_normalised({pixel, 1, 1}, table, 2, 2, out, scratch) == errc::ok);
  CHECK(rexnet::resize_normalised({nullptr, 1, 1}, table, 2, 2, out, scratch) == errc::invalid_argument);
  CHECK(rexnet::resize_normalised({pixel, 0, 1}, table, 2, 2, out, scratch) == errc::invalid_argument);
  CHECK(rexnet::resize_normalised({pixel, 1, 1}, table, 2, 0, out, scratch) == errc::invalid_argument);
  CHECK(rexnet::resize_normalised({pixel, 1, 1}, table, 3, 2, out, scratch) == errc::shape_mismatch);
  CHECK(rexnet::resize_normalised({pixel, 1, 1}, {table.data(), 767}, 2, 2, out, scratch) ==
        errc::shape_mismatch);
  CHECK(rexnet::resize_normalised({pixel, 1, 1}, table, 2, 2, out, {scratch.data(), 11}) ==
        errc::shape_mismatch);
  // Rows that overlap, and rows on the way to which an address would overflow.
  constexpr std::ptrdiff_t most = (std::numeric_limits<std::ptrdiff_t>::max)();
  constexpr std::ptrdiff_t least = (std::numeric_limits<std::ptrdiff_t>::min)();
  for (const std::ptrdiff_t stride : {std::ptrdiff_t{0}, std::ptrdiff_t{5}, std::ptrdiff_t{-5}, most, -most,
                                      least, most / 3 + 1, -(most / 3) - 1})
    CHECK(rexnet::resize_normalised({pixel, 2, 3, pixel_format::rgb, stride}, table, 2, 2, out, scratch) ==
          errc::invalid_argument);
}
