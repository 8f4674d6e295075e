// SPDX-License-Identifier: MIT
#include "window.hpp"

#include "picture_files.hpp"

#include <memory>
#include <utility>

extern "C" const unsigned char viewer_model[], viewer_model_end[];  // by rexnet_embed_model()

namespace viewer {
namespace {

constexpr int narrow = 640;  // pixels of width below which the bars stand under the picture

std::string file_name(const std::string& path) {
  const std::unique_ptr<char, decltype(&g_free)> name(g_path_get_basename(path.c_str()), g_free);
  const std::unique_ptr<char, decltype(&g_free)> utf8(g_filename_display_name(name.get()), g_free);
  return utf8.get();
}

std::string folder_of(const std::string& path) {
  const std::unique_ptr<char, decltype(&g_free)> folder(g_path_get_dirname(path.c_str()), g_free);
  return folder.get();
}

bool is_model_file(const std::string& path) {
  for (const char* end : {".rexnet", ".pth", ".pt", ".safetensors", ".bin", ".ckpt"})
    if (g_str_has_suffix(path.c_str(), end)) return true;
  return false;
}

/// The path of a file: URI, or empty.
std::string path_of(const char* uri) {
  const std::unique_ptr<GFile, decltype(&g_object_unref)> file(g_file_new_for_uri(uri), g_object_unref);
  const std::unique_ptr<char, decltype(&g_free)> path(g_file_get_path(file.get()), g_free);
  return path != nullptr ? path.get() : "";
}

GtkWidget* button(const char* text, const char* name, const char* tip) {
  GtkWidget* b = gtk_button_new_with_mnemonic(text);
  gtk_widget_set_tooltip_text(b, tip);
  atk_object_set_name(gtk_widget_get_accessible(b), name);
  return b;
}

}  // namespace

window::window(int threads)
    : window_(gtk_window_new(GTK_WINDOW_TOPLEVEL)), worker_(threads, [this](news n) {
        // This is the worker's thread: GTK's thread shows the result when it is idle.
        auto* parcel = new std::pair<window*, news>(this, std::move(n));
        g_idle_add_full(
            G_PRIORITY_DEFAULT,
            [](gpointer p) -> gboolean {
              auto& [self, what] = *static_cast<std::pair<window*, news>*>(p);
              self->receive(what);
              return G_SOURCE_REMOVE;
            },
            parcel, [](gpointer p) { delete static_cast<std::pair<window*, news>*>(p); });
      }) {
  GtkWidget* all = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
  gtk_window_set_titlebar(GTK_WINDOW(window_), header_bar());

  message_bar_ = gtk_info_bar_new();
  gtk_info_bar_set_message_type(GTK_INFO_BAR(message_bar_), GTK_MESSAGE_ERROR);
  gtk_info_bar_set_show_close_button(GTK_INFO_BAR(message_bar_), TRUE);
  g_signal_connect(message_bar_, "response", G_CALLBACK(gtk_widget_hide), nullptr);
  message_ = gtk_label_new(nullptr);
  gtk_label_set_line_wrap(GTK_LABEL(message_), TRUE);
  gtk_label_set_line_wrap_mode(GTK_LABEL(message_), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_selectable(GTK_LABEL(message_), TRUE);
  gtk_label_set_xalign(GTK_LABEL(message_), 0);
  gtk_container_add(GTK_CONTAINER(gtk_info_bar_get_content_area(GTK_INFO_BAR(message_bar_))), message_);
  gtk_widget_show(message_);
  gtk_widget_set_no_show_all(message_bar_, TRUE);
  gtk_box_pack_start(GTK_BOX(all), message_bar_, FALSE, FALSE, 0);

  content_ = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 18);
  gtk_container_set_border_width(GTK_CONTAINER(content_), 12);
  gtk_box_pack_start(GTK_BOX(content_), picture_.widget(), TRUE, TRUE, 0);
  gtk_box_pack_start(GTK_BOX(content_), result_.widget(), FALSE, FALSE, 0);
  g_signal_connect(content_, "size-allocate", G_CALLBACK(resized), this);
  gtk_box_pack_start(GTK_BOX(all), content_, TRUE, TRUE, 0);

  status_ = gtk_label_new("no model");
  gtk_label_set_line_wrap(GTK_LABEL(status_), TRUE);
  gtk_label_set_xalign(GTK_LABEL(status_), 0);
  g_object_set(status_, "margin", 6, nullptr);
  gtk_box_pack_start(GTK_BOX(all), gtk_separator_new(GTK_ORIENTATION_HORIZONTAL), FALSE, FALSE, 0);
  gtk_box_pack_start(GTK_BOX(all), status_, FALSE, FALSE, 0);

  gtk_container_add(GTK_CONTAINER(window_), all);
  accept_drops();
  gtk_window_set_title(GTK_WINDOW(window_), "ReXNet viewer");
  gtk_window_set_default_size(GTK_WINDOW(window_), 760, 480);
  g_signal_connect(window_, "destroy", G_CALLBACK(gtk_main_quit), nullptr);
  gtk_widget_show_all(window_);
}

/// The bar with the buttons, and the keys that do the same.
GtkWidget* window::header_bar() {
  bar_ = gtk_header_bar_new();
  gtk_header_bar_set_show_close_button(GTK_HEADER_BAR(bar_), TRUE);
  GtkWidget* picture = button("_Picture…", "Open a picture", "Open a picture (Ctrl+O)");
  GtkWidget* model = button("_Model…", "Open a model", "Open another model (Ctrl+M)");
  void (*clicked[])(GtkWidget*, gpointer) = {
      [](GtkWidget*, gpointer self) {
        static_cast<window*>(self)->choose("Open a picture", "Pictures", false);
      },
      [](GtkWidget*, gpointer self) { static_cast<window*>(self)->choose("Open a model", "Models", true); }};
  g_signal_connect(picture, "clicked", G_CALLBACK(clicked[0]), this);
  g_signal_connect(model, "clicked", G_CALLBACK(clicked[1]), this);
  gtk_header_bar_pack_start(GTK_HEADER_BAR(bar_), picture);
  gtk_header_bar_pack_start(GTK_HEADER_BAR(bar_), model);
  spinner_ = gtk_spinner_new();
  atk_object_set_name(gtk_widget_get_accessible(spinner_), "Busy");
  gtk_header_bar_pack_end(GTK_HEADER_BAR(bar_), spinner_);

  GtkAccelGroup* keys = gtk_accel_group_new();
  gtk_window_add_accel_group(GTK_WINDOW(window_), keys);
  gtk_widget_add_accelerator(picture, "clicked", keys, GDK_KEY_o, GDK_CONTROL_MASK, GTK_ACCEL_VISIBLE);
  gtk_widget_add_accelerator(model, "clicked", keys, GDK_KEY_m, GDK_CONTROL_MASK, GTK_ACCEL_VISIBLE);
  const auto close = [this] { return g_cclosure_new_swap(G_CALLBACK(gtk_window_close), window_, nullptr); };
  gtk_accel_group_connect(keys, GDK_KEY_w, GDK_CONTROL_MASK, GTK_ACCEL_VISIBLE, close());
  gtk_accel_group_connect(keys, GDK_KEY_q, GDK_CONTROL_MASK, GTK_ACCEL_VISIBLE, close());
  g_object_unref(keys);
  return bar_;
}

void window::choose(const char* title, const char* filter_name, bool model) {
  GtkWidget* dialog =
      gtk_file_chooser_dialog_new(title, GTK_WINDOW(window_), GTK_FILE_CHOOSER_ACTION_OPEN, "_Cancel",
                                  GTK_RESPONSE_CANCEL, "_Open", GTK_RESPONSE_ACCEPT, nullptr);
  gtk_dialog_set_default_response(GTK_DIALOG(dialog), GTK_RESPONSE_ACCEPT);
  GtkFileFilter *filter = gtk_file_filter_new(), *everything = gtk_file_filter_new();
  gtk_file_filter_set_name(filter, filter_name);
  if (model)
    for (const char* pattern : {"*.rexnet", "*.pth", "*.pt", "*.safetensors", "*.bin", "*.ckpt"})
      gtk_file_filter_add_pattern(filter, pattern);
  else
    gtk_file_filter_add_pixbuf_formats(filter);
  gtk_file_filter_set_name(everything, "All files");
  gtk_file_filter_add_pattern(everything, "*");
  gtk_file_chooser_add_filter(GTK_FILE_CHOOSER(dialog), filter);
  gtk_file_chooser_add_filter(GTK_FILE_CHOOSER(dialog), everything);
  gtk_file_chooser_set_current_folder(GTK_FILE_CHOOSER(dialog), folder_.c_str());
  if (gtk_dialog_run(GTK_DIALOG(dialog)) == GTK_RESPONSE_ACCEPT) {
    if (char* path = gtk_file_chooser_get_filename(GTK_FILE_CHOOSER(dialog))) {
      folder_ = folder_of(path);
      model ? open_model(path) : open_picture(path);
      g_free(path);
    }
  }
  gtk_widget_destroy(dialog);
}

void window::accept_drops() {
  gtk_drag_dest_set(window_, GTK_DEST_DEFAULT_ALL, nullptr, 0, GDK_ACTION_COPY);
  // Browsers offer a picture's pixels and its address, file managers the address alone.
  gtk_drag_dest_add_image_targets(window_);
  gtk_drag_dest_add_uri_targets(window_);
  g_signal_connect(window_, "drag-data-received", G_CALLBACK(dropped), this);
}

void window::dropped(GtkWidget*, GdkDragContext*, gint, gint, GtkSelectionData* data, guint, guint,
                     gpointer p) {
  auto& self = *static_cast<window*>(p);
  if (GdkPixbuf* pixbuf = gtk_selection_data_get_pixbuf(data)) {
    const std::string name = "dropped picture";
    self.busy(name);
    self.worker_.open_picture(name, [picture = pixels_of(pixbuf)]() mutable { return std::move(picture); });
    g_object_unref(pixbuf);
    return;
  }
  const std::unique_ptr<char*, decltype(&g_strfreev)> uris(gtk_selection_data_get_uris(data), g_strfreev);
  if (uris == nullptr || uris.get()[0] == nullptr)
    return self.receive(failure{"drop", "what was dropped is neither a file nor a picture", false});
  const char* uri = uris.get()[0];
  const std::string path = path_of(uri);
  if (path.empty())
    self.receive(failure{uri, std::string(uri) + ": not on this computer: save it to a file first", false});
  else if (is_model_file(path))
    self.open_model(path);
  else
    self.open_picture(path);
}

/// Bars beside the picture, or under it in a narrow window.
void window::resized(GtkWidget* content, GdkRectangle* room, gpointer) {
  const GtkOrientation now = gtk_orientable_get_orientation(GTK_ORIENTABLE(content));
  const GtkOrientation wanted = room->width < narrow ? GTK_ORIENTATION_VERTICAL : GTK_ORIENTATION_HORIZONTAL;
  if (now == wanted) return;
  // Not now: GTK is still giving the widgets their sizes.
  g_idle_add(
      [](gpointer box) -> gboolean {
        const bool tall = gtk_widget_get_allocated_width(GTK_WIDGET(box)) < narrow;
        gtk_orientable_set_orientation(GTK_ORIENTABLE(box),
                                       tall ? GTK_ORIENTATION_VERTICAL : GTK_ORIENTATION_HORIZONTAL);
        return G_SOURCE_REMOVE;
      },
      content);
}

void window::open_picture(const std::string& path) {
  busy(file_name(path));
  worker_.open_picture(file_name(path), [path] { return read_picture(path); });
}

void window::open_model(const std::string& path) {
  busy(file_name(path));
  // A copy: a mapped file that another program shortens later would end this one.
  worker_.open_model(file_name(path), [path] { return rexnet::load_copy(path); });
}

void window::open_bundled_model() {
  worker_.open_model("clothing_1.0x.rexnet", [] {
    return rexnet::load({viewer_model, static_cast<std::size_t>(viewer_model_end - viewer_model)});
  });
}

void window::busy(const std::string& name) {
  gtk_spinner_start(GTK_SPINNER(spinner_));
  gtk_header_bar_set_subtitle(GTK_HEADER_BAR(bar_), ("opening " + name).c_str());
}

void window::receive(const news& n) {
  gtk_spinner_stop(GTK_SPINNER(spinner_));
  gtk_header_bar_set_subtitle(GTK_HEADER_BAR(bar_), nullptr);
  std::visit([this](const auto& what) { receive(what); }, n);
}

void window::receive(const model_facts& f) {
  gtk_widget_hide(message_bar_);
  message_is_of_model_ = false;
  std::string input = std::to_string(f.input_width);
  if (f.input_height != f.input_width) input += " × " + std::to_string(f.input_height);
  const std::string text = f.name + ": ReXNet " + f.variant + ", " + std::to_string(f.classes) +
                           " classes, " + input + " px · " + f.instruction_set + ", " +
                           std::to_string(f.threads) + (f.threads == 1 ? " thread" : " threads");
  gtk_label_set_text(GTK_LABEL(status_), text.c_str());
}

void window::receive(const answer& a) {
  if (!message_is_of_model_) gtk_widget_hide(message_bar_);
  answer_ = a;
  picture_.show(a.shown, a.name);
  result_.show(a);
  if (a.is_detectors) return show_boxes();
  const std::string best =
      a.top.empty() ? "no model" : a.top[0].label + " " + percent_text(a.top[0].probability);
  gtk_window_set_title(GTK_WINDOW(window_), (a.name + ": " + best).c_str());
}

/// Frames around the boxes that reach the least score.
void window::show_boxes() {
  if (!answer_.is_detectors) return;
  std::vector<frame> frames;
  for (const found_box& b : answer_.boxes)
    if (b.score >= result_.least_score())
      frames.push_back({b.x1, b.y1, b.x2, b.y2, b.label + " " + percent_text(b.score), b.number});
  const std::size_t n = frames.size();
  result_.set_boxes(n, answer_.boxes.size());
  picture_.set_frames(std::move(frames));
  const std::string count = n == 0 ? "no boxes" : n == 1 ? "1 box" : std::to_string(n) + " boxes";
  gtk_window_set_title(GTK_WINDOW(window_), (answer_.name + ": " + count).c_str());
}

void window::receive(const failure& f) {
  const std::unique_ptr<char, decltype(&g_free)> utf8(g_filename_display_name(f.message.c_str()), g_free);
  gtk_label_set_text(GTK_LABEL(message_), utf8.get());
  gtk_widget_show(message_bar_);
  message_is_of_model_ = f.is_model;
  if (f.is_model) return;
  // No answers of another picture under this one's name.
  answer_ = {};
  picture_.clear();
  result_.clear();
  const std::string text = utf8.get();  // "/a/folder/broken.png: what is wrong"
  const auto at = text.find(f.name + ": ");
  gtk_window_set_title(GTK_WINDOW(window_), text.c_str() + (at == std::string::npos ? 0 : at));
}

}  // namespace viewer
