// SPDX-License-Identifier: MIT
// What tests may expect of a JPEG's pixels.
#ifndef REXNET_TESTS_SUPPORT_JPEG_HPP
#define REXNET_TESTS_SUPPORT_JPEG_HPP

namespace rexnet_test {

/// Windows' own decoder computes pixels its own way (inverse DCT, upsampling of colours, CMYK): there sizes
/// and refusals of JPEGs are compared with Pillow's, pixels roughly. Everywhere else every byte is Pillow's.
#if defined(_WIN32)
inline constexpr bool jpeg_as_pillow = false;
#else
inline constexpr bool jpeg_as_pillow = true;
#endif

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_JPEG_HPP
