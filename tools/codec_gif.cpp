// SPDX-License-Identifier: MIT
// GIF by giflib: the first frame, on a canvas as Pillow makes it.
#include "tools/image_codecs.hpp"

#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

namespace rexnet_tools {
namespace {

using rexnet::byte_span;
using rexnet::errc;
using rexnet::error;
using rexnet::result;

struct source {
  byte_span file;
  std::size_t at = 0;
};

int read(GifFileType* gif, GifByteType* to, int n) {
  auto* s = static_cast<source*>(gif->UserData);
  const std::size_t got = (std::min)(static_cast<std::size_t>(n), s->file.size() - s->at);
  if (got > 0) std::memcpy(to, s->file.data() + s->at, got);
  s->at += got;
  if (got > 0 || n != 1) return static_cast<int>(got);
  *to = 0;  // a picture whose last block is there needs no end mark, as in Pillow
  return 1;
}

struct close_gif {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

error failed(int code) {
  const char* why = GifErrorString(code);
  return error(errc::io_error, std::string("GIF: ") + (why != nullptr ? why : "damaged"));
}

/// The colour of every sample. As in Pillow, a palette that is a grey ramp counts as none, and samples beyond
/// a palette are black.
std::array<GifColorType, 256> colours_of(const ColorMapObject* map) {
  std::array<GifColorType, 256> colours{};
  const int count = map == nullptr ? 0 : (std::min)(map->ColorCount, 256);
  bool ramp = true;
  for (int i = 0; i < count; ++i) {
    const GifColorType& c = map->Colors[i];
    ramp = ramp && c.Red == i && c.Green == i && c.Blue == i;
    colours[static_cast<std::size_t>(i)] = c;
  }
  for (std::size_t i = 0; i < 256 && ramp; ++i) {
    const auto v = static_cast<GifByteType>(i);
    colours[i] = {v, v, v};
  }
  return colours;
}

/// Reads up to the first frame's description. The colour that is transparent in it, or 0.
result<int> find_frame(GifFileType* gif) {
  int transparent = 0;
  for (;;) {
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(gif, &record) == GIF_ERROR) return failed(gif->Error);
    if (record == IMAGE_DESC_RECORD_TYPE) {
      if (DGifGetImageDesc(gif) == GIF_ERROR) return failed(gif->Error);
      return transparent;
    }
    if (record != EXTENSION_RECORD_TYPE) return error(errc::io_error, "GIF: the file holds no picture");
    int code = 0;
    GifByteType* block = nullptr;
    if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) return failed(gif->Error);
    if (code == GRAPHICS_EXT_FUNC_CODE && block != nullptr && block[0] >= 4 && (block[1] & 1) != 0)
      transparent = block[4];
    while (block != nullptr)
      if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) return failed(gif->Error);
  }
}

}  // namespace

result<decoded> decode_gif(byte_span file, std::uint64_t largest) {
  source from{file};
  int code = 0;
  const std::unique_ptr<GifFileType, close_gif> gif(DGifOpen(&from, read, &code));
  if (gif == nullptr) return failed(code);
  const auto transparent = find_frame(gif.get());
  if (!transparent) return transparent.error();
  const GifImageDesc& frame = gif->Image;
  const int width = (std::max)(gif->SWidth, frame.Left + frame.Width),
            height = (std::max)(gif->SHeight, frame.Top + frame.Height);
  if (frame.Width <= 0 || frame.Height <= 0) return error(errc::io_error, "GIF: a frame without pixels");
  if (auto s =
          check_size("GIF", static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(height), largest);
      !s)
    return s.error();
  const auto colours = colours_of(frame.ColorMap != nullptr ? frame.ColorMap : gif->SColorMap);
  decoded picture;
  picture.image = blank(static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(height));
  const auto put = [&](std::size_t pixel, std::size_t sample) {
    const GifColorType& c = colours[sample];
    const std::uint8_t rgb[] = {c.Red, c.Green, c.Blue};
    std::memcpy(&picture.image.data[3 * pixel], rgb, 3);
  };
  // Around the frame lies the transparent colour, or the first one; never the "background".
  for (std::size_t i = 0; i < picture.image.data.size() / 3; ++i)
    put(i, static_cast<std::size_t>(*transparent));
  std::vector<GifPixelType> row(static_cast<std::size_t>(frame.Width));
  static constexpr int starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
  for (int pass = frame.Interlace ? 0 : 3; pass < 4; ++pass)
    for (int y = frame.Interlace ? starts[pass] : 0; y < frame.Height;
         y += frame.Interlace ? steps[pass] : 1) {
      if (DGifGetLine(gif.get(), row.data(), frame.Width) == GIF_ERROR) return failed(gif->Error);
      const std::size_t first = static_cast<std::size_t>(frame.Top + y) * static_cast<std::size_t>(width) +
                                static_cast<std::size_t>(frame.Left);
      for (std::size_t x = 0; x < row.size(); ++x) put(first + x, row[x]);
    }
  return picture;
}

}  // namespace rexnet_tools
