// SPDX-License-Identifier: MIT
// HEIC and AVIF by libheif: the primary picture. Not byte by byte what others decode: see README, "What
// differs".
#include "tools/image_codecs.hpp"
#include "tools/iso_boxes.hpp"
#include "tools/orientation.hpp"

#include <libheif/heif.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <vector>

namespace rexnet_tools {
namespace {

using rexnet::byte_span;
using rexnet::errc;
using rexnet::error;
using rexnet::result;

/// libheif's functions that free something, as a type.
template <auto Free>
struct freed {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using context = std::unique_ptr<heif_context, freed<heif_context_free>>;
using options = std::unique_ptr<heif_decoding_options, freed<heif_decoding_options_free>>;
using handle = std::unique_ptr<heif_image_handle, freed<heif_image_handle_release>>;
using decoded_image = std::unique_ptr<heif_image, freed<heif_image_release>>;

error failed(const char* format, const heif_error& e) {
  const bool lacking = e.code == heif_error_Unsupported_filetype ||
                       e.code == heif_error_Unsupported_feature || e.code == heif_error_Plugin_loading_error;
  return error(lacking ? errc::unsupported : errc::io_error, std::string(format) + ": " + e.message);
}

/// XMP of the picture, empty where it has none.
std::string xmp_of(const heif_image_handle* picture) {
  std::array<heif_item_id, 8> ids{};
  const int n = heif_image_handle_get_list_of_metadata_block_IDs(picture, "mime", ids.data(), 8);
  for (int i = 0; i < n; ++i) {
    const heif_item_id id = ids[static_cast<std::size_t>(i)];
    const char* type = heif_image_handle_get_metadata_content_type(picture, id);
    if (type == nullptr || std::strcmp(type, "application/rdf+xml") != 0) continue;
    std::string xmp(heif_image_handle_get_metadata_size(picture, id), '\0');
    if (heif_image_handle_get_metadata(picture, id, &xmp[0]).code == heif_error_Ok) return xmp;
  }
  return "";
}

/// @param turn by libheif, which crops as well
result<decoded> decode(const char* format, byte_span file, std::uint64_t largest, bool turn) {
  const context c(heif_context_alloc());
  // Tiles and hidden pictures are limited, too.
  heif_context_set_maximum_image_size_limit(c.get(),
                                            static_cast<int>(std::sqrt(static_cast<double>(largest))));
  heif_error e = heif_context_read_from_memory_without_copy(c.get(), file.data(), file.size(), nullptr);
  heif_image_handle* found = nullptr;
  if (e.code == heif_error_Ok) e = heif_context_get_primary_image_handle(c.get(), &found);
  if (e.code != heif_error_Ok) return failed(format, e);
  const handle primary(found);
  const int stated[] = {heif_image_handle_get_width(found), heif_image_handle_get_height(found)};
  if (auto s = check_size(format, static_cast<std::uint64_t>((std::max)(stated[0], 0)),
                          static_cast<std::uint64_t>((std::max)(stated[1], 0)), largest);
      !s)
    return s.error();
  const options how(heif_decoding_options_alloc());
  how->ignore_transformations = turn ? 0 : 1;
  if (how->version >= 2) how->convert_hdr_to_8bit = 1;
  if (how->version >= 3) how->strict_decoding = 1;
  heif_image* pixels = nullptr;
  e = heif_decode_image(found, &pixels, heif_colorspace_RGB, heif_chroma_interleaved_RGB, how.get());
  const decoded_image image(pixels);
  if (e.code != heif_error_Ok) return failed(format, e);
  const int width = heif_image_get_width(pixels, heif_channel_interleaved),
            height = heif_image_get_height(pixels, heif_channel_interleaved);
  int stride = 0;
  const std::uint8_t* rows = heif_image_get_plane_readonly(pixels, heif_channel_interleaved, &stride);
  if (auto s = check_size(format, static_cast<std::uint64_t>((std::max)(width, 0)),
                          static_cast<std::uint64_t>((std::max)(height, 0)), largest);
      !s)
    return s.error();
  if (rows == nullptr) return error(errc::io_error, std::string(format) + ": no pixels");
  decoded picture;
  picture.image = blank(static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(height));
  const std::size_t row = static_cast<std::size_t>(width) * 3;
  for (int y = 0; y < height; ++y)
    std::memcpy(picture.image.data.data() + static_cast<std::size_t>(y) * row,
                rows + static_cast<std::ptrdiff_t>(y) * stride, row);
  // Pillow turns HEIC upright when it loads it. AVIF it leaves as it is, for exif_transpose to turn, by the
  // container's orientation alone.
  picture.orientation = turn ? 1 : iso_orientation(file);
  if (!turn && picture.orientation == 1 &&
      heif_image_handle_get_number_of_metadata_blocks(found, "Exif") == 0)
    picture.orientation = stated_orientation(picture_notes{"", xmp_of(found)});
  return picture;
}

}  // namespace

result<decoded> decode_heif(byte_span file, std::uint64_t largest) {
  return decode("HEIC", file, largest, true);
}

result<decoded> decode_avif(byte_span file, std::uint64_t largest) {
  return decode("AVIF", file, largest, false);
}

}  // namespace rexnet_tools
