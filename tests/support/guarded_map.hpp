// SPDX-License-Identifier: MIT
// Maps for tests of operators: any strides, and a guard value wherever no pixel is.
#ifndef REXNET_TESTS_SUPPORT_GUARDED_MAP_HPP
#define REXNET_TESTS_SUPPORT_GUARDED_MAP_HPP

#include "rexnet/core/views.hpp"

#include <cstddef>
#include <random>
#include <vector>

namespace rexnet_test {

inline constexpr float guard = -7654.5f;

/// A map with its own strides; everything that is no pixel is a guard value.
struct guarded_map {
  std::vector<float> memory;
  rexnet::nhwc_view<float> view;

  /// Pixels `gap` floats apart, rows and images as well.
  guarded_map(int n, int h, int w, int c, int gap)
      : memory(static_cast<std::size_t>(n * (h * (w * (c + gap) + gap) + gap) + 64), guard) {
    view = rexnet::nhwc_view<float>(memory.data() + 32, n, h, w, c, c + gap);
    view.row_stride = w * (c + gap) + gap;
    view.image_stride = h * view.row_stride + gap;
  }
  /// The same with normal values.
  guarded_map(int n, int h, int w, int c, int gap, unsigned seed) : guarded_map(n, h, w, c, gap) {
    std::mt19937 engine(seed);
    std::normal_distribution<float> value;
    each([&](float& v, int, int, int, int) { v = value(engine); });
  }
  template <class Visit>
  void each(Visit&& visit) {
    for (int b = 0; b < view.n; ++b)
      for (int y = 0; y < view.h; ++y)
        for (int x = 0; x < view.w; ++x)
          for (int c = 0; c < view.c; ++c) visit(view.pixel(b, y, x)[c], b, y, x, c);
  }
  /// A value; 0 outside the map.
  [[nodiscard]] double get(int b, int y, int x, int c) const {
    return y < 0 || x < 0 || y >= view.h || x >= view.w ? 0.0 : static_cast<double>(view.pixel(b, y, x)[c]);
  }
  [[nodiscard]] bool guards_intact() {
    std::vector<float> copy = memory;
    each([&](float& v, int, int, int, int) { copy[static_cast<std::size_t>(&v - memory.data())] = guard; });
    for (const float v : copy)
      if (v != guard) return false;
    return true;
  }
};

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_GUARDED_MAP_HPP
