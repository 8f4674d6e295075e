// SPDX-License-Identifier: MIT
#include "tools/profile_svg.hpp"
#include "tools/xml_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace rexnet_tools {

namespace {

// Columns, in pixels of the picture.
constexpr double width = 1000, left_end = 262, right_end = 738, row = 25, thickness = 17;
constexpr double time_at = 806, bound_at = 882, peak_at = 972;  // right edges of the numbers

/// Also colour-blind people can tell them apart (Paul Tol's scheme "bright").
constexpr const char* colours[] = {"#4477aa", "#66ccee", "#ee6677", "#ccbb44", "#228833", "#aa3377"};

/// A number in the fewest digits: pixels.
std::string px(double v) {
  char s[32];
  std::snprintf(s, sizeof(s), "%.1f", v);
  return s;
}

/// A time in the chart's unit, with the digits that mean something.
struct time_unit {
  const char* name;
  double us;
  [[nodiscard]] std::string operator()(double time) const {
    char s[32];
    const double v = time / us;
    // A microsecond's hundredths are the clock's noise, a millisecond's are not.
    std::snprintf(s, sizeof(s), "%.*f %s",
                  v >= 99.95            ? 0
                  : us > 1 && v < 9.995 ? 2
                  : v < 9.95 || us > 1  ? 1
                                        : 0,
                  v, name);
    return s;
  }
  [[nodiscard]] std::string tick(double time) const {
    char s[32];
    std::snprintf(s, sizeof(s), "%g %s", time / us, name);
    return s;
  }
};

std::string percent(double share) {
  char s[32];
  std::snprintf(s, sizeof(s), "%.0f %%", 100 * share);
  return s;
}

/// 1, 2 or 5 times a power of ten, so that `most` has at most six of it.
double tick_step(double most) {
  const double power = std::pow(10.0, std::floor(std::log10(most / 6)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (most / (factor * power) <= 6) return factor * power;
  return 10 * power;
}

/// The growing file.
struct drawing {
  std::string svg;

  void text(double x, double y, const char* style, const std::string& what) {
    svg += "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\" class=\"" + style + "\">" + xml_text(what) +
           "</text>\n";
  }
  void line(double x0, double y0, double x1, double y1, const char* style) {
    svg += "<line x1=\"" + px(x0) + "\" y1=\"" + px(y0) + "\" x2=\"" + px(x1) + "\" y2=\"" + px(y1) +
           "\" class=\"" + style + "\"/>\n";
  }
  void box(double x, double y, double w, double h, const char* fill, const std::string& tip = {}) {
    svg += "<rect x=\"" + px(x) + "\" y=\"" + px(y) + "\" width=\"" + px(w) + "\" height=\"" + px(h) +
           "\" fill=\"" + fill + "\"" +
           (tip.empty() ? "/>\n" : "><title>" + xml_text(tip) + "</title></rect>\n");
  }
};

void draw_legend(drawing& d, const profile_chart& chart, double y) {
  double x = 20;
  for (std::size_t k = 0; k < chart.kinds.size(); ++k) {
    d.box(x, y - 11, 13, 13, colours[k]);
    d.text(x + 19, y, "small", chart.kinds[k]);
    x += 36 + 6.6 * static_cast<double>(chart.kinds[k].size());
  }
  d.line(x + 2, y - 13, x + 2, y + 4, "bound");
  d.text(x + 11, y, "small", "bound");
}

void draw_bar(drawing& d, const profile_chart& chart, const profile_bar& bar, double y, double scale,
              const time_unit& unit) {
  const double middle = y + row / 2, base = middle + 4.5, us = bar.us();
  d.svg += "<g class=\"row\">\n";
  d.text(20, base, "name", bar.name);
  d.text(left_end - 10, base, "detail end", bar.detail);
  double x = left_end;
  for (const profile_part& p : bar.parts) {
    const auto kind = static_cast<std::size_t>(p.kind);
    d.box(x, middle - thickness / 2, p.us * scale, thickness, colours[kind],
          bar.name + ", " + chart.kinds[kind] + ": " + unit(p.us));
    x += p.us * scale;
  }
  const double bound_x = left_end + bar.bound_us * scale;
  d.line(bound_x, middle - thickness / 2 - 2, bound_x, middle + thickness / 2 + 2, "bound");
  d.text(time_at, base, "end", unit(us));
  d.text(bound_at, base, "end", unit(bar.bound_us));
  d.text(peak_at, base, "end", percent(bar.macs / us / chart.peak_macs_per_us));
  d.svg += "</g>\n";
}

constexpr const char* style =
    "<style>\n"
    "text { font: 13px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #222;"
    " font-variant-numeric: tabular-nums }\n"
    ".title { font-size: 20px; font-weight: 600 }\n"
    ".name, .head, .total { font-weight: 600 }\n"
    ".small, .detail, .tick { font-size: 12px; fill: #555 }\n"
    ".head { font-size: 12px }\n"
    ".warning { fill: #c00; font-weight: 600 }\n"
    ".end { text-anchor: end }\n"
    ".tick { text-anchor: middle }\n"
    ".grid { stroke: #e2e2e2 }\n"
    ".rule { stroke: #999 }\n"
    ".bound { stroke: #111; stroke-width: 2.5 }\n"
    "</style>\n";

/// The sums of all bars.
struct chart_sums {
  double most = 0;  ///< the longest bar or bound
  double us = 0, bound = 0, macs = 0;

  explicit chart_sums(const profile_chart& chart) {
    for (const profile_bar& bar : chart.bars) {
      most = (std::max)({most, bar.us(), bar.bound_us});
      us += bar.us(), bound += bar.bound_us, macs += bar.macs;
    }
  }
};

/// The grid from `top` to `bottom` with its times, and the heads of the columns.
void draw_grid(drawing& d, double top, double bottom, double most, double scale, const time_unit& unit) {
  const double step = tick_step(most);
  for (int i = 0; i * step <= most; ++i) {
    const double x = left_end + i * step * scale;
    d.line(x, top - 4, x, bottom, i == 0 ? "rule" : "grid");
    d.text(x, top - 12, "tick", i == 0 ? "0" : unit.tick(i * step));
  }
  d.text(time_at, top - 12, "head end", "time");
  d.text(bound_at, top - 12, "head end", "bound");
  d.text(peak_at, top - 12, "head end", "FMA peak");
}

/// The sums, and what the bound is.
void draw_foot(drawing& d, double bottom, const chart_sums& all, double peak, const time_unit& unit) {
  d.line(20, bottom + 6, peak_at, bottom + 6, "rule");
  d.text(20, bottom + 27, "total", "all");
  d.text(left_end, bottom + 27, "total", "the bound is " + percent(all.bound / all.us) + " of the time");
  d.text(time_at, bottom + 27, "total end", unit(all.us));
  d.text(bound_at, bottom + 27, "total end", unit(all.bound));
  d.text(peak_at, bottom + 27, "total end", percent(all.macs / all.us / peak));
  d.text(20, bottom + 58, "small",
         "Bound: multiply-adds at the measured peak and SiLU at its measured speed, or the weights at the "
         "speed of memory, whichever takes longer.");
  d.text(20, bottom + 76, "small",
         "Weights that are still in a cache beat it. FMA peak: useful multiply-adds against those that the "
         "cores could do in the same time.");
}

}  // namespace

std::string profile_svg(const profile_chart& chart) {
  constexpr double top = 150;
  const double bottom = top + row * static_cast<double>(chart.bars.size()), height = bottom + 104;
  const chart_sums all(chart);
  const double scale = (right_end - left_end) / (all.most * 1.02);
  const time_unit unit = all.us < 10000 ? time_unit{"µs", 1} : time_unit{"ms", 1000};

  drawing d;
  d.svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + px(width) + " " + px(height) +
          "\" width=\"" + px(width) + "\" height=\"" + px(height) + "\" role=\"img\">\n<title>" +
          xml_text(chart.title) + "</title>\n" + style;
  d.box(0, 0, width, height, "#fff");
  d.text(20, 36, "title", chart.title);
  d.text(20, 58, "small", chart.subtitle);
  d.text(20, 76, "warning", chart.warning);
  draw_legend(d, chart, 102);
  draw_grid(d, top, bottom, all.most, scale, unit);
  for (std::size_t i = 0; i < chart.bars.size(); ++i)
    draw_bar(d, chart, chart.bars[i], top + row * static_cast<double>(i), scale, unit);
  draw_foot(d, bottom, all, chart.peak_macs_per_us, unit);
  return d.svg + "</svg>\n";
}

}  // namespace rexnet_tools
