// SPDX-License-Identifier: MIT
// BMP without a library. Debian 12 has no library for this format alone, and the toolkits that read it
// (GdkPixbuf, SDL) treat masks, gaps of RLE and alpha in other ways than Pillow. Pillow's rules are short.
#include "tools/image_codecs.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace rexnet_tools {
namespace {

using rexnet::byte_span;
using rexnet::errc;
using rexnet::error;
using rexnet::result;
using rexnet::rgb_image;

enum compression : std::uint32_t { raw = 0, rle8 = 1, rle4 = 2, bitfields = 3 };

struct header {
  std::uint32_t size = 0;  ///< of the header itself, which says its version
  std::uint32_t width = 0, height = 0, bits = 0, packing = raw, colours = 0;
  bool top_down = false;
  std::array<std::uint32_t, 4> masks{};  ///< red, green, blue, alpha
  std::size_t palette_at = 0, colour_bytes = 4, pixels_at = 0;
};

std::uint32_t number(byte_span file, std::size_t at, std::size_t bytes) {
  std::uint32_t v = 0;
  for (std::size_t i = bytes; i-- > 0;) v = v << 8 | file[at + i];
  return v;
}

error cut_short() {
  return error(errc::io_error, "BMP: the file is cut short");
}

result<header> read_header(byte_span file) {
  header h;
  if (file.size() < 18) return cut_short();
  h.size = number(file, 14, 4);
  static constexpr std::uint32_t sizes[] = {12, 40, 52, 56, 64, 108, 124};
  if (std::find(std::begin(sizes), std::end(sizes), h.size) == std::end(sizes))
    return error(errc::unsupported, "BMP: a header of " + std::to_string(h.size) + " bytes");
  if (file.size() < 14 + std::size_t{h.size}) return cut_short();
  h.palette_at = 14 + std::size_t{h.size};
  if (h.size == 12) {
    h.width = number(file, 18, 2), h.height = number(file, 20, 2), h.bits = number(file, 24, 2);
    h.colour_bytes = 3;
  } else {
    h.width = number(file, 18, 4), h.height = number(file, 22, 4), h.bits = number(file, 28, 2);
    h.top_down = file[25] == 0xff;  // a negative height
    if (h.top_down) h.height = 0 - h.height;
    h.packing = number(file, 30, 4), h.colours = number(file, 46, 4);
    if (h.packing == bitfields) {
      if (h.size == 40) h.palette_at += 12;
      if (file.size() < h.palette_at) return cut_short();
      for (std::size_t i = 0; i < (h.size >= 56 ? 4 : 3); ++i) h.masks[i] = number(file, 54 + 4 * i, 4);
    }
  }
  if (h.colours == 0 && h.bits <= 8) h.colours = 1u << h.bits;
  h.pixels_at = number(file, 10, 4);
  // In some files this offset leaves out the palette.
  if (h.pixels_at == 14 + h.size && h.bits <= 8) h.pixels_at += h.colour_bytes * std::size_t{h.colours};
  return h;
}

/// The masks by which pixels of 16, 24 and 32 bits are taken apart: those that Pillow reads.
struct layout {
  std::uint32_t bits;
  std::array<std::uint32_t, 4> masks;
};
constexpr layout layouts[] = {
    {32, {0xff0000, 0xff00, 0xff, 0}},
    {32, {0xff000000, 0xff0000, 0xff00, 0}},
    {32, {0xff000000, 0xff00, 0xff, 0}},
    {32, {0xff000000, 0xff0000, 0xff00, 0xff}},
    {32, {0xff, 0xff00, 0xff0000, 0xff000000}},
    {32, {0xff0000, 0xff00, 0xff, 0xff000000}},
    {32, {0xff000000, 0xff00, 0xff, 0xff0000}},
    {24, {0xff0000, 0xff00, 0xff, 0}},
    {16, {0xf800, 0x7e0, 0x1f, 0}},
    {16, {0x7c00, 0x3e0, 0x1f, 0}},
};

/// The header's masks, or those of files that have none.
result<std::array<std::uint32_t, 4>> masks_of(const header& h) {
  if (h.packing == raw)
    return std::array<std::uint32_t, 4>(h.bits == 16 ? layouts[9].masks : layouts[0].masks);
  std::array<std::uint32_t, 4> masks = h.masks;
  if (h.bits != 32) masks[3] = 0;
  if (h.bits == 32 && masks == std::array<std::uint32_t, 4>{}) masks = layouts[5].masks;
  for (const layout& l : layouts)
    if (l.bits == h.bits && l.masks == masks) return masks;
  return error(errc::unsupported, "BMP: these masks of colours at " + std::to_string(h.bits) + " bits");
}

/// What a sample of 1 to 8 bits is seen as.
using palette = std::array<std::array<std::uint8_t, 3>, 256>;

result<palette> read_palette(byte_span file, const header& h) {
  if (h.colours > 256) return error(errc::unsupported, "BMP: " + std::to_string(h.colours) + " colours");
  if (file.size() - h.palette_at < h.colour_bytes * h.colours) return cut_short();
  palette colours{};
  bool ramp = h.colours > 2;  // a grey ramp counts as no palette: samples beyond it are grey as well
  for (std::size_t i = 0; i < h.colours; ++i)
    for (std::size_t c = 0; c < 3; ++c) {
      colours[i][c] = file[h.palette_at + h.colour_bytes * i + 2 - c];
      ramp = ramp && colours[i][c] == i;
    }
  for (std::size_t i = 0; i < 256 && ramp; ++i)
    colours[i] = {static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i)};
  return colours;
}

/// Where row `y` of the file is seen.
std::uint8_t* row_of(rgb_image& image, const header& h, std::size_t y) {
  return &image.data[(h.top_down ? y : h.height - 1 - y) * std::size_t{h.width} * 3];
}

/// Bytes from one row to the next, and what the last one has to have of them.
std::uint64_t row_bytes(const header& h, bool last) {
  const std::uint64_t bits = std::uint64_t{h.width} * h.bits;
  return last ? (bits + 7) / 8 : (bits + 31) / 32 * 4;
}

void unpack_indexed(const unsigned char* from, const header& h, const palette& colours, std::uint8_t* rgb) {
  for (std::size_t x = 0; x < h.width; ++x, rgb += 3) {
    const std::size_t bit = x * h.bits;
    const unsigned sample = from[bit / 8] >> (8 - h.bits - bit % 8) & ((1u << h.bits) - 1u);
    std::copy(colours[sample].begin(), colours[sample].end(), rgb);
  }
}

void unpack_colours(const unsigned char* from, const header& h, const std::array<std::uint32_t, 4>& masks,
                    std::uint8_t* rgb) {
  std::array<std::uint32_t, 3> shift{}, most{};
  for (std::size_t c = 0; c < 3; ++c) {
    while ((masks[c] >> shift[c] & 1) == 0) ++shift[c];
    most[c] = masks[c] >> shift[c];
  }
  const std::size_t bytes = h.bits / 8;
  for (std::size_t x = 0; x < h.width; ++x, from += bytes) {
    std::uint32_t pixel = 0;
    for (std::size_t i = bytes; i-- > 0;) pixel = pixel << 8 | from[i];
    for (std::size_t c = 0; c < 3; ++c)
      *rgb++ = static_cast<std::uint8_t>((pixel >> shift[c] & most[c]) * 255 / most[c]);
  }
}

/// The samples of a run-length encoded picture, from its first row on. Gaps are 0, as in Pillow, whose steps
/// these are: an empty line's end does nothing, runs end with their row, a step over rows goes on in its
/// column.
std::vector<std::uint8_t> unpack_runs(byte_span file, const header& h) {
  std::size_t at = h.pixels_at;
  const std::size_t width = h.width, wanted = width * h.height;
  std::vector<std::uint8_t> out;
  out.reserve(wanted);
  const auto gap = [&](std::size_t n) { out.resize((std::min)(wanted, out.size() + n)); };
  for (std::size_t x = 0; out.size() < wanted && at < file.size() && file.size() - at >= 2;) {
    const std::size_t count = file[at], value = file[at + 1];
    at += 2;
    if (count > 0) {
      const std::size_t run = (std::min)(count, x < width ? width - x : 0);
      for (std::size_t i = 0; i < run; ++i)
        out.push_back(static_cast<std::uint8_t>(h.packing == rle8 ? value
                                                : i % 2 == 0      ? value >> 4
                                                                  : value & 15));
      x += run;
    } else if (value == 0) {
      gap((width - out.size() % width) % width);
      x = 0;
    } else if (value == 1) {
      break;
    } else if (value == 2) {
      if (file.size() - at < 2) break;
      gap(file[at] + file[at + 1] * width);
      x = out.size() % width;
      at += 2;
    } else {
      const std::size_t n = (std::min)(wanted - out.size(), value);
      const std::size_t bytes = h.packing == rle8 ? n : (n + 1) / 2;
      const std::size_t there = (std::min)(bytes, file.size() - at);
      for (std::size_t i = 0; i < (h.packing == rle8 ? there : (std::min)(n, 2 * there)); ++i)
        out.push_back(h.packing == rle8 ? file[at + i]
                                        : static_cast<std::uint8_t>(i % 2 == 0 ? file[at + i / 2] >> 4
                                                                               : file[at + i / 2] & 15));
      if (there < bytes) break;
      at += bytes + (at + bytes) % 2;  // to an even place in the file
      x += value;
    }
  }
  return out;
}

result<rgb_image> read_runs(byte_span file, const header& h) {
  const auto colours = read_palette(file, h);
  if (!colours) return colours.error();
  const std::vector<std::uint8_t> samples = unpack_runs(file, h);
  if (samples.size() < std::size_t{h.width} * h.height)
    return error(errc::io_error, "BMP: the runs end after " + std::to_string(samples.size()) + " of " +
                                     std::to_string(std::size_t{h.width} * h.height) + " pixels");
  rgb_image image = blank(h.width, h.height);
  header bytes = h;
  bytes.bits = 8;
  for (std::size_t y = 0; y < h.height; ++y)
    unpack_indexed(samples.data() + y * h.width, bytes, *colours, row_of(image, h, y));
  return image;
}

result<rgb_image> read_rows(byte_span file, const header& h) {
  const std::uint64_t step = row_bytes(h, false), needed = step * (h.height - 1) + row_bytes(h, true);
  if (h.pixels_at > file.size() || file.size() - h.pixels_at < needed) return cut_short();
  palette colours{};
  std::array<std::uint32_t, 4> masks{};
  if (h.bits <= 8) {
    const auto p = read_palette(file, h);
    if (!p) return p.error();
    colours = *p;
  } else {
    const auto m = masks_of(h);
    if (!m) return m.error();
    masks = *m;
  }
  rgb_image image = blank(h.width, h.height);
  for (std::size_t y = 0; y < h.height; ++y) {
    const unsigned char* from = file.data() + h.pixels_at + y * static_cast<std::size_t>(step);
    if (h.bits <= 8)
      unpack_indexed(from, h, colours, row_of(image, h, y));
    else
      unpack_colours(from, h, masks, row_of(image, h, y));
  }
  return image;
}

}  // namespace

result<decoded> decode_bmp(byte_span file, std::uint64_t largest) {
  const auto h = read_header(file);
  if (!h) return h.error();
  if (auto s = check_size("BMP", h->width, h->height, largest); !s) return s.error();
  const bool indexed = h->bits == 1 || h->bits == 4 || h->bits == 8;
  if (!indexed && h->bits != 16 && h->bits != 24 && h->bits != 32)
    return error(errc::unsupported, "BMP: " + std::to_string(h->bits) + " bits a pixel");
  const bool runs = h->packing == rle8 || h->packing == rle4;
  if (h->packing > bitfields || (runs && h->bits != (h->packing == rle8 ? 8u : 4u)) ||
      (h->packing == bitfields && indexed))
    return error(errc::unsupported, "BMP: compression " + std::to_string(h->packing) + " with " +
                                        std::to_string(h->bits) + " bits a pixel");
  decoded picture;
  auto image = runs ? read_runs(file, *h) : read_rows(file, *h);
  if (!image) return image.error();
  picture.image = std::move(*image);
  return picture;
}

}  // namespace rexnet_tools
