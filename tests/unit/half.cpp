// SPDX-License-Identifier: MIT
#include "rexnet/core/half.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

TEST_CASE("half: every one of the 65536 values has the value its fields say") {
  for (std::uint32_t h = 0; h < 65536; ++h) {
    const int exponent = static_cast<int>(h >> 10 & 31), mantissa = static_cast<int>(h & 1023);
    const float f = rexnet::half_to_float(static_cast<std::uint16_t>(h));
    REQUIRE(std::signbit(f) == (h >= 0x8000));
    if (exponent == 31) {
      REQUIRE((mantissa == 0 ? std::isinf(f) : std::isnan(f)));
    } else {
      const double expected =
          exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
      REQUIRE(std::fabs(static_cast<double>(f)) == expected);
    }
  }
}

TEST_CASE("half: every value survives the way to float and back") {
  for (std::uint32_t h = 0; h < 65536; ++h) {
    const float f = rexnet::half_to_float(static_cast<std::uint16_t>(h));
    const std::uint16_t back = rexnet::float_to_half(f);
    if (std::isnan(f))
      REQUIRE(std::isnan(rexnet::half_to_float(back)));
    else
      REQUIRE(back == h);
  }
}

TEST_CASE("half: between neighbours the nearer one is taken, and the even one in the middle") {
  for (std::uint32_t h = 0; h < 0x7bff; ++h) {
    const float low = rexnet::half_to_float(static_cast<std::uint16_t>(h));
    const float high = rexnet::half_to_float(static_cast<std::uint16_t>(h + 1));
    const float middle = low + (high - low) / 2;
    const std::uint32_t even = (h & 1) == 0 ? h : h + 1;
    REQUIRE(rexnet::float_to_half(middle) == even);
    REQUIRE(rexnet::float_to_half(std::nextafter(middle, low)) == h);
    REQUIRE(rexnet::float_to_half(std::nextafter(middle, high)) == h + 1);
    REQUIRE(rexnet::float_to_half(-middle) == (even | 0x8000));
  }
}

TEST_CASE("half: what is too large becomes infinity, what is too small zero with its sign") {
  CHECK(rexnet::float_to_half(65519.0f) == 0x7bff);
  CHECK(rexnet::float_to_half(65520.0f) == 0x7c00);
  CHECK(rexnet::float_to_half(-std::numeric_limits<float>::infinity()) == 0xfc00);
  CHECK(rexnet::float_to_half(std::numeric_limits<float>::denorm_min()) == 0);
  CHECK(rexnet::float_to_half(-1e-30f) == 0x8000);
  CHECK(std::isnan(rexnet::half_to_float(rexnet::float_to_half(std::numeric_limits<float>::quiet_NaN()))));
}

TEST_CASE("bfloat16 is the upper half of a float") {
  CHECK(rexnet::bfloat16_to_float(0x3f80) == 1.0f);
  CHECK(rexnet::bfloat16_to_float(0xc049) == -3.140625f);
  CHECK(rexnet::bfloat16_to_float(0x0001) == std::ldexp(1.0f, -133));
  CHECK(std::isinf(rexnet::bfloat16_to_float(0x7f80)));
  CHECK(std::isnan(rexnet::bfloat16_to_float(0x7fc0)));
}
