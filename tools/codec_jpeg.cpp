// SPDX-License-Identifier: MIT
// JPEG by libjpeg-turbo's own interface: TurboJPEG has no name for many sampling factors that files have.
#include "tools/image_codecs.hpp"

#include <csetjmp>
#include <cstdio>
#include <vector>

#include <jpeglib.h>

#include <jerror.h>

namespace rexnet_tools {
namespace {

using rexnet::byte_span;
using rexnet::errc;
using rexnet::error;
using rexnet::result;
using rexnet::rgb_image;

/// What libjpeg's callbacks share; `base` is first, so that they find the rest.
struct reader {
  jpeg_error_mgr base;
  jpeg_progress_mgr progress;
  std::jmp_buf leave;
  char message[JMSG_LENGTH_MAX];
  bool unsupported;
  std::uint64_t pixels;
};

void leave(j_common_ptr jpeg) {
  auto* r = reinterpret_cast<reader*>(jpeg->err);
  r->base.format_message(jpeg, r->message);
  const int code = r->base.msg_code;
  r->unsupported = code == JERR_SOF_UNSUPPORTED || code == JERR_BAD_PRECISION || code == JERR_ARITH_NOTIMPL ||
                   code == JERR_NOTIMPL || code == JERR_CCIR601_NOTIMPL || code == JERR_CONVERSION_NOTIMPL ||
                   code == JERR_FRACT_SAMPLE_NOTIMPL;
  std::longjmp(r->leave, 1);
}

/// A warning says that pixels were guessed, and ends the decoding: never half a picture. These cost no pixel.
void warn(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  const int code = jpeg->err->msg_code;
  if (code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR ||
      code == JWRN_NOT_SEQUENTIAL)
    return;
  leave(jpeg);
}

/// A scan may be a few bytes and still walk over every pixel. Encoders write 10, optimisers 20.
void count_scans(j_common_ptr jpeg) {
  auto* r = reinterpret_cast<reader*>(jpeg->err);
  const auto scans = static_cast<std::uint64_t>(reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number);
  if (scans <= 32 || (scans <= 500 && scans * r->pixels <= std::uint64_t{1} << 32)) return;
  std::snprintf(r->message, sizeof(r->message), "more than %d scans", static_cast<int>(scans - 1));
  std::longjmp(r->leave, 1);
}

/// libjpeg leaves by longjmp: nothing in this function has a destructor.
bool read_rows(reader& r, byte_span file, std::uint64_t largest, rgb_image& out, std::vector<JSAMPLE>& row,
               rexnet::status& size) {
  jpeg_decompress_struct jpeg;
  jpeg.err = jpeg_std_error(&r.base);
  r.base.error_exit = leave;
  r.base.emit_message = warn;
  r.base.output_message = [](j_common_ptr) {};
  jpeg_create_decompress(&jpeg);
  if (setjmp(r.leave) != 0) {
    jpeg_destroy_decompress(&jpeg);
    return false;
  }
  r.progress.progress_monitor = count_scans;
  jpeg.progress = &r.progress;
  jpeg_mem_src(&jpeg, file.data(), static_cast<unsigned long>(file.size()));
  jpeg_read_header(&jpeg, TRUE);
  r.pixels = std::uint64_t{jpeg.image_width} * jpeg.image_height;
  size = check_size("JPEG", jpeg.image_width, jpeg.image_height, largest);
  const int channels = jpeg.num_components;
  if (channels != 1 && channels != 3 && channels != 4) {
    std::snprintf(r.message, sizeof(r.message), "%d colour channels", channels);
    r.unsupported = true;
  }
  if (!size.ok() || r.unsupported) {
    jpeg_destroy_decompress(&jpeg);
    return false;
  }
  jpeg.out_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_start_decompress(&jpeg);
  out = blank(jpeg.output_width, jpeg.output_height);
  const auto width = static_cast<std::size_t>(out.width);
  row.resize(width * static_cast<std::size_t>(channels));
  while (jpeg.output_scanline < jpeg.output_height) {
    std::uint8_t* to = out.data.data() + std::size_t{jpeg.output_scanline} * width * 3;
    JSAMPROW into = channels == 3 ? to : row.data();
    jpeg_read_scanlines(&jpeg, &into, 1);
    for (std::size_t x = 0; x < width && channels != 3; ++x, to += 3)
      if (channels == 1) {
        to[0] = to[1] = to[2] = row[x];
      } else {  // Pillow takes every CMYK JPEG for Adobe's, which are inverted
        std::uint8_t ink[4];
        for (std::size_t c = 0; c < 4; ++c) ink[c] = static_cast<std::uint8_t>(255 - row[4 * x + c]);
        cmyk_to_rgb(ink, to);
      }
  }
  jpeg_finish_decompress(&jpeg);
  jpeg_destroy_decompress(&jpeg);
  return true;
}

/// What kind of JPEG it is that libjpeg has no decoder for, by its frame header; empty for others.
std::string unusual_kind(byte_span file) {
  std::string kind;
  for_each_segment(file, [&kind](int marker, byte_span s) {
    if (marker < 0xc0 || marker > 0xcf || marker == 0xc4 || marker == 0xc8 || marker == 0xcc || s.size() < 6)
      return;
    const bool lossless = (marker & 3) == 3, hierarchical = (marker & 7) >= 5;
    if (lossless) kind = "lossless";
    if (hierarchical) kind = kind.empty() ? "hierarchical" : kind + ", hierarchical";
    if (s[0] != 8) kind += (kind.empty() ? "" : ", ") + ("samples of " + std::to_string(s[0]) + " bits");
  });
  return kind;
}

}  // namespace

result<decoded> decode_jpeg(byte_span file, std::uint64_t largest) {
  reader r{};
  decoded picture;
  std::vector<JSAMPLE> row;
  rexnet::status size = rexnet::done;
  if (read_rows(r, file, largest, picture.image, row, size)) return picture;
  if (!size.ok()) return size.error();
  const std::string kind = r.unsupported ? unusual_kind(file) : "";
  return error(r.unsupported ? errc::unsupported : errc::io_error,
               "JPEG: " + (kind.empty() ? std::string(r.message) : kind + ", which is not read"));
}

}  // namespace rexnet_tools
