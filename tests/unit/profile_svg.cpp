// SPDX-License-Identifier: MIT
#include "tools/profile_svg.hpp"

#include <doctest/doctest.h>

namespace {

rexnet_tools::profile_chart small_chart() {
  rexnet_tools::profile_chart c;
  c.title = "a <b> & \"c\"\x01";
  c.kinds = {"first", "second"};
  c.bars = {{"stem", "3 to 16", {{0, 100}, {1, 50}}, 120, 9000}, {"head", "16 to 20", {{1, 50}}, 90, 1000}};
  c.peak_macs_per_us = 100;
  return c;
}

int count(const std::string& text, const std::string& part) {
  int n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("profile_svg: a row per bar, a box per part, a line per bound and one for the legend") {
  const std::string svg = profile_svg(small_chart());
  CHECK(count(svg, "<g class=\"row\">") == 2);
  CHECK(count(svg, "</title></rect>") == 3);
  CHECK(count(svg, "class=\"bound\"") == 3);
  // 150 us fill the width of 476 but for 2 %; 50 us a third of it.
  CHECK(count(svg, "width=\"311.1\"") == 1);
  CHECK(count(svg, "width=\"155.6\"") == 2);
}

TEST_CASE("profile_svg: numbers are sums and shares of the peak") {
  const std::string svg = profile_svg(small_chart());
  for (const char* text : {"\"end\">150 µs<", ">120 µs<", ">60 %<", ">20 %<", ">200 µs<", ">210 µs<",
                           ">50 %<", ">the bound is 105 % of the time<"})
    CHECK_MESSAGE(count(svg, text) == 1, text, " in ", svg);
}

TEST_CASE("profile_svg: texts are escaped, control characters spelt") {
  const std::string svg = profile_svg(small_chart());
  CHECK(count(svg, ">a &lt;b&gt; &amp; &quot;c&quot;\\x01<") == 2);
  CHECK(svg.find('\x01') == std::string::npos);
}

TEST_CASE("profile_svg: a longer pass is told in milliseconds") {
  rexnet_tools::profile_chart c = small_chart();
  c.bars[0].parts[0].us = 12345;
  CHECK(count(profile_svg(c), ">12.4 ms<") == 2);
  CHECK(count(profile_svg(c), ">0.05 ms<") == 1);
  CHECK(count(profile_svg(c), " µs") == 0);
}
