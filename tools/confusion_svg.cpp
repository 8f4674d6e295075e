// SPDX-License-Identifier: MIT
// The confusion matrix as a picture. SVG, because its text stays text: it needs no font here and is sharp at
// every size.
#include "tools/eval_report.hpp"
#include "tools/xml_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace rexnet_tools {
namespace {

std::string number(double v) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.5g", v);
  return text;
}

/// The colour of a part of a row. Mistakes are small parts: the square root makes one in a hundred visible.
std::string colour(double part, bool right) {
  constexpr double blue[] = {17, 85, 160}, orange[] = {196, 70, 10};
  const double t = right ? part : std::sqrt(part);
  char text[8];
  const auto mix = [&](int c) {
    return static_cast<unsigned>(std::lround(255 + ((right ? blue : orange)[c] - 255) * t));
  };
  std::snprintf(text, sizeof(text), "#%02x%02x%02x", mix(0), mix(1), mix(2));
  return text;
}

/// Writes elements; the fonts are what every browser has.
class drawing {
 public:
  drawing(double width, double height) {
    body_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(width) + "\" height=\"" +
            number(height) + "\" viewBox=\"0 0 " + number(width) + ' ' + number(height) +
            "\" font-family=\"DejaVu Sans, Verdana, sans-serif\" fill=\"#222\">\n";
    rectangle(0, 0, width, height, "#fff");
  }
  void rectangle(double x, double y, double w, double h, const std::string& fill,
                 const std::string& title = {}) {
    body_ += "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(w) + "\" height=\"" +
             number(h) + "\" fill=\"" + fill + '"' +
             (title.empty() ? "/>\n" : "><title>" + xml_text(title) + "</title></rect>\n");
  }
  /// @param anchor start, middle or end @param turn degrees about (x, y)
  void text(double x, double y, double size, const std::string& what, const char* anchor,
            const std::string& fill = {}, double turn = 0) {
    body_ +=
        "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" font-size=\"" + number(size) +
        "\" text-anchor=\"" + anchor + '"' + (fill.empty() ? "" : " fill=\"" + fill + '"') +
        (turn == 0 ? "" : " transform=\"rotate(" + number(turn) + ' ' + number(x) + ' ' + number(y) + ")\"") +
        '>' + xml_text(what) + "</text>\n";
  }
  void line(double x0, double y0, double x1, double y1) {
    body_ += "<path d=\"M" + number(x0) + ' ' + number(y0) + 'L' + number(x1) + ' ' + number(y1) +
             "\" stroke=\"#ddd\" stroke-width=\"1\"/>\n";
  }
  [[nodiscard]] std::string finish() && { return std::move(body_) + "</svg>\n"; }

 private:
  std::string body_;
};

/// Sizes in pixels for n classes: a screen's width, with labels and numbers as long as they can be read.
struct layout {
  double cell, font, names;
  bool labelled, numbered;
  layout(std::size_t n, std::size_t longest) {
    cell = n <= 12 ? 46 : n <= 24 ? 32 : n <= 60 ? 17 : n <= 100 ? 11 : 1000.0 / static_cast<double>(n);
    labelled = cell >= 11;
    numbered = cell >= 32;
    font = labelled ? (std::min)(13.0, cell * 0.8) : 0;
    names = labelled ? font * 0.64 * static_cast<double>(longest) + 10 : 10;
  }
};

void legend(drawing& d, double x, double y) {
  constexpr int steps = 20;
  constexpr double width = 100;
  for (const bool right : {true, false}) {
    for (int i = 0; i < steps; ++i)
      d.rectangle(x + i * width / steps, y, width / steps + 0.5, 10, colour((i + 1.0) / steps, right));
    d.text(x + width + 8, y + 9, 11, right ? "right" : "mistakes", "start");
    x += 190;
  }
}

}  // namespace

std::string confusion_svg(const evaluation_report& r) {
  const std::vector<int> classes = occurring_classes(r.counts);
  std::size_t longest = 1;
  for (const int c : classes) longest = (std::max)(longest, (std::min)(std::size_t{24}, r.name(c).size()));
  const layout l(classes.size(), longest);
  const double n = static_cast<double>(classes.size()), side = l.cell * n;
  const double x0 = 34 + l.names, y0 = 74 + l.names,
               width = (std::max)(x0 + side + (l.labelled ? 110 : 20), 470.0);
  drawing d(width, y0 + side + 56);
  const class_count& all = r.counts.all();
  char title[160];
  std::snprintf(title, sizeof(title), "%lld pictures: top-1 %.2f %%, top-5 %.2f %%",
                static_cast<long long>(all.n), 100 * share(all.top1, all.n), 100 * share(all.top5, all.n));
  d.text(16, 26, 15, title, "start");
  d.text(x0 + side / 2, 50, 12, "taken for", "middle", "#666");
  d.text(20, y0 + side / 2, 12, "class of the picture", "middle", "#666", -90);

  const auto middle = [&](std::size_t i) { return (static_cast<double>(i) + 0.5) * l.cell; };
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const class_count& of = r.counts.classes()[static_cast<std::size_t>(classes[i])];
    if (l.labelled) {
      const std::string whole = r.name(classes[i]);
      std::size_t end = (std::min)(longest, whole.size());
      while (end > 0 && end < whole.size() && (whole[end] & 0xc0) == 0x80)
        --end;  // letters of UTF-8 stay whole
      const std::string name = whole.substr(0, end);
      d.text(x0 - 6, y0 + middle(i) + l.font * 0.35, l.font, name, "end");
      d.text(x0 + middle(i) + l.font * 0.35, y0 - 6, l.font, name, "start", {}, -90);
      char part[64];
      std::snprintf(part, sizeof(part), "%.1f %% of %lld", 100 * share(of.top1, of.n),
                    static_cast<long long>(of.n));
      if (of.n > 0)
        d.text(x0 + side + 8, y0 + middle(i) + l.font * 0.3, (std::min)(11.0, l.font), part, "start", "#666");
    }
  }
  if (l.labelled)
    for (std::size_t i = 0; i <= classes.size(); ++i) {
      const double at = static_cast<double>(i) * l.cell;
      d.line(x0, y0 + at, x0 + side, y0 + at);
      d.line(x0 + at, y0, x0 + at, y0 + side);
    }
  const auto place = [&](int c) {
    return static_cast<std::size_t>(std::lower_bound(classes.begin(), classes.end(), c) - classes.begin());
  };
  for (const auto& [pair, count] : r.counts.confusion()) {
    const auto [label, predicted] = pair;
    const double part = share(count, r.counts.classes()[static_cast<std::size_t>(label)].n);
    const double x = middle(place(predicted)), y = middle(place(label)), gap = l.labelled ? 1 : 0;
    d.rectangle(x0 + x - l.cell / 2 + gap, y0 + y - l.cell / 2 + gap, l.cell - gap, l.cell - gap,
                colour(part, label == predicted),
                r.name(label) + " taken for " + r.name(predicted) + ": " + std::to_string(count));
    if (l.numbered)
      d.text(x0 + x, y0 + y + 4.5, 13, std::to_string(count), "middle",
             (label == predicted ? part : std::sqrt(part)) > 0.55 ? "#fff" : "#222");
  }
  if (!l.labelled) {
    d.line(x0, y0, x0 + side, y0);
    d.line(x0, y0, x0, y0 + side);
    d.line(x0 + side, y0, x0 + side, y0 + side);
    d.line(x0, y0 + side, x0 + side, y0 + side);
  }
  legend(d, x0 > 120 ? 120 : x0, y0 + side + 26);
  return std::move(d).finish();
}

}  // namespace rexnet_tools
