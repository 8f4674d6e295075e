// SPDX-License-Identifier: MIT
// The confusion matrix as a picture. It is SVG, because that needs no font here and is sharp at every size.
#include "tools/eval_report.hpp"
#include "tools/xml_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace rexnet_tools {
namespace {

std::string coordinate(double v) {
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
    body_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + coordinate(width) + "\" height=\"" +
            coordinate(height) + "\" viewBox=\"0 0 " + coordinate(width) + ' ' + coordinate(height) +
            "\" font-family=\"DejaVu Sans, Verdana, sans-serif\" fill=\"#222\">\n";
    rectangle(0, 0, width, height, "#fff");
  }
  void rectangle(double x, double y, double w, double h, const std::string& fill,
                 const std::string& title = {}) {
    body_ += "<rect x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" width=\"" + coordinate(w) +
             "\" height=\"" + coordinate(h) + "\" fill=\"" + fill + '"' +
             (title.empty() ? "/>\n" : "><title>" + xml_text(title) + "</title></rect>\n");
  }
  /// @param anchor start, middle or end @param turn degrees about (x, y)
  void text(double x, double y, double size, const std::string& what, const char* anchor,
            const std::string& fill = {}, double turn = 0) {
    body_ += "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" font-size=\"" + coordinate(size) +
             "\" text-anchor=\"" + anchor + '"' + (fill.empty() ? "" : " fill=\"" + fill + '"') +
             (turn == 0 ? ""
                        : " transform=\"rotate(" + coordinate(turn) + ' ' + coordinate(x) + ' ' +
                              coordinate(y) + ")\"") +
             '>' + xml_text(what) + "</text>\n";
  }
  void line(double x0, double y0, double x1, double y1) {
    body_ += "<path d=\"M" + coordinate(x0) + ' ' + coordinate(y0) + 'L' + coordinate(x1) + ' ' +
             coordinate(y1) + "\" stroke=\"#ddd\" stroke-width=\"1\"/>\n";
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

/// The first `longest` bytes of a name, without the part of a letter of UTF-8 at their end.
std::string first_bytes(const std::string& name, std::size_t longest) {
  std::size_t end = (std::min)(longest, name.size());
  while (end > 0 && end < name.size() && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
  return name.substr(0, end);
}

/// The picture of one matrix, which has its corner at (x0, y0), and a row and a column for each class
/// that occurs.
class matrix_drawing {
 public:
  matrix_drawing(const confusion_words& w, const tally& counts)
      : words_(w),
        counts_(counts),
        classes_(occurring_classes(counts)),
        longest_(longest_name()),
        l_(classes_.size(), longest_),
        side_(l_.cell * static_cast<double>(classes_.size())),
        x0_(34 + l_.names),
        y0_(74 + l_.names),
        d_((std::max)(x0_ + side_ + (l_.labelled ? 110 : 20), 470.0), y0_ + side_ + 56) {}

  [[nodiscard]] std::string draw() && {
    draw_titles();
    if (l_.labelled) {
      for (std::size_t i = 0; i < classes_.size(); ++i) draw_class(i);
      draw_grid();
    }
    for (const auto& [pair, count] : counts_.confusion()) draw_cell(pair.first, pair.second, count);
    if (!l_.labelled) draw_frame();
    legend(d_, x0_ > 120 ? 120 : x0_, y0_ + side_ + 26);
    return std::move(d_).finish();
  }

 private:
  [[nodiscard]] std::size_t longest_name() const {
    std::size_t longest = 1;
    for (const int c : classes_)
      longest = (std::max)(longest, (std::min)(std::size_t{24}, words_.name(c).size()));
    return longest;
  }
  /// Of row or column i, from the corner.
  [[nodiscard]] double middle(std::size_t i) const { return (static_cast<double>(i) + 0.5) * l_.cell; }
  [[nodiscard]] double middle_of(int c) const {
    return middle(
        static_cast<std::size_t>(std::lower_bound(classes_.begin(), classes_.end(), c) - classes_.begin()));
  }
  [[nodiscard]] const class_count& count_of(int c) const {
    return counts_.classes()[static_cast<std::size_t>(c)];
  }

  void draw_titles() {
    d_.text(16, 26, 15, words_.title, "start");
    d_.text(x0_ + side_ / 2, 50, 12, words_.columns, "middle", "#666");
    d_.text(20, y0_ + side_ / 2, 12, words_.rows, "middle", "#666", -90);
  }
  /// The name of a class at its row and its column, and what part of its pictures is right.
  void draw_class(std::size_t i) {
    const std::string name = first_bytes(words_.name(classes_[i]), longest_);
    d_.text(x0_ - 6, y0_ + middle(i) + l_.font * 0.35, l_.font, name, "end");
    d_.text(x0_ + middle(i) + l_.font * 0.35, y0_ - 6, l_.font, name, "start", {}, -90);
    const class_count& of = count_of(classes_[i]);
    if (of.n == 0 || classes_[i] == words_.nothing) return;
    char part[64];
    std::snprintf(part, sizeof(part), "%.1f %% of %lld", 100 * share(of.top1, of.n),
                  static_cast<long long>(of.n));
    d_.text(x0_ + side_ + 8, y0_ + middle(i) + l_.font * 0.3, (std::min)(11.0, l_.font), part, "start",
            "#666");
  }
  void draw_grid() {
    for (std::size_t i = 0; i <= classes_.size(); ++i) {
      const double at = static_cast<double>(i) * l_.cell;
      d_.line(x0_, y0_ + at, x0_ + side_, y0_ + at);
      d_.line(x0_ + at, y0_, x0_ + at, y0_ + side_);
    }
  }
  void draw_frame() {
    d_.line(x0_, y0_, x0_ + side_, y0_);
    d_.line(x0_, y0_, x0_, y0_ + side_);
    d_.line(x0_ + side_, y0_, x0_ + side_, y0_ + side_);
    d_.line(x0_, y0_ + side_, x0_ + side_, y0_ + side_);
  }
  void draw_cell(int label, int predicted, std::int64_t count) {
    const double part = share(count, count_of(label).n);
    const double x = middle_of(predicted), y = middle_of(label), gap = l_.labelled ? 1 : 0;
    d_.rectangle(x0_ + x - l_.cell / 2 + gap, y0_ + y - l_.cell / 2 + gap, l_.cell - gap, l_.cell - gap,
                 colour(part, label == predicted),
                 words_.name(label) + " taken for " + words_.name(predicted) + ": " + std::to_string(count));
    if (l_.numbered)
      d_.text(x0_ + x, y0_ + y + 4.5, 13, std::to_string(count), "middle",
              (label == predicted ? part : std::sqrt(part)) > 0.55 ? "#fff" : "#222");
  }

  const confusion_words& words_;
  const tally& counts_;
  std::vector<int> classes_;  ///< sorted
  std::size_t longest_;       ///< bytes of a name
  layout l_;
  double side_, x0_, y0_;
  drawing d_;
};

}  // namespace

std::string confusion_svg(const confusion_words& w, const tally& counts) {
  return matrix_drawing(w, counts).draw();
}

}  // namespace rexnet_tools
