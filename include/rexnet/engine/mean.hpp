// SPDX-License-Identifier: MIT
// Means over the pixels of a map, of any size: float sums of some thousand pixels, those sums in double.
#ifndef REXNET_ENGINE_MEAN_HPP
#define REXNET_ENGINE_MEAN_HPP

#include "rexnet/core/build.hpp"

#include <cstddef>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// Channels whose sums are kept at once.
inline constexpr int mean_channels = 32;
/// Pixels that are summed in float alone: 32 x 32, all of a map of block 3 at 256 pixels. So many values that
/// are the same lose some 1e-5 of their mean, 65536 of them 6e-4; of real maps a fiftieth of that.
inline constexpr std::ptrdiff_t mean_run = 1024;

/// Turns running float sums of up to mean_channels channels into means.
class mean_of_pixels {
 public:
  /// Before `count` more pixels are added to `sums`: moves those to double, and starts anew, when they would
  /// be too many.
  void add(float* sums, int channels, std::ptrdiff_t count) noexcept {
    if (run_ > 0 && run_ + count > mean_run) move(sums, channels);
    run_ += count;
    pixels_ += count;
  }
  /// Puts the means in the sums' place.
  REXNET_NOINLINE void finish(float* sums, int channels) const noexcept {
    if (run_ == pixels_) {  // one chain
      const float per_pixel = 1.0f / static_cast<float>(pixels_);
      for (int c = 0; c < channels; ++c) sums[c] *= per_pixel;
      return;
    }
    for (int c = 0; c < channels; ++c)
      sums[c] =
          static_cast<float>((totals_[c] + static_cast<double>(sums[c])) / static_cast<double>(pixels_));
  }

 private:
  REXNET_NOINLINE void move(float* sums, int channels) noexcept {
    for (int c = 0; c < channels; ++c) {
      totals_[c] += static_cast<double>(sums[c]);
      sums[c] = 0.0f;
    }
    run_ = 0;
  }
  double totals_[mean_channels] = {};
  std::ptrdiff_t run_ = 0, pixels_ = 0;
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_MEAN_HPP
