// SPDX-License-Identifier: MIT
#include "tools/image_io.hpp"
#include "tools/file_kind.hpp"
#include "tools/image_codecs.hpp"
#include "tools/orientation.hpp"
#include "tools/pnm.hpp"

#include "rexnet/system/file_bytes.hpp"
#include "rexnet/system/output_file.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

namespace rexnet_tools {
namespace {

using rexnet::byte_span;
using rexnet::errc;
using rexnet::error;
using rexnet::result;
using rexnet::rgb_image;

result<decoded> decode_any_pnm(byte_span file, std::uint64_t largest) {
  auto image = decode_pnm(file, largest);
  if (!image) return image.error();
  decoded picture;
  picture.image = std::move(*image);
  return picture;
}

struct format {
  const char* name;  ///< as file_kind has it
  decode_function decode;
  bool always_upright;  ///< Pillow turns these when it loads them
};
/// What this build reads. CMake defines REXNET_WITH_x where the library is there.
constexpr format formats[] = {
    {"JPEG", decode_jpeg, false}, {"PNG", decode_png, false},   {"PNM", decode_any_pnm, false},
    {"BMP", decode_bmp, false},
#if defined(REXNET_WITH_GIF)
    {"GIF", decode_gif, false},
#endif
#if defined(REXNET_WITH_WEBP)
    {"WebP", decode_webp, false},
#endif
#if defined(REXNET_WITH_TIFF)
    {"TIFF", decode_tiff, true},
#endif
#if defined(REXNET_WITH_HEIF)
    {"HEIC", decode_heif, false}, {"AVIF", decode_avif, false}, {"HEIF picture", decode_heif, false},
#endif
};

const format* format_of(const std::string& name) {
  const auto* f =
      std::find_if(std::begin(formats), std::end(formats), [&](const format& g) { return name == g.name; });
  return f == std::end(formats) ? nullptr : f;
}

/// "a PDF, not a picture that rexnet reads"; "a WebP, which this build does not read".
error refused(const known_kind& kind) {
  const std::string name = std::string(kind.article) + kind.name;
  return error(errc::unknown_format, name + (kind.picture ? ", which this build does not read"
                                                          : ", not a picture that rexnet reads"));
}

}  // namespace

std::vector<std::string> picture_formats() {
  std::vector<std::string> names;
  for (const format& f : formats)
    if (std::string(f.name) != "HEIF picture") names.emplace_back(f.name);
  return names;
}

file_kind kind_of(byte_span start) {
  const known_kind& kind = find_kind(start);
  return {kind.name, kind.picture, format_of(kind.name) != nullptr};
}

result<file_kind> kind_of(const std::string& path) {
  const auto where = std::filesystem::u8path(path);
  std::error_code problem;
  const auto what = std::filesystem::status(where, problem);  // this does not block on a FIFO
  if (std::filesystem::is_directory(what)) return error(errc::io_error, path + ": is a directory");
  if (std::filesystem::exists(what) && !std::filesystem::is_regular_file(what))
    return error(errc::io_error, path + ": is not a regular file");
  std::ifstream file(where, std::ios::binary);
  std::string start(kind_bytes, '\0');
  if (file) file.read(&start[0], static_cast<std::streamsize>(start.size()));
  if (!file.is_open() || file.bad())
    return error(errc::io_error, path + ": cannot be opened: " +
                                     (problem ? problem.message() : std::string(std::strerror(errno))));
  start.resize(static_cast<std::size_t>(file.gcount()));
  return kind_of(byte_span(reinterpret_cast<const unsigned char*>(start.data()), start.size()));
}

result<picture> decode_picture(byte_span file, bool exif, std::uint64_t largest) {
  const known_kind& kind = find_kind(file.subspan(0, (std::min)(file.size(), kind_bytes)));
  const format* f = format_of(kind.name);
  if (f == nullptr) return refused(kind);
  auto image = f->decode(file, (std::min)(largest, max_pixels));
  if (!image) return image.error();
  picture p;
  p.kind = kind.name;
  p.image = std::move(image->image);
  p.orientation = image->orientation != 0 ? image->orientation : stated_orientation(p.kind, file);
  p.turned = (exif || f->always_upright) && p.orientation > 1;
  if (p.turned) p.image = upright(std::move(p.image), p.orientation);
  return p;
}

result<picture> read_picture(const std::string& path, bool exif) {
  auto file = rexnet::file_bytes::read(path);  // not mapped: cameras and downloads write to folders meanwhile
  if (!file) return file.error();
  auto p = decode_picture(file->bytes(), exif);
  if (!p) return p.error().in(path);
  return p;
}

result<rgb_image> read_image(const std::string& path, bool exif) {
  auto p = read_picture(path, exif);
  if (!p) return p.error();
  return std::move(p->image);
}

rexnet::status write_png(const std::string& path, const rgb_image& image) {
  const auto bytes = encode_png(image);
  if (!bytes) return bytes.error().in(path);
  auto file = rexnet::output_file::create(path);
  if (!file) return file.error();
  if (auto s = file->write({reinterpret_cast<const unsigned char*>(bytes->data()), bytes->size()}); !s)
    return s;
  return file->commit();
}

}  // namespace rexnet_tools
