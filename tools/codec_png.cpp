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

/// What libpng's callbacks share.
struct reader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  byte_span file;
  std::size_t at = 0;
  char message[128] = "damaged";

  explicit reader(byte_span bytes) : file(bytes) {}
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;
  ~reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

void leave(png_structp png, png_const_charp text) {
  std::snprintf(static_cast<reader*>(png_get_error_ptr(png))->message, 128, "%s", text);
  png_longjmp(png, 1);
}

void give_bytes(png_structp png, png_bytep to, std::size_t n) {
  auto* r = static_cast<reader*>(png_get_io_ptr(png));
  if (n > r->file.size() - r->at) png_error(png, "the file is cut short");
  std::memcpy(to, r->file.data() + r->at, n);
  r->at += n;
}

/// libpng leaves by longjmp: nothing in this function and the next has a destructor.
bool read_header(reader& r) {
  r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, leave, [](png_structp, png_const_charp) {});
  if (r.png == nullptr) return false;
  if (setjmp(png_jmpbuf(r.png)) != 0) return false;
  r.info = png_create_info_struct(r.png);
  png_set_read_fn(r.png, &r, give_bytes);
  png_set_user_limits(r.png, 0x7fffffff, 0x7fffffff);  // essential_png() has looked at the size
  png_read_info(r.png, r.info);
  png_set_strip_16(r.png);
  png_set_palette_to_rgb(r.png);
  png_set_expand_gray_1_2_4_to_8(r.png);
  png_set_gray_to_rgb(r.png);
  png_set_strip_alpha(r.png);
  png_set_interlace_handling(r.png);
  png_read_update_info(r.png, r.info);
  if (png_get_rowbytes(r.png, r.info) != std::size_t{png_get_image_width(r.png, r.info)} * 3)
    png_error(r.png, "unexpected pixel layout");
  return true;
}

bool read_rows(reader& r, png_bytepp rows) {
  if (setjmp(png_jmpbuf(r.png)) != 0) return false;
  png_read_image(r.png, rows);
  png_read_end(r.png, nullptr);
  return true;
}

}  // namespace

result<decoded> decode_png(byte_span file, std::uint64_t largest) {
  const auto essential = essential_png(file, largest);
  if (!essential) return essential.error();
  reader r({reinterpret_cast<const unsigned char*>(essential->data()), essential->size()});
  const auto failed = [&r] { return error(errc::io_error, std::string("PNG: ") + r.message); };
  if (!read_header(r)) return failed();
  decoded picture;
  picture.image = blank(png_get_image_width(r.png, r.info), png_get_image_height(r.png, r.info));
  std::vector<png_bytep> rows;
  for (std::size_t y = 0; y < static_cast<std::size_t>(picture.image.height); ++y)
    rows.push_back(picture.image.data.data() + y * static_cast<std::size_t>(picture.image.width) * 3);
  if (!read_rows(r, rows.data())) return failed();
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
