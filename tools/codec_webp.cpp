// SPDX-License-Identifier: MIT
// WebP by libwebp: a still picture, or an animation's first frame on its canvas.
#include "tools/image_codecs.hpp"

#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

namespace rexnet_tools {

using rexnet::byte_span;
using rexnet::errc;
using rexnet::error;
using rexnet::result;

namespace {

struct free_decoder {
  void operator()(WebPAnimDecoder* d) const { WebPAnimDecoderDelete(d); }
};

}  // namespace

result<decoded> decode_webp(byte_span file, std::uint64_t largest) {
  WebPBitstreamFeatures about;
  if (WebPGetFeatures(file.data(), file.size(), &about) != VP8_STATUS_OK)
    return error(errc::io_error, "WebP: damaged, or cut short");
  // The decoder takes memory for the canvas when it is made.
  if (auto s = check_size("WebP", static_cast<std::uint64_t>(about.width),
                          static_cast<std::uint64_t>(about.height), largest);
      !s)
    return s.error();
  const WebPData data{file.data(), file.size()};
  const std::unique_ptr<WebPAnimDecoder, free_decoder> decoder(WebPAnimDecoderNew(&data, nullptr));
  WebPAnimInfo canvas;
  if (decoder == nullptr || WebPAnimDecoderGetInfo(decoder.get(), &canvas) == 0)
    return error(errc::io_error, "WebP: damaged, or cut short");
  if (auto s = check_size("WebP", canvas.canvas_width, canvas.canvas_height, largest); !s) return s.error();
  std::uint8_t* pixels = nullptr;
  int timestamp = 0;
  if (WebPAnimDecoderGetNext(decoder.get(), &pixels, &timestamp) == 0)
    return error(errc::io_error, "WebP: the picture is damaged, or cut short");
  decoded picture;
  picture.image = blank(canvas.canvas_width, canvas.canvas_height);
  std::uint8_t* rgb = picture.image.data.data();
  for (std::size_t n = picture.image.data.size() / 3; n > 0; --n, rgb += 3, pixels += 4)
    std::memcpy(rgb, pixels, 3);
  return picture;
}

}  // namespace rexnet_tools
