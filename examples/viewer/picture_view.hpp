// SPDX-License-Identifier: MIT
// The widget that shows the picture: as large as it fits, in its own proportions, with frames around what was
// found in it; a hint while there is none.
#ifndef REXNET_EXAMPLES_VIEWER_PICTURE_VIEW_HPP
#define REXNET_EXAMPLES_VIEWER_PICTURE_VIEW_HPP

#include <rexnet/image/pixels.hpp>

#include <gtk/gtk.h>
#include <memory>
#include <string>
#include <vector>

namespace viewer {

/// A frame over the picture, with a text at its upper left corner.
struct frame {
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;  ///< left, top, right, bottom: parts of the picture's sides, 0 to 1
  std::string text;
  int kind = 0;  ///< frames of a kind have the same colour
};

class picture_view {
 public:
  picture_view();
  ~picture_view();
  picture_view(const picture_view&) = delete;
  picture_view& operator=(const picture_view&) = delete;

  /// For a container; valid as long as the container keeps it.
  [[nodiscard]] GtkWidget* widget() const { return stack_; }
  /// Without frames.
  /// @param name read out by screen readers
  void show(std::shared_ptr<const rexnet::rgb_image> picture, const std::string& name);
  /// The first is drawn over the others. Screen readers read their texts after the picture's name.
  void set_frames(std::vector<frame> frames);
  /// Shows the hint again.
  void clear();

 private:
  static gboolean draw(GtkWidget* area, cairo_t* cr, gpointer self);
  void forget_scaled();
  void draw_frames(cairo_t* cr, double left, double top, double width, double height) const;

  GtkWidget *stack_, *area_;
  std::shared_ptr<const rexnet::rgb_image> picture_;
  std::string name_;
  std::vector<frame> frames_;
  // The picture in the size at which it was drawn last, in device pixels.
  cairo_surface_t* scaled_ = nullptr;
  int scaled_width_ = 0, scaled_height_ = 0;
};

}  // namespace viewer

#endif  // REXNET_EXAMPLES_VIEWER_PICTURE_VIEW_HPP
