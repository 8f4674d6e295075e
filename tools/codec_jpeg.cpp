// SPDX-License-Identifier: MIT
// JPEG by libjpeg-turbo's classic interface: TurboJPEG refuses many sampling factors that files have.
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

/// What libjpeg's callbacks share; `base` is first, so that they find the rest.
struct reader {
  jpeg_error_mgr base{};
  jpeg_progress_mgr progress{};
  std::jmp_buf leave{};
  char message[JMSG_LENGTH_MAX] = "";
  bool unsupported = false;
  jpeg_decompress_struct jpeg{};

  reader() = default;
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;
  ~reader() { jpeg_destroy_decompress(&jpeg); }  // allowed before jpeg_create_decompress(), too
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
  const auto scans = static_cast<std::uint64_t>(r->jpeg.input_scan_number);
  const std::uint64_t pixels = std::uint64_t{r->jpeg.image_width} * r->jpeg.image_height;
  if (scans <= 32 || (scans <= 500 && scans * pixels <= std::uint64_t{1} << 32)) return;
  std::snprintf(r->message, sizeof(r->message), "more than %d scans", static_cast<int>(scans - 1));
  std::longjmp(r->leave, 1);
}

/// libjpeg leaves by longjmp: nothing in this function and the next has a destructor.
bool read_header(reader& r, const unsigned char* file, unsigned long size) {
  if (setjmp(r.leave) != 0) return false;
  r.jpeg.err = jpeg_std_error(&r.base);
  r.base.error_exit = leave;
  r.base.emit_message = warn;
  r.base.output_message = [](j_common_ptr) {};
  jpeg_create_decompress(&r.jpeg);
  r.progress.progress_monitor = count_scans;
  r.jpeg.progress = &r.progress;
  jpeg_mem_src(&r.jpeg, file, size);
  jpeg_read_header(&r.jpeg, TRUE);
  return true;
}

/// Pillow reads every CMYK JPEG as Adobe's, whose values are inverted.
void unpack_cmyk(const JSAMPLE* row, std::size_t width, std::uint8_t* to) {
  for (; width > 0; --width, row += 4, to += 3) {
    std::uint8_t ink[4];
    for (std::size_t c = 0; c < 4; ++c) ink[c] = static_cast<std::uint8_t>(255 - row[c]);
    cmyk_to_rgb(ink, to);
  }
}

/// @param row of one line as libjpeg gives it
bool read_rows(reader& r, std::uint8_t* pixels, JSAMPLE* row) {
  if (setjmp(r.leave) != 0) return false;
  const int channels = r.jpeg.num_components;
  r.jpeg.out_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_start_decompress(&r.jpeg);
  while (r.jpeg.output_scanline < r.jpeg.output_height) {
    const std::size_t width = r.jpeg.output_width;
    std::uint8_t* to = pixels + std::size_t{r.jpeg.output_scanline} * width * 3;
    JSAMPROW into = channels == 3 ? to : row;
    jpeg_read_scanlines(&r.jpeg, &into, 1);
    if (channels == 4) unpack_cmyk(row, width, to);
    for (std::size_t x = 0; x < width && channels == 1; ++x, to += 3) to[0] = to[1] = to[2] = row[x];
  }
  jpeg_finish_decompress(&r.jpeg);
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
  reader r;
  const auto failed = [&r, file] {
    const std::string kind = r.unsupported ? unusual_kind(file) : "";
    return error(r.unsupported ? errc::unsupported : errc::io_error,
                 "JPEG: " + (kind.empty() ? std::string(r.message) : kind + ", which is not read"));
  };
  if (!read_header(r, file.data(), static_cast<unsigned long>(file.size()))) return failed();
  if (auto s = check_size("JPEG", r.jpeg.image_width, r.jpeg.image_height, largest); !s) return s.error();
  const int channels = r.jpeg.num_components;
  if (channels != 1 && channels != 3 && channels != 4)
    return error(errc::unsupported, "JPEG: " + std::to_string(channels) + " colour channels");
  decoded picture;
  picture.image = blank(r.jpeg.image_width, r.jpeg.image_height);
  std::vector<JSAMPLE> row(std::size_t{r.jpeg.image_width} * static_cast<std::size_t>(channels));
  if (!read_rows(r, picture.image.data.data(), row.data())) return failed();
  return picture;
}

}  // namespace rexnet_tools
