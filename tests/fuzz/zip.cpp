// SPDX-License-Identifier: MIT
// Zip archives: taken apart into entries, changed, put together with right checksums and offsets, and then
// broken in one field. Torch checkpoints are among them, so that what lies behind the container is reached,
// too.
#include "rexnet/checkpoint/checkpoint.hpp"

#include "tests/fuzz/memory.hpp"
#include "tests/fuzz/pickle_ops.hpp"
#include "tests/fuzz/tensors.hpp"
#include "tests/support/craft.hpp"

#include <algorithm>

namespace {

using namespace rexnet_fuzz;
using rexnet_test::number;

void run(rexnet::byte_span input) {
  const memory_watch watch;
  const auto entries = rexnet::read_zip(input);
  if (entries) {
    std::size_t bytes = 0;
    bool checksums = false;  // or all are 0, where torch was told to leave them out
    for (const rexnet::zip_entry& e : *entries) checksums = checksums || e.crc != 0;
    for (const rexnet::zip_entry& e : *entries) {
      REXNET_FUZZ_CHECK(inside(input, e.data.data(), e.data.size()));
      REXNET_FUZZ_CHECK(!checksums || rexnet::crc32(e.data) == e.crc);
      REXNET_FUZZ_CHECK(inside(input, reinterpret_cast<const unsigned char*>(e.name.data()), e.name.size()));
      REXNET_FUZZ_CHECK(!e.name.empty() && e.name[0] != '/' && e.name.find("../") != 0 &&
                        e.name.find("/../") == e.name.npos);
      bytes += e.data.size() + 30 + 46 + 2 * e.name.size();
    }
    // Nothing is shared, so there is room for all.
    REXNET_FUZZ_CHECK(bytes + 22 <= input.size());
    const auto content = rexnet::detail::read_torch_zip(input);
    if (content) check_content(*content, input, input);
  }
  REXNET_FUZZ_CHECK(watch.peak() <= 65536 + 256 * input.size());
}

struct entry {
  std::string name, data, extra, comment;
  std::uint64_t flags = 0;
  int descriptor = 0;  ///< of bit 3: 0 to 3, with or without signature, 32 or 64 bits
  bool wide = false;   ///< sizes in zip64 fields
};

struct archive {
  std::vector<entry> entries;
  std::string comment;
  bool wide = false;  ///< with a zip64 end record
};

std::size_t clamp(std::uint64_t v, std::size_t most) {
  return static_cast<std::size_t>((std::min)(v, std::uint64_t{most}));
}

/// What can be made out through the central directory, leniently.
archive taken_apart(const std::string& file) {
  archive a;
  const auto at = [&file](std::size_t p, int bytes) {
    std::uint64_t v = 0;
    for (int i = bytes; i-- > 0;)
      v = v << 8 | (p + static_cast<std::size_t>(i) < file.size()
                        ? static_cast<unsigned char>(file[p + static_cast<std::size_t>(i)])
                        : 0u);
    return v;
  };
  const auto part = [&file](std::size_t p, std::uint64_t n) {
    return p < file.size() ? file.substr(p, clamp(n, file.size() - p)) : std::string();
  };
  a.wide = file.find("PK\x06\x06") != file.npos;
  for (std::size_t p = 0; (p = file.find("PK\x01\x02", p)) != file.npos && a.entries.size() < 12; p += 4) {
    entry e;
    e.flags = at(p + 8, 2);
    const std::uint64_t name = at(p + 28, 2), extra = at(p + 30, 2);
    e.name = part(p + 46, name);
    e.extra = part(p + 46 + clamp(name, file.size()), extra);
    std::uint64_t size = at(p + 24, 4), local = at(p + 42, 4);
    e.wide = e.extra.size() >= 28 && e.extra[0] == 1;
    if (e.wide)
      size = at(p + 46 + clamp(name, 300) + 4, 8), local = at(p + 46 + clamp(name, 300) + 20, 8),
      e.extra.erase(0, 28);
    const std::size_t begin = clamp(local, file.size()) + 30 +
                              static_cast<std::size_t>(at(clamp(local, file.size()) + 26, 2) +
                                                       at(clamp(local, file.size()) + 28, 2));
    e.data = part(begin, size);
    e.descriptor = part(begin + e.data.size(), 4) == "PK\x07\x08" ? 0 : 2;
    a.entries.push_back(e);
  }
  const std::size_t end = file.rfind("PK\x05\x06");
  if (end != file.npos) a.comment = part(end + 22, 200);
  return a;
}

/// The file, and where its records stand.
std::string put_together(const archive& a, std::vector<std::size_t>& records) {
  std::string file, directory;
  std::vector<std::size_t> central;
  for (const entry& e : a.entries) {
    const std::uint32_t crc = rexnet::crc32(rexnet_test::bytes_of(e.data));
    const bool later = (e.flags & 8u) != 0;
    const std::uint64_t size = e.data.size(), none = 0xffffffffu, offset = file.size();
    records.push_back(file.size());
    const std::string local_extra =
        e.wide && !later ? number(1, 2) + number(16, 2) + number(size, 8) + number(size, 8) : "";
    file += "PK\x03\x04" + number(0, 2) + number(e.flags, 2) + number(0, 6) + number(later ? 0 : crc, 4) +
            number(later    ? 0
                   : e.wide ? none
                            : size,
                   4) +
            number(later    ? 0
                   : e.wide ? none
                            : size,
                   4) +
            number(e.name.size(), 2) + number(local_extra.size(), 2) + e.name + local_extra + e.data;
    if (later) {
      const int bytes = e.descriptor % 2 == 0 ? 4 : 8;
      records.push_back(file.size());
      file +=
          (e.descriptor < 2 ? "PK\x07\x08" : "") + number(crc, 4) + number(size, bytes) + number(size, bytes);
    }
    const std::string extra =
        (e.wide ? number(1, 2) + number(24, 2) + number(size, 8) + number(size, 8) + number(offset, 8) : "") +
        e.extra;
    central.push_back(directory.size());
    directory += "PK\x01\x02" + number(0, 4) + number(e.flags, 2) + number(0, 6) + number(crc, 4) +
                 number(e.wide ? none : size, 4) + number(e.wide ? none : size, 4) +
                 number(e.name.size(), 2) + number(extra.size(), 2) + number(e.comment.size(), 2) +
                 number(0, 8) + number(e.wide ? none : offset, 4) + e.name + extra + e.comment;
  }
  const std::size_t begin = file.size(), n = a.entries.size();
  for (const std::size_t offset : central) records.push_back(begin + offset);
  file += directory;
  if (a.wide) {
    const std::size_t z = file.size();
    records.push_back(z);
    file += "PK\x06\x06" + number(44, 8) + number(0, 4) + number(0, 8) + number(n, 8) + number(n, 8) +
            number(directory.size(), 8) + number(begin, 8);
    records.push_back(file.size());
    file += "PK\x06\x07" + number(0, 4) + number(z, 8) + number(1, 4);
  }
  records.push_back(file.size());
  return file + "PK\x05\x06" + number(0, 4) + number(a.wide ? 0xffff : n, 2) +
         number(a.wide ? 0xffff : n, 2) + number(a.wide ? 0xffffffffu : directory.size(), 4) +
         number(a.wide ? 0xffffffffu : begin, 4) + number(a.comment.size(), 2) + a.comment;
}

void change(archive& a, dice& d) {
  static constexpr std::string_view names[] = {"archive/data.pkl",
                                               "archive/data/0",
                                               "archive/data/1",
                                               "archive/byteorder",
                                               "a/data.pkl",
                                               "a/data/0",
                                               "data.pkl",
                                               "data/0",
                                               "constants.pkl",
                                               "archive/version",
                                               "../x",
                                               "/x",
                                               "a\\b",
                                               "c:x",
                                               "",
                                               "x/..",
                                               "a/./b"};
  if (a.entries.empty() || d.one_in(10)) {
    entry e;
    e.name = std::string(d.pick(names));
    e.data = e.name == "archive/byteorder" ? "little" : std::string(d.below(30), 'x');
    a.entries.insert(a.entries.begin() + static_cast<std::ptrdiff_t>(d.below(a.entries.size() + 1)), e);
  }
  const std::size_t at = d.below(a.entries.size());
  entry& e = a.entries[at];
  switch (d.below(13)) {
    case 0: e.name = std::string(d.pick(names)); break;
    case 1: mutate_bytes(e.name, d); break;
    case 2: mutate_bytes(e.data, d); break;
    case 3: e.flags ^= d.one_in(4) ? d.number() & 0xffffu : 8u; break;
    case 4: e.wide = !e.wide; break;
    case 5: e.descriptor = static_cast<int>(d.below(4)); break;
    case 6:
      e.extra = d.one_in(3) ? ""
                            : number(d.one_in(2) ? 1 : d.number(), 2) +
                                  number(d.one_in(3) ? d.number() : 8, 2) + number(d.number(), 8);
      break;
    case 7: a.entries.erase(a.entries.begin() + static_cast<std::ptrdiff_t>(at)); break;
    case 8: std::swap(e, d.pick(a.entries)); break;
    case 9: a.wide = !a.wide; break;
    case 10: a.comment.resize(d.below(6), 'c'); break;
    case 11: e.comment.resize(d.below(6), 'c'); break;
    default:
      for (entry& other : a.entries)
        if (other.name.find(".pkl") != other.name.npos) mutate_opcodes(other.data, d);
  }
}

void mutate(std::string& input, dice& d) {
  if (input.size() < 22 && d.one_in(2)) {
    input = rexnet_test::small_zip();
    return;
  }
  archive a = taken_apart(input);
  for (std::size_t rounds = d.below(4); rounds > 0; --rounds) change(a, d);
  std::vector<std::size_t> records;
  input = put_together(a, records);
  if (d.one_in(2)) return;
  // One field of one record: they are made of 2, 4 and 8 bytes from even positions.
  const std::size_t at = d.pick(records) + (d.one_in(8) ? d.below(4) : 4 + 2 * d.below(21));
  const int bytes = 2 << d.below(3);
  if (at + static_cast<std::size_t>(bytes) <= input.size())
    input.replace(at, static_cast<std::size_t>(bytes), number(d.number(), bytes));
}

const registered here{{"zip", run, mutate}};

}  // namespace
