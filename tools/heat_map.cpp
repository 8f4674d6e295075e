// SPDX-License-Identifier: MIT
#include "tools/heat_map.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rexnet_tools {
namespace {

using colour = std::array<double, 3>;

/// Nine colours whose CIE lightness grows evenly, 12 to 94: equal steps of the map look equally large, and in
/// grey print, too. Hue turns from 285 to 385 degrees of LCh(ab); chroma as much as sRGB has, at most 78.
constexpr std::array<colour, 9> anchors{{{0, 31, 71},
                                         {53, 24, 149},
                                         {139, 2, 137},
                                         {194, 2, 122},
                                         {242, 35, 102},
                                         {255, 105, 88},
                                         {255, 156, 95},
                                         {255, 200, 116},
                                         {255, 242, 77}}};

/// @param t 0 to 1
colour colour_of(double t) {
  const double at = t * (anchors.size() - 1);
  const std::size_t i = (std::min)(static_cast<std::size_t>(at), anchors.size() - 2);
  const double part = at - static_cast<double>(i);
  colour c;
  for (std::size_t k = 0; k < 3; ++k) c[k] = anchors[i][k] * (1 - part) + anchors[i + 1][k] * part;
  return c;
}

/// Where a pixel lies between two places of the map, in one direction: four places and their weights
/// (Catmull-Rom: through the values, without the corners that straight lines have). The border repeats.
struct reach {
  std::array<std::size_t, 4> place{};
  std::array<double, 4> weight{};

  /// @param position between 0 and size - 1 for what lies between the first place and the last
  reach(double position, int size) {
    const double below = std::floor(position), t = position - below;
    const double w[] = {((2 - t) * t - 1) * t / 2, ((3 * t - 5) * t * t + 2) / 2,
                        ((4 - 3 * t) * t + 1) * t / 2, (t - 1) * t * t / 2};
    for (std::size_t i = 0; i < 4; ++i) {
      place[i] = static_cast<std::size_t>(
          std::clamp(static_cast<int>(below) + static_cast<int>(i) - 1, 0, size - 1));
      weight[i] = w[i];
    }
  }
};

}  // namespace

rexnet::rgb_image heat_map(const rexnet::rgb_image& picture, const rexnet::preprocessing& input,
                           rexnet::span<const float> map, int h, int w) {
  const float least = *std::min_element(map.begin(), map.end()),
              greatest = *std::max_element(map.begin(), map.end());
  const double scale = greatest > least ? 1.0 / (static_cast<double>(greatest) - least) : 0.0;
  rexnet::rgb_image out = picture;
  const rexnet::picture_box seen = rexnet::seen_part(out.width, out.height, input);
  // A place stands on every 32nd pixel of the input, from its first (cam.hpp).
  const auto position = [&input](double part) { return (part * input.input_size - 0.5) / 32; };
  std::vector<reach> columns;
  columns.reserve(static_cast<std::size_t>(out.width));
  for (int x = 0; x < out.width; ++x) columns.emplace_back(position((x + 0.5 - seen.x) / seen.width), w);
  for (int y = 0; y < out.height; ++y) {
    const double v = (y + 0.5 - seen.y) / seen.height;
    const reach rows(position(v), h);
    for (int x = 0; x < out.width; ++x) {
      std::uint8_t* const pixel =
          &out.data[(static_cast<std::size_t>(y) * static_cast<std::size_t>(out.width) +
                     static_cast<std::size_t>(x)) *
                    3];
      const double u = (x + 0.5 - seen.x) / seen.width;
      if (u < 0 || u > 1 || v < 0 || v > 1) {
        for (int k = 0; k < 3; ++k) pixel[k] = static_cast<std::uint8_t>(pixel[k] * 2 / 5);
        continue;
      }
      double sum = 0;
      const reach& across = columns[static_cast<std::size_t>(x)];
      for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t j = 0; j < 4; ++j)
          sum += rows.weight[i] * across.weight[j] *
                 static_cast<double>(map[rows.place[i] * static_cast<std::size_t>(w) + across.place[j]]);
      const colour heat = colour_of(std::clamp((sum - static_cast<double>(least)) * scale, 0.0, 1.0));
      const double grey = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
      for (std::size_t k = 0; k < 3; ++k)
        pixel[k] = static_cast<std::uint8_t>(std::lround((0.45 + 0.55 * grey / 255) * heat[k]));
    }
  }
  return out;
}

}  // namespace rexnet_tools
