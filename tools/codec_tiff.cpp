// SPDX-License-Identifier: MIT
// TIFF by libtiff: the first page. libtiff undoes compression, byte order and order of bits; what the samples
// mean is decided here, by Pillow's table of pixel modes.
#include "tools/image_codecs.hpp"
#include "tools/orientation.hpp"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <new>

#include <tiffio.h>

// 4.5: memory of a single allocation can be limited, messages have a handler for each file.
#if defined(TIFFLIB_VERSION) && TIFFLIB_VERSION >= 20221213
#define REXNET_TIFF_HAS_OPTIONS 1
#else
#define REXNET_TIFF_HAS_OPTIONS 0
#endif

namespace rexnet_tools {
namespace {

using rexnet::byte_span;
using rexnet::errc;
using rexnet::error;
using rexnet::result;
using rexnet::rgb_image;

/// A file in memory, and libtiff's message about it.
struct source {
  byte_span file;
  toff_t at = 0;
  bool decoding = false;
  char message[200] = "";
};

tmsize_t read_source(thandle_t handle, void* to, tmsize_t n) {
  auto* s = static_cast<source*>(handle);
  const toff_t size = s->file.size(), left = s->at < size ? size - s->at : 0;
  const auto got = static_cast<std::size_t>((std::min)(left, static_cast<toff_t>(n)));
  if (got > 0) std::memcpy(to, s->file.data() + s->at, got);
  s->at += got;
  return static_cast<tmsize_t>(got);
}
tmsize_t write_source(thandle_t, void*, tmsize_t) {
  return 0;
}
toff_t seek_source(thandle_t handle, toff_t to, int whence) {
  auto* s = static_cast<source*>(handle);
  return s->at = to + (whence == SEEK_CUR ? s->at : whence == SEEK_END ? s->file.size() : 0);
}
int close_source(thandle_t) {
  return 0;
}
toff_t size_of_source(thandle_t handle) {
  return static_cast<source*>(handle)->file.size();
}
int map_source(thandle_t handle, void** base, toff_t* size) {
  auto* s = static_cast<source*>(handle);
  *base = const_cast<unsigned char*>(s->file.data());  // libtiff writes nowhere: the file is open for reading
  *size = s->file.size();
  return 1;
}
void unmap_source(thandle_t, void*, toff_t) {}

#if REXNET_TIFF_HAS_OPTIONS
int keep_error(TIFF*, void* to, const char* /*module*/, const char* format, va_list arguments) {
  auto* s = static_cast<source*>(to);
  if (s->message[0] == '\0') std::vsnprintf(s->message, sizeof(s->message), format, arguments);
  return 1;
}
/// libtiff only warns of damaged JPEG and fax data, and guesses the pixels.
int keep_warning(TIFF* tiff, void* to, const char* module, const char* format, va_list arguments) {
  const bool guess =
      module != nullptr && (std::strncmp(module, "JPEG", 4) == 0 || std::strncmp(module, "Fax", 3) == 0);
  return static_cast<source*>(to)->decoding && guess ? keep_error(tiff, to, module, format, arguments) : 1;
}
#endif

struct close_tiff {
  void operator()(TIFF* t) const { TIFFClose(t); }
};
using tiff_file = std::unique_ptr<TIFF, close_tiff>;

/// C: strips stay as they are in the file.
tiff_file open(source& s, std::uint64_t largest) {
#if REXNET_TIFF_HAS_OPTIONS
  TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
  TIFFOpenOptionsSetErrorHandlerExtR(options, keep_error, &s);
  TIFFOpenOptionsSetWarningHandlerExtR(options, keep_warning, &s);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, static_cast<tmsize_t>(4 * largest + (std::uint64_t{1} << 22)));
  tiff_file file(TIFFClientOpenExt("", "rC", &s, read_source, write_source, seek_source, close_source,
                                   size_of_source, map_source, unmap_source, options));
  TIFFOpenOptionsFree(options);
  return file;
#else
  static_cast<void>(largest);
  TIFFSetErrorHandler(nullptr);
  TIFFSetWarningHandler(nullptr);
  return tiff_file(TIFFClientOpen("", "rC", &s, read_source, write_source, seek_source, close_source,
                                  size_of_source, map_source, unmap_source));
#endif
}

error damaged(const source& s) {
  return error(errc::io_error,
               std::string("TIFF: ") + (s.message[0] != '\0' ? s.message : "damaged, or cut short"));
}
error unsupported(const std::string& what) {
  return error(errc::unsupported, "TIFF: " + what);
}

enum class meaning { grey, white_is_zero, rgb, palette, cmyk, ycbcr, converted };

/// The first page.
struct page {
  std::uint32_t width = 0, height = 0;
  std::uint32_t block_width = 0, block_height = 0;  ///< of a tile or a strip
  std::uint16_t bits = 1, samples = 1, format = SAMPLEFORMAT_UINT, photometric = PHOTOMETRIC_MINISWHITE,
                planar = PLANARCONFIG_CONTIG, compression = COMPRESSION_NONE;
  std::uint16_t extras = 0;
  int extra = -1;  ///< the first of them
  bool tiled = false;
  meaning colours = meaning::grey;
  std::uint16_t channels = 1;           ///< of the samples: those that count
  std::array<std::uint16_t*, 3> map{};  ///< a palette's red, green and blue
  [[nodiscard]] bool premultiplied() const {
    return colours == meaning::rgb && extra == EXTRASAMPLE_ASSOCALPHA;
  }
};

void read_fields(TIFF* t, page& p) {
  TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &p.width);
  TIFFGetField(t, TIFFTAG_IMAGELENGTH, &p.height);
  TIFFGetFieldDefaulted(t, TIFFTAG_BITSPERSAMPLE, &p.bits);
  TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLESPERPIXEL, &p.samples);
  TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLEFORMAT, &p.format);
  TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &p.photometric);
  TIFFGetFieldDefaulted(t, TIFFTAG_PLANARCONFIG, &p.planar);
  TIFFGetFieldDefaulted(t, TIFFTAG_COMPRESSION, &p.compression);
  std::uint16_t* extras = nullptr;
  if (TIFFGetField(t, TIFFTAG_EXTRASAMPLES, &p.extras, &extras) == 1 && p.extras > 0 && extras != nullptr)
    p.extra = extras[0];
  p.tiled = TIFFIsTiled(t) != 0;
  p.block_width = p.width;
  p.block_height = p.height;
  if (p.tiled) {
    TIFFGetField(t, TIFFTAG_TILEWIDTH, &p.block_width);
    TIFFGetField(t, TIFFTAG_TILELENGTH, &p.block_height);
  } else {
    std::uint32_t rows = 0;
    if (TIFFGetField(t, TIFFTAG_ROWSPERSTRIP, &rows) == 1) p.block_height = (std::min)(rows, p.height);
  }
}

/// A camera's raw file (DNG, NEF, ARW) is a TIFF, too; its first page is a preview the size of a stamp.
bool is_preview(TIFF* t) {
  std::uint32_t what = 0;
  std::uint16_t n = 0;
  std::uint64_t* offsets = nullptr;
  std::uint8_t* version = nullptr;
  return TIFFGetField(t, TIFFTAG_SUBFILETYPE, &what) == 1 && (what & FILETYPE_REDUCEDIMAGE) != 0 &&
         (TIFFGetField(t, TIFFTAG_SUBIFD, &n, &offsets) == 1 ||
          TIFFGetField(t, TIFFTAG_DNGVERSION, &version) == 1);
}

std::string sample_text(const page& p) {
  static constexpr const char* formats[] = {
      "", "", " signed", " floating-point", " untyped", " complex", " complex floating-point"};
  return std::to_string(p.samples) + (p.format < 7 ? formats[p.format] : "") + " samples of " +
         std::to_string(p.bits) + " bits";
}

/// Decides what the samples mean. Errors: those that this program does not read.
rexnet::status interpret(page& p) {
  const bool small = p.bits == 1 || p.bits == 2 || p.bits == 4 || p.bits == 8, bytes = p.bits == 8,
             words = p.bits == 16;
  // Extra samples stand behind the colours; where nothing says what a fourth sample of RGB is, it is alpha.
  const auto with = [&p](std::uint16_t colours, std::uint16_t most) {
    return p.samples >= colours && p.samples <= most &&
           (p.samples - colours == p.extras || (p.samples == colours + 1 && p.extras == 0 && colours == 3));
  };
  const bool plain = p.format == SAMPLEFORMAT_UINT;
  const std::string what = sample_text(p);
  switch (p.photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
      p.colours = p.photometric == PHOTOMETRIC_MINISWHITE ? meaning::white_is_zero : meaning::grey;
      p.channels = 1;
      if (bytes && p.format == SAMPLEFORMAT_INT && p.samples == 1)
        return rexnet::done;  // as bytes, in Pillow
      if (plain && p.samples == 1 && (small || words || p.bits == 12)) return rexnet::done;
      if (plain && bytes && p.samples == 2 && p.extras == 1 && p.extra != EXTRASAMPLE_ASSOCALPHA)
        return rexnet::done;
      return unsupported("grey with " + what);
    case PHOTOMETRIC_RGB:
      p.colours = meaning::rgb;
      p.channels = static_cast<std::uint16_t>(p.extra == EXTRASAMPLE_ASSOCALPHA ? 4 : 3);
      if (plain && ((bytes && with(3, 6)) || (words && with(3, 4)))) return rexnet::done;
      return unsupported("RGB with " + what);
    case PHOTOMETRIC_PALETTE:
      p.colours = meaning::palette;
      p.channels = 1;
      if (plain && small && p.samples == 1 && p.extras == 0) return rexnet::done;
      if (plain && bytes && p.samples == 2 && p.extras == 1 && p.extra != EXTRASAMPLE_ASSOCALPHA)
        return rexnet::done;
      return unsupported("a palette with " + what);
    case PHOTOMETRIC_SEPARATED:
      p.colours = meaning::cmyk;
      p.channels = 4;
      if (plain && ((bytes && with(4, 6)) || (words && with(4, 4)))) return rexnet::done;
      return unsupported("CMYK with " + what);
    case PHOTOMETRIC_YCBCR:
      p.colours = meaning::converted;
      p.channels = 3;
      if (plain && bytes && p.samples == 3) return rexnet::done;
      return unsupported("YCbCr with " + what);
    case PHOTOMETRIC_CIELAB:
    case PHOTOMETRIC_ICCLAB:
    case PHOTOMETRIC_ITULAB: return unsupported("CIE L*a*b* colours");
    case PHOTOMETRIC_LOGL:
    case PHOTOMETRIC_LOGLUV: return unsupported("LogLuv colours");
    case 32803:
    case 34892: return unsupported("a camera's raw data (DNG)");
    default: return unsupported("colours of kind " + std::to_string(p.photometric));
  }
}

/// Memory that is written before it is read: a vector would touch all of it first.
struct buffer {
  std::unique_ptr<std::uint8_t[]> data;
  std::size_t size = 0;
  bool take(std::uint64_t n) {
    size = static_cast<std::size_t>(n);
    data.reset(n <= static_cast<std::size_t>(-1) / 2 ? new (std::nothrow) std::uint8_t[size] : nullptr);
    return data != nullptr;
  }
};

/// Sample `i` of a row as a byte: of 16 bits the high one, of 12 the upper eight; below eight bits as it is.
std::uint8_t sample(const std::uint8_t* row, std::size_t i, unsigned bits) {
  if (bits == 8) return row[i];
  if (bits == 16) {
    std::uint16_t v = 0;
    std::memcpy(&v, row + 2 * i, 2);  // libtiff gives the machine's byte order
    return static_cast<std::uint8_t>(v >> 8);
  }
  if (bits == 12) {
    const std::size_t at = i * 3 / 2;
    return static_cast<std::uint8_t>(i % 2 == 0 ? row[at] : (row[at] & 15) << 4 | row[at + 1] >> 4);
  }
  const std::size_t bit = i * bits;
  return static_cast<std::uint8_t>(row[bit / 8] >> (8 - bits - bit % 8) & ((1u << bits) - 1u));
}

/// Pillow's conversion (BT.601): six bits behind the point, rounded towards zero after adding a half.
void ycbcr_to_rgb(const std::uint8_t* from, std::uint8_t* rgb) {
  const auto part = [](double factor, int sample) {
    // NOLINTNEXTLINE(bugprone-incorrect-roundings): as Pillow rounds
    return static_cast<int>(factor * 64 * (sample - 128) + 0.5);
  };
  const int y = from[0], cb = from[1], cr = from[2];
  const int sums[] = {part(1.402, cr), part(-0.34414, cb) + part(-0.71414, cr), part(1.772, cb)};
  for (std::size_t c = 0; c < 3; ++c) {
    const int down = sums[c] >= 0 ? sums[c] / 64 : -((63 - sums[c]) / 64);  // to the lower whole number
    rgb[c] = static_cast<std::uint8_t>((std::min)(255, (std::max)(0, y + down)));
  }
}

/// One pixel from its samples.
void to_rgb(const page& p, const std::uint8_t* from, std::uint8_t* rgb) {
  switch (p.colours) {
    case meaning::grey:
    case meaning::white_is_zero: {
      const unsigned most = p.bits < 8 ? (1u << p.bits) - 1u : 255u;
      const auto v = static_cast<std::uint8_t>(from[0] * (255u / most));
      rgb[0] = rgb[1] = rgb[2] = p.colours == meaning::grey ? v : static_cast<std::uint8_t>(255 - v);
      return;
    }
    case meaning::palette:
      for (std::size_t c = 0; c < 3; ++c) rgb[c] = static_cast<std::uint8_t>(p.map[c][from[0]] >> 8);
      return;
    case meaning::cmyk: cmyk_to_rgb(from, rgb); return;
    case meaning::ycbcr: ycbcr_to_rgb(from, rgb); return;
    default:
      std::memcpy(rgb, from, 3);
      if (p.premultiplied())  // Pillow divides by alpha before it drops it
        for (std::size_t c = 0; c < 3; ++c)
          rgb[c] = static_cast<std::uint8_t>(from[3] == 0 ? 0 : (std::min)(255, from[c] * 255 / from[3]));
  }
}

/// Strips or tiles, plane by plane, into the picture.
class block_reader {
 public:
  block_reader(TIFF* t, const page& p, source& s, rgb_image& out) : t_(t), p_(p), s_(s), out_(out) {}

  rexnet::status run() {
    separate_ = p_.planar == PLANARCONFIG_SEPARATE && p_.samples > 1;
    const std::uint64_t bits = std::uint64_t{p_.block_width} * p_.bits * (separate_ ? 1u : p_.samples);
    row_bytes_ = static_cast<std::size_t>((bits + 7) / 8);
    const std::uint64_t bytes = p_.tiled ? TIFFTileSize64(t_) : TIFFVStripSize64(t_, p_.block_height);
    if (bytes != std::uint64_t{row_bytes_} * p_.block_height) return damaged(s_);
    const std::uint64_t pixels = std::uint64_t{p_.block_width} * p_.block_height;
    if (!raw_.take(bytes) || !samples_.take(pixels * p_.channels))
      return error(errc::limit_exceeded,
                   "TIFF: no memory for a block of " + std::to_string(bytes) + " bytes");
    for (std::uint32_t y = 0; y < p_.height; y += p_.block_height)
      for (std::uint32_t x = 0; x < p_.width; x += p_.block_width)
        if (auto st = block(x, y); !st) return st;
    return rexnet::done;
  }

 private:
  rexnet::status block(std::uint32_t x, std::uint32_t y) {
    const std::uint32_t columns = (std::min)(p_.block_width, p_.width - x),
                        rows = (std::min)(p_.block_height, p_.height - y);
    const std::uint16_t planes = separate_ ? p_.channels : std::uint16_t{1};
    for (std::uint16_t plane = 0; plane < planes; ++plane) {
      const auto size = static_cast<tmsize_t>(raw_.size);
      // With the size: what libtiff takes for a tile's may be older than the subsampling set above.
      const tmsize_t got =
          p_.tiled ? TIFFReadEncodedTile(t_, TIFFComputeTile(t_, x, y, 0, plane), raw_.data.get(), size)
                   : TIFFReadEncodedStrip(t_, TIFFComputeStrip(t_, y, plane), raw_.data.get(), size);
      if (got < 0 || static_cast<std::size_t>(got) < row_bytes_ * rows || s_.message[0] != '\0')
        return damaged(s_);
      for (std::uint32_t r = 0; r < rows; ++r) gather(r, columns, plane);
    }
    for (std::uint32_t r = 0; r < rows; ++r) {
      const std::uint8_t* from = samples_.data.get() + std::size_t{r} * p_.block_width * p_.channels;
      std::uint8_t* to = out_.data.data() + ((std::size_t{y} + r) * p_.width + x) * 3;
      for (std::uint32_t c = 0; c < columns; ++c, from += p_.channels, to += 3) to_rgb(p_, from, to);
    }
    return rexnet::done;
  }

  /// A row's samples that count, one byte each.
  void gather(std::uint32_t r, std::uint32_t columns, std::uint16_t plane) const {
    const std::uint8_t* row = raw_.data.get() + r * row_bytes_;
    std::uint8_t* to = samples_.data.get() + std::size_t{r} * p_.block_width * p_.channels;
    for (std::size_t c = 0; c < columns; ++c, to += p_.channels) {
      if (separate_) {
        to[plane] = sample(row, c, p_.bits);
        continue;
      }
      for (std::size_t k = 0; k < p_.channels; ++k) to[k] = sample(row, c * p_.samples + k, p_.bits);
    }
  }

  TIFF* t_;
  const page& p_;
  source& s_;
  rgb_image& out_;
  buffer raw_, samples_;
  std::size_t row_bytes_ = 0;
  bool separate_ = false;
};

/// YCbCr that is not JPEG: libtiff has the subsampling and the coefficients.
rexnet::status read_converted(TIFF* t, const page& p, source& s, rgb_image& out) {
  TIFFRGBAImage picture;
  char message[1024] = "";
  if (TIFFRGBAImageOK(t, message) == 0 || TIFFRGBAImageBegin(&picture, t, 1, message) == 0)
    return error(errc::io_error, std::string("TIFF: ") + message);
  const std::unique_ptr<TIFFRGBAImage, void (*)(TIFFRGBAImage*)> end(&picture, TIFFRGBAImageEnd);
  picture.orientation = picture.req_orientation = ORIENTATION_TOPLEFT;
  buffer raster;
  if (!raster.take(std::uint64_t{p.width} * p.block_height * 4))
    return error(errc::limit_exceeded, "TIFF: no memory for a block");
  auto* pixels = reinterpret_cast<std::uint32_t*>(raster.data.get());
  for (std::uint32_t y = 0; y < p.height; y += p.block_height) {
    const std::uint32_t rows = (std::min)(p.block_height, p.height - y);
    picture.row_offset = static_cast<int>(y);
    if (TIFFRGBAImageGet(&picture, pixels, p.width, rows) == 0 || s.message[0] != '\0') return damaged(s);
    std::uint8_t* to = out.data.data() + std::size_t{y} * p.width * 3;
    for (std::size_t i = 0; i < std::size_t{rows} * p.width; ++i, to += 3) {
      to[0] = static_cast<std::uint8_t>(TIFFGetR(pixels[i]));
      to[1] = static_cast<std::uint8_t>(TIFFGetG(pixels[i]));
      to[2] = static_cast<std::uint8_t>(TIFFGetB(pixels[i]));
    }
  }
  return rexnet::done;
}

/// Whether each pixel has colours of its own. Where the file has no tag for it, libtiff takes half of the
/// colours in each direction, as the standard says; Pillow, and the files that it writes, mean all of them.
bool has_whole_colours(TIFF* t, const page& p) {
  std::uint16_t across = 0, down = 0;
  if (p.colours != meaning::converted || p.compression != COMPRESSION_NONE) return false;
  if (TIFFGetField(t, TIFFTAG_YCBCRSUBSAMPLING, &across, &down) == 1) return across == 1 && down == 1;
  return TIFFSetField(t, TIFFTAG_YCBCRSUBSAMPLING, 1, 1) == 1;
}

/// A block must not be much larger than the picture: its memory is not bounded by the file's size.
rexnet::status check_blocks(const page& p, std::uint64_t largest) {
  const std::uint64_t pixels = std::uint64_t{p.width} * p.height,
                      block = std::uint64_t{p.block_width} * p.block_height;
  const std::uint64_t most = (std::min)(largest, (std::max)(4 * pixels, std::uint64_t{1} << 22));
  if (p.block_width == 0 || p.block_height == 0) return error(errc::io_error, "TIFF: blocks without pixels");
  if (block > (std::max)(most, pixels))
    return error(errc::limit_exceeded, "TIFF: tiles of " + std::to_string(p.block_width) + " x " +
                                           std::to_string(p.block_height) + " pixels in a picture of " +
                                           std::to_string(p.width) + " x " + std::to_string(p.height));
  return rexnet::done;
}

}  // namespace

result<decoded> decode_tiff(byte_span file, std::uint64_t largest) {
  source s;
  s.file = file;
  const tiff_file t = open(s, largest);
  if (t == nullptr) return damaged(s);
  if (is_preview(t.get())) return unsupported("a camera's raw picture; its first page is but a preview");
  page p;
  read_fields(t.get(), p);
  if (auto st = check_size("TIFF", p.width, p.height, largest); !st) return st.error();
  if (p.compression == COMPRESSION_OJPEG) p.photometric = PHOTOMETRIC_YCBCR;
  if (auto st = interpret(p); !st) return st.error();
  if (TIFFIsCODECConfigured(p.compression) == 0)
    return unsupported("compression " + std::to_string(p.compression) + ", which libtiff here does not have");
  if (auto st = check_blocks(p, largest); !st) return st.error();
  // libtiff takes a palette picture without colours for a grey one.
  const bool indexed = p.photometric == PHOTOMETRIC_PALETTE || tiff_number(file, TIFFTAG_PHOTOMETRIC) == 3.0;
  if (indexed && TIFFGetField(t.get(), TIFFTAG_COLORMAP, &p.map[0], &p.map[1], &p.map[2]) == 0)
    return error(errc::io_error, "TIFF: a palette without colours");
  if (p.colours == meaning::converted && p.compression == COMPRESSION_JPEG &&
      p.planar == PLANARCONFIG_CONTIG) {
    TIFFSetField(t.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);  // libjpeg converts
    p.colours = meaning::rgb;
  }
  if (has_whole_colours(t.get(), p)) p.colours = meaning::ycbcr;
  s.message[0] = '\0';  // of tags that did not matter
  s.decoding = true;
  decoded picture;
  picture.image = blank(p.width, p.height);
  const auto st = p.colours == meaning::converted ? read_converted(t.get(), p, s, picture.image)
                                                  : block_reader(t.get(), p, s, picture.image).run();
  if (!st) return st.error();
  return picture;
}

}  // namespace rexnet_tools
