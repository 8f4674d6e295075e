// SPDX-License-Identifier: MIT
#include "tools/image_io.hpp"
#include "tools/image_codecs.hpp"
#include "tools/pnm.hpp"

#include "rexnet/weights/file_bytes.hpp"
#include "rexnet/weights/output_file.hpp"

#include <cstring>
#include <utility>

namespace rexnet_tools {
namespace {

using rexnet::byte_span;
using rexnet::errc;
using rexnet::error;
using rexnet::result;
using rexnet::rgb_image;

/// EXIF orientation 1 to 8; 1 when there is none.
int orientation(byte_span jpeg) {
  int found = 1;
  for_each_segment(jpeg, [&found](int marker, byte_span s) {
    if (marker != 0xe1 || s.size() < 14 || std::memcmp(s.data(), "Exif\0\0", 6) != 0) return;
    const byte_span tiff = s.subspan(6, s.size() - 6);
    const bool big = tiff[0] == 'M';
    const auto number = [&](std::size_t at, int bytes) {
      std::size_t v = 0;
      for (int i = 0; i < bytes; ++i)
        v = v << 8 | tiff[at + static_cast<std::size_t>(big ? i : bytes - 1 - i)];
      return v;
    };
    const std::size_t directory = number(4, 4);
    if (directory + 2 > tiff.size()) return;
    const std::size_t entries = number(directory, 2);
    for (std::size_t i = 0; i < entries && directory + 2 + 12 * (i + 1) <= tiff.size(); ++i) {
      const std::size_t entry = directory + 2 + 12 * i;
      const std::size_t value = number(entry + 8, 2);
      if (number(entry, 2) == 0x112 && value >= 1 && value <= 8) found = static_cast<int>(value);
    }
  });
  return found;
}

rgb_image upright(rgb_image in, int how) {
  if (how <= 1) return in;
  rgb_image out;
  const bool turned = how >= 5;
  out.width = turned ? in.height : in.width;
  out.height = turned ? in.width : in.height;
  out.data.resize(in.data.size());
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      int sx = turned ? y : x, sy = turned ? x : y;
      if (how == 2 || how == 3 || how == 7 || how == 8) sx = in.width - 1 - sx;
      if (how == 3 || how == 4 || how == 6 || how == 7) sy = in.height - 1 - sy;
      std::memcpy(&out.data[(static_cast<std::size_t>(y) * static_cast<std::size_t>(out.width) +
                             static_cast<std::size_t>(x)) *
                            3],
                  &in.data[(static_cast<std::size_t>(sy) * static_cast<std::size_t>(in.width) +
                            static_cast<std::size_t>(sx)) *
                           3],
                  3);
    }
  return out;
}

}  // namespace

file_kind kind_of(byte_span file) {
  if (file.size() > 3 && file[0] == 0xff && file[1] == 0xd8) return {"JPEG", true, true};
  if (file.size() > 8 && std::memcmp(file.data(), "\x89PNG\r\n\x1a\n", 8) == 0) return {"PNG", true, true};
  if (is_pnm(file)) return {"PNM", true, true};
  return {"unknown data", false, false};
}

result<file_kind> kind_of(const std::string& path) {
  const auto file = rexnet::file_bytes::read(path);
  if (!file) return file.error();
  return kind_of(file->bytes());
}

result<picture> decode_picture(byte_span file, bool exif) {
  picture p;
  p.kind = kind_of(file).name;
  auto image = p.kind == "JPEG"  ? decode_jpeg(file)
               : p.kind == "PNG" ? decode_png(file)
               : p.kind == "PNM"
                   ? decode_pnm(file)
                   : result<rgb_image>(error(errc::unknown_format, "neither JPEG, PNG nor PNM"));
  if (!image) return image.error();
  p.image = std::move(*image);
  if (p.kind == "JPEG") p.orientation = orientation(file);
  p.turned = exif && p.orientation > 1;
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
