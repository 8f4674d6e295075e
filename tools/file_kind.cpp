// SPDX-License-Identifier: MIT
#include "tools/file_kind.hpp"
#include "tools/pnm.hpp"

#include "rexnet/core/text.hpp"
#include "rexnet/weights/packed_view.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace rexnet_tools {
namespace {

using rexnet::byte_span;
using rexnet::detail::begins_with;
using namespace std::string_view_literals;

/// Bytes at a fixed place say what it is. The first that fits counts: the longer before the shorter.
struct magic {
  std::size_t at;
  std::string_view bytes;
  known_kind kind;
};
constexpr magic magics[] = {
    {0, "\xff\xd8\xff"sv, {"a ", "JPEG", true}},
    {0, "\x89PNG\r\n\x1a\n"sv, {"a ", "PNG", true}},
    {0, "GIF87a"sv, {"a ", "GIF", true}},
    {0, "GIF89a"sv, {"a ", "GIF", true}},
    {0, "\xff\x0a"sv, {"a ", "JPEG XL picture", true}},
    {0, "\0\0\0\x0cJXL \r\n\x87\n"sv, {"a ", "JPEG XL picture", true}},
    {0, "\0\0\0\x0cjP  \r\n\x87\n"sv, {"a ", "JPEG 2000 picture", true}},
    {0, "\xff\x4f\xff\x51"sv, {"a ", "JPEG 2000 picture", true}},
    {0, "\xff\xd8\xf7"sv, {"a ", "JPEG-LS picture", true}},
    {0, "8BPS"sv, {"a ", "Photoshop document (PSD)", true}},
    {0, "gimp xcf "sv, {"a ", "GIMP picture (XCF)", true}},
    {0, "qoif"sv, {"a ", "QOI picture", true}},
    {0, "v/1\1"sv, {"an ", "OpenEXR picture", true}},
    {0, "#?RADIANCE"sv, {"a ", "Radiance picture (HDR)", true}},
    {0, "FLIF"sv, {"a ", "FLIF picture", true}},
    {0, "BPG\xfb"sv, {"a ", "BPG picture", true}},
    {0, "DDS "sv, {"a ", "DirectDraw surface (DDS)", true}},
    {0, "\xabKTX "sv, {"a ", "KTX texture", true}},
    {0, "\x59\xa6\x6a\x95"sv, {"a ", "Sun raster picture", true}},
    {0, "\1\xda"sv, {"an ", "SGI picture", true}},
    {0, "icns"sv, {"an ", "Apple icon (ICNS)", true}},
    {0, "II*\0\x10\0\0\0CR\2"sv, {"a ", "Canon raw picture (CR2)", true}},
    {0, "IIRO"sv, {"an ", "Olympus raw picture (ORF)", true}},
    {0, "IIU\0"sv, {"a ", "Panasonic raw picture (RW2)", true}},
    {0, "FUJIFILMCCD-RAW"sv, {"a ", "Fujifilm raw picture (RAF)", true}},
    {0, "II\xbc\1"sv, {"a ", "JPEG XR picture", true}},
    {0, "II*\0"sv, {"a ", "TIFF", true}},
    {0, "MM\0*"sv, {"a ", "TIFF", true}},
    {0, "II+\0"sv, {"a ", "TIFF", true}},
    {0, "MM\0+"sv, {"a ", "TIFF", true}},
    {128, "DICM"sv, {"a ", "DICOM file", true}},
    {0, "SIMPLE  ="sv, {"a ", "FITS file", true}},
    {0, "\xd7\xcd\xc6\x9a"sv, {"a ", "Windows metafile (WMF)", true}},
    {0, "%PDF-"sv, {"a ", "PDF", false}},
    {0, "%!PS"sv, {"a ", "PostScript file", false}},
    {0, "\xc5\xd0\xd3\xc6"sv, {"an ", "EPS file", false}},
    {0, "{\\rtf"sv, {"an ", "RTF document", false}},
    {0, "\x1a\x45\xdf\xa3"sv, {"a ", "WebM or Matroska film", false}},
    {0, "OggS"sv, {"an ", "Ogg file", false}},
    {0, "FLV\1"sv, {"a ", "Flash film", false}},
    {0, "\0\0\1\xba"sv, {"an ", "MPEG film", false}},
    {0, "\0\0\1\xb3"sv, {"an ", "MPEG film", false}},
    {0, "ID3"sv, {"an ", "MP3 file", false}},
    {0, "fLaC"sv, {"a ", "FLAC file", false}},
    {0, "\x93NUMPY"sv, {"a ", "NumPy array (.npy)", false}},
    {0, "GGUF"sv, {"a ", "GGUF model", false}},
    {0, "\x89HDF\r\n\x1a\n"sv, {"an ", "HDF5 file", false}},
    {0, "SQLite format 3\0"sv, {"an ", "SQLite database", false}},
    {0, "\x1f\x8b"sv, {"a ", "gzip archive", false}},
    {0, "BZh"sv, {"a ", "bzip2 archive", false}},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     {"an ", "xz archive", false}},
    {0, "\x28\xb5\x2f\xfd"sv, {"a ", "Zstandard archive", false}},
    {0, "7z\xbc\xaf\x27\x1c"sv, {"a ", "7z archive", false}},
    {0, "Rar!\x1a\7"sv, {"a ", "RAR archive", false}},
    {257, "ustar"sv, {"a ", "tar archive", false}},
    {0,
     "\x7f"
     "ELF"sv,
     {"an ", "ELF program", false}},
    {0, "\xcf\xfa\xed\xfe"sv, {"a ", "macOS program", false}},
    {0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, {"an ", "old Office document", false}},
    {0, "bplist00"sv, {"a ", "property list", false}},
    {0,
     "version https://git-lfs.github.com/spec/"sv,
     {"a ", "git-lfs pointer (the picture was not downloaded)", false}},
};

/// Four letters behind "ftyp": the major brand, or one of the compatible ones.
struct brand {
  std::string_view name;
  known_kind kind;
};
constexpr known_kind avif{"an ", "AVIF", true}, heic{"a ", "HEIC", true};
constexpr brand brands[] = {
    {"avif", avif},
    {"avis", avif},
    {"heic", heic},
    {"heix", heic},
    {"heim", heic},
    {"heis", heic},
    {"hevc", heic},
    {"hevx", heic},
    {"crx ", {"a ", "Canon raw picture (CR3)", true}},
    {"jp2 ", {"a ", "JPEG 2000 picture", true}},
    {"jxl ", {"a ", "JPEG XL picture", true}},
    {"qt  ", {"a ", "QuickTime film", false}},
    {"M4A ", {"an ", "MPEG-4 sound", false}},
};
constexpr known_kind other_heif{"a ", "HEIF picture", true}, film{"an ", "MPEG-4 film", false};

/// The four letters behind RIFF's length.
constexpr brand riffs[] = {
    {"WEBP", {"a ", "WebP", true}},
    {"AVI ", {"an ", "AVI film", false}},
    {"WAVE", {"a ", "WAVE sound", false}},
    {"ACON", {"an ", "animated cursor (ANI)", true}},
};

/// What a text begins with, in small letters, behind white space.
constexpr brand beginnings[] = {
    {"<!doctype html", {"an ", "HTML page", false}},
    {"<html", {"an ", "HTML page", false}},
    {"<head", {"an ", "HTML page", false}},
    {"<body", {"an ", "HTML page", false}},
    {"<script", {"an ", "HTML page", false}},
    {"<!doctype svg", {"an ", "SVG drawing", false}},
    {"<svg", {"an ", "SVG drawing", false}},
    {"/* xpm */", {"an ", "XPM picture", true}},
    {"#!", {"a ", "script", false}},
};
constexpr known_kind html{"an ", "HTML page", false}, svg{"an ", "SVG drawing", false},
    xml{"an ", "XML document", false}, json{"a ", "JSON text", false}, text{"a ", "text", false},
    text_16{"a ", "text in UTF-16", false}, empty{"an ", "empty file", false},
    unknown{"", "unknown data", false}, pnm{"a ", "PNM", true}, bmp{"a ", "BMP", true},
    zeros{"a ", "file of zeros (its content is lost)", false};
constexpr known_kind icon{"a ", "Windows icon (ICO)", true}, cursor{"a ", "Windows cursor (CUR)", true},
    packed{"a ", "packed rexnet model", false};
constexpr known_kind zip{"a ", "ZIP archive", false}, office{"an ", "Office document", false},
    checkpoint{"a ", "PyTorch checkpoint", false}, npz{"a ", "NumPy archive (.npz)", false},
    epub{"an ", "EPUB book", false}, safetensors{"a ", "safetensors file", false},
    pickle{"a ", "Python pickle", false}, program{"a ", "Windows program", false};

bool has(std::string_view s, std::string_view what) {
  return s.find(what) != s.npos;
}
template <std::size_t N>
const known_kind* among(const brand (&table)[N], std::string_view name) {
  for (const brand& b : table)
    if (b.name == name) return &b.kind;
  return nullptr;
}

/// ISO media: [size]ftyp[major brand][version][compatible brands].
const known_kind& iso_kind(std::string_view s) {
  const auto byte = [&s](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const std::size_t end = (std::min)(s.size(), std::size_t{byte(2)} << 8 | byte(3));
  if (const known_kind* major = among(brands, s.substr(8, 4)); major != nullptr) return *major;
  for (std::size_t at = 16; at + 4 <= end; at += 4)
    if (const known_kind* k = among(brands, s.substr(at, 4)); k != nullptr && k->picture) return *k;
  const std::string_view major = s.substr(8, 4);
  return major == "mif1" || major == "msf1" || major == "miaf" ? other_heif : film;
}

/// By the names of the first entries.
const known_kind& zip_kind(std::string_view s) {
  const std::string_view first = s.substr(30);
  if (has(s, "/data.pkl") || begins_with(first, "data.pkl") || has(s, ".format_version")) return checkpoint;
  if (begins_with(first, "mimetypeapplication/epub")) return epub;
  if (begins_with(first, "[Content_Types].xml") || begins_with(first, "mimetypeapplication/vnd.oasis"))
    return office;
  return has(s.substr(0, 300), ".npy") ? npz : zip;
}

bool all_text(std::string_view s) {
  return rexnet::detail::is_utf8(s) && std::none_of(s.begin(), s.end(), [](char c) {
           return static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\r' && c != '\t' && c != '\f';
         });
}

/// A text whose last character may be cut by kind_bytes.
const known_kind* text_kind(std::string_view s) {
  if (begins_with(s, "\xff\xfe") || begins_with(s, "\xfe\xff")) return &text_16;
  if (begins_with(s, "\xef\xbb\xbf")) s.remove_prefix(3);
  std::string_view whole = s;
  for (int cut = 0; cut < 4 && !whole.empty() && !all_text(whole); ++cut) whole.remove_suffix(1);
  if (whole.empty() || !all_text(whole)) return nullptr;
  std::string start(whole.substr((std::min)(whole.find_first_not_of(" \t\r\n\f"), whole.size()), 1024));
  std::transform(start.begin(), start.end(), start.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const brand& b : beginnings)
    if (begins_with(start, b.name)) return &b.kind;
  if (begins_with(start, "<?xml") || begins_with(start, "<!--"))
    return has(start, "<svg") ? &svg : has(start, "<html") ? &html : &xml;
  if (begins_with(start, "{") || begins_with(start, "[")) return &json;
  return &text;
}

/// A header of n bytes as a 64-bit length, then JSON.
bool is_safetensors(std::string_view s) {
  return s.size() > 9 && s[8] == '{' && s[7] == 0 && s[6] == 0 && s[5] == 0 && s[4] == 0;
}

/// Their count keeps Targa pictures out, which may begin alike.
bool is_icon(std::string_view s) {
  return s.size() >= 6 && s[0] == 0 && s[1] == 0 && (s[2] == 1 || s[2] == 2) && s[3] == 0 && s[4] != 0 &&
         s[5] == 0;
}

/// "BM", and the size of a header that there is.
bool is_bmp(std::string_view s) {
  static constexpr unsigned char sizes[] = {12, 40, 52, 56, 64, 108, 124};
  return s.size() >= 18 && begins_with(s, "BM") && s[15] == 0 && s[16] == 0 && s[17] == 0 &&
         std::find(std::begin(sizes), std::end(sizes), static_cast<unsigned char>(s[14])) != std::end(sizes);
}

}  // namespace

const known_kind& find_kind(byte_span start) {
  const std::string_view s = rexnet::detail::text(start);
  if (s.empty()) return empty;
  for (const magic& m : magics)
    if (s.size() >= m.at && begins_with(s.substr(m.at), m.bytes)) return m.kind;
  if (begins_with(s, "RIFF") && s.size() >= 12)
    if (const known_kind* k = among(riffs, s.substr(8, 4)); k != nullptr) return *k;
  if (s.size() >= 12 && s.substr(4, 4) == "ftyp") return iso_kind(s);
  if (s.size() >= 12 && s[0] == 0 &&
      (s.substr(4, 4) == "moov" || s.substr(4, 4) == "mdat" || s.substr(4, 4) == "wide"))
    return brands[11].kind;  // QuickTime before there were brands
  if (begins_with(s, "PK\3\4") && s.size() > 30) return zip_kind(s);
  if (begins_with(s, "PK\3\4") || begins_with(s, "PK\5\6")) return zip;
  if (is_icon(s)) return s[2] == 1 ? icon : cursor;
  if (is_bmp(s)) return bmp;
  if (rexnet::is_packed(start)) return packed;
  if (is_pnm(start)) return pnm;
  if (is_safetensors(s)) return safetensors;
  if (s.size() > 2 && s[0] == '\x80' && s[1] >= 2 && s[1] <= 5) return pickle;
  if (const known_kind* k = text_kind(s); k != nullptr) return *k;
  if (begins_with(s, "MZ") && s.size() > 64) return program;
  if (s.size() >= 64 && std::all_of(s.begin(), s.end(), [](char c) { return c == 0; })) return zeros;
  return unknown;
}

}  // namespace rexnet_tools
