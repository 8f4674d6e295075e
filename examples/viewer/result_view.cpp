// SPDX-License-Identifier: MIT
#include "result_view.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace viewer {
namespace {

/// Bold, dimmed and so on, by Pango's markup.
GtkWidget* text_label(float xalign, PangoEllipsizeMode ellipsize) {
  GtkWidget* label = gtk_label_new(nullptr);
  gtk_label_set_xalign(GTK_LABEL(label), xalign);
  gtk_label_set_ellipsize(GTK_LABEL(label), ellipsize);
  return label;
}

/// A rectangle with rounded corners, small enough that a bar of one percent can still be seen.
void bar_path(cairo_t* cr, double width, double height) {
  const double r = 2, quarter = G_PI / 2;
  cairo_new_path(cr);
  cairo_arc(cr, r, r, r, 2 * quarter, 3 * quarter);
  cairo_arc(cr, width - r, r, r, 3 * quarter, 4 * quarter);
  cairo_arc(cr, width - r, height - r, r, 0, quarter);
  cairo_arc(cr, r, height - r, r, quarter, 2 * quarter);
  cairo_close_path(cr);
}

}  // namespace

std::string percent_text(double probability) {
  char text[32];
  const double percent = 100 * probability;
  std::snprintf(text, sizeof(text), percent < 9.95 ? "%.1f %%" : "%.0f %%", percent);
  return text;
}

result_view::result_view(std::function<void()> changed)
    : changed_(std::move(changed)),
      box_(gtk_box_new(GTK_ORIENTATION_VERTICAL, 4)),
      classes_(gtk_box_new(GTK_ORIENTATION_VERTICAL, 4)),
      boxes_(gtk_box_new(GTK_ORIENTATION_VERTICAL, 4)),
      slider_(gtk_scale_new_with_range(GTK_ORIENTATION_HORIZONTAL, 0, 1, 0.01)),
      count_(text_label(0, PANGO_ELLIPSIZE_END)),
      time_(text_label(0, PANGO_ELLIPSIZE_END)) {
  for (row& r : rows_) {
    GtkWidget* line = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    r.label = text_label(0, PANGO_ELLIPSIZE_END);
    r.percent = text_label(1, PANGO_ELLIPSIZE_NONE);
    gtk_box_pack_start(GTK_BOX(line), r.label, TRUE, TRUE, 0);
    gtk_box_pack_end(GTK_BOX(line), r.percent, FALSE, FALSE, 0);
    r.bar = gtk_drawing_area_new();
    gtk_widget_set_size_request(r.bar, -1, 10);
    gtk_widget_set_margin_bottom(r.bar, 8);
    // The text beside it says the same.
    atk_object_set_role(gtk_widget_get_accessible(r.bar), ATK_ROLE_FILLER);
    g_signal_connect(r.bar, "draw", G_CALLBACK(draw_bar), &r);
    gtk_box_pack_start(GTK_BOX(classes_), line, FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(classes_), r.bar, FALSE, FALSE, 0);
  }
  gtk_box_pack_start(GTK_BOX(box_), classes_, FALSE, FALSE, 0);
  atk_object_set_name(gtk_widget_get_accessible(classes_), "Most probable classes");

  GtkWidget* name = gtk_label_new_with_mnemonic("_Least score");
  gtk_label_set_xalign(GTK_LABEL(name), 0);
  gtk_label_set_mnemonic_widget(GTK_LABEL(name), slider_);
  gtk_widget_set_tooltip_text(slider_, "Boxes of a lower score are not shown (Alt+L, then the arrow keys)");
  gtk_scale_set_value_pos(GTK_SCALE(slider_), GTK_POS_RIGHT);
  gtk_range_set_value(GTK_RANGE(slider_), 0.3);
  g_signal_connect(slider_, "value-changed",
                   G_CALLBACK(+[](GtkRange*, gpointer self) { static_cast<result_view*>(self)->changed_(); }),
                   this);
  for (GtkWidget* w : {name, slider_, count_}) gtk_box_pack_start(GTK_BOX(boxes_), w, FALSE, FALSE, 0);
  gtk_widget_show_all(boxes_);
  gtk_widget_set_no_show_all(boxes_, TRUE);
  gtk_box_pack_start(GTK_BOX(box_), boxes_, FALSE, FALSE, 0);
  gtk_widget_show_all(classes_);
  gtk_widget_set_no_show_all(classes_, TRUE);
  gtk_style_context_add_class(gtk_widget_get_style_context(time_), "dim-label");
  gtk_box_pack_start(GTK_BOX(box_), time_, FALSE, FALSE, 0);
  gtk_widget_set_size_request(box_, 200, -1);
  gtk_widget_show_all(box_);
  clear();
}

void result_view::show(const answer& a) {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    row& r = rows_[i];
    const bool used = i < a.top.size();
    r.share = used ? a.top[i].probability : 0;
    gtk_label_set_text(GTK_LABEL(r.label), used ? a.top[i].label.c_str() : "");
    gtk_widget_set_tooltip_text(r.label, used ? a.top[i].label.c_str() : nullptr);
    gtk_label_set_text(GTK_LABEL(r.percent), used ? percent_text(r.share).c_str() : "");
    gtk_widget_queue_draw(r.bar);
  }
  gtk_widget_set_visible(classes_, a.is_detectors ? FALSE : TRUE);
  gtk_widget_set_visible(boxes_, a.is_detectors ? TRUE : FALSE);
  char time[96];
  if (a.is_detectors)
    std::snprintf(time, sizeof(time), "%d × %d, %.1f ms", a.width, a.height, a.network_ms);
  else
    std::snprintf(time, sizeof(time), "network %.1f ms, resizing %d × %d %.1f ms", a.network_ms, a.width,
                  a.height, a.resize_ms);
  gtk_label_set_text(GTK_LABEL(time_), a.top.empty() && !a.is_detectors ? "" : time);
}

double result_view::least_score() const {
  return gtk_range_get_value(GTK_RANGE(slider_));
}

void result_view::set_boxes(std::size_t shown, std::size_t all) {
  gtk_label_set_text(GTK_LABEL(count_),
                     (std::to_string(shown) + " of " + std::to_string(all) + " boxes").c_str());
}

void result_view::clear() {
  show({});
}

gboolean result_view::draw_bar(GtkWidget* bar, cairo_t* cr, gpointer row_of_bar) {
  const double share = static_cast<row*>(row_of_bar)->share;
  const double width = gtk_widget_get_allocated_width(bar), height = gtk_widget_get_allocated_height(bar);
  // Colours of the theme, light or dark: the text's for the track, the selection's for the bar.
  GtkStyleContext* style = gtk_widget_get_style_context(bar);
  GdkRGBA text, accent;
  gtk_style_context_get_color(style, gtk_style_context_get_state(style), &text);
  if (!gtk_style_context_lookup_color(style, "theme_selected_bg_color", &accent)) accent = text;
  text.alpha *= 0.12;
  bar_path(cr, width, height);
  cairo_clip(cr);
  gdk_cairo_set_source_rgba(cr, &text);
  cairo_paint(cr);
  const double start = gtk_widget_get_direction(bar) == GTK_TEXT_DIR_RTL ? width * (1 - share) : 0;
  gdk_cairo_set_source_rgba(cr, &accent);
  cairo_rectangle(cr, start, 0, width * share, height);
  cairo_fill(cr);
  return FALSE;
}

}  // namespace viewer
