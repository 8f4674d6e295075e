// SPDX-License-Identifier: MIT
// What went wrong in other readers of models, archives and pickles, tried here: docs/refusals.md, "From other
// readers' history". Each test is named by the advisory, issue or pull request that tells the story.
#include "rexnet/weights/npy.hpp"

#include "tests/support/craft.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace rexnet_test;

namespace {

const std::string six = floats({0, 1, 2, 3, 4, 5});

std::string state_dict(const std::string& tensor) {
  return torch_zip(program(dict({{"w", tensor}})), {six});
}
/// One tensor, eight bytes of data.
std::string one(const std::string& shape, const std::string& offsets, const std::string& dtype = "F32",
                std::size_t bytes = 8) {
  return safetensors(
      "{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape + "],\"data_offsets\":[" + offsets + "]}}",
      std::string(bytes, '\0'));
}
zip_part part(const std::string& name, const std::string& data) {
  zip_part p;
  p.name = name, p.data = data;
  return p;
}
/// The parts of small_zip(), to be damaged.
std::vector<zip_part> parts() {
  return {part("a/data.pkl", program(small_state_dict())), part("a/byteorder", "little"),
          part("a/data/0", six)};
}
const std::string tensor = tensor_of(storage("0", 6), 0, {6}, {1});

}  // namespace

// ---- torch ----
TEST_CASE("history: torch CVE-2026-24747, SETITEM on a tensor wrote into its memory") {
  for (const char* opcodes : {"K\x01K\x02s", "(K\x01K\x02u"})
    REXNET_REFUSED(state_dict(tensor + opcodes), pickle_setitem, "SETITEM on something that is no dict");
}
TEST_CASE("history: torch CVE-2026-24747, a storage of more elements than its record") {
  REXNET_REFUSED(state_dict(tensor_of(storage("0", 4096), 0, {4096}, {1})), tensor_storage_size,
                 "storage \"0\" of 4096 elements has 24 bytes");
}
TEST_CASE("history: torch CVE-2025-32434, the tar form ran code where the others did not") {
  std::string tar = tar_header("storages") + std::string(512, '\0');
  tar += program(global("os", "system") + str("true") + "\x85R");
  REXNET_REFUSED(tar, model_old_tar, "tar form");
}
TEST_CASE("history: torch #181310, elements times their size wrapped around to a small storage") {
  REXNET_REFUSED(state_dict(tensor_of(storage("0", 0x4000000000000001), 0, {1}, {1})), tensor_storage_size,
                 "4611686018427387905 elements");
  REXNET_REFUSED(legacy_head() +
                     program(dict({{"w", tensor_of(storage("0", 6, "FloatStorage", true), 0, {1}, {1})}})) +
                     legacy_keys({"0"}) + number(0x4000000000000001, 8) + six,
                 legacy_truncated, "reaches beyond");
}
TEST_CASE("history: torch #184652 and #109791, strides beyond the storage") {
  REXNET_REFUSED(state_dict(tensor_of(storage("0", 6), 0, {2}, {1000000000})), tensor_out_of_storage,
                 "4000000004 of a storage of 24");
  REXNET_REFUSED(state_dict(tensor_of(storage("0", 6), 0x7fffffffffffffff, {1}, {1})), tensor_overflow,
                 "overflows");
  REXNET_REFUSED(state_dict(global("torch._utils", "_rebuild_qtensor") + ")R"), tensor_unsupported,
                 "_rebuild_qtensor");
  // A side of one never takes its stride, whatever that is.
  const std::string file = state_dict(tensor_of(storage("0", 6), 0, {2, 1, 3}, {3, 0x7fffffffffffffff, 1}));
  auto c = rexnet::read_checkpoint(bytes_of(file));
  REQUIRE_MESSAGE(c.ok(), c.error().message());
  CHECK(c->find("w")->values() == std::vector<double>{0, 1, 2, 3, 4, 5});
}
TEST_CASE("history: torch #127525, exceptions that nobody expected from short or broken pickles") {
  REXNET_REFUSED(torch_zip(program("NN\x87"), {}), pickle_stack_underflow, "underflow");
  REXNET_REFUSED(state_dict("h\x63"), pickle_memo, "slot 99 is empty");
  REXNET_REFUSED(state_dict("\x8c\x02\xff\xfe"), pickle_utf8, "UTF-8");
  REXNET_REFUSED(torch_zip("\x80\x02J\x01", {}), pickle_length, "within an opcode");
  REXNET_REFUSED(torch_zip(std::string("\x80", 1), {}), pickle_length, "within an opcode");
}
TEST_CASE("history: torch #194647, objects made by NEWOBJ and never initialised") {
  REXNET_REFUSED(state_dict(global("torch", "FloatStorage") + ")\x81"), pickle_reduce, "FloatStorage");
  REXNET_REFUSED(state_dict(global("torch._utils", "_rebuild_tensor_v2") + ")\x81"), pickle_reduce,
                 "_rebuild_tensor_v2");
}

// ---- Python's pickle ----
TEST_CASE("history: CPython CVE-2018-20406 and #115952, one memo slot took gigabytes") {
  for (const std::uint64_t slot : {0x7fffffffull, 0xffffffffull, 0x10000000ull})
    REXNET_REFUSED(torch_zip(program("Nr" + number(slot, 4)), {}), pickle_memo, std::to_string(slot));
}
TEST_CASE("history: CPython #115952, lengths that were believed before the bytes were there") {
  REXNET_REFUSED(torch_zip(program("\x8e" + number(1ull << 40, 8)), {}), pickle_length, "1099511627776");
  REXNET_REFUSED(torch_zip(program("\x96" + number(~0ull, 8)), {}), pickle_length, "18446744073709551615");
  REXNET_REFUSED(torch_zip(program("\x8b" + number(0xffffffff, 4) + "abc"), {}), pickle_length, "4294967295");
  // Frames are a hint for buffers; nothing is allocated for them, whatever they say.
  const std::string file = torch_zip("\x80\x04\x95" + number(~0ull, 8) + small_state_dict() + ".", {six});
  CHECK(rexnet::read_checkpoint(bytes_of(file)).ok());
}

// ---- archives that scanners and loaders read differently ----
TEST_CASE("history: picklescan CVE-2025-1944, a local name that is not the directory's") {
  std::vector<zip_part> p = parts();
  p[0].local_name = "a/DATA.pkl";
  REXNET_REFUSED(craft_zip(p).file, zip_header_mismatch, "disagree on the name");
}
TEST_CASE("history: picklescan CVE-2025-1945, flag bits that make Python's zipfile give up") {
  for (const std::uint64_t bit : {0x1u, 0x40u, 0x2000u}) {
    std::vector<zip_part> p = parts();
    p[2].flags |= bit;
    REXNET_REFUSED(craft_zip(p).file, zip_encrypted, "a/data/0");
    // In the local header alone.
    const zip_layout z = craft_zip(parts());
    REXNET_REFUSED(patched(z.file, z.local[2] + 6, number(8 | bit, 2)), zip_header_mismatch, "flags");
  }
}
TEST_CASE("history: picklescan CVE-2025-10156 and modelscan #355, a wrong checksum hid what followed") {
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
    std::vector<zip_part> p = parts();
    const std::uint32_t crc = rexnet::crc32(bytes_of(p[i].data)) ^ 1;
    p[i].crc = crc;
    p[i].descriptor =
        number(0x08074b50, 4) + number(crc, 4) + number(p[i].data.size(), 4) + number(p[i].data.size(), 4);
    REXNET_REFUSED(craft_zip(p).file, zip_crc_mismatch, p[i].name);
  }
}
TEST_CASE("history: torch.serialization.set_crc32_options(False), archives without any checksum") {
  std::vector<zip_part> p = parts();
  for (zip_part& part : p) {
    part.crc = 0;
    part.descriptor =
        number(0x08074b50, 4) + number(0, 4) + number(part.data.size(), 4) + number(part.data.size(), 4);
  }
  const std::string file = craft_zip(p).file;
  auto c = rexnet::read_checkpoint(bytes_of(file));
  REQUIRE_MESSAGE(c.ok(), c.error().message());
  CHECK(c->find("w")->values() == std::vector<double>{0, 1, 2, 3, 4, 5});
  // One checksum is enough to want them all.
  p[1] = part("a/byteorder", "little");
  REXNET_REFUSED(craft_zip(p).file, zip_crc_mismatch, "a/data.pkl");
}
TEST_CASE("history: picklescan CVE-2025-1889 and CVE-2025-10155, names decided what a file is") {
  // Content decides, and a second pickle under any name is nothing but bytes.
  std::vector<zip_part> p = parts();
  p.push_back(part("a/hidden.pkl", program(global("os", "system") + str("true") + "\x85R")));
  const std::string file = craft_zip(p).file;
  CHECK(rexnet::read_checkpoint(bytes_of(file)).ok());
  p.push_back(part("b/data.pkl", "N."));
  REXNET_REFUSED(craft_zip(p).file, zip_malformed, "two entries are named data.pkl");
}
TEST_CASE("history: uv #15136, two archives in one file, and bytes that one reader skips") {
  const std::string inner = craft_zip({part("b/data.pkl", "N.")}).file, outer = small_zip();
  const std::string nested = outer.substr(0, outer.size() - 2) + number(inner.size(), 2) + inner;
  REXNET_REFUSED(nested, zip_malformed, "two end records");
  // An end record that names the directory of the other archive.
  REXNET_REFUSED(outer + inner, zip_malformed, "bytes between the central directory");
  const zip_layout z = craft_zip(parts());
  REXNET_REFUSED(patched(z.file, z.end + 10, number(4, 2)), zip_multi_disk, "multi-disk");
  REXNET_REFUSED(patched(z.file, z.end + 8, number(2, 2) + number(2, 2)), zip_malformed,
                 "longer than its entries");
  REXNET_REFUSED(patched(z.file, z.end + 8, number(4, 2) + number(4, 2)), zip_entry_out_of_range,
                 "leaves the file");
}
TEST_CASE("history: saferpickle #46, archives that begin with another signature") {
  for (const char* prefix : {"PK\x07\x08", "PK00"})
    REXNET_REFUSED(prefix + small_zip(), zip_malformed, "4 bytes between");
  REXNET_REFUSED("#!/bin/sh\n" + small_zip(), unknown_format, "23 21 2f 62");
}
TEST_CASE("history: a zip bomb's entries share their bytes") {
  // David Fifield's construction (2019): each entry's data hold the headers of those that follow.
  const std::string last = craft_zip({part("b", "xyz")}).file.substr(0, 50);
  std::vector<zip_part> p{part("a", last), part("b", "xyz")};
  p[1].offset = 31;
  REXNET_REFUSED(craft_zip(p).file, zip_overlap, "\"a\" and \"b\" overlap");
}

// ---- ggml and GGUF ----
TEST_CASE("history: ggml CVE-2025-53630, CVE-2026-27940 and CVE-2026-33298, sums and products of sizes") {
  REXNET_REFUSED(one("2", "0,18446744073709551615"), safetensors_json, "beyond 2^63");
  REXNET_REFUSED(one("4611686018427387904", "0,8"), tensor_overflow, "overflows 64 bits");
  REXNET_REFUSED(one("9223372036854775807", "0,8"), tensor_overflow, "overflows 64 bits");
  REXNET_REFUSED(one("2", "8,9223372036854775807"), model_truncated, "9223372036854775807");
}
TEST_CASE("history: llama.cpp #27203, a product of dimensions that turns negative") {
  REXNET_REFUSED(one("9223372036854775807,2", "0,8", "U8"), tensor_overflow, "9223372036854775807,2");
  REXNET_REFUSED(state_dict(tensor_of(storage("0", 24, "ByteStorage"), 0, {0x7fffffffffffffff, 2}, {0, 0})),
                 tensor_overflow, "9223372036854775807");
}
TEST_CASE("history: llama.cpp CVE-2024-21802, more dimensions than there was room for") {
  std::string ones = "1";
  for (int rank = 2; rank <= 65; ++rank) {
    ones += ",1";
    if (rank == 9 || rank == 64)
      REXNET_REFUSED(one(ones, "0,4", "F32", 4), tensor_rank, "dimensions, at most 8");
    if (rank == 65) REXNET_REFUSED(one(ones, "0,4", "F32", 4), safetensors_json, "more than 64 numbers");
  }
  REXNET_REFUSED(state_dict(tensor_of(storage("0", 6), 0, std::vector<std::int64_t>(1000, 1),
                                      std::vector<std::int64_t>(1000, 1))),
                 tensor_rank, "1000 dimensions");
}
TEST_CASE("history: llama.cpp #19856, counts and lengths that were believed before the bytes were there") {
  REXNET_REFUSED(number(~0ull - 7, 8) + "{\"", safetensors_header_length, "18446744073709551608");
  const zip_layout z = craft_zip(parts());
  REXNET_REFUSED(patched(z.file, z.end + 8, number(0xfffe, 2) + number(0xfffe, 2)), zip_entry_out_of_range,
                 "central directory");
  REXNET_REFUSED(patched(z.file, z.central[0] + 28, number(0xffff, 2)), zip_malformed,
                 "leaves the directory");
  REXNET_REFUSED(patched(z.file, z.local[0] + 28, number(0xffff, 2)), zip_entry_out_of_range, "reach beyond");
}

// ---- ncnn ----
TEST_CASE("history: ncnn #6902, #6922 and GHSA-956w-xqj6-jjwr, negative and absurd counts") {
  REXNET_REFUSED(state_dict(tensor_of(storage("0", -1), 0, {1}, {1})), tensor_storage_size, "-1 elements");
  REXNET_REFUSED(state_dict(tensor_of(storage("0", 6), 0, {-1}, {1})), tensor_negative, "[-1]");
  REXNET_REFUSED(state_dict(tensor_of(storage("0", 6), -1, {1}, {1})), tensor_negative, "offset -1");
  REXNET_REFUSED(
      legacy_head() + program(small_state_dict(true)) + legacy_keys({"0"}) + number(~0ull, 8) + six,
      legacy_truncated, "reaches beyond");
}
TEST_CASE("history: ncnn #6913, an index into a table of another length") {
  REXNET_REFUSED(state_dict(tensor_of(storage("151587081", 6), 0, {6}, {1})), tensor_storage_size,
                 "\"151587081\" is not in the file");
  REXNET_REFUSED(legacy_head() + program(small_state_dict(true)) + legacy_keys({"1"}) + number(6, 8) + six,
                 legacy_storage_count, "\"1\" belongs to no tensor");
}
TEST_CASE("history: ncnn #848, fewer parts than the count says") {
  REXNET_REFUSED(
      legacy_head() + program(small_state_dict(true)) + legacy_keys({"0", "0"}) + number(6, 8) + six,
      legacy_storage_count, "2 storages are listed, tensors use 1");
}

// ---- safetensors ----
TEST_CASE("history: safetensors #748, a null character hides the rest of a name from C") {
  REXNET_REFUSED(
      safetensors(R"({"a\u0000b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", six.substr(0, 8)),
      safetensors_json, "null character");
}
TEST_CASE(
    "history: safetensors #401 and llama.cpp #1603, keys given twice, of which one reader sees the last") {
  const std::string a = R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})",
                    b = R"("\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]})";
  REXNET_REFUSED(safetensors("{" + a + "," + b + "}", six.substr(0, 8)), safetensors_duplicate, "\"a\"");
  REXNET_REFUSED(safetensors(R"({"__metadata__":{},"__metadata__":{}})", ""), safetensors_duplicate,
                 "__metadata__");
  REXNET_REFUSED(safetensors(R"({"__metadata__":{"format":"pt","format":"np"}})", ""), safetensors_duplicate,
                 "\"format\"");
}
TEST_CASE("history: stable-diffusion.cpp #1876 and LiteRT #9254, a shape whose product wraps to nothing") {
  REXNET_REFUSED(one("4294967296,4294967296", "0,0", "F32", 0), tensor_overflow, "4294967296");
  // A zero does not make up for what overflows before it; behind it, nothing is left to overflow.
  for (const char* shape : {"4611686018427387904,4,0", "9223372036854775807,2,0"})
    REXNET_REFUSED(one(shape, "0,0", "U8", 0), tensor_overflow, "overflows 64 bits");
  REXNET_REFUSED(state_dict(tensor_of(storage("0", 6), 0, {0x4000000000000000, 4, 0}, {1, 1, 1})),
                 tensor_overflow, "overflows 64 bits");
  const std::string file = one("0,4611686018427387904,4611686018427387904", "0,0", "F32", 0);
  auto c = rexnet::read_checkpoint(bytes_of(file));
  REQUIRE_MESSAGE(c.ok(), c.error().message());
  CHECK(c->tensors()[0].elements() == 0);
  CHECK(c->tensors()[0].row_major());
  CHECK(c->tensors()[0].values().empty());
}
TEST_CASE(
    "history: Ollama CVE-2026-7482, mlx #3363 and ds4 #543, ranges that do not hold what the shape says") {
  REXNET_REFUSED(one("1000,1000", "0,4", "F32", 4), safetensors_size, "needs 4000000 bytes, its range has 4");
  REXNET_REFUSED(one("1", "4,4", "F32", 8), safetensors_size, "needs 4 bytes, its range has 0");
  // Empty tensors are legal (safetensors #226), with the range of nothing.
  const std::string empty = one("0,3", "8,8", "F16", 0);
  REXNET_REFUSED(empty, model_truncated, "ends at byte 8");
  CHECK(rexnet::read_checkpoint(bytes_of(one("0,3", "0,0", "F16", 0))).ok());
}
TEST_CASE("history: modelaudit #1612, a header's length that looks like another format") {
  // "PK", a pickle of protocol 2, and '<' come out of lengths that real headers have.
  for (const std::size_t length : {std::size_t{0x4b50}, std::size_t{0x0280}, std::size_t{0x3c}}) {
    std::string header = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
    header.resize(length, ' ');
    const std::string file = safetensors(header, six.substr(0, 8));
    auto c = rexnet::read_checkpoint(bytes_of(file));
    REQUIRE_MESSAGE(c.ok(), c.error().message());
    CHECK(c->container() == "safetensors");
  }
}
TEST_CASE("history: JSON readers that recurse, round or guess (safetensors header grammar)") {
  const std::string deep(100000, '[');
  REXNET_REFUSED(safetensors("{\"a\":" + deep, ""), safetensors_json, "at byte");
  for (const char* offsets :
       {"0,8.0", "0,8e0", "-0,8", "0,08", "0,+8", "0,8,", "0,0x8", "\"0\",8", "0,NaN", "0 8"})
    REXNET_REFUSED(one("2", offsets), safetensors_json, "at byte");
  for (const char* name : {"\\ud800", "\\udc00x", "\\ud800\\u0041", "\\u00", "\xed\xa0\x80", "\xc0\x80"})
    REXNET_REFUSED(safetensors("{\"" + std::string(name) +
                                   "\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
                               six.substr(0, 8)),
                   safetensors_json, "at byte");
  REXNET_REFUSED(safetensors("\xef\xbb\xbf{}", ""), unknown_format, "start with");
  REXNET_REFUSED(
      safetensors("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"dtype\":\"F64\"}}",
                  six.substr(0, 8)),
      safetensors_duplicate, "a.dtype");
}

// ---- numpy's files ----
TEST_CASE("history: mlx #3365 and libnpy #45, a header's length and a shape that were believed") {
  const auto refused = [](const std::string& file, rexnet::errc code, const std::string& part) {
    const std::string other = otherwise(failure(file, rexnet::read_npy), code, part);
    CHECK_MESSAGE(other.empty(), other);
  };
  refused(std::string("\x93NUMPY\x02\x00", 8) + number(0xffffffff, 4), rexnet::errc::npy_magic,
          "header of 4294967295 bytes in a file of 12");
  const std::string fields =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (281474976710656, 281474976710656), }";
  refused(std::string("\x93NUMPY\x01\x00", 8) + number(fields.size(), 2) + fields, rexnet::errc::npy_size,
          "more than 2^64");
}
