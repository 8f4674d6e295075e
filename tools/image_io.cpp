// SPDX-License-Identifier: MIT
#include "tools/image_io.hpp"

#include "rexnet/weights/bytes.hpp"
#include "rexnet/weights/file_bytes.hpp"

#include <png.h>
#include <turbojpeg.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

namespace rexnet_tools {
namespace {

using rexnet::byte_span;
using rexnet::errc;
using rexnet::error;
using rexnet::result;
using rexnet::rgb_image;

constexpr std::uint64_t max_pixels = std::uint64_t{1} << 28;

/// Calls visit(marker, payload) for the segments before the JPEG's image data.
template <class Visit>
void for_each_segment(byte_span jpeg, Visit&& visit) {
  std::size_t at = 2;
  while (at + 4 <= jpeg.size() && jpeg[at] == 0xff && jpeg[at + 1] != 0xda) {
    const std::size_t length = static_cast<std::size_t>(jpeg[at + 2]) << 8 | jpeg[at + 3];
    if (length < 2 || at + 2 + length > jpeg.size()) return;
    visit(jpeg[at + 1], jpeg.subspan(at + 4, length - 2));
    at += 2 + length;
  }
}

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

result<rgb_image> read_jpeg(byte_span file) {
  const std::unique_ptr<void, int (*)(tjhandle)> handle(tjInitDecompress(), tjDestroy);
  const auto failed = [&handle] {
    return error(errc::io_error, std::string("JPEG: ") + tjGetErrorStr2(handle.get()));
  };
  // Bytes between two segments cost no pixel: cameras leave some, and Pillow reads such files.
  const auto harmless = [&handle] {
    return std::strstr(tjGetErrorStr2(handle.get()), "extraneous bytes before marker") != nullptr;
  };
  rgb_image out;
  int sampling = 0, colours = 0;
  const auto size = static_cast<unsigned long>(file.size());
  if (tjDecompressHeader3(handle.get(), file.data(), size, &out.width, &out.height, &sampling, &colours) !=
          0 &&
      !(out.width > 0 && harmless()))
    return failed();
  const std::uint64_t pixels = static_cast<std::uint64_t>(out.width) * static_cast<std::uint64_t>(out.height);
  if (pixels > max_pixels)
    return error(errc::limit_exceeded,
                 "JPEG: " + std::to_string(out.width) + " x " + std::to_string(out.height) + " pixels");
  const bool cmyk = colours == TJCS_CMYK || colours == TJCS_YCCK;
  // Four bytes for each of max_pixels are within 32 bits.
  std::vector<std::uint8_t> raw(static_cast<std::size_t>(pixels) * (cmyk ? 4 : 3));
  const auto decode = [&](int flags) {
    return tjDecompress2(handle.get(), file.data(), size, raw.data(), out.width, 0, out.height,
                         cmyk ? TJPF_CMYK : TJPF_RGB, flags) == 0;
  };
  if (!decode(TJFLAG_STOPONWARNING) && !(harmless() && (decode(0) || harmless()))) return failed();
  if (!cmyk) {
    out.data = std::move(raw);
    return out;
  }
  // Adobe writes CMYK inverted; then Pillow's cmyk2rgb.
  bool adobe = false;
  for_each_segment(file, [&adobe](int marker, byte_span s) {
    adobe = adobe || (marker == 0xee && s.size() >= 12 && std::memcmp(s.data(), "Adobe", 5) == 0);
  });
  out.data.resize(static_cast<std::size_t>(pixels) * 3);
  for (std::size_t i = 0; i < pixels; ++i) {
    const auto ink = [&](std::size_t c) { return adobe ? 255 - raw[4 * i + c] : int{raw[4 * i + c]}; };
    const int light = 255 - ink(3);
    for (std::size_t c = 0; c < 3; ++c) {
      const int product = ink(c) * light + 128, v = light - (((product >> 8) + product) >> 8);
      out.data[3 * i + c] = static_cast<std::uint8_t>(v < 0 ? 0 : v);
    }
  }
  return out;
}

struct png_source {
  byte_span file;
  std::size_t at = 0;
  char message[128] = "damaged";
};

/// libpng leaves by longjmp: nothing in this function has a destructor.
bool read_png_rows(png_source& source, rgb_image& out, std::vector<png_bytep>& rows) {
  png_structp png = png_create_read_struct(
      PNG_LIBPNG_VER_STRING, &source,
      [](png_structp p, png_const_charp text) {
        std::snprintf(static_cast<png_source*>(png_get_error_ptr(p))->message, 128, "%s", text);
        png_longjmp(p, 1);
      },
      [](png_structp, png_const_charp) {});
  png_infop info = png_create_info_struct(png);
  if (setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_read_struct(&png, &info, nullptr);
    return false;
  }
  png_set_read_fn(png, &source, [](png_structp p, png_bytep to, std::size_t n) {
    auto* s = static_cast<png_source*>(png_get_io_ptr(p));
    if (n > s->file.size() - s->at) png_error(p, "the file is cut short");
    std::memcpy(to, s->file.data() + s->at, n);
    s->at += n;
  });
  png_read_info(png, info);
  const png_uint_32 width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  if (static_cast<std::uint64_t>(width) * height > max_pixels) png_error(png, "too many pixels");
  png_set_strip_16(png);
  png_set_palette_to_rgb(png);
  png_set_expand_gray_1_2_4_to_8(png);
  png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_rowbytes(png, info) != std::size_t{width} * 3) png_error(png, "unexpected pixel layout");
  out.width = static_cast<int>(width);
  out.height = static_cast<int>(height);
  out.data.resize(std::size_t{width} * height * 3);
  rows.resize(height);
  for (png_uint_32 y = 0; y < height; ++y) rows[y] = out.data.data() + std::size_t{y} * width * 3;
  png_read_image(png, rows.data());
  png_read_end(png, nullptr);
  png_destroy_read_struct(&png, &info, nullptr);
  return true;
}

}  // namespace

result<rgb_image> read_image(const std::string& path, bool exif) {
  auto file = rexnet::file_bytes::map(path);
  if (!file) return file.error();
  const byte_span bytes = file->bytes();
  if (bytes.size() > 3 && bytes[0] == 0xff && bytes[1] == 0xd8) {
    auto image = read_jpeg(bytes);
    if (!image) return image.error().in(path);
    return upright(std::move(*image), exif ? orientation(bytes) : 1);
  }
  if (bytes.size() > 8 && png_sig_cmp(bytes.data(), 0, 8) == 0) {
    png_source source;
    source.file = bytes;
    rgb_image image;
    std::vector<png_bytep> rows;
    if (!read_png_rows(source, image, rows)) return error(errc::io_error, path + ": PNG: " + source.message);
    return image;
  }
  return error(errc::unknown_format, path + ": neither JPEG nor PNG");
}

rexnet::status write_png(const std::string& path, const rgb_image& image) {
  png_image png;
  std::memset(&png, 0, sizeof(png));
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = PNG_FORMAT_RGB;
  if (png_image_write_to_file(&png, path.c_str(), 0, image.data.data(), 0, nullptr) == 0)
    return error(errc::io_error, path + ": " + png.message);
  return rexnet::done;
}

}  // namespace rexnet_tools
