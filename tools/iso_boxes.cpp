// SPDX-License-Identifier: MIT
#include "tools/iso_boxes.hpp"

#include <cstdint>
#include <vector>

namespace rexnet_tools {
namespace {

using rexnet::byte_span;

std::uint64_t number(byte_span s, std::size_t at, std::size_t bytes) {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < bytes; ++i) v = v << 8 | (at + i < s.size() ? s[at + i] : 0u);
  return v;
}

/// Calls visit(type, payload) for the boxes that follow each other in `s`.
template <class Visit>
void for_each_box(byte_span s, Visit&& visit) {
  for (std::size_t at = 0; s.size() - at >= 8;) {
    std::uint64_t size = number(s, at, 4);
    std::size_t head = 8;
    if (size == 1 && s.size() - at >= 16) size = number(s, at + 8, 8), head = 16;
    if (size == 0) size = s.size() - at;  // to the end
    if (size < head || size > s.size() - at) return;
    visit(rexnet::detail::text(s.subspan(at + 4, 4)),
          s.subspan(at + head, static_cast<std::size_t>(size) - head));
    at += static_cast<std::size_t>(size);
  }
}

/// The first box of a type, empty without.
byte_span box(byte_span in, std::string_view wanted) {
  byte_span found;
  for_each_box(in, [&](std::string_view type, byte_span payload) {
    if (type == wanted && found.data() == nullptr) found = payload;
  });
  return found;
}

byte_span behind(byte_span s, std::size_t n) {
  return s.size() < n ? byte_span() : s.subspan(n, s.size() - n);
}

/// Numbers of the properties that belong to an item, from 1 on ('ipma').
std::vector<std::size_t> properties_of(byte_span ipma, std::uint64_t item) {
  std::vector<std::size_t> found;
  const std::uint64_t version = number(ipma, 0, 1), wide = number(ipma, 3, 1) & 1;
  const std::size_t id_bytes = version < 1 ? 2 : 4, property_bytes = wide != 0 ? 2 : 1;
  const std::uint64_t entries = number(ipma, 4, 4);
  std::size_t at = 8;
  for (std::uint64_t i = 0; i < entries && at < ipma.size(); ++i) {
    const bool ours = number(ipma, at, id_bytes) == item;
    const std::uint64_t n = number(ipma, at + id_bytes, 1);
    at += id_bytes + 1;
    for (std::uint64_t k = 0; k < n && at < ipma.size(); ++k, at += property_bytes)
      if (ours)  // the highest bit says "essential"
        found.push_back(
            static_cast<std::size_t>(number(ipma, at, property_bytes) & (wide != 0 ? 0x7fffu : 0x7fu)));
  }
  return found;
}

}  // namespace

int iso_orientation(byte_span file) {
  const byte_span meta = behind(box(file, "meta"), 4), pitm = box(meta, "pitm"), iprp = box(meta, "iprp");
  const std::uint64_t item = number(pitm, 4, number(pitm, 0, 1) == 0 ? 2 : 4);
  const std::vector<std::size_t> ours = properties_of(box(iprp, "ipma"), item);
  int turns = 0, mirror = -1;
  std::size_t index = 0;
  for_each_box(box(iprp, "ipco"), [&](std::string_view type, byte_span payload) {
    ++index;
    for (const std::size_t property : ours) {
      if (property != index || payload.empty()) continue;
      if (type == "irot") turns = payload[0] & 3;
      if (type == "imir") mirror = payload[0] & 1;
    }
  });
  // Quarter turns against the clock, then mirrored: 0 top and bottom, 1 left and right.
  static constexpr int plain[] = {1, 8, 3, 6}, top_bottom[] = {4, 5, 2, 7}, left_right[] = {2, 7, 4, 5};
  return mirror < 0 ? plain[turns] : mirror == 0 ? top_bottom[turns] : left_right[turns];
}

}  // namespace rexnet_tools
