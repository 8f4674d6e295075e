// SPDX-License-Identifier: MIT
#include "picture_files.hpp"

#include "tools/image_io.hpp"

#include <memory>

namespace viewer {
namespace {

struct unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using object = std::unique_ptr<T, unref>;

}  // namespace

rexnet::rgb_image pixels_of(GdkPixbuf* pixbuf) {
  rexnet::rgb_image out;
  out.width = gdk_pixbuf_get_width(pixbuf);
  out.height = gdk_pixbuf_get_height(pixbuf);
  const int bytes = gdk_pixbuf_get_n_channels(pixbuf), stride = gdk_pixbuf_get_rowstride(pixbuf);
  out.data.reserve(static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height) * 3);
  for (int y = 0; y < out.height; ++y) {
    const guint8* p = gdk_pixbuf_read_pixels(pixbuf) + static_cast<std::ptrdiff_t>(y) * stride;
    for (int x = 0; x < out.width; ++x, p += bytes) out.data.insert(out.data.end(), p, p + 3);
  }
  return out;
}

rexnet::result<rexnet::rgb_image> read_picture(const std::string& path) {
  auto picture = rexnet_tools::read_image(path, /*exif=*/true);
  if (picture ||
      (picture.code() != rexnet::errc::unknown_format && picture.code() != rexnet::errc::unsupported))
    return picture;
  // As a stream, so that the content decides what it is, not the name.
  GError* problem = nullptr;
  const object<GFile> file(g_file_new_for_path(path.c_str()));
  const object<GFileInputStream> stream(g_file_read(file.get(), nullptr, &problem));
  const object<GdkPixbuf> stored(
      stream ? gdk_pixbuf_new_from_stream(G_INPUT_STREAM(stream.get()), nullptr, &problem) : nullptr);
  if (stored == nullptr) {
    const bool unknown = g_error_matches(problem, GDK_PIXBUF_ERROR, GDK_PIXBUF_ERROR_UNKNOWN_TYPE);
    const std::string why = problem->message;
    g_error_free(problem);
    if (unknown) return picture;  // its error says what the file is
    return rexnet::error(rexnet::errc::io_error, path + ": " + why);
  }
  const object<GdkPixbuf> upright(gdk_pixbuf_apply_embedded_orientation(stored.get()));
  return pixels_of(upright.get());
}

}  // namespace viewer
