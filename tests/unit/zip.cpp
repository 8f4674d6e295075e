// SPDX-License-Identifier: MIT
#include "tests/support/craft.hpp"

#include <doctest/doctest.h>

using namespace rexnet_test;

namespace {

zip_part part(const std::string& name, const std::string& data = "abc") {
  zip_part p;
  p.name = name, p.data = data;
  return p;
}
rexnet::error failed(const std::string& file) {
  return failure(file, rexnet::read_zip);
}
template <class Change>
zip_layout with(Change change) {
  std::vector<zip_part> parts{part("a/one"), part("a/two", "defgh")};
  change(parts[1]);
  return craft_zip(parts);
}
void refused(const std::string& file, rexnet::errc code, const std::string& text) {
  const std::string other = otherwise(failed(file), code, text);
  CHECK_MESSAGE(other.empty(), other);
}

}  // namespace

TEST_CASE("zip: stored entries are found with and without data descriptors, in all their forms") {
  const std::uint32_t crc = rexnet::crc32(bytes_of("defgh"));
  for (const std::string& d : {std::string(), number(crc, 4) + number(5, 4) + number(5, 4),
                               number(0x08074b50, 4) + number(crc, 4) + number(5, 8) + number(5, 8)}) {
    const std::string file = with([&](zip_part& p) { p.descriptor = d; }).file;
    auto r = rexnet::read_zip(bytes_of(file));
    REQUIRE_MESSAGE(r.ok(), failed(file).message());
    CHECK((*r)[1].name == "a/two");
    CHECK(rexnet::detail::text((*r)[1].data) == "defgh");
  }
  CHECK(rexnet::read_zip(bytes_of(with([](zip_part& p) { p.flags = 0; }).file)).ok());
  CHECK(rexnet::read_zip(bytes_of(craft_zip({}).file)).ok());
}

TEST_CASE("zip: zip64 sizes in the extra field are read") {
  CHECK(failed(with([](zip_part& p) {
                 p.size = p.packed = 0xffffffff,
                 p.extra = number(1, 2) + number(16, 2) + number(5, 8) + number(5, 8);
               }).file)
            .message() == "");
}

TEST_CASE("zip: Z1 encryption") {
  for (const std::uint64_t bit : {0x1u, 0x40u, 0x2000u})  // the old way, the strong way, names hidden, too
    refused(with([bit](zip_part& p) { p.flags |= bit; }).file, rexnet::errc::zip_encrypted, "a/two");
}
TEST_CASE("zip: Z2 several disks") {
  refused(with([](zip_part& p) { p.disk = 3; }).file, rexnet::errc::zip_multi_disk, "disk 3");
  const zip_layout z = craft_zip({part("a")});
  refused(patched(z.file, z.end + 4, number(1, 2)), rexnet::errc::zip_multi_disk, "multi-disk");
}
TEST_CASE("zip: Z3 compression") {
  refused(with([](zip_part& p) { p.method = 8; }).file, rexnet::errc::zip_compressed, "method 8");
}
TEST_CASE("zip: Z4 local and central header disagree") {
  refused(with([](zip_part& p) { p.local_name = "a/TWO"; }).file, rexnet::errc::zip_header_mismatch, "name");
  refused(with([](zip_part& p) {
            p.descriptor = number(0x08074b50, 4) + number(1, 4) + number(5, 4) + number(5, 4);
          }).file,
          rexnet::errc::zip_header_mismatch, "data descriptor");
  refused(with([](zip_part& p) { p.packed = 4; }).file, rexnet::errc::zip_header_mismatch, "4 bytes, but 5");
  zip_layout z = with([](zip_part& p) { p.flags = 0; });
  refused(patched(z.file, z.local[1] + 22, number(4, 4)), rexnet::errc::zip_header_mismatch, "a/two");
  refused(patched(z.file, z.local[1] + 14, number(4, 4)), rexnet::errc::zip_header_mismatch, "checksum");
  refused(patched(z.file, z.local[1] + 6, number(2, 2)), rexnet::errc::zip_header_mismatch, "flags");
  // What a data descriptor will tell later, a local header may leave out, but not tell otherwise.
  const zip_layout later = with([](zip_part&) {});
  for (const std::size_t field : {std::size_t{14}, std::size_t{18}, std::size_t{22}})
    refused(patched(later.file, later.local[1] + field, number(4, 4)), rexnet::errc::zip_header_mismatch,
            "size or checksum");
  refused(patched(z.file, z.local[1] + 8, number(8, 2)), rexnet::errc::zip_header_mismatch, "method");
}
TEST_CASE("zip: Z5 two entries of one name") {
  refused(craft_zip({part("a/x"), part("a/x")}).file, rexnet::errc::zip_duplicate_name, "a/x");
}
TEST_CASE("zip: Z6 names that leave the archive") {
  for (const std::string& name :
       {std::string(), std::string("/etc/passwd"), std::string("a/../../x"), std::string(".."),
        std::string("a\\b"), std::string("c:x"), std::string("a\0b", 3)})
    refused(craft_zip({part(name)}).file, rexnet::errc::zip_unsafe_name, "unsafe name");
}
TEST_CASE("zip: Z7 overlapping entries") {
  // The second entry's headers lie inside the first one's data.
  const std::string inner = craft_zip({part("b", "xyz")}).file.substr(0, 30 + 1 + 3 + 16);
  std::vector<zip_part> parts{part("a", inner), part("b", "xyz")};
  parts[1].offset = 31;
  refused(craft_zip(parts).file, rexnet::errc::zip_overlap, "\"a\" and \"b\"");
  // Headers in each other's extra fields, which would all be read for each.
  zip_part one = part("a");
  one.flags = 0;
  zip_layout z = craft_zip(std::vector<zip_part>(20, one));
  for (const std::size_t at : z.local) z.file.replace(at + 28, 2, number(z.central[0] - at - 34, 2));
  refused(z.file, rexnet::errc::zip_overlap, "extra fields of more bytes than the file");
}
TEST_CASE("zip: Z8 an entry beyond the file") {
  refused(with([](zip_part& p) { p.offset = 100000; }).file, rexnet::errc::zip_entry_out_of_range, "100000");
  refused(with([](zip_part& p) { p.size = p.packed = 0x7fffffff; }).file,
          rexnet::errc::zip_entry_out_of_range, "2147483647");
  refused(with([](zip_part& p) { p.size = p.packed = 100; }).file, rexnet::errc::zip_entry_out_of_range,
          "100 bytes at");  // into the directory
  refused(with([](zip_part& p) { p.offset = 1; }).file, rexnet::errc::zip_entry_out_of_range,
          "no local header at 1");
  const zip_layout z = craft_zip({part("a")});
  refused(patched(z.file, z.end + 16, number(0xfffffff0, 4)), rexnet::errc::zip_entry_out_of_range,
          "4294967280");
}
TEST_CASE("zip: Z9 a wrong checksum") {
  const zip_layout z = craft_zip({part("a/x")});
  refused(patched(z.file, z.local[0] + 33, "Z"), rexnet::errc::zip_crc_mismatch, "a/x");
}
TEST_CASE("zip: Z10 too many entries") {
  const std::string zip64 = number(0x06064b50, 4) + number(44, 8) + number(0, 12) + number(1u << 20, 8) +
                            number(1u << 20, 8) + number(0, 16);
  const std::string locator = number(0x07064b50, 4) + number(0, 4) + number(0, 8) + number(1, 4);
  const std::string end = number(0x06054b50, 4) + number(0, 4) + number(0xffff, 2) + number(0xffff, 2) +
                          number(0xffffffff, 4) + number(0xffffffff, 4) + number(0, 2);
  refused(zip64 + locator + end, rexnet::errc::zip_too_many_entries, "1048576");
}
TEST_CASE("zip: Z11 zip64 fields beyond the file") {
  refused(with([](zip_part& p) {
            p.size = p.packed = 0xffffffff,
            p.extra = number(1, 2) + number(16, 2) + number(1ull << 60, 8) + number(1ull << 60, 8);
          }).file,
          rexnet::errc::zip_zip64_out_of_range, "1152921504606846976");
  refused(with([](zip_part& p) {
            p.size = p.packed = 0xffffffff, p.extra = number(1, 2) + number(4, 2) + number(1, 4);
          }).file,
          rexnet::errc::zip_zip64_out_of_range, "too short");
  const std::string locator = number(0x07064b50, 4) + number(0, 4) + number(1ull << 62, 8) + number(1, 4);
  refused(locator + craft_zip({}).file, rexnet::errc::zip_zip64_out_of_range, "4611686018427387904");
}
TEST_CASE("zip: end records that disagree, and bytes that nobody accounts for") {
  const std::string zip64 =
      number(0x06064b50, 4) + number(44, 8) + number(0, 12) + number(3, 8) + number(3, 8) + number(0, 16);
  const std::string locator = number(0x07064b50, 4) + number(0, 4) + number(0, 8) + number(1, 4);
  refused(zip64 + locator + craft_zip({}).file, rexnet::errc::zip_header_mismatch, "zip64");
  const zip_layout z = craft_zip({part("a")});
  refused(z.file.substr(0, z.end) + "????" + z.file.substr(z.end), rexnet::errc::zip_malformed,
          "4 bytes between");
  refused(patched(z.file, z.central[0], "PKxx"), rexnet::errc::zip_malformed, "central directory");
}
TEST_CASE("zip: M12 a file without its end is called truncated") {
  const std::string file = craft_zip({part("a", std::string(100, 'x'))}).file;
  for (std::size_t n = 0; n < file.size(); n += 7)
    refused(file.substr(0, n), rexnet::errc::model_truncated, n < 22 ? "at least 22" : "cut short");
}
