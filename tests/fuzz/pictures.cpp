// SPDX-License-Identifier: MIT
// Picture files of every format that is built: what is accepted has the pixels that it says, upright or not.
// The libraries are not compiled for fuzzing; what is searched is this project's code around them, and
// headers that make them take time or memory.
#include "tools/image_io.hpp"
#include "tools/iso_boxes.hpp"

#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/memory.hpp"

#include <algorithm>
#include <cstring>

namespace {

using namespace rexnet_fuzz;

constexpr std::uint64_t largest = 1 << 16;

std::uint64_t sum(const rexnet::rgb_image& image) {
  std::uint64_t total = 0;
  for (const std::uint8_t v : image.data) total += v;
  return total;
}

void run(rexnet::byte_span input) {
#if defined(REXNET_WITH_HEIF)
  const int orientation = rexnet_tools::iso_orientation(input);
  REXNET_FUZZ_CHECK(orientation >= 1 && orientation <= 8);
#endif
  const auto kind =
      rexnet_tools::kind_of(input.subspan(0, (std::min)(input.size(), rexnet_tools::kind_bytes)));
  // libheif 1.15 loses memory where AV1 data are damaged: of its files this project's own part is searched.
  if (kind.name == "AVIF" || kind.name.compare(0, 3, "HEI") == 0) return;
  const memory_watch watch;
  const auto plain = rexnet_tools::decode_picture(input, false, largest);
  // A decoder's tables, and some planes of the picture; libtiff's blocks may be larger than the picture.
  REXNET_FUZZ_CHECK(watch.peak() <= (std::size_t{48} << 20) + 16 * input.size());
  REXNET_FUZZ_CHECK(kind.read || !plain.ok());
  REXNET_FUZZ_CHECK(kind.picture || !kind.read);
  if (!plain) {
    REXNET_FUZZ_CHECK(!plain.error().message().empty());
    return;
  }
  const rexnet::rgb_image& image = plain->image;
  REXNET_FUZZ_CHECK(image.width > 0 && image.height > 0);
  const auto pixels = static_cast<std::uint64_t>(image.width) * static_cast<std::uint64_t>(image.height);
  REXNET_FUZZ_CHECK(pixels <= largest && image.data.size() == 3 * pixels);
  REXNET_FUZZ_CHECK(plain->orientation >= 1 && plain->orientation <= 8 && plain->kind == kind.name);
  const auto upright = rexnet_tools::decode_picture(input, true, largest);
  REXNET_FUZZ_CHECK(upright.ok() && upright->orientation == plain->orientation);
  REXNET_FUZZ_CHECK(upright->turned == (plain->orientation > 1) && sum(upright->image) == sum(image));
  const bool across = upright->turned && !plain->turned && plain->orientation >= 5;
  REXNET_FUZZ_CHECK(upright->image.width == (across ? image.height : image.width));
  REXNET_FUZZ_CHECK(upright->image.data.size() == image.data.size());
}

std::uint32_t number(const std::string& s, std::size_t at, std::size_t bytes, bool big_endian) {
  std::uint32_t v = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    v = v << 8 | static_cast<unsigned char>(s[big_endian ? at + i : at + bytes - 1 - i]);
  return v;
}
void put(std::string& s, std::size_t at, std::size_t bytes, std::uint64_t v, bool big_endian) {
  for (std::size_t i = 0; i < bytes; ++i, v >>= 8)
    s[big_endian ? at + bytes - 1 - i : at + i] = static_cast<char>(v);
}

/// Right lengths and checksums of a PNG's chunks.
void mend_png(std::string& s) {
  for (std::size_t at = 8; at + 12 <= s.size();) {
    const std::size_t length = (std::min)(std::size_t{number(s, at, 4, true)}, s.size() - at - 12);
    put(s, at, 4, length, true);
    put(s, at + 8 + length, 4,
        rexnet::crc32({reinterpret_cast<const unsigned char*>(s.data()) + at + 4, length + 4}), true);
    at += 12 + length;
  }
}

/// A field of a directory's entry: tag, type, count or value.
void mutate_tiff(std::string& s, dice& d) {
  const bool big = s[0] == 'M';
  const std::size_t directory = s.size() >= 8 ? number(s, 4, 4, big) : s.size();
  if (s.size() < 2 || directory > s.size() - 2) return mutate_bytes(s, d);
  const std::size_t entries = number(s, directory, 2, big), entry = directory + 2 + 12 * d.below(entries + 1);
  if (entry + 12 > s.size()) return mutate_bytes(s, d);
  switch (d.below(4)) {
    case 0: put(s, entry, 2, 250 + d.below(100), big); break;
    case 1: put(s, entry + 2, 2, d.below(18), big); break;
    case 2: put(s, entry + 4, 4, d.number(), big); break;
    default: put(s, entry + 8, 4, d.one_in(2) ? d.below(9) : d.number(), big);
  }
}

/// The length of one of a JPEG's segments, or a byte of its frame header.
void mutate_jpeg(std::string& s, dice& d) {
  std::size_t at = 2;
  for (std::size_t skip = d.below(8); at + 4 <= s.size() && skip > 0; --skip)
    at += 2 + number(s, at + 2, 2, true);
  if (at + 16 > s.size()) return mutate_bytes(s, d);
  if (d.one_in(4))
    put(s, at + 2, 2, d.number(), true);
  else
    s[at + 1 + d.below(15)] = static_cast<char>(d.one_in(2) ? d.below(5) : d.next());
}

void mutate(std::string& input, dice& d) {
  const bool jpeg = input.compare(0, 2, "\xff\xd8") == 0, png = input.compare(0, 4, "\x89PNG") == 0,
             tiff = input.compare(0, 2, "II") == 0 || input.compare(0, 2, "MM") == 0;
  if (jpeg && d.one_in(2))
    mutate_jpeg(input, d);
  else if (tiff && d.one_in(2) && input.size() >= 8)
    mutate_tiff(input, d);
  else if (input.size() > 64 && d.one_in(3)) {  // headers are at the start
    std::string start = input.substr(0, 64);
    mutate_bytes(start, d);
    input = start + input.substr(64);
  } else {
    mutate_bytes(input, d);
  }
  if (png && input.size() > 8 && !d.one_in(8)) mend_png(input);
  if (input.compare(0, 4, "RIFF") == 0 && input.size() >= 12 && !d.one_in(8))
    put(input, 4, 4, input.size() - 8, false);
}

const registered here{{"pictures", run, mutate}};

}  // namespace
