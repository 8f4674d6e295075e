// SPDX-License-Identifier: MIT
// The widget with the answers: of a classifier label, percentage and a bar for each, of a detector a slider
// for the least score and how many boxes reach it; and the time they took.
#ifndef REXNET_EXAMPLES_VIEWER_RESULT_VIEW_HPP
#define REXNET_EXAMPLES_VIEWER_RESULT_VIEW_HPP

#include "worker.hpp"

#include <gtk/gtk.h>
#include <array>
#include <functional>

namespace viewer {

class result_view {
 public:
  /// @param changed called when the slider was moved
  explicit result_view(std::function<void()> changed);
  result_view(const result_view&) = delete;
  result_view& operator=(const result_view&) = delete;

  /// For a container; valid as long as the container keeps it.
  [[nodiscard]] GtkWidget* widget() const { return box_; }
  void show(const answer& a);
  void clear();
  /// Boxes of a lower score are not shown, 0 to 1.
  [[nodiscard]] double least_score() const;
  /// How many of the answer's boxes are shown.
  void set_boxes(std::size_t shown, std::size_t all);

 private:
  struct row {
    GtkWidget *label, *percent, *bar;
    double share = 0;  // of the bar's length, 0 to 1
  };
  static gboolean draw_bar(GtkWidget* bar, cairo_t* cr, gpointer row_of_bar);

  std::function<void()> changed_;
  GtkWidget *box_, *classes_, *boxes_, *slider_, *count_, *time_;
  std::array<row, 5> rows_{};
};

/// "97 %", and one decimal below ten: "0.7 %".
std::string percent_text(double probability);

}  // namespace viewer

#endif  // REXNET_EXAMPLES_VIEWER_RESULT_VIEW_HPP
