// SPDX-License-Identifier: MIT
// Writes small checkpoints in memory, well-formed or damaged in exactly one way.
#ifndef REXNET_TESTS_SUPPORT_CRAFT_HPP
#define REXNET_TESTS_SUPPORT_CRAFT_HPP

#include "rexnet/weights/checkpoint.hpp"

#include "tests/support/limits.hpp"

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace rexnet_test {

inline rexnet::byte_span bytes_of(const std::string& s) {
  return {reinterpret_cast<const unsigned char*>(s.data()), s.size()};
}

inline std::string number(std::uint64_t v, int bytes) {
  std::string s;
  for (int i = 0; i < bytes; ++i, v >>= 8) s += static_cast<char>(v & 255);
  return s;
}

/// Overwrites bytes of a file at a position.
inline std::string patched(std::string s, std::size_t at, const std::string& with) {
  return s.replace(at, with.size(), with);
}

/// A tar archive's header (POSIX ustar) of a file: its name, its size in octal, and the checksum.
inline std::string tar_header(const std::string& name, const std::string& size = "00000000000") {
  std::string header = patched(patched(patched(std::string(512, '\0'), 0, name), 124, size), 257, "ustar");
  unsigned sum = 8 * ' ';
  for (const char c : header) sum += static_cast<unsigned char>(c);
  char digits[8];
  std::snprintf(digits, sizeof(digits), "%06o", sum);
  return patched(header, 148, digits);
}

/// One zip entry; every field of both headers can be set.
struct zip_part {
  std::string name, data;
  std::uint64_t flags = 8, method = 0;
  std::string extra;       ///< of the central record
  std::string descriptor;  ///< instead of the right one
  std::uint64_t disk = 0;
  std::int64_t crc = -1, size = -1, packed = -1, offset = -1;  ///< of the central record
  std::string local_name;                                      ///< instead of name
};

struct zip_layout {
  std::string file;
  std::vector<std::size_t> local, central;  ///< positions of the headers
  std::size_t end = 0;
};

inline zip_layout craft_zip(const std::vector<zip_part>& parts) {
  zip_layout z;
  std::string directory;
  std::vector<std::size_t> at;
  for (const zip_part& p : parts) {
    const std::uint32_t crc = rexnet::crc32(bytes_of(p.data));
    const bool later = (p.flags & 8) != 0;
    const std::string& name = p.local_name.empty() ? p.name : p.local_name;
    z.local.push_back(z.file.size());
    z.file += number(0x04034b50, 4) + number(0, 2) + number(p.flags, 2) + number(p.method, 2) + number(0, 4) +
              number(later ? 0 : crc, 4) + number(later ? 0 : p.data.size(), 4) +
              number(later ? 0 : p.data.size(), 4) + number(name.size(), 2) + number(0, 2) + name + p.data;
    if (later)
      z.file += p.descriptor.empty() ? number(0x08074b50, 4) + number(crc, 4) + number(p.data.size(), 4) +
                                           number(p.data.size(), 4)
                                     : p.descriptor;
    const auto or_else = [](std::int64_t v, std::uint64_t otherwise) {
      return v < 0 ? otherwise : static_cast<std::uint64_t>(v);
    };
    at.push_back(directory.size());
    directory += number(0x02014b50, 4) + number(0, 4) + number(p.flags, 2) + number(p.method, 2) +
                 number(0, 4) + number(or_else(p.crc, crc), 4) + number(or_else(p.packed, p.data.size()), 4) +
                 number(or_else(p.size, p.data.size()), 4) + number(p.name.size(), 2) +
                 number(p.extra.size(), 2) + number(0, 2) + number(p.disk, 2) + number(0, 6) +
                 number(or_else(p.offset, z.local.back()), 4) + p.name + p.extra;
  }
  for (const std::size_t offset : at) z.central.push_back(z.file.size() + offset);
  const std::size_t begin = z.file.size();
  z.file += directory;
  z.end = z.file.size();
  z.file += number(0x06054b50, 4) + number(0, 4) + number(parts.size(), 2) + number(parts.size(), 2) +
            number(directory.size(), 4) + number(begin, 4) + number(0, 2);
  return z;
}

// ---- pickles: each function gives the opcodes that push one value ----
inline std::string str(const std::string& s) {
  return "X" + number(s.size(), 4) + s;
}
inline std::string integer(std::int64_t v) {
  return std::string("\x8a\x08") + number(static_cast<std::uint64_t>(v), 8);
}
inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string tuple(const std::vector<std::string>& items) {
  std::string s = "(";
  for (const auto& i : items) s += i;
  return s + "t";
}
inline std::string integers(const std::vector<std::int64_t>& v) {
  std::string s = "(";
  for (const auto i : v) s += integer(i);
  return s + "t";
}
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string s = "}(";
  for (const auto& [k, v] : items) s += str(k) + v;
  return s + "u";
}
inline std::string ordered_dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string s = global("collections", "OrderedDict") + ")R(";
  for (const auto& [k, v] : items) s += str(k) + v;
  return s + "u}" + str("_metadata") + "}sb";
}
inline std::string storage(const std::string& key, std::int64_t count,
                           const std::string& type = "FloatStorage", bool legacy = false) {
  std::vector<std::string> id{str("storage"), global("torch", type), str(key), str("cpu"), integer(count)};
  if (legacy) id.push_back("N");
  return tuple(id) + "Q";
}
inline std::string tensor_of(const std::string& storage, std::int64_t offset,
                             const std::vector<std::int64_t>& shape,
                             const std::vector<std::int64_t>& strides) {
  return global("torch._utils", "_rebuild_tensor_v2") +
         tuple({storage, integer(offset), integers(shape), integers(strides), "\x89",
                global("collections", "OrderedDict") + ")R"}) +
         "R";
}
inline std::string program(const std::string& body) {
  return "\x80\x02" + body + ".";
}

inline std::string floats(const std::vector<float>& v) {
  std::string s;
  for (const float f : v) s += number(rexnet::bits_of(f), 4);
  return s;
}

/// A torch zip of one pickle and storages "0", "1", ...
inline std::string torch_zip(const std::string& pickled, const std::vector<std::string>& storages,
                             const std::string& byteorder = "little") {
  std::vector<zip_part> parts(1);
  parts[0].name = "archive/data.pkl", parts[0].data = pickled;
  parts.emplace_back();
  parts.back().name = "archive/byteorder", parts.back().data = byteorder;
  for (std::size_t i = 0; i < storages.size(); ++i) {
    parts.emplace_back();
    parts.back().name = "archive/data/" + std::to_string(i), parts.back().data = storages[i];
  }
  return craft_zip(parts).file;
}

/// "w" [2,3] = 0..5 and, sharing its storage, "t": its transpose.
inline std::string small_state_dict(bool legacy = false) {
  return ordered_dict(
      {{"module.w", tensor_of(storage("0", 6, "FloatStorage", legacy), 0, {2, 3}, {3, 1})},
       {"module._orig_mod.t", tensor_of(storage("0", 6, "FloatStorage", legacy), 0, {3, 2}, {1, 3})}});
}
inline std::string small_zip() {
  return torch_zip(program(small_state_dict()), {floats({0, 1, 2, 3, 4, 5})});
}

inline std::string legacy_head(const std::string& magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19",
                               int protocol = 1001, bool little = true) {
  return "\x80\x02\x8a\x0a" + magic + "." + program(integer(protocol)) +
         program(dict({{"protocol_version", integer(protocol)},
                       {"little_endian", little ? "\x88" : "\x89"},
                       {"type_sizes", "}"}}));
}
inline std::string legacy_keys(const std::vector<std::string>& keys) {
  std::string s = "](";
  for (const auto& k : keys) s += str(k);
  return program(s + "e");
}
inline std::string small_legacy() {
  return legacy_head() + program(small_state_dict(true)) + legacy_keys({"0"}) + number(6, 8) +
         floats({0, 1, 2, 3, 4, 5});
}

inline std::string safetensors(const std::string& header, const std::string& body) {
  return number(header.size(), 8) + header + body;
}
inline std::string small_safetensors() {
  return safetensors(
      R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"I64","shape":[],"data_offsets":[24,32]}}  )",
      floats({0, 1, 2, 3, 4, 5}) + number(7, 8));
}

/// Reads a damaged file: the error, or `ok` with an empty text when it was accepted. Cases number nothing
/// `limit_exceeded`: here it says that reading took more memory or time than docs/refusals.md promises.
template <class Read>
[[nodiscard]] rexnet::error failure(const std::string& file, Read&& read) {
  rexnet::error e(rexnet::errc::ok, "");
  const std::string too_much = excess(file.size(), [&] {
    auto r = read(bytes_of(file));
    e = r ? rexnet::error(rexnet::errc::ok, "") : r.error();
  });
  return too_much.empty() ? e : rexnet::error(rexnet::errc::limit_exceeded, too_much);
}
[[nodiscard]] inline rexnet::error failure(const std::string& file) {
  return failure(file, [](rexnet::byte_span bytes) { return rexnet::read_checkpoint(bytes); });
}

/// What an error is other than this code with a text that holds `part`; empty when it is just that.
[[nodiscard]] inline std::string otherwise(const rexnet::error& e, rexnet::errc code,
                                           const std::string& part) {
  note_refusal(e.message());
  if (e.code() == code && e.message().find(part) != std::string::npos) return {};
  return "code " + std::to_string(static_cast<int>(e.code())) + " instead of " +
         std::to_string(static_cast<int>(code)) + " with '" + part + "': " + e.message();
}

/// Opens `file` with every byte changed in several ways and cut at every length, and reads all values of what
/// is accepted. Returns the number of files tried; a sanitizer or a crash tells the rest.
inline int sweep(const std::string& file) {
  int tried = 0;
  const auto attempt = [&tried](const std::string& s) {
    // A block of its own, so that AddressSanitizer sees a byte read beyond the end.
    const std::vector<unsigned char> exact(s.begin(), s.end());
    ++tried;
    auto c = rexnet::read_checkpoint(exact);
    if (!c) return;
    for (const auto& t : c->tensors()) (void)t.values();
  };
  for (std::size_t i = 0; i < file.size(); ++i) {
    const auto old = static_cast<unsigned char>(file[i]);
    for (const int value : {old ^ 1, old ^ 0x80, 0, 0xff, old + 1, 0x7f, int{'.'}, int{'R'}, int{'h'}}) {
      std::string s = file;
      s[i] = static_cast<char>(value);
      attempt(s);
    }
    attempt(file.substr(0, i));
    attempt(file.substr(0, i) + file.substr(i + 1));
  }
  return tried;
}

}  // namespace rexnet_test

/// The file is refused with this code and a message that holds this text.
#define REXNET_REFUSED(file, errc_name, part)                                              \
  do {                                                                                     \
    const std::string complaint =                                                          \
        rexnet_test::otherwise(rexnet_test::failure(file), rexnet::errc::errc_name, part); \
    CHECK_MESSAGE(complaint.empty(), complaint);                                           \
  } while (false)

#endif  // REXNET_TESTS_SUPPORT_CRAFT_HPP
