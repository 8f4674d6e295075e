// SPDX-License-Identifier: MIT
// A window that says what is in a picture. See examples/README.md.
#include "window.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

int main(int argc, char** argv) {
  int threads = (std::min)(rexnet::available_cpus(), 8);
  char* model = nullptr;
  char** pictures = nullptr;
  const GOptionEntry entries[] = {
      {"model", 'm', 0, G_OPTION_ARG_FILENAME, &model,
       "checkpoint or packed file instead of the bundled model", "FILE"},
      {"threads", 't', 0, G_OPTION_ARG_INT, &threads, "threads of the network", "N"},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &pictures, nullptr, "[PICTURE]"},
      {nullptr, 0, 0, G_OPTION_ARG_NONE, nullptr, nullptr, nullptr}};
  const std::unique_ptr<GOptionContext, decltype(&g_option_context_free)> options(
      g_option_context_new("- what is in a picture"), g_option_context_free);
  g_option_context_add_main_entries(options.get(), entries, nullptr);
  g_option_context_add_group(options.get(), gtk_get_option_group(FALSE));
  GError* problem = nullptr;
  if (g_option_context_parse(options.get(), &argc, &argv, &problem) == FALSE) {
    std::fprintf(stderr, "viewer: %s\n", problem->message);
    return 2;
  }
  if (gtk_init_check(&argc, &argv) == FALSE) {
    std::fprintf(stderr, "viewer: no display\n");
    return 1;
  }
  viewer::window window(threads);
  if (model != nullptr)
    window.open_model(model);
  else
    window.open_bundled_model();
  if (pictures != nullptr) window.open_picture(pictures[0]);
  gtk_main();
  g_free(model);
  g_strfreev(pictures);
  return 0;
}
