// SPDX-License-Identifier: MIT
#include "tools/orientation.hpp"
#include "tools/image_codecs.hpp"

#include "rexnet/core/text.hpp"

#include <algorithm>
#include <cmath>

namespace rexnet_tools {
namespace {

using rexnet::byte_span;
using rexnet::rgb_image;
using rexnet::detail::begins_with;
using namespace std::string_view_literals;

constexpr std::uint64_t orientation_tag = 0x112, xmp_tag = 700;

byte_span bytes_of(std::string_view text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

/// A TIFF structure: a file, or what Exif holds.
class tiff_reader {
 public:
  explicit tiff_reader(byte_span data) : data_(data) {
    if (data.size() < 8) return;
    const std::string_view head = rexnet::detail::text(data.subspan(0, 4));
    // The second pair is wrong, and read by Pillow.
    good_ = head == "II*\0"sv || head == "MM\0*"sv || head == "II\0*"sv || head == "MM*\0"sv;
    wide_ = head == "II+\0"sv || head == "MM\0+"sv;
    big_endian_ = head[0] == 'M';
    good_ = good_ || (wide_ && data.size() >= 16);
  }

  /// Calls visit(tag, type, count, data of the value) for what the first directory holds, each tag once.
  template <class Visit>
  void for_each_entry(Visit&& visit) const {
    if (!good_) return;
    const std::uint64_t directory = wide_ ? number(8, 8) : number(4, 4);
    const std::size_t counter = wide_ ? 8 : 2, entry = wide_ ? 20 : 12, inside = wide_ ? 8 : 4;
    if (directory > data_.size() || data_.size() - directory < counter) return;
    auto at = static_cast<std::size_t>(directory);
    const std::uint64_t entries = number(at, counter);
    at += counter;
    std::uint64_t total = 0;  // of what lies elsewhere; more than there is cannot be
    for (std::uint64_t i = 0; i < entries && data_.size() - at >= entry; ++i, at += entry) {
      const std::uint64_t type = number(at + 2, 2), count = number(at + 4, inside), unit = unit_of(type);
      if (unit == 0 || count == 0) continue;
      std::uint64_t where = at + entry - inside;
      if (count > inside / unit) {
        where = number(at + entry - inside, inside);
        total = count > (data_.size() - total) / unit ? data_.size() : total + count * unit;
        if (total == data_.size()) continue;
        if (where > data_.size() || count * unit > data_.size() - where) return;
      }
      const std::uint64_t size = count * unit;
      visit(number(at, 2), type,
            data_.subspan(static_cast<std::size_t>(where), static_cast<std::size_t>(size)));
    }
  }

  /// The first number of a value; NaN for text and bytes, which Pillow does not take for numbers.
  [[nodiscard]] double value(std::uint64_t type, byte_span from) const {
    const tiff_reader r(from, big_endian_);
    const std::uint64_t bits = r.number(0, type == 5 || type == 10 ? 4 : unit_of(type));
    switch (type) {
      case 3:
      case 4:
      case 13:
      case 16: return static_cast<double>(bits);
      case 6: return static_cast<std::int8_t>(bits);
      case 8: return static_cast<std::int16_t>(bits);
      case 9: return static_cast<std::int32_t>(bits);
      case 5: return static_cast<double>(bits) / static_cast<double>(r.number(4, 4));
      case 10:
        return static_cast<double>(static_cast<std::int32_t>(bits)) /
               static_cast<std::int32_t>(r.number(4, 4));
      case 11: return as<float>(static_cast<std::uint32_t>(bits));
      case 12: return as<double>(bits);
      default: return std::nan("");
    }
  }

 private:
  tiff_reader(byte_span data, bool big_endian) : data_(data), big_endian_(big_endian) {}

  template <class Float, class Bits>
  static double as(Bits bits) {
    Float v;
    std::memcpy(&v, &bits, sizeof(v));
    return static_cast<double>(v);
  }
  /// Bytes of one value of a type that Pillow knows, else 0.
  static std::uint64_t unit_of(std::uint64_t type) {
    static constexpr std::uint64_t units[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8};
    return type < std::size(units) ? units[type] : 0;
  }
  /// Precondition: the bytes are there.
  [[nodiscard]] std::uint64_t number(std::size_t at, std::uint64_t bytes) const {
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < bytes; ++i)
      v = v << 8 | data_[big_endian_ ? at + i : at + static_cast<std::size_t>(bytes) - 1 - i];
    return v;
  }

  byte_span data_;
  bool good_ = false, wide_ = false, big_endian_ = false;
};

/// What the first directory says; -1 where it has no such tag.
int orientation_in(byte_span tiff) {
  const auto v = tiff_number(tiff, orientation_tag);
  if (!v) return -1;
  return *v >= 1 && *v <= 8 && *v == std::floor(*v) ? static_cast<int>(*v) : 0;
}

/// tiff:Orientation="6" or <tiff:Orientation>6: the first that has a digit.
int orientation_in(std::string_view xmp) {
  constexpr std::string_view name = "tiff:Orientation";
  for (std::size_t at = xmp.find(name); at != xmp.npos; at = xmp.find(name, at + 1)) {
    std::string_view rest = xmp.substr(at + name.size());
    if (begins_with(rest, "=\""))
      rest.remove_prefix(2);
    else if (begins_with(rest, ">"))
      rest.remove_prefix(1);
    else
      continue;
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') return rest[0] - '0';
  }
  return 0;
}

/// Several Exif segments are one, continued; of several XMP segments the last counts.
picture_notes notes_of_jpeg(byte_span file) {
  picture_notes notes;
  for_each_segment(file, [&notes](int marker, byte_span s) {
    const std::string_view text = rexnet::detail::text(s);
    if (marker != 0xe1) return;
    if (begins_with(text, "Exif\0\0"sv))
      notes.exif += notes.exif.empty() ? text : text.substr(6);
    else if (begins_with(text, "http://ns.adobe.com/xap/1.0/\0"sv))
      notes.xmp = text.substr(29);
  });
  return notes;
}

/// ImageMagick's way to put Exif into a text: a name, a length and hexadecimal digits, a line each.
std::string from_hexadecimal(std::string_view text) {
  for (int lines = 0; lines < 3; ++lines) {
    const std::size_t end = text.find('\n');
    if (end == text.npos) return "";
    text.remove_prefix(end + 1);
  }
  std::string bytes;
  int high = -1;
  for (const char c : text) {
    const int v = c >= '0' && c <= '9'   ? c - '0'
                  : c >= 'a' && c <= 'f' ? c - 'a' + 10
                  : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                         : -1;
    if (v < 0 && (c == ' ' || (c >= '\t' && c <= '\r')) && high < 0) continue;
    if (v < 0) return "";
    if (high >= 0) bytes += static_cast<char>(high << 4 | v);
    high = high >= 0 ? -1 : v;
  }
  return bytes;
}

/// Keyword and text of a tEXt, zTXt or iTXt chunk.
struct png_text {
  std::string_view keyword;
  std::string text;
};
png_text text_of(std::string_view type, std::string_view payload) {
  png_text t;
  const std::size_t end = (std::min)(payload.find('\0'), payload.size());
  t.keyword = payload.substr(0, end);
  payload.remove_prefix((std::min)(payload.size(), end + 1));
  bool packed = type == "zTXt";
  if (packed && !payload.empty()) payload.remove_prefix(1);
  if (type == "iTXt") {  // packed or not, how, language, translated keyword
    if (payload.size() < 2) return {};
    packed = payload[0] != 0;
    payload.remove_prefix(2);
    for (int i = 0; i < 2; ++i) {
      const std::size_t next = payload.find('\0');
      if (next == payload.npos) return {};
      payload.remove_prefix(next + 1);
    }
  }
  t.text = packed ? inflate_text(bytes_of(payload)) : std::string(payload);
  return t;
}

picture_notes notes_of_png(byte_span file) {
  picture_notes notes;
  std::string raw;
  for (std::size_t at = 8; at <= file.size() && file.size() - at >= 8;) {
    const std::size_t length = std::size_t{file[at]} << 24 | std::size_t{file[at + 1]} << 16 |
                               std::size_t{file[at + 2]} << 8 | file[at + 3];
    const std::string_view type = rexnet::detail::text(file.subspan(at + 4, 4));
    if (type == "IEND" || length > file.size() - at - 8) break;
    const std::string_view payload = rexnet::detail::text(file.subspan(at + 8, length));
    if (type == "eXIf") notes.exif = payload;
    if (type == "tEXt" || type == "zTXt" || type == "iTXt") {
      const png_text t = text_of(type, payload);
      if (t.keyword == "XML:com.adobe.xmp") notes.xmp = t.text;
      if (t.keyword == "Raw profile type exif") raw = t.text;
    }
    at += 12 + length;
  }
  if (notes.exif.empty()) notes.exif = from_hexadecimal(raw);
  return notes;
}

picture_notes notes_of_webp(byte_span file) {
  picture_notes notes;
  for (std::size_t at = 12; at <= file.size() && file.size() - at >= 8;) {
    const std::size_t length = std::size_t{file[at + 7]} << 24 | std::size_t{file[at + 6]} << 16 |
                               std::size_t{file[at + 5]} << 8 | file[at + 4];
    if (length > file.size() - at - 8) break;
    const std::string_view type = rexnet::detail::text(file.subspan(at, 4)),
                           payload = rexnet::detail::text(file.subspan(at + 8, length));
    if (type == "EXIF" && notes.exif.empty()) notes.exif = payload;
    if (type == "XMP " && notes.xmp.empty()) notes.xmp = payload;
    at += 8 + length + length % 2;
  }
  return notes;
}

/// Its own directory is what Exif is elsewhere.
picture_notes notes_of_tiff(byte_span file) {
  picture_notes notes;
  tiff_reader(file).for_each_entry([&notes](std::uint64_t tag, std::uint64_t, byte_span value) {
    if (tag == xmp_tag && notes.xmp.empty()) notes.xmp = rexnet::detail::text(value);
  });
  return notes;
}

int combined(int exif, const std::string& xmp) {
  const int found = exif >= 0 ? exif : orientation_in(std::string_view(xmp));
  return found >= 1 && found <= 8 ? found : 1;
}

}  // namespace

std::optional<double> tiff_number(byte_span tiff, std::uint64_t wanted) {
  const tiff_reader reader(tiff);
  std::optional<double> found;
  reader.for_each_entry([&](std::uint64_t tag, std::uint64_t type, byte_span value) {
    if (tag == wanted && !found) found = reader.value(type, value);
  });
  return found;
}

int stated_orientation(const picture_notes& notes) {
  std::string_view exif = notes.exif;
  for (int i = 0; i < 2 && begins_with(exif, "Exif\0\0"sv); ++i) exif.remove_prefix(6);
  return combined(orientation_in(bytes_of(exif)), notes.xmp);
}

int stated_orientation(const std::string& kind, byte_span file) {
  if (kind == "JPEG") return stated_orientation(notes_of_jpeg(file));
  if (kind == "PNG") return stated_orientation(notes_of_png(file));
  if (kind == "WebP") return stated_orientation(notes_of_webp(file));
  if (kind == "TIFF") return combined(orientation_in(file), notes_of_tiff(file).xmp);
  return 1;
}

rgb_image upright(rgb_image in, int how) {
  if (how <= 1) return in;
  rgb_image out;
  const bool turned = how >= 5;
  out.width = turned ? in.height : in.width;
  out.height = turned ? in.width : in.height;
  out.data.resize(in.data.size());
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      int sx = turned ? y : x, sy = turned ? x : y;
      if (how == 2 || how == 3 || how == 7 || how == 8) sx = in.width - 1 - sx;
      if (how == 3 || how == 4 || how == 6 || how == 7) sy = in.height - 1 - sy;
      std::memcpy(&out.data[(static_cast<std::size_t>(y) * static_cast<std::size_t>(out.width) +
                             static_cast<std::size_t>(x)) *
                            3],
                  &in.data[(static_cast<std::size_t>(sy) * static_cast<std::size_t>(in.width) +
                            static_cast<std::size_t>(sx)) *
                           3],
                  3);
    }
  return out;
}

}  // namespace rexnet_tools
