// SPDX-License-Identifier: MIT
// Picture codecs by the Windows Imaging Component. It decodes; palettes, 16 bits, alpha and CMYK are
// converted here, by the rules of image_io.hpp and not by the system's. It also gives half a picture for half
// a file: picture_structure.hpp checks the file first.
#include "tools/image_codecs.hpp"
#include "tools/picture_structure.hpp"

#include "rexnet/system/windows.hpp"

#include <objbase.h>
#include <wincodec.h>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

namespace rexnet_tools {
namespace {

using rexnet::byte_span;
using rexnet::errc;
using rexnet::error;
using rexnet::result;
using rexnet::rgb_image;

/// COM for this thread and this call; a thread that has it in another mode keeps that.
class com_session {
 public:
  com_session() : good_(SUCCEEDED(CoInitializeEx(nullptr, COINIT_MULTITHREADED))) {}
  com_session(const com_session&) = delete;
  com_session& operator=(const com_session&) = delete;
  ~com_session() {
    if (good_) CoUninitialize();
  }

 private:
  bool good_;
};

/// Owner of one reference.
template <class T>
class com_pointer {
 public:
  com_pointer() = default;
  com_pointer(const com_pointer&) = delete;
  com_pointer& operator=(const com_pointer&) = delete;
  ~com_pointer() {
    if (pointer_ != nullptr) pointer_->Release();
  }
  [[nodiscard]] T* get() const { return pointer_; }
  [[nodiscard]] T* operator->() const { return pointer_; }
  /// For functions that give an object.
  [[nodiscard]] T** out() { return &pointer_; }

 private:
  T* pointer_ = nullptr;
};

error failed(const char* what, HRESULT code) {
  char number[16];
  std::snprintf(number, sizeof(number), "0x%08lx", static_cast<unsigned long>(code));
  return error(errc::io_error, std::string(what) + ": Windows Imaging Component error " + number);
}

HRESULT make_factory(com_pointer<IWICImagingFactory>& factory) {
  return CoCreateInstance(CLSID_WICImagingFactory, nullptr, CLSCTX_INPROC_SERVER, IID_IWICImagingFactory,
                          reinterpret_cast<void**>(factory.out()));
}

enum class kind { grey, palette, colour, cmyk };
/// How the pixels of a frame lie in memory.
struct pixel_layout {
  const GUID& id;
  kind what;
  unsigned bits;              ///< of a pixel
  unsigned red, green, blue;  ///< the bytes of a pixel that count: of 16 bits the high one
};
const pixel_layout layouts[] = {
    {GUID_WICPixelFormatBlackWhite, kind::grey, 1, 0, 0, 0},
    {GUID_WICPixelFormat2bppGray, kind::grey, 2, 0, 0, 0},
    {GUID_WICPixelFormat4bppGray, kind::grey, 4, 0, 0, 0},
    {GUID_WICPixelFormat8bppGray, kind::grey, 8, 0, 0, 0},
    {GUID_WICPixelFormat16bppGray, kind::colour, 16, 1, 1, 1},
    {GUID_WICPixelFormat1bppIndexed, kind::palette, 1, 0, 0, 0},
    {GUID_WICPixelFormat2bppIndexed, kind::palette, 2, 0, 0, 0},
    {GUID_WICPixelFormat4bppIndexed, kind::palette, 4, 0, 0, 0},
    {GUID_WICPixelFormat8bppIndexed, kind::palette, 8, 0, 0, 0},
    {GUID_WICPixelFormat24bppBGR, kind::colour, 24, 2, 1, 0},
    {GUID_WICPixelFormat24bppRGB, kind::colour, 24, 0, 1, 2},
    {GUID_WICPixelFormat32bppBGR, kind::colour, 32, 2, 1, 0},
    {GUID_WICPixelFormat32bppBGRA, kind::colour, 32, 2, 1, 0},
    {GUID_WICPixelFormat32bppRGBA, kind::colour, 32, 0, 1, 2},
    {GUID_WICPixelFormat48bppRGB, kind::colour, 48, 1, 3, 5},
    {GUID_WICPixelFormat64bppRGBA, kind::colour, 64, 1, 3, 5},
    {GUID_WICPixelFormat32bppCMYK, kind::cmyk, 32, 0, 0, 0},
};

/// 0xAARRGGBB for every value of a sample: a palette's colours or levels of grey.
HRESULT read_colours(IWICImagingFactory* factory, IWICBitmapFrameDecode* frame, const pixel_layout& layout,
                     std::vector<WICColor>& colours) {
  colours.assign(layout.bits <= 8 ? std::size_t{1} << layout.bits : 0, 0xff000000u);
  if (layout.what == kind::grey)
    for (std::size_t v = 0; v < colours.size(); ++v)
      colours[v] = static_cast<WICColor>(0x010101u * (255 * v / (colours.size() - 1)));
  if (layout.what != kind::palette) return S_OK;
  com_pointer<IWICPalette> palette;
  HRESULT code = factory->CreatePalette(palette.out());
  if (SUCCEEDED(code)) code = frame->CopyPalette(palette.get());
  UINT count = 0;
  if (SUCCEEDED(code)) code = palette->GetColors(static_cast<UINT>(colours.size()), colours.data(), &count);
  return code;
}

/// One row as the decoder gives it, to RGB.
void unpack_row(const pixel_layout& layout, const std::vector<WICColor>& colours, const BYTE* row,
                std::size_t width, std::uint8_t* rgb) {
  const std::size_t step = layout.bits / 8;
  for (std::size_t x = 0; x < width; ++x, rgb += 3) {
    if (layout.what == kind::cmyk) {
      cmyk_to_rgb(row + 4 * x, rgb);
    } else if (layout.what == kind::colour) {
      rgb[0] = row[step * x + layout.red];
      rgb[1] = row[step * x + layout.green];
      rgb[2] = row[step * x + layout.blue];
    } else {
      const std::size_t bit = x * layout.bits;
      const unsigned sample = row[bit / 8] >> (8 - layout.bits - bit % 8) & ((1u << layout.bits) - 1u);
      const WICColor colour = colours[sample];
      rgb[0] = static_cast<std::uint8_t>(colour >> 16 & 255);
      rgb[1] = static_cast<std::uint8_t>(colour >> 8 & 255);
      rgb[2] = static_cast<std::uint8_t>(colour & 255);
    }
  }
}

HRESULT copy_rows(IWICBitmapFrameDecode* frame, const pixel_layout& layout,
                  const std::vector<WICColor>& colours, rgb_image& out) {
  const auto width = static_cast<std::size_t>(out.width);
  const std::size_t stride = (width * layout.bits + 31) / 32 * 4;
  const int band = static_cast<int>((std::max)(std::size_t{1}, (std::size_t{1} << 20) / stride));
  std::vector<BYTE> rows(stride * static_cast<std::size_t>(band));
  out.data.resize(width * static_cast<std::size_t>(out.height) * 3);
  for (int y = 0; y < out.height; y += band) {
    const int n = (std::min)(band, out.height - y);
    const WICRect part{0, y, out.width, n};
    const HRESULT code =
        frame->CopyPixels(&part, static_cast<UINT>(stride), static_cast<UINT>(rows.size()), rows.data());
    if (FAILED(code)) return code;
    for (int i = 0; i < n; ++i)
      unpack_row(layout, colours, rows.data() + stride * static_cast<std::size_t>(i), width,
                 out.data.data() + static_cast<std::size_t>(y + i) * width * 3);
  }
  return S_OK;
}

/// @param what "JPEG" or "PNG", for errors
result<decoded> decode(const char* what, const GUID& container, byte_span file, std::uint64_t largest) {
  const com_session session;
  com_pointer<IWICImagingFactory> factory;
  com_pointer<IWICStream> stream;
  com_pointer<IWICBitmapDecoder> decoder;
  com_pointer<IWICBitmapFrameDecode> frame;
  if (file.size() > 0xffffffffu) return error(errc::limit_exceeded, std::string(what) + ": larger than 4 GB");
  HRESULT code = make_factory(factory);
  if (SUCCEEDED(code)) code = factory->CreateStream(stream.out());
  if (SUCCEEDED(code))
    code = stream->InitializeFromMemory(const_cast<BYTE*>(file.data()), static_cast<DWORD>(file.size()));
  if (SUCCEEDED(code)) code = factory->CreateDecoder(container, nullptr, decoder.out());
  if (SUCCEEDED(code)) code = decoder->Initialize(stream.get(), WICDecodeMetadataCacheOnDemand);
  if (SUCCEEDED(code)) code = decoder->GetFrame(0, frame.out());
  UINT width = 0, height = 0;
  GUID id{};
  if (SUCCEEDED(code)) code = frame->GetSize(&width, &height);
  if (SUCCEEDED(code)) code = frame->GetPixelFormat(&id);
  if (FAILED(code)) return failed(what, code);
  const auto* layout = std::find_if(std::begin(layouts), std::end(layouts),
                                    [&id](const pixel_layout& l) { return IsEqualGUID(l.id, id); });
  if (layout == std::end(layouts))
    return error(errc::unsupported, std::string(what) + ": a pixel format that rexnet does not know");
  if (auto s = check_size(what, width, height, largest); !s) return s.error();
  decoded picture;
  rgb_image& out = picture.image;
  out.width = static_cast<int>(width);
  out.height = static_cast<int>(height);
  std::vector<WICColor> colours;
  code = read_colours(factory.get(), frame.get(), *layout, colours);
  if (SUCCEEDED(code)) code = copy_rows(frame.get(), *layout, colours, out);
  if (FAILED(code)) return failed(what, code);
  return picture;
}

/// The bytes that were written to a stream in memory.
HRESULT read_back(IStream* memory, std::string& bytes) {
  STATSTG about{};
  HRESULT code = memory->Stat(&about, STATFLAG_NONAME);
  LARGE_INTEGER start{};
  if (SUCCEEDED(code)) code = memory->Seek(start, STREAM_SEEK_SET, nullptr);
  if (FAILED(code)) return code;
  bytes.resize(static_cast<std::size_t>(about.cbSize.QuadPart));
  ULONG got = 0;
  code = memory->Read(&bytes[0], static_cast<ULONG>(bytes.size()), &got);
  return SUCCEEDED(code) && got != bytes.size() ? E_FAIL : code;
}

}  // namespace

result<decoded> decode_jpeg(byte_span file, std::uint64_t largest) {
  if (auto s = check_jpeg(file, largest); !s) return s.error();
  return decode("JPEG", GUID_ContainerFormatJpeg, file, largest);
}

result<decoded> decode_png(byte_span file, std::uint64_t largest) {
  const auto essential = essential_png(file, largest);
  if (!essential) return essential.error();
  const byte_span whole(reinterpret_cast<const unsigned char*>(essential->data()), essential->size());
  return decode("PNG", GUID_ContainerFormatPng, whole, largest);
}

std::string inflate_text(byte_span) {
  return "";  // Windows inflates pictures, not texts
}

result<std::string> encode_png(const rgb_image& image) {
  const com_session session;
  com_pointer<IWICImagingFactory> factory;
  com_pointer<IStream> memory;
  com_pointer<IWICBitmapEncoder> encoder;
  com_pointer<IWICBitmapFrameEncode> frame;
  const auto width = static_cast<UINT>(image.width), height = static_cast<UINT>(image.height);
  const UINT stride = (width * 3 + 3) / 4 * 4;
  std::vector<BYTE> bgr(std::size_t{stride} * height);
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t c = 0; c < 3; ++c)
        bgr[y * stride + 3 * x + 2 - c] = image.data[(y * width + x) * 3 + c];
  GUID format = GUID_WICPixelFormat24bppBGR;
  HRESULT code = make_factory(factory);
  if (SUCCEEDED(code)) code = CreateStreamOnHGlobal(nullptr, TRUE, memory.out());
  if (SUCCEEDED(code)) code = factory->CreateEncoder(GUID_ContainerFormatPng, nullptr, encoder.out());
  if (SUCCEEDED(code)) code = encoder->Initialize(memory.get(), WICBitmapEncoderNoCache);
  if (SUCCEEDED(code)) code = encoder->CreateNewFrame(frame.out(), nullptr);
  if (SUCCEEDED(code)) code = frame->Initialize(nullptr);
  if (SUCCEEDED(code)) code = frame->SetSize(width, height);
  if (SUCCEEDED(code)) code = frame->SetPixelFormat(&format);
  if (SUCCEEDED(code) && !IsEqualGUID(format, GUID_WICPixelFormat24bppBGR)) code = E_FAIL;
  if (SUCCEEDED(code)) code = frame->WritePixels(height, stride, static_cast<UINT>(bgr.size()), bgr.data());
  if (SUCCEEDED(code)) code = frame->Commit();
  if (SUCCEEDED(code)) code = encoder->Commit();
  std::string bytes;
  if (SUCCEEDED(code)) code = read_back(memory.get(), bytes);
  if (FAILED(code)) return failed("PNG", code);
  return bytes;
}

}  // namespace rexnet_tools
