// SPDX-License-Identifier: MIT
#include "rexnet/arch/config.hpp"

#include <doctest/doctest.h>

namespace {

using rexnet::config_for;
using rexnet::family;

constexpr bool channels_are(const rexnet::config& c, const int (&expected)[16]) {
  for (int i = 0; i < 16; ++i)
    if (c.blocks[i].out_c != expected[i]) return false;
  return true;
}

// The tables of the published networks (paper, table of channel counts; checked against PyTorch).
static_assert(channels_are(config_for(family::v1, 90, 1000),
                           {16, 26, 36, 46, 56, 67, 77, 87, 97, 107, 117, 127, 138, 148, 158, 168}));
static_assert(channels_are(config_for(family::v1, 100, 1000),
                           {16, 27, 38, 50, 61, 72, 84, 95, 106, 117, 128, 140, 151, 162, 174, 185}));
static_assert(channels_are(config_for(family::v1, 130, 1000),
                           {21, 35, 50, 65, 79, 94, 109, 123, 138, 152, 167, 182, 196, 211, 226, 240}));
static_assert(channels_are(config_for(family::v1, 150, 1000),
                           {24, 41, 58, 75, 92, 108, 125, 142, 159, 176, 193, 210, 226, 243, 260, 277}));
static_assert(channels_are(config_for(family::v1, 200, 1000),
                           {32, 54, 77, 100, 122, 144, 167, 190, 212, 234, 257, 280, 302, 324, 347, 370}));
static_assert(channels_are(config_for(family::v1, 220, 1000),
                           {35, 60, 85, 109, 134, 159, 184, 208, 233, 258, 283, 307, 332, 357, 382, 406}));
static_assert(channels_are(config_for(family::v1, 300, 1000),
                           {48, 82, 116, 149, 183, 217, 250, 284, 318, 352, 386, 419, 453, 487, 520, 554}));
static_assert(config_for(family::v1, 220, 1000).stem_c == 70 &&
              config_for(family::v1, 220, 1000).head_c == 2816);
// Accumulating the step in double, not multiplying it, decides these two.
static_assert(config_for(family::v1, 60, 10).blocks[10].out_c == 84 &&
              config_for(family::v1, 60, 10).blocks[14].out_c == 111);

static_assert(channels_are(config_for(family::lite, 100, 1000),
                           {16, 32, 40, 48, 64, 72, 80, 96, 104, 112, 128, 136, 144, 160, 168, 184}));
static_assert(channels_are(config_for(family::lite, 130, 1000),
                           {24, 32, 48, 64, 80, 96, 104, 120, 136, 152, 160, 176, 192, 208, 224, 232}));
static_assert(channels_are(config_for(family::lite, 150, 1000),
                           {24, 40, 56, 72, 88, 104, 120, 136, 152, 176, 192, 208, 224, 240, 256, 272}));
static_assert(channels_are(config_for(family::lite, 200, 1000),
                           {32, 56, 80, 96, 120, 144, 160, 184, 208, 232, 248, 272, 296, 320, 336, 360}));
static_assert(config_for(family::lite, 100, 1000).stem_c == 32 &&
              config_for(family::lite, 130, 1000).stem_c == 40 &&
              config_for(family::lite, 150, 1000).stem_c == 48 &&
              config_for(family::lite, 200, 1000).stem_c == 64);

static_assert(config_for(family::rexnetr, 100, 5).blocks[1].out_c == 32 &&
              config_for(family::rexnetr, 100, 5).blocks[3].se_c == 24);

}  // namespace

TEST_CASE("config: the same code gives the same channels at run time") {
  volatile int width = 60;
  CHECK(config_for(family::v1, width, 10).blocks[10].out_c == 84);
  CHECK(config_for(family::v1, width, 10).blocks[14].out_c == 111);
}

TEST_CASE("config: residual only where stride is 1 and channels do not shrink") {
  const rexnet::config c = config_for(family::v1, 100, 1000);
  CHECK_FALSE(c.blocks[0].residual());  // 32 -> 16
  CHECK_FALSE(c.blocks[1].residual());  // stride 2
  CHECK(c.blocks[2].residual());
  CHECK(c.blocks[15].residual());
}

TEST_CASE("config: parameters and multiply-adds are those of the published table") {
  const auto millions = [](std::int64_t n) { return static_cast<double>(n) / 1e6; };
  CHECK(millions(rexnet::parameter_count(config_for(family::v1, 100, 1000))) ==
        doctest::Approx(4.80).epsilon(0.005));
  CHECK(millions(rexnet::parameter_count(config_for(family::v1, 200, 1000))) ==
        doctest::Approx(16.37).epsilon(0.005));
  CHECK(millions(rexnet::parameter_count(config_for(family::v1, 300, 1000))) ==
        doctest::Approx(34.7).epsilon(0.005));
  CHECK(millions(rexnet::parameter_count(config_for(family::lite, 100, 1000))) ==
        doctest::Approx(4.7).epsilon(0.01));
  CHECK(millions(rexnet::multiply_adds(config_for(family::v1, 100, 1000), 224, 224)) ==
        doctest::Approx(398).epsilon(0.005));
  CHECK(millions(rexnet::multiply_adds(config_for(family::v1, 200, 1000), 224, 224)) ==
        doctest::Approx(1529).epsilon(0.005));
  CHECK(millions(rexnet::multiply_adds(config_for(family::v1, 300, 1000), 224, 224)) ==
        doctest::Approx(3396).epsilon(0.005));
}
