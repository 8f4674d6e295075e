// SPDX-License-Identifier: MIT
// The window: buttons, keys and drops become jobs of the worker; the worker's news become what is shown.
#ifndef REXNET_EXAMPLES_VIEWER_WINDOW_HPP
#define REXNET_EXAMPLES_VIEWER_WINDOW_HPP

#include "picture_view.hpp"
#include "result_view.hpp"
#include "worker.hpp"

#include <gtk/gtk.h>
#include <string>

namespace viewer {

/// Made, used and destroyed on GTK's thread. Closing it ends gtk_main().
class window {
 public:
  explicit window(int threads);
  window(const window&) = delete;
  window& operator=(const window&) = delete;

  void open_picture(const std::string& path);
  void open_model(const std::string& path);
  /// The model that examples/viewer/CMakeLists.txt puts into the executable.
  void open_bundled_model();

 private:
  GtkWidget* header_bar();
  void choose(const char* title, const char* filter_name, bool model);
  void accept_drops();
  void receive(const news& n);
  void receive(const model_facts& facts);
  void receive(const answer& a);
  void receive(const failure& f);
  void busy(const std::string& name);
  void show_boxes();

  static void dropped(GtkWidget*, GdkDragContext*, gint, gint, GtkSelectionData* data, guint, guint,
                      gpointer self);
  static void resized(GtkWidget*, GdkRectangle* room, gpointer self);

  GtkWidget *window_, *bar_, *spinner_, *message_bar_, *message_, *content_, *status_;
  bool message_is_of_model_ = false;  // it stays until a model can be loaded
  std::string folder_ = ".";          // where the dialog starts
  picture_view picture_;
  result_view result_{[this] { show_boxes(); }};
  answer answer_;  // that is shown
  worker worker_;  // last: its thread ends before what its news would touch
};

}  // namespace viewer

#endif  // REXNET_EXAMPLES_VIEWER_WINDOW_HPP
