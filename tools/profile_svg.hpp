// SPDX-License-Identifier: MIT
// bench --profile --svg: the time of every block against its bound, as a picture for people.
#ifndef REXNET_TOOLS_PROFILE_SVG_HPP
#define REXNET_TOOLS_PROFILE_SVG_HPP

#include <string>
#include <vector>

namespace rexnet_tools {

/// A part of a bar. Its kind is an index into the chart's kinds.
struct profile_part {
  int kind = 0;
  double us = 0;
};

/// A row: the parts of a block one after the other, the bound, and the numbers beside it.
struct profile_bar {
  std::string name, detail;  ///< "block 3", "38 to 50 channels, 28 x 28"
  std::vector<profile_part> parts;
  double bound_us = 0, macs = 0;

  [[nodiscard]] double us() const {
    double sum = 0;
    for (const profile_part& p : parts) sum += p.us;
    return sum;
  }
};

struct profile_chart {
  std::string title, subtitle;
  std::string warning;             ///< in red under the subtitle
  std::vector<std::string> kinds;  ///< at most six, for the legend
  std::vector<profile_bar> bars;
  double peak_macs_per_us = 0;  ///< of all threads
};

/// The chart as an SVG file, UTF-8. Its height follows from the number of rows.
[[nodiscard]] std::string profile_svg(const profile_chart& chart);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_PROFILE_SVG_HPP
