// SPDX-License-Identifier: MIT
#include "result_view.hpp"

#include <algorithm>
#include <cstdio>

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

result_view::result_view()
    : box_(gtk_box_new(GTK_ORIENTATION_VERTICAL, 4)), time_(text_label(0, PANGO_ELLIPSIZE_END)) {
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
    gtk_box_pack_start(GTK_BOX(box_), line, FALSE, FALSE, 0);
    gtk_box_pack_start(GTK_BOX(box_), r.bar, FALSE, FALSE, 0);
  }
  gtk_style_context_add_class(gtk_widget_get_style_context(time_), "dim-label");
  gtk_box_pack_start(GTK_BOX(box_), time_, FALSE, FALSE, 0);
  gtk_widget_set_size_request(box_, 200, -1);
  atk_object_set_name(gtk_widget_get_accessible(box_), "Most probable classes");
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
  char time[96];
  std::snprintf(time, sizeof(time), "network %.1f ms, resizing %d × %d %.1f ms", a.network_ms, a.width,
                a.height, a.resize_ms);
  gtk_label_set_text(GTK_LABEL(time_), a.top.empty() ? "" : time);
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
