// SPDX-License-Identifier: MIT
// The widget that shows the picture: as large as it fits, in its own proportions; a hint while there is none.
#ifndef REXNET_EXAMPLES_VIEWER_PICTURE_VIEW_HPP
#define REXNET_EXAMPLES_VIEWER_PICTURE_VIEW_HPP

#include <rexnet/image/pixels.hpp>

#include <gtk/gtk.h>
#include <memory>
#include <string>

namespace viewer {

class picture_view {
 public:
  picture_view();
  ~picture_view();
  picture_view(const picture_view&) = delete;
  picture_view& operator=(const picture_view&) = delete;

  /// For a container; valid as long as the container keeps it.
  [[nodiscard]] GtkWidget* widget() const { return stack_; }
  /// @param name read out by screen readers
  void show(std::shared_ptr<const rexnet::rgb_image> picture, const std::string& name);
  /// Shows the hint again.
  void clear();

 private:
  static gboolean draw(GtkWidget* area, cairo_t* cr, gpointer self);
  void forget_scaled();

  GtkWidget *stack_, *area_;
  std::shared_ptr<const rexnet::rgb_image> picture_;
  // The picture in the size at which it was drawn last, in device pixels.
  cairo_surface_t* scaled_ = nullptr;
  int scaled_width_ = 0, scaled_height_ = 0;
};

}  // namespace viewer

#endif  // REXNET_EXAMPLES_VIEWER_PICTURE_VIEW_HPP
