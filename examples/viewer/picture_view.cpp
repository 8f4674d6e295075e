// SPDX-License-Identifier: MIT
#include "picture_view.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace viewer {

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
  forget_scaled();
  atk_object_set_name(gtk_widget_get_accessible(area_), ("Picture: " + name).c_str());
  gtk_stack_set_visible_child(GTK_STACK(stack_), area_);
  gtk_widget_queue_draw(area_);
}

void picture_view::clear() {
  picture_ = nullptr;
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
  cairo_set_source_surface(cr, v.scaled_, std::floor((room_w - static_cast<double>(width) / factor) / 2),
                           std::floor((room_h - static_cast<double>(height) / factor) / 2));
  cairo_paint(cr);
  return FALSE;
}

}  // namespace viewer
