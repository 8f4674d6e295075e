// SPDX-License-Identifier: MIT
#include "tools/pnm.hpp"
#include "tools/image_codecs.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace rexnet_tools {
namespace {

using rexnet::byte_span;
using rexnet::errc;
using rexnet::error;

bool is_space(unsigned char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Width, height and largest sample.
struct header {
  std::array<std::uint64_t, 3> numbers{};
  std::size_t size = 0;  ///< bytes before the pixels
};

/// Three decimal numbers between white space and comments, which go from # to the end of the line; one white
/// space behind the last. Precondition: is_pnm().
rexnet::result<header> read_header(byte_span file) {
  header h;
  std::size_t at = 2;
  for (std::uint64_t& number : h.numbers) {
    while (at < file.size() && (is_space(file[at]) || file[at] == '#'))
      if (file[at++] == '#')
        while (at < file.size() && file[at] != '\n') ++at;
    if (at == file.size()) return error(errc::io_error, "PNM: the header is cut short");
    const std::size_t first = at;
    for (; at < file.size() && file[at] >= '0' && file[at] <= '9'; ++at) {
      number = 10 * number + (file[at] - std::uint64_t{'0'});
      if (number > max_pixels) return error(errc::limit_exceeded, "PNM: a number of the header is too large");
    }
    const bool last = &number == &h.numbers.back();
    if (at == first || (at < file.size() && !is_space(file[at]) && (last || file[at] != '#')))
      return error(errc::io_error, "PNM: the header's byte " + std::to_string(at) + " is no digit");
  }
  h.size = at + 1;
  return h;
}

}  // namespace

bool is_pnm(byte_span file) {
  return file.size() > 2 && file[0] == 'P' && file[1] >= '1' && file[1] <= '7' && is_space(file[2]);
}

rexnet::result<rexnet::rgb_image> decode_pnm(byte_span file, std::uint64_t largest_size) {
  if (file[1] != '5' && file[1] != '6')
    return error(errc::unsupported, std::string("PNM: P") + static_cast<char>(file[1]) +
                                        ", of this family only P5 and P6 are read");
  const auto head = read_header(file);
  if (!head) return head.error();
  const auto [width, height, largest] = head->numbers;
  if (auto s = check_size("PNM", width, height, largest_size); !s) return s.error();
  if (largest == 0 || largest > 65535)
    return error(errc::io_error, "PNM: a largest sample of " + std::to_string(largest));
  if (largest > 255) return error(errc::unsupported, "PNM: samples of 16 bits");
  const std::uint64_t channels = file[1] == '6' ? 3 : 1, bytes = width * height * channels,
                      there = head->size < file.size() ? file.size() - head->size : 0;
  if (there < bytes)
    return error(errc::io_error, "PNM: cut short, " + std::to_string(there) + " of " + std::to_string(bytes) +
                                     " bytes of pixels");
  std::array<std::uint8_t, 256> level{};
  for (std::size_t v = 0; v < level.size(); ++v)
    level[v] = static_cast<std::uint8_t>(
        (std::min)(255.0, std::nearbyint(static_cast<double>(v) / static_cast<double>(largest) * 255.0)));
  rexnet::rgb_image image;
  image.width = static_cast<int>(width);
  image.height = static_cast<int>(height);
  image.data.resize(static_cast<std::size_t>(width * height * 3));
  const unsigned char* samples = file.data() + head->size;
  for (std::size_t i = 0; i < image.data.size(); ++i)
    image.data[i] = level[samples[channels == 3 ? i : i / 3]];
  return image;
}

}  // namespace rexnet_tools
