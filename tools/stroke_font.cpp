// SPDX-License-Identifier: MIT
#include "tools/stroke_font.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>

namespace rexnet_tools {
namespace {

/// The characters from '!' to '~' as strokes with spaces between them. Two digits of base 17 are a point, x
/// and y: capitals reach from y = 0 to c, small letters begin at 4, descenders end at g. A stroke is a chain
/// of straight lines; behind ~ a curve from its first point to its last, which the others pull to them;
/// behind @ a closed one, which all of them pull.
constexpr std::array<const char*, 94> glyphs{
    "0008 0c0c",                         // !
    "0003 3033",                         // "
    "311b 715b 0484 0888",               // #
    "~83810106868b0b09 404c",            // $
    "@00404505 @57979c5c 801c",          // %
    "9c23 ~23106064070c7c97",            // &
    "0003",                              // '
    "~30030b3e",                         // (
    "~00333b0e",                         // )
    "3137 0266 6206",                    // *
    "434b 0787",                         // +
    "1b0f",                              // ,
    "0767",                              // -
    "0c0c",                              // .
    "600c",                              // /
    "@00707c0c",                         // 0
    "03303c",                            // 1
    "~030070750c 0c7c",                  // 2
    "~0200606525 ~25757c0c0a",           // 3
    "5c500878",                          // 4
    "601006 ~0624747c0c0a",              // 5
    "~600108 @05757c0c",                 // 6
    "00702c",                            // 7
    "@10606515 @05757c0c",               // 8
    "@00707707 ~747b1c",                 // 9
    "0505 0c0c",                         // :
    "1515 1b0f",                         // ;
    "73077b",                            // <
    "0585 0989",                         // =
    "03770b",                            // >
    "~020060653539 3c3c",                // ?
    "~7479a9a0000d9d @34747939",         // @
    "0c408c 1979",                       // A
    "000c ~003070763606 ~0646868c4c0c",  // B
    "~8380000c8c89",                     // C
    "000c ~0030808c3c0c",                // D
    "70000c7c 0666",                     // E
    "70000c 0666",                       // F
    "~8380000c8c87 5787",                // G
    "000c 808c 0686",                    // H
    "0040 202c 0c4c",                    // I
    "~60646c0c09",                       // J
    "000c 8007 348c",                    // K
    "000c7c",                            // L
    "0c0058a0ac",                        // M
    "0c008c80",                          // N
    "@00808c0c",                         // O
    "000c ~004080874707",                // P
    "@00808c0c 599d",                    // Q
    "000c ~004080874707 478c",           // R
    "~82800006868c0c0a",                 // S
    "0080 404c",                         // T
    "~00040c8c8480",                     // U
    "004c80",                            // V
    "003c629cc0",                        // W
    "008c 800c",                         // X
    "004680 464c",                       // Y
    "00800c8c",                          // Z
    "30000e3e",                          // [
    "006c",                              // backslash
    "00303e0e",                          // ]
    "053065",                            // ^
    "0e8e",                              // _
    "0023",                              // `
    "~060474787c ~77070c7c78",           // a
    "000c @04747c0c",                    // b
    "~6664040c6c6a",                     // c
    "707c @04747c0c",                    // d
    "0878 ~7874040c7c7a",                // e
    "~5020242c 0454",                    // f
    "@04747c0c ~747a7g0g0f",             // g
    "000c ~080474787c",                  // h
    "040c 0000",                         // i
    "~343a3g0g 3030",                    // j
    "000c 6409 277c",                    // k
    "~00080c3c",                         // l
    "040c ~080454585c ~5854a4a8ac",      // m
    "040c ~080474787c",                  // n
    "@04747c0c",                         // o
    "040g @04747c0c",                    // p
    "747g @04747c0c",                    // q
    "040c ~080454",                      // r
    "~65640408686c0c0b",                 // s
    "~21282c5c 0454",                    // t
    "~04080c7c7874 747c",                // u
    "043c64",                            // v
    "043c557ca4",                        // w
    "046c 640c",                         // x
    "043c 641g",                         // y
    "04640c6c",                          // z
    "~40202707 ~07272e4e",               // {
    "000e",                              // |
    "~00202747 ~47272e0e",               // }
    "~08246a86",                         // ~
};

// In the glyphs' units: what is before, between and behind characters, and the margin above and below.
constexpr int side_margin = 3, gap = 4, space = 3, upper_margin = 3, line_height = 21;

struct place {
  double x = 0, y = 0;
};

place between(place a, place b) {
  return {(a.x + b.x) / 2, (a.y + b.y) / 2};
}

int digit(char c) {
  return c >= 'a' ? c - 'a' + 10 : c - '0';
}

std::string_view glyph_of(char c) {
  return c == ' ' ? std::string_view() : glyphs[static_cast<std::size_t>(c - '!')];
}

int glyph_width(char c) {
  if (c == ' ') return space;
  int widest = 0;
  bool x = true;
  for (const char d : glyph_of(c)) {
    if (d == ' ' || d == '~' || d == '@') continue;
    if (x) widest = (std::max)(widest, digit(d));
    x = !x;
  }
  return widest;
}

int units_of(std::string_view text) {
  int units = 2 * side_margin;
  for (std::size_t i = 0; i < text.size(); ++i) units += glyph_width(text[i]) + (i > 0 ? gap : 0);
  return units;
}

/// A line of round ends put into the coverage.
void draw_line(drawn_text& to, place a, place b, double radius) {
  const auto first = [radius](double p, double q) {
    return (std::max)(0, static_cast<int>((std::min)(p, q) - radius - 1));
  };
  const auto last = [radius](double p, double q, int size) {
    return (std::min)(size, static_cast<int>((std::max)(p, q) + radius + 2));
  };
  const double dx = b.x - a.x, dy = b.y - a.y, squared = dx * dx + dy * dy;
  for (int y = first(a.y, b.y); y < last(a.y, b.y, to.height); ++y)
    for (int x = first(a.x, b.x); x < last(a.x, b.x, to.width); ++x) {
      const double px = x + 0.5 - a.x, py = y + 0.5 - a.y;
      const double t = squared > 0 ? std::clamp((px * dx + py * dy) / squared, 0.0, 1.0) : 0;
      const double inside = radius + 0.5 - std::hypot(px - t * dx, py - t * dy);
      std::uint8_t& c = to.coverage[static_cast<std::size_t>(y) * static_cast<std::size_t>(to.width) +
                                    static_cast<std::size_t>(x)];
      c = (std::max)(c, static_cast<std::uint8_t>(std::lround(255 * std::clamp(inside, 0.0, 1.0))));
    }
}

/// A parabola from a to b, which leaves a and reaches b in the direction of the third point.
void draw_curve(drawn_text& to, place a, place towards, place b, double radius) {
  constexpr int steps = 10;
  place from = a;
  for (int i = 1; i <= steps; ++i) {
    const double t = static_cast<double>(i) / steps, s = 1 - t;
    const place p{s * s * a.x + 2 * s * t * towards.x + t * t * b.x,
                  s * s * a.y + 2 * s * t * towards.y + t * t * b.y};
    draw_line(to, from, p, radius);
    from = p;
  }
}

/// @param p a stroke's points in pixels; at least three of a curve
void draw_stroke(drawn_text& to, char kind, const std::vector<place>& p, double radius) {
  const std::size_t n = p.size();
  if (kind == '@') {
    for (std::size_t i = 0; i < n; ++i)
      draw_curve(to, between(p[i], p[(i + 1) % n]), p[(i + 1) % n], between(p[(i + 1) % n], p[(i + 2) % n]),
                 radius);
  } else if (kind == '~') {
    for (std::size_t i = 1; i + 1 < n; ++i)
      draw_curve(to, i == 1 ? p[0] : between(p[i - 1], p[i]), p[i],
                 i + 2 == n ? p[n - 1] : between(p[i], p[i + 1]), radius);
  } else if (n == 2 && p[0].x == p[1].x && p[0].y == p[1].y) {
    draw_line(to, p[0], p[1], 1.25 * radius);  // a dot, which would look thinner than lines
  } else {
    for (std::size_t i = 0; i + 1 < n; ++i) draw_line(to, p[i], p[i + 1], radius);
  }
}

}  // namespace

bool font_has(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

int text_width(std::string_view text, double size) {
  return static_cast<int>(std::ceil(units_of(text) * size / 12));
}

int text_height(double size) {
  return static_cast<int>(std::ceil(line_height * size / 12));
}

drawn_text draw_text(std::string_view text, double size) {
  drawn_text out;
  out.width = text_width(text, size), out.height = text_height(size);
  out.coverage.resize(static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height));
  const double unit = size / 12, radius = (std::max)(0.6, 0.8 * unit);
  int left = side_margin;
  for (const char c : text) {
    std::vector<place> points;
    char kind = ' ';
    const std::string_view glyph = glyph_of(c);
    for (std::size_t i = 0; i <= glyph.size();) {
      if (i == glyph.size() || glyph[i] == ' ') {
        draw_stroke(out, kind, points, radius);
        points.clear();
        kind = ' ', ++i;
      } else if (glyph[i] == '~' || glyph[i] == '@') {
        kind = glyph[i++];
      } else {
        points.push_back({(left + digit(glyph[i])) * unit, (upper_margin + digit(glyph[i + 1])) * unit});
        i += 2;
      }
    }
    left += glyph_width(c) + gap;
  }
  return out;
}

}  // namespace rexnet_tools
