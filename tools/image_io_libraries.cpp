// SPDX-License-Identifier: MIT
// Picture codecs by libjpeg-turbo and libpng, whose pixels are Pillow's.
#include "tools/image_codecs.hpp"

#include <png.h>
#include <turbojpeg.h>

#include <csetjmp>
#include <cstdio>
#include <memory>
#include <vector>

namespace rexnet_tools {

using rexnet::byte_span;
using rexnet::errc;
using rexnet::error;
using rexnet::result;
using rexnet::rgb_image;

result<rgb_image> decode_jpeg(byte_span file) {
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
    if (adobe)
      for (std::size_t c = 0; c < 4; ++c) raw[4 * i + c] = static_cast<std::uint8_t>(255 - raw[4 * i + c]);
    cmyk_to_rgb(&raw[4 * i], &out.data[3 * i]);
  }
  return out;
}

namespace {

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

result<rgb_image> decode_png(byte_span file) {
  png_source source;
  source.file = file;
  rgb_image image;
  std::vector<png_bytep> rows;
  if (!read_png_rows(source, image, rows))
    return error(errc::io_error, std::string("PNG: ") + source.message);
  return image;
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

}  // namespace rexnet_tools
