// SPDX-License-Identifier: MIT
// PNG by libpng, which sees only what essential_png() leaves of a file.
#include "tools/image_codecs.hpp"
#include "tools/picture_structure.hpp"

#include <csetjmp>
#include <cstdio>
#include <vector>

#include <png.h>
#include <zlib.h>

namespace rexnet_tools {
namespace {

using rexnet::byte_span;
using rexnet::errc;
using rexnet::error;
using rexnet::result;
using rexnet::rgb_image;

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
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);  // essential_png() has looked at the size
  png_read_info(png, info);
  const png_uint_32 width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  png_set_strip_16(png);
  png_set_palette_to_rgb(png);
  png_set_expand_gray_1_2_4_to_8(png);
  png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_rowbytes(png, info) != std::size_t{width} * 3) png_error(png, "unexpected pixel layout");
  out = blank(width, height);
  rows.resize(height);
  for (png_uint_32 y = 0; y < height; ++y) rows[y] = out.data.data() + std::size_t{y} * width * 3;
  png_read_image(png, rows.data());
  png_read_end(png, nullptr);
  png_destroy_read_struct(&png, &info, nullptr);
  return true;
}

}  // namespace

result<decoded> decode_png(byte_span file, std::uint64_t largest) {
  const auto essential = essential_png(file, largest);
  if (!essential) return essential.error();
  png_source source;
  source.file = {reinterpret_cast<const unsigned char*>(essential->data()), essential->size()};
  decoded picture;
  std::vector<png_bytep> rows;
  if (!read_png_rows(source, picture.image, rows))
    return error(errc::io_error, std::string("PNG: ") + source.message);
  return picture;
}

result<std::string> encode_png(const rgb_image& image) {
  png_image png;
  std::memset(&png, 0, sizeof(png));
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::string bytes(size, '\0');
  if (png_image_write_to_memory(&png, &bytes[0], &size, 0, image.data.data(), 0, nullptr) == 0)
    return error(errc::io_error, std::string("PNG: ") + png.message);
  bytes.resize(size);
  return bytes;
}

std::string inflate_text(byte_span zlib) {
  std::string text(std::size_t{1} << 20, '\0');
  uLongf size = static_cast<uLongf>(text.size());
  if (uncompress(reinterpret_cast<Bytef*>(&text[0]), &size, zlib.data(), static_cast<uLong>(zlib.size())) !=
      Z_OK)
    size = 0;
  text.resize(size);
  return text;
}

}  // namespace rexnet_tools
