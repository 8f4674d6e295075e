// SPDX-License-Identifier: MIT
// What a desktop does to the viewer, for tests/viewer.sh:
//   viewer_partner file FILE      a window in the screen's corner from which FILE can be dragged
//   viewer_partner pixels FILE    the same, but it offers the picture itself, as browsers do
//   viewer_partner close WINDOW   sends the window manager's request to close
#include <gdk/gdkx.h>
#include <gtk/gtk.h>

#include <cstdlib>
#include <string>

namespace {

void give_file(GtkWidget*, GdkDragContext*, GtkSelectionData* data, guint, guint, gpointer path) {
  char* uris[] = {g_filename_to_uri(static_cast<char*>(path), nullptr, nullptr), nullptr};
  gtk_selection_data_set_uris(data, uris);
  g_free(uris[0]);
}

void give_pixels(GtkWidget*, GdkDragContext*, GtkSelectionData* data, guint, guint, gpointer path) {
  GdkPixbuf* picture = gdk_pixbuf_new_from_file(static_cast<char*>(path), nullptr);
  gtk_selection_data_set_pixbuf(data, picture);
  g_object_unref(picture);
}

int offer(char* path, bool pixels) {
  GtkWidget* window = gtk_window_new(GTK_WINDOW_POPUP);
  gtk_window_set_title(GTK_WINDOW(window), "partner");
  gtk_window_set_default_size(GTK_WINDOW(window), 100, 100);
  int screen_width = 0;
  gdk_window_get_geometry(gdk_get_default_root_window(), nullptr, nullptr, &screen_width, nullptr);
  gtk_window_move(GTK_WINDOW(window), screen_width - 100, 0);
  gtk_drag_source_set(window, GDK_BUTTON1_MASK, nullptr, 0, GDK_ACTION_COPY);
  if (pixels)
    gtk_drag_source_add_image_targets(window);
  else
    gtk_drag_source_add_uri_targets(window);
  g_signal_connect(window, "drag-data-get", G_CALLBACK(pixels ? give_pixels : give_file), path);
  g_signal_connect(window, "drag-end", G_CALLBACK(gtk_main_quit), nullptr);
  gtk_widget_show_all(window);
  gtk_main();
  return 0;
}

int close(Window window) {
  Display* display = gdk_x11_get_default_xdisplay();
  XEvent event{};
  event.xclient.type = ClientMessage;
  event.xclient.window = window;
  event.xclient.message_type = XInternAtom(display, "WM_PROTOCOLS", False);
  event.xclient.format = 32;
  event.xclient.data.l[0] = static_cast<long>(XInternAtom(display, "WM_DELETE_WINDOW", False));
  XSendEvent(display, window, False, NoEventMask, &event);
  XSync(display, False);  // leaving earlier may lose the event
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  gtk_init(&argc, &argv);
  const std::string what = argc == 3 ? argv[1] : "";
  if (what == "close") return close(std::strtoul(argv[2], nullptr, 10));
  if (what == "file" || what == "pixels") return offer(argv[2], what == "pixels");
  return 2;
}
