// SPDX-License-Identifier: MIT
#include "picture_view.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace viewer {
namespace {

/// Colours that are told apart on most pictures and by most eyes (Okabe and Ito); white text can be read on
/// all.
constexpr unsigned char colours[][3] = {{213, 94, 0}, {0, 114, 178}, {0, 128, 92},   {170, 85, 140},
                                        {128, 96, 0}, {20, 90, 90},  {110, 60, 180}, {90, 90, 90}};

void set_colour(cairo_t* cr, int kind) {
  constexpr int count = sizeof(colours) / sizeof(colours[0]);
  const unsigned char(&c)[3] = colours[kind > 0 ? (kind - 1) % count : 0];
  cairo_set_source_rgb(cr, c[0] / 255.0, c[1] / 255.0, c[2] / 255.0);
}

}  // namespace

picture_view::picture_view() : stack_(gtk_stack_new()), area_(gtk_drawing_area_new()) {
  GtkWidget* hint = gtk_label_new(nullptr);
  gtk_label_set_markup(GTK_LABEL(hint), "<big>Drop a picture here</big>\n\nor press Ctrl+O");
  gtk_label_set_justify(GTK_LABEL(hint), GTK_JUSTIFY_CENTER);
  gtk_style_context_add_class(gtk_widget_get_style_context(hint), "dim-label");
  gtk_stack_add_named(GTK_STACK(stack_), hint, "hint");
  gtk_stack_add_named(GTK_STACK(stack_), area_, "picture");
  gtk_widget_set_size_request(stack_, 160, 160);
  gtk_widget_set_hexpand(stack_, TRUE);
  gtk_widget_set_vexpand(stack_, TRUE);
  atk_object_set_role(gtk_widget_get_accessible(area_), ATK_ROLE_IMAGE);
  g_signal_connect(area_, "draw", G_CALLBACK(draw), this);
  gtk_widget_show_all(stack_);
}

picture_view::~picture_view() {
  forget_scaled();
}

void picture_view::forget_scaled() {
  if (scaled_ != nullptr) cairo_surface_destroy(scaled_);
  scaled_ = nullptr;
}

void picture_view::show(std::shared_ptr<const rexnet::rgb_image> picture, const std::string& name) {
  picture_ = std::move(picture);
  name_ = name;
  forget_scaled();
  gtk_stack_set_visible_child(GTK_STACK(stack_), area_);
  set_frames({});
}

void picture_view::set_frames(std::vector<frame> frames) {
  constexpr std::size_t read_out = 20;
  frames_ = std::move(frames);
  std::string text = "Picture: " + name_;
  for (std::size_t i = 0; i < frames_.size() && i < read_out; ++i) text += ", " + frames_[i].text;
  atk_object_set_name(gtk_widget_get_accessible(area_), text.c_str());
  gtk_widget_queue_draw(area_);
}

void picture_view::clear() {
  picture_ = nullptr;
  frames_.clear();
  forget_scaled();
  gtk_stack_set_visible_child_name(GTK_STACK(stack_), "hint");
}

gboolean picture_view::draw(GtkWidget* area, cairo_t* cr, gpointer self) {
  auto& v = *static_cast<picture_view*>(self);
  if (v.picture_ == nullptr) return FALSE;
  const rexnet::rgb_image& p = *v.picture_;
  const double room_w = gtk_widget_get_allocated_width(area), room_h = gtk_widget_get_allocated_height(area);
  const double fit = (std::min)(room_w / p.width, room_h / p.height);
  const int factor = gtk_widget_get_scale_factor(area);
  const int width = (std::max)(1, static_cast<int>(std::lround(p.width * fit * factor)));
  const int height = (std::max)(1, static_cast<int>(std::lround(p.height * fit * factor)));
  if (v.scaled_ == nullptr || v.scaled_width_ != width || v.scaled_height_ != height) {
    v.forget_scaled();
    GdkPixbuf* whole = gdk_pixbuf_new_from_data(p.data.data(), GDK_COLORSPACE_RGB, FALSE, 8, p.width,
                                                p.height, p.width * 3, nullptr, nullptr);
    GdkPixbuf* scaled = gdk_pixbuf_scale_simple(whole, width, height, GDK_INTERP_BILINEAR);
    g_object_unref(whole);
    if (scaled == nullptr) return FALSE;  // no memory for it
    v.scaled_ = gdk_cairo_surface_create_from_pixbuf(scaled, factor, gtk_widget_get_window(area));
    g_object_unref(scaled);
    v.scaled_width_ = width;
    v.scaled_height_ = height;
  }
  const double shown_w = static_cast<double>(width) / factor, shown_h = static_cast<double>(height) / factor;
  const double left = std::floor((room_w - shown_w) / 2), top = std::floor((room_h - shown_h) / 2);
  cairo_set_source_surface(cr, v.scaled_, left, top);
  cairo_paint(cr);
  v.draw_frames(cr, left, top, shown_w, shown_h);
  return FALSE;
}

void picture_view::draw_frames(cairo_t* cr, double left, double top, double width, double height) const {
  constexpr double line = 2, margin = 3;
  PangoLayout* text = gtk_widget_create_pango_layout(area_, nullptr);
  cairo_save(cr);
  cairo_rectangle(cr, left, top, width, height);
  cairo_clip(cr);
  cairo_set_line_width(cr, line);
  for (auto f = frames_.rbegin(); f != frames_.rend(); ++f) {
    const double x1 = std::round(left + f->x1 * width), y1 = std::round(top + f->y1 * height);
    const double x2 = std::round(left + f->x2 * width), y2 = std::round(top + f->y2 * height);
    set_colour(cr, f->kind);
    cairo_rectangle(cr, x1 + line / 2, y1 + line / 2, (std::max)(0.0, x2 - x1 - line),
                    (std::max)(0.0, y2 - y1 - line));
    cairo_stroke(cr);
    int text_w = 0, text_h = 0;
    pango_layout_set_text(text, f->text.c_str(), -1);
    pango_layout_get_pixel_size(text, &text_w, &text_h);
    // Above the frame where the picture has room, else inside; not beyond the right edge.
    const double wide = text_w + 2 * margin, y = y1 - text_h >= top ? y1 - text_h : y1;
    const double x = (std::max)(left, (std::min)(x1, std::floor(left + width - wide)));
    cairo_rectangle(cr, x, y, wide, text_h);
    cairo_fill(cr);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_move_to(cr, x + margin, y);
    pango_cairo_show_layout(cr, text);
  }
  cairo_restore(cr);
  g_object_unref(text);
}

}  // namespace viewer
