// SPDX-License-Identifier: MIT
// Where classify --cam draws what.
#include "tools/heat_map.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <utility>
#include <vector>

TEST_CASE("heat map: the greatest place is brightest on its pixel of the input, outside the crop is dimmed") {
  rexnet::preprocessing input;
  input.input_size = 128;
  for (const auto& size : {std::pair{300, 200}, {128, 128}, {90, 400}}) {
    const int w = size.first, h = size.second;
    const rexnet::rgb_image white{w, h, std::vector<std::uint8_t>(static_cast<std::size_t>(w * h * 3), 255)};
    std::vector<float> map(16, -2.0f);
    map[1 * 4 + 2] = 5.0f;  // row 1, column 2
    const rexnet::rgb_image out = rexnet_tools::heat_map(white, input, map, 4, 4);
    REQUIRE((out.width == w && out.height == h));
    const auto at = [&out](int x, int y) {
      return &out.data[static_cast<std::size_t>((y * out.width + x) * 3)];
    };
    int best_x = 0, best_y = 0;
    for (int y = 0; y < h; ++y)
      for (int x = 0; x < w; ++x)
        if (at(x, y)[1] > at(best_x, best_y)[1]) best_x = x, best_y = y;  // green grows with the map
    const rexnet::picture_box seen = rexnet::seen_part(w, h, input);
    INFO(w, " x ", h);
    CHECK(std::fabs(best_x + 0.5 - (seen.x + 64.5 / 128 * seen.width)) <= 3);
    CHECK(std::fabs(best_y + 0.5 - (seen.y + 32.5 / 128 * seen.height)) <= 3);
    CHECK(at(best_x, best_y)[1] > 235);
    CHECK(at(static_cast<int>(seen.x) + 2, static_cast<int>(seen.y + seen.height) - 2)[0] < 10);  // the least
    for (const auto& corner : {std::pair{0, 0}, {w - 1, h - 1}})
      CHECK(static_cast<int>(at(corner.first, corner.second)[0]) == 255 * 2 / 5);
  }
}

TEST_CASE("heat map: a flat map, a single place and a black picture are no trouble") {
  rexnet::preprocessing input;
  const rexnet::rgb_image one{1, 1, {0, 0, 0}};
  const std::vector<float> place{3.0f}, flat(6, 1.0f);
  CHECK(rexnet_tools::heat_map(one, input, place, 1, 1).data.size() == 3);
  CHECK(rexnet_tools::heat_map(one, input, flat, 2, 3).data.size() == 3);
}
