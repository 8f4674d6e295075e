// SPDX-License-Identifier: MIT
// The zip container of torch >= 1.6 checkpoints: stored entries, found through the central directory, every
// record compared with its twin. Anything torch does not write is refused. Compressed entries are listed, so
// that an archive of another kind can be named, and never read. Source: PKWARE APPNOTE 6.3.
#ifndef REXNET_CHECKPOINT_ZIP_HPP
#define REXNET_CHECKPOINT_ZIP_HPP

#include "rexnet/core/bytes.hpp"
#include "rexnet/core/checked.hpp"
#include "rexnet/core/error.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

struct zip_entry {
  std::string_view name;  ///< in the file's bytes
  byte_span data;
  std::uint32_t crc = 0;
  std::uint16_t method = 0;  ///< 0: stored; read_zip() gives no others
};

/// ReXNet checkpoints have about 450 entries.
inline constexpr std::uint64_t max_zip_entries = 65536;

namespace detail {

class zip_reader {
 public:
  explicit zip_reader(byte_span file) : file_(file) {}

  /// Every entry, also compressed ones; no checksum is compared yet.
  result<std::vector<zip_entry>> list() {
    const auto place = find_end();
    if (!place) return place.error();
    const auto end = read_end(*place);
    if (!end) return end.error();
    if (status s = check_end(*end); !s) return s.error();
    auto at = static_cast<std::size_t>(end->directory);
    const std::size_t stop = at + static_cast<std::size_t>(end->directory_size);
    std::vector<zip_entry> entries;
    entries.reserve(static_cast<std::size_t>(end->count));
    for (std::uint64_t i = 0; i < end->count; ++i) {
      auto entry = central(at, stop, end->directory);
      if (!entry) return entry.error();
      entries.push_back(*entry);
    }
    if (at != stop) return fail(errc::zip_malformed, "the central directory is longer than its entries");
    return check_together(std::move(entries));
  }

 private:
  [[nodiscard]] std::uint64_t u16(std::size_t at) const noexcept {
    return little_endian<2>(file_.data() + at);
  }
  [[nodiscard]] std::uint64_t u32(std::size_t at) const noexcept {
    return little_endian<4>(file_.data() + at);
  }
  [[nodiscard]] std::uint64_t u64(std::size_t at) const noexcept {
    return little_endian<8>(file_.data() + at);
  }
  [[nodiscard]] std::uint64_t signature(std::size_t at) const noexcept {
    return at + 4 <= file_.size() ? u32(at) : 0;
  }
  [[nodiscard]] static error fail(errc code, const std::string& what) { return {code, "zip: " + what}; }
  [[nodiscard]] error entry_error(errc code, const std::string& what) const {
    return fail(code, "entry " + in_quotes(name_) + ": " + what);
  }

  /// Where the end record begins. It is the last thing in the file, behind which a comment of up to 65535
  /// bytes may stand. Two of them, one in the other's comment, are two archives: readers differ in which one
  /// they see.
  [[nodiscard]] result<std::size_t> find_end() const {
    const std::size_t size = file_.size();
    if (size < 22)
      return fail(errc::model_truncated,
                  "the file has " + std::to_string(size) + " bytes, a zip at least 22");
    std::size_t end = size;
    const std::size_t lowest = size > 22 + 65535 ? size - 22 - 65535 : 0;
    for (std::size_t at = size - 22 + 1; at-- > lowest;) {
      if (signature(at) != 0x06054b50 || at + 22 + u16(at + 20) != size) continue;
      if (end != size)
        return fail(errc::zip_malformed,
                    "two end records, at " + std::to_string(at) + " and " + std::to_string(end));
      end = at;
    }
    if (end == size)
      return fail(errc::model_truncated,
                  "no zip end record: the file is cut short or was not downloaded completely");
    return end;
  }

  /// What the end record says, or that of zip64 where there is one.
  struct end_record {
    std::uint64_t disk, first_disk, on_disk, count;
    std::uint64_t directory_size, directory;
    std::uint64_t limit;  ///< where the end records begin
  };
  [[nodiscard]] result<end_record> read_end(std::size_t end) const {
    end_record narrow{u16(end + 4),  u16(end + 6),  u16(end + 8), u16(end + 10),
                      u32(end + 12), u32(end + 16), end};
    if (end < 20 || signature(end - 20) != 0x07064b50) return narrow;
    const std::uint64_t at = u64(end - 12);
    if (!(checked(at) + 56).at_most(end - 20) || signature(static_cast<std::size_t>(at)) != 0x06064b50)
      return fail(errc::zip_zip64_out_of_range, "zip64 end record at " + std::to_string(at) +
                                                    " in a file of " + std::to_string(file_.size()) +
                                                    " bytes");
    const auto wide_at = static_cast<std::size_t>(at);
    const end_record wide{u32(wide_at + 16),
                          u32(wide_at + 20),
                          u64(wide_at + 24),
                          u64(wide_at + 32),
                          u64(wide_at + 40),
                          u64(wide_at + 48),
                          at};
    // What the 32-bit record does say must be the same.
    const auto agrees = [](std::uint64_t of_narrow, std::uint64_t none, std::uint64_t of_wide) {
      return of_narrow == none || of_narrow == of_wide;
    };
    if (!agrees(narrow.count, 0xffffu, wide.count) || !agrees(narrow.on_disk, 0xffffu, wide.on_disk) ||
        !agrees(narrow.directory_size, 0xffffffffu, wide.directory_size) ||
        !agrees(narrow.directory, 0xffffffffu, wide.directory))
      return fail(errc::zip_header_mismatch, "the end record and the zip64 end record disagree");
    return wide;
  }
  /// One disk, not too many entries, and a directory that ends where the end records begin.
  [[nodiscard]] static status check_end(const end_record& end) {
    if (end.disk != 0 || end.first_disk != 0 || end.on_disk != end.count)
      return fail(errc::zip_multi_disk,
                  "part of a multi-disk archive (disk " + std::to_string(end.disk) + ")");
    if (end.count > max_zip_entries)
      return fail(errc::zip_too_many_entries,
                  std::to_string(end.count) + " entries, at most " + std::to_string(max_zip_entries));
    if (!(checked(end.directory) + end.directory_size).at_most(end.limit) ||
        !(checked(end.count) * 46).at_most(end.directory_size))
      return fail(errc::zip_entry_out_of_range, "central directory of " + std::to_string(end.directory_size) +
                                                    " bytes at " + std::to_string(end.directory) +
                                                    " leaves the file");
    if (end.directory + end.directory_size != end.limit)
      return fail(errc::zip_malformed, std::to_string(end.limit - end.directory - end.directory_size) +
                                           " bytes between the central directory and the end record");
    return done;
  }

  /// Replaces 0xffffffff fields by the zip64 extra field's values, in the order that the format prescribes.
  status zip64_fields(std::size_t extra, std::size_t length, bool stored, std::uint64_t& size,
                      std::uint64_t& packed, std::uint64_t& offset) {
    const std::size_t stop = extra + length;
    bool wide = false;
    while (extra + 4 <= stop) {
      const std::uint64_t tag = u16(extra), bytes = u16(extra + 2);
      if (bytes > stop - extra - 4) break;
      if (tag == 1) {
        std::size_t at = extra + 4, left = static_cast<std::size_t>(bytes);
        for (std::uint64_t* field : {&size, &packed, &offset}) {
          if (*field != 0xffffffffu) continue;
          if (left < 8)
            return entry_error(errc::zip_zip64_out_of_range,
                               "zip64 field of " + std::to_string(bytes) + " bytes is too short");
          *field = u64(at);
          wide = true;
          at += 8, left -= 8;
        }
      }
      extra += 4 + static_cast<std::size_t>(bytes);
    }
    if ((stored && size > file_.size()) || packed > file_.size() || offset > file_.size())
      return entry_error(wide ? errc::zip_zip64_out_of_range : errc::zip_entry_out_of_range,
                         std::to_string(size) + " bytes at " + std::to_string(offset) + " in a file of " +
                             std::to_string(file_.size()));
    return done;
  }

  result<zip_entry> central(std::size_t& at, std::size_t stop, std::uint64_t directory) {
    if (stop - at < 46 || signature(at) != 0x02014b50)
      return fail(errc::zip_malformed, "central directory record at " + std::to_string(at) + " is damaged");
    const std::uint64_t flags = u16(at + 8), method = u16(at + 10), crc_value = u32(at + 16);
    std::uint64_t packed = u32(at + 20), size = u32(at + 24), offset = u32(at + 42);
    const std::size_t name_length = static_cast<std::size_t>(u16(at + 28)),
                      extra = static_cast<std::size_t>(u16(at + 30)),
                      comment = static_cast<std::size_t>(u16(at + 32));
    if (name_length + extra + comment > stop - at - 46)
      return fail(errc::zip_malformed,
                  "central directory record at " + std::to_string(at) + " leaves the directory");
    name_ = text(file_.subspan(at + 46, name_length));
    if (u16(at + 34) != 0)
      return entry_error(errc::zip_multi_disk, "starts on disk " + std::to_string(u16(at + 34)));
    if ((flags & 0x2041u) != 0) return entry_error(errc::zip_encrypted, "is encrypted");
    if (status s = safe_name(); !s) return s.error();
    if (status s = zip64_fields(at + 46 + name_length, extra, method == 0, size, packed, offset); !s)
      return s.error();
    if (packed != size && method == 0)
      return entry_error(errc::zip_header_mismatch, "stored " + std::to_string(packed) + " bytes, but " +
                                                        std::to_string(size) + " uncompressed");
    at += 46 + name_length + extra + comment;
    return local({offset, packed, size, crc_value, flags, method}, directory);
  }

  [[nodiscard]] status safe_name() const {
    const std::string_view n = name_;
    bool bad = n.empty() || n[0] == '/' || n.find('\\') != n.npos || n.find('\0') != n.npos ||
               (n.size() > 1 && n[1] == ':');
    for (std::size_t start = 0; !bad && start <= n.size();) {
      const std::size_t slash = (std::min)(n.find('/', start), n.size());
      bad = n.substr(start, slash - start) == "..";
      start = slash + 1;
    }
    if (bad) return entry_error(errc::zip_unsafe_name, "unsafe name");
    return done;
  }

  /// What the central record says.
  struct record {
    std::uint64_t offset, packed, size, crc, flags, method;
  };

  result<zip_entry> local(const record& r, std::uint64_t directory) {
    const std::uint64_t offset = r.offset, size = r.size, packed = r.packed;
    if (!(checked(offset) + 30).at_most(directory) ||
        signature(static_cast<std::size_t>(offset)) != 0x04034b50)
      return entry_error(errc::zip_entry_out_of_range, "no local header at " + std::to_string(offset));
    const auto at = static_cast<std::size_t>(offset);
    const std::size_t name_length = static_cast<std::size_t>(u16(at + 26)),
                      extra = static_cast<std::size_t>(u16(at + 28));
    const std::uint64_t begin = offset + 30 + name_length + extra;
    if (!(checked(begin) + packed).at_most(directory))
      return entry_error(errc::zip_entry_out_of_range, std::to_string(packed) + " bytes at " +
                                                           std::to_string(begin) + " reach beyond " +
                                                           std::to_string(directory));
    // Headers that lie in each other would have the same extra fields read once for each.
    local_extra_ += extra;
    if (local_extra_ > file_.size())
      return entry_error(errc::zip_overlap, "extra fields of more bytes than the file overlap");
    const auto mismatch = [this](const char* field) {
      return entry_error(errc::zip_header_mismatch,
                         std::string("local and central header disagree on the ") + field);
    };
    if (text(file_.subspan(at + 30, name_length)) != name_) return mismatch("name");
    if (u16(at + 6) != r.flags) return mismatch("flags");
    if (u16(at + 8) != r.method) return mismatch("compression method");
    std::uint64_t local_crc = u32(at + 14), local_packed = u32(at + 18), local_size = u32(at + 22), none = 0;
    std::uint64_t end = begin + packed;
    if ((r.flags & 8u) != 0) {
      // Sizes follow the data, with or without a signature, in 32 or 64 bits: one of the forms must agree.
      if (!descriptor_agrees(end, directory, r)) return mismatch("data descriptor");
      const auto zero_or = [](std::uint64_t v, std::uint64_t expected) {
        return v == 0 || v == expected || v == 0xffffffffu;
      };
      if (!zero_or(local_crc, r.crc) || !zero_or(local_packed, packed) || !zero_or(local_size, size))
        return mismatch("size or checksum");
    } else {
      if (status s =
              zip64_fields(at + 30 + name_length, extra, r.method == 0, local_size, local_packed, none);
          !s)
        return s.error();
      if (local_crc != r.crc || local_packed != packed || local_size != size)
        return mismatch("size or checksum");
    }
    extents_.push_back({offset, end, name_});
    return zip_entry{name_, file_.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(packed)),
                     static_cast<std::uint32_t>(r.crc), static_cast<std::uint16_t>(r.method)};
  }

  /// On success `end` is moved behind the descriptor.
  bool descriptor_agrees(std::uint64_t& end, std::uint64_t limit, const record& r) const {
    for (const std::uint64_t sign : {4u, 0u})
      for (const std::uint64_t field : {8u, 4u}) {
        const std::uint64_t bytes = sign + 4 + 2 * field;
        if (limit - end < bytes) continue;
        auto at = static_cast<std::size_t>(end);
        if (sign != 0 && signature(at) != 0x08074b50) continue;
        at += static_cast<std::size_t>(sign);
        const std::uint64_t packed = field == 8 ? u64(at + 4) : u32(at + 4),
                            size = field == 8 ? u64(at + 12) : u32(at + 8);
        if (u32(at) == r.crc && packed == r.packed && size == r.size) {
          end += bytes;
          return true;
        }
      }
    return false;
  }

  result<std::vector<zip_entry>> check_together(std::vector<zip_entry> entries) {
    std::vector<std::string_view> names;
    names.reserve(entries.size());
    for (const zip_entry& e : entries) names.push_back(e.name);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    if (twice != names.end())
      return fail(errc::zip_duplicate_name, "two entries are named " + in_quotes(*twice));
    std::sort(extents_.begin(), extents_.end(),
              [](const extent& a, const extent& b) { return a.begin < b.begin; });
    for (std::size_t i = 1; i < extents_.size(); ++i)
      if (extents_[i].begin < extents_[i - 1].end)
        return fail(errc::zip_overlap, "entries " + in_quotes(extents_[i - 1].name) + " and " +
                                           in_quotes(extents_[i].name) + " overlap");
    return entries;
  }

  struct extent {
    std::uint64_t begin, end;
    std::string_view name;
  };
  byte_span file_;
  std::string_view name_;
  std::vector<extent> extents_;
  std::uint64_t local_extra_ = 0;
};

/// The entries, if all are stored and have their checksums. Errors: Z3, Z9.
[[nodiscard]] inline result<std::vector<zip_entry>> stored_entries(std::vector<zip_entry> entries) {
  for (const zip_entry& e : entries)
    if (e.method != 0)
      return error(errc::zip_compressed, "zip: entry " + in_quotes(e.name) + ": compression method " +
                                             std::to_string(e.method) +
                                             "; torch stores entries uncompressed");
  // torch.serialization.set_crc32_options(False) records 0 for every entry: nothing to compare with.
  const bool none =
      std::all_of(entries.begin(), entries.end(), [](const zip_entry& e) { return e.crc == 0; });
  for (const zip_entry& e : entries) {
    const std::uint32_t found = none ? 0 : crc32(e.data);
    if (found != e.crc)
      return error(errc::zip_crc_mismatch, "zip: entry " + in_quotes(e.name) + ": checksum " +
                                               std::to_string(found) + ", recorded " + std::to_string(e.crc));
  }
  return entries;
}

}  // namespace detail

/// The entries of a zip whose entries are all stored. Views into `file`, which must outlive them. Memory: at
/// most 4 bytes for each byte of the file. Time: that of its checksums, n log n in the number of entries.
/// Errors: Z1 to Z11 of docs/refusals.md, zip_malformed, model_truncated (no end record).
[[nodiscard]] inline result<std::vector<zip_entry>> read_zip(byte_span file) {
  auto entries = detail::zip_reader(file).list();
  return entries ? detail::stored_entries(std::move(*entries)) : entries;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_ZIP_HPP
