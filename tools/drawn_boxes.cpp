// SPDX-License-Identifier: MIT
#include "tools/drawn_boxes.hpp"
#include "tools/stroke_font.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string_view>

namespace rexnet_tools {
namespace {

using rgb = std::array<std::uint8_t, 3>;

/// Whole pixels: from left and top to before right and bottom.
struct pixel_box {
  int left = 0, top = 0, right = 0, bottom = 0;
  [[nodiscard]] bool overlaps(const pixel_box& o) const {
    return left < o.right && o.left < right && top < o.bottom && o.top < bottom;
  }
};

/// The pixels that a box touches, at least one. A coordinate may be infinite or NaN.
pixel_box pixels_of(const rexnet::box& b, int w, int h) {
  const auto side = [](float first, float last, int size, int& from, int& to) {
    const float f = std::floor(first), l = std::ceil(last);
    from = f > 0 ? static_cast<int>((std::min)(f, static_cast<float>(size - 1))) : 0;
    to = l > static_cast<float>(from) ? static_cast<int>((std::min)(l, static_cast<float>(size))) : from + 1;
  };
  pixel_box p;
  side(b.x1, b.x2, w, p.left, p.right);
  side(b.y1, b.y2, h, p.top, p.bottom);
  return p;
}

/// Precondition: the box lies in the picture.
void fill(rexnet::rgb_image& image, const pixel_box& b, const rgb& colour) {
  for (int y = b.top; y < b.bottom; ++y)
    for (int x = b.left; x < b.right; ++x)
      std::copy(colour.begin(), colour.end(),
                &image.data[(static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                             static_cast<std::size_t>(x)) *
                            3]);
}

/// The border of a box, inside of it.
void frame(rexnet::rgb_image& image, const pixel_box& b, int line, const rgb& colour) {
  const int left = (std::min)(b.left + line, b.right), right = (std::max)(b.right - line, b.left);
  const int top = (std::min)(b.top + line, b.bottom), bottom = (std::max)(b.bottom - line, b.top);
  fill(image, {b.left, b.top, b.right, top}, colour);
  fill(image, {b.left, bottom, b.right, b.bottom}, colour);
  fill(image, {b.left, b.top, left, b.bottom}, colour);
  fill(image, {right, b.top, b.right, b.bottom}, colour);
}

/// Name and score in at most `width` pixels; "" where not even the score has room.
std::string fitted(std::string_view name, const std::string& score, double size, int width) {
  std::string text = std::string(name) + ' ' + score;
  for (std::size_t kept = name.size(); text_width(text, size) > width; --kept) {
    if (kept == 0) return text_width(score, size) <= width ? score : std::string();
    text = std::string(name.substr(0, kept - 1)) + ".. " + score;
  }
  return text;
}

/// A label's place: above its box, below it, or inside, whichever lies in the picture and off the labels that
/// have a place; else the first of these that lies in the picture.
pixel_box place_of_label(const pixel_box& box, int w, int h, const rexnet::rgb_image& image,
                         const std::vector<pixel_box>& taken) {
  const auto at = [&](int x, int y) {
    x = std::clamp(x, 0, image.width - w);
    return pixel_box{x, y, x + w, y + h};
  };
  const pixel_box places[] = {at(box.left, box.top - h), at(box.right - w, box.top - h),
                              at(box.left, box.bottom),  at(box.right - w, box.bottom),
                              at(box.left, box.top),     at(box.right - w, box.bottom - h)};
  const pixel_box* first = nullptr;
  for (const pixel_box& p : places) {
    if (p.top < 0 || p.bottom > image.height) continue;
    if (std::none_of(taken.begin(), taken.end(), [&p](const pixel_box& t) { return p.overlaps(t); }))
      return p;
    if (first == nullptr) first = &p;
  }
  return first != nullptr ? *first : at(box.left, std::clamp(box.top, 0, image.height - h));
}

void put(rexnet::rgb_image& image, const drawn_text& text, int left, int top, const rgb& ground) {
  // Black or white, whichever is further from the ground.
  const double light = 0.299 * ground[0] + 0.587 * ground[1] + 0.114 * ground[2];
  const int ink = light > 140 ? 0 : 255;
  for (int y = 0; y < text.height; ++y)
    for (int x = 0; x < text.width; ++x) {
      const int c = text.coverage[static_cast<std::size_t>(y) * static_cast<std::size_t>(text.width) +
                                  static_cast<std::size_t>(x)];
      std::uint8_t* const pixel =
          &image.data[(static_cast<std::size_t>(top + y) * static_cast<std::size_t>(image.width) +
                       static_cast<std::size_t>(left + x)) *
                      3];
      for (std::size_t k = 0; k < 3; ++k)
        pixel[k] = static_cast<std::uint8_t>((ground[k] * (255 - c) + ink * c + 127) / 255);
    }
}

}  // namespace

std::array<std::uint8_t, 3> colour_of_class(int number) {
  // Hues by the golden angle, from blue; three strengths, so that classes of nearly the same hue differ in
  // them.
  constexpr double strengths[][2] = {{0.9, 1.0}, {0.5, 1.0}, {1.0, 0.6}};  // saturation, value
  const int i = (std::max)(number - 1, 0);
  const double hue = std::fmod(210 + 137.50776 * i, 360) / 60;
  const double* strength = strengths[i / 8 % 3];
  rgb out{};
  for (std::size_t k = 0; k < 3; ++k) {
    const double from = std::fmod(5 - 2 * static_cast<double>(k) + hue, 6);  // HSV's usual formula
    const double part = std::clamp((std::min)(from, 4 - from), 0.0, 1.0);
    out[k] = static_cast<std::uint8_t>(std::lround(255 * strength[1] * (1 - strength[0] * part)));
  }
  return out;
}

rexnet::rgb_image with_boxes(const rexnet::rgb_image& picture, rexnet::span<const rexnet::detection> found,
                             const std::vector<std::string>& names) {
  rexnet::rgb_image out = picture;
  const double size = (std::max)(8.0, 0.016 * std::sqrt(static_cast<double>(out.width) * out.height));
  const int line = (std::max)(2, static_cast<int>(std::lround(size / 7)));
  const int height = text_height(size);
  struct label {
    std::string text;
    pixel_box at;
  };
  std::vector<label> labels(found.size());
  std::vector<pixel_box> boxes(found.size()), taken;
  constexpr std::size_t avoided = 200;  // beyond, everything is full of labels anyway
  for (std::size_t i = 0; i < found.size(); ++i) {
    const rexnet::detection& d = found[i];
    boxes[i] = pixels_of(d.at, out.width, out.height);
    char score[16];
    std::snprintf(score, sizeof(score), "%.0f %%", 100.0 * static_cast<double>(d.score));
    const std::string name = font_has(names[i]) ? names[i] : "class " + std::to_string(d.label);
    const int room = (std::max)(out.width / 2, boxes[i].right - boxes[i].left);
    if (height * 4 <= out.height) labels[i].text = fitted(name, score, size, room);
    if (labels[i].text.empty()) continue;
    labels[i].at = place_of_label(boxes[i], text_width(labels[i].text, size), height, out, taken);
    if (taken.size() < avoided) taken.push_back(labels[i].at);
  }
  for (std::size_t i = found.size(); i-- > 0;) frame(out, boxes[i], line, colour_of_class(found[i].label));
  for (std::size_t i = found.size(); i-- > 0;)
    if (!labels[i].text.empty())
      put(out, draw_text(labels[i].text, size), labels[i].at.left, labels[i].at.top,
          colour_of_class(found[i].label));
  return out;
}

}  // namespace rexnet_tools
