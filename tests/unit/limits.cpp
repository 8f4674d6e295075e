// SPDX-License-Identifier: MIT
// Files made to cost as much memory or time as their bytes allow, from a kilobyte to a megabyte. The bounds
// are those of docs/refusals.md; tests/support/limits.hpp measures.
#include "rexnet/checkpoint/npy.hpp"

#include "tests/support/craft.hpp"

#include <doctest/doctest.h>

using namespace rexnet_test;

namespace {

/// `part` again and again, up to `bytes` bytes.
std::string repeated(const std::string& part, std::size_t bytes) {
  std::string s;
  s.reserve(bytes + part.size());
  while (s.size() < bytes) s += part;
  return s;
}
std::string slot(std::size_t i) {
  return number(i, 1);
}

/// Four letters for each number below 26^4.
std::string letters(std::size_t i) {
  std::string s;
  for (int digit = 0; digit < 4; ++digit, i /= 26) s += static_cast<char>('a' + i % 26);
  return s;
}

/// How much the worst of the calls needed, for the message of a failure and for people.
void stays_within(const char* name, std::size_t bytes, const std::string& excess) {
  INFO(name, ", ", bytes, " bytes");
  CHECK_MESSAGE(excess.empty(), excess);
}

/// Opcodes that the smallest number of bytes makes the most of, each a program of about n bytes.
std::vector<std::pair<const char*, std::string>> programs(std::size_t n) {
  const auto memoized = [n](const std::string& first, const std::string& second, const std::string& part) {
    return program("(" + first + "q" + slot(0) + second + "q" + slot(1) + repeated(part, n) + "t");
  };
  const std::string h0 = "h" + slot(0), h1 = "h" + slot(1), pairs = repeated("h" + slot(2), n / 2);
  std::string gaps, names, lists;
  while (gaps.size() < n) gaps += "r" + number(gaps.size() + 250, 4);
  for (std::size_t i = 0; names.size() < n; ++i) names += "U\x04" + letters(i) + h1;
  for (std::size_t i = 0; lists.size() < n; ++i)
    lists += (i == 0 ? "]" : "]j" + number(i - 1, 4) + "a") + ("r" + number(i, 4));
  // Dictionaries that share a name and a tensor, and one below the other.
  const std::string long_name = str(repeated("features.3.out.", (std::min)(n / 2, std::size_t{1000}))),
                    shared = "q" + slot(0) + tensor_of(storage("0", 6), 0, {6}, {1}) + "q" + slot(1) + "00";
  std::string whole = "(", aliases = "}q" + slot(2) + h0 + h1 + "s0}(";
  for (std::size_t i = 0; i < 130; ++i) whole += str("features.3.out." + std::to_string(i)) + h1;
  for (std::size_t i = 0; aliases.size() < n; ++i) aliases += "U\x04" + letters(i) + "h" + slot(2);
  const std::string deep_tensor =
      tensor_of(storage("0", 6), 0, std::vector<std::int64_t>(8, 1), std::vector<std::int64_t>(8, 1));
  return {
      {"lists", program("(" + repeated("]", n) + "t")},
      {"None, for the stack alone", program("(" + repeated("N", n) + "t")},
      {"tuples of one list", program("(" + repeated("]\x85", n) + "t")},
      {"tuples in tuples", program("N" + repeated("\x85", n))},
      {"marks that come and go", program(repeated("(1", n) + "N")},
      {"empty strings", program("(" + repeated(std::string("U\0", 2), n) + "t")},
      {"None in the memo", program("N" + repeated("\x94", n))},
      {"gaps in the memo", program("N" + gaps)},
      {"the last slot of the memo", program("Nr" + number(rexnet::pickle::max_memo - 1, 4))},
      {"a list that grows by one", program("]" + repeated("Na", n))},
      {"a dictionary that grows by one", program("}" + repeated("NNs", n))},
      {"one string, many times", memoized(str(std::string(n / 2, 's')), "N", h0)},
      {"storages of one tuple",
       memoized(storage("0", 6).substr(0, storage("0", 6).size() - 1), "N", h0 + "Q")},
      {"dtypes called with a long tuple",
       memoized("(" + repeated("N", n / 2) + "t", global("torch", "float32"), h1 + h0 + "0")},
      {"OrderedDicts of one list of pairs",
       program("(" + str("k") + "N\x86q" + slot(2) + "](" + pairs + "eq" + slot(0) +
               global("collections", "OrderedDict") + "q" + slot(1) + repeated(h1 + h0 + "\x85R", n / 2) +
               "t")},
      {"lists in lists", program("(" + lists + "t")},
      {"tensors of one name",
       program("}(" + str(std::string((std::min)(n / 2, std::size_t{1000}), 'n')) + "q" + slot(0) +
               deep_tensor + "q" + slot(1) + "00" + repeated(h0 + h1, n) + "u")},
      {"tensors of one name full of prefixes",
       program("}(" + str(repeated("module.", n / 2)) + "q" + slot(0) + deep_tensor + "q" + slot(1) + "00" +
               repeated(h0 + h1, n / 2) + "u")},
      {"names of nothing", program("(" + repeated("c\n\n", n) + "t")},
      {"names of strings in the memo", memoized(str("a"), str("b"), h0 + h1 + "\x93")},
      {"boxes out of boxes", program(global("a", "b") + repeated(")R", n))},
      {"boxes of eight arguments", memoized("(" + repeated("N", 8) + "t", global("a", "b"), h1 + h0 + "R")},
      {"boxes with keywords", program("(" + repeated("c\n\n)}\x92", n) + "t")},
      {"a box that takes everything", program(global("a", "b") + ")R" + repeated("(NNNNu", n))},
      {"modules of modules", program(global("a", "b") + ")R}(" + str("_parameters") + "N" + str("_modules") +
                                     "Nub" + repeated("q" + slot(0) + "c\n\nh" + slot(0) + "\x85R", n))},
      {"quantized tensors beside", program("(" + repeated("ctorch._utils\n_rebuild_\n)R", n) + "t")},
      {"states of one long dictionary",
       program("}(" +
               repeated("U\x01"
                        "aN",
                        n / 2) +
               "uq" + slot(0) + "0" + global("a", "b") + ")R" + repeated("h" + slot(0) + "b", n / 2))},
      {"bytes of one long text", memoized("(" + str(std::string(n / 2, 's')) + str("latin1") + "t",
                                          global("_codecs", "encode"), h1 + h0 + "R")},
      {"arrays of one long text",
       program("}(" + str("first") + global("numpy._core.numeric", "_frombuffer") + "q" + slot(3) + "(" +
               global("_codecs", "encode") + "(" + str(std::string(n / 3, 's')) + str("latin1") + "tRq" +
               slot(4) + global("numpy", "dtype") + str("u1") + "\x85Rq" + slot(5) + "M" +
               number((std::min)(n / 3, std::size_t{65535}), 2) + "\x85" + str("C") + "tq" + slot(6) + "Rq" +
               slot(1) + names + "u")},
      {"dictionaries of one name",
       program(long_name + shared + "](" + repeated("}" + h0 + h1 + "s", n) + "e")},
      {"dictionaries of a network's names",
       program(long_name + shared + "](" + repeated("}" + whole + "u", n) + "e")},
      {"one dictionary under many keys", program(long_name + shared + aliases + "u")},
      {"tensors of eight dimensions",
       program("}(" + str("first") + deep_tensor + "q" + slot(1) + names + "u")},
  };
}

std::vector<std::pair<const char*, std::string>> zips(std::size_t n) {
  std::vector<zip_part> many(1);
  many[0].name = "a/data.pkl", many[0].data = "\x80\x02}.";
  while (many.size() * 84 < n && many.size() < 65536) {
    many.emplace_back();
    many.back().name = letters(many.size() - 1), many.back().data = "";
    many.back().flags = 0;
  }
  const std::string small = small_zip(), comment = repeated("PK\x05\x06", (std::min)(n, std::size_t{65532}));
  // Local headers in steps of 31 bytes, whose extra fields reach over all that follow.
  std::string headers, directory;
  const std::size_t count = (std::min)(n / 80, std::size_t{65000});
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name(1, static_cast<char>('A' + i % 26));
    headers += number(0x04034b50, 4) + number(0, 22) + number(1, 2) +
               number((std::min)((count - 1 - i) * 31, std::size_t{65535}), 2) + name;
    directory +=
        number(0x02014b50, 4) + number(0, 24) + number(1, 2) + number(0, 12) + number(i * 31, 4) + name;
  }
  return {
      {"many entries", craft_zip(many).file},
      {"end records in the comment", small.substr(0, small.size() - 2) + number(comment.size(), 2) + comment},
      {"headers in extra fields", headers + directory + number(0x06054b50, 4) + number(0, 4) +
                                      number(count, 2) + number(count, 2) + number(directory.size(), 4) +
                                      number(headers.size(), 4) + number(0, 2)}};
}

std::vector<std::pair<const char*, std::string>> headers_of_safetensors(std::size_t n) {
  std::string tensors = R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0,0]})", metadata, ones;
  tensors = "{";
  for (std::size_t i = 0; tensors.size() < n; ++i)
    tensors += (i == 0 ? "\"" : ",\"") + std::to_string(i) +
               R"(":{"dtype":"U8","shape":[0,1,1,1,1,1,1,1],"data_offsets":[0,0]})";
  for (std::size_t i = 0; metadata.size() < n; ++i)
    metadata += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"\"";
  return {
      {"tensors", safetensors(tensors + "}", "")},
      {"metadata", safetensors("{\"__metadata__\":{" + metadata + "}}", "")},
      {"one key again and again",
       safetensors("{\"__metadata__\":{" + repeated("\"\":\"\",", n) + "\"\":\"\"}}", "")},
      {"nesting", safetensors("{\"a\":" + repeated("[", n), "")},
      {"objects in objects", safetensors(repeated("{\"a\":", n), "")},
      {"white space", safetensors("{" + repeated(" ", n) + "}", "")},
      {"escapes", safetensors("{\"" + repeated("\\ud83d\\ude00", n) + "\":1}", "")},
      {"digits", safetensors("{\"a\":{\"dtype\":\"F32\",\"shape\":[1" + repeated("0", n) + "]}}", "")},
      {"dimensions", safetensors("{\"a\":{\"dtype\":\"F32\",\"shape\":[" + repeated("1,", n) + "1]}}", "")}};
}

/// MindSpore's records, as short as they can be, and one that goes on.
std::vector<std::pair<const char*, std::string>> protobufs(std::size_t n) {
  const std::string kind =
                        "\x12\x04"
                        "Bool",
                    empty = "\x08" + number(0, 1);
  const auto record = [](const std::string& tag, const std::string& tensor) {
    const std::string value =
        "\x0a" + number(tag.size(), 1) + tag + "\x12" + number(tensor.size(), 1) + tensor;
    return "\x0a" + number(value.size(), 1) + value;
  };
  std::string names;
  for (std::size_t i = 0; names.size() < n; ++i) names += record("." + letters(i), empty + kind);
  return {{"records of one name", repeated(record(".", empty + kind), n)},
          {"records", names},
          {"states of an optimizer", repeated(record("x", empty + kind), n)},
          {"numbers of any length", "\x0a" + repeated("\xff", n)},
          {"fields of another message", "\x08\x01" + repeated("\x10\x01", n)}};
}

/// Legacy files whose pickle of the object, or list of keys, is the hostile one.
std::vector<std::pair<const char*, std::string>> legacy_files(std::size_t n) {
  const std::string id = storage("0", 6, "FloatStorage", true), h0 = "h" + slot(0);
  const std::string long_id = storage(std::string(n / 2, 'k'), 6, "FloatStorage", true);
  const auto storages = [&](const std::string& tuple) {
    return legacy_head() +
           program("(" + tuple.substr(0, tuple.size() - 1) + "q" + slot(0) + repeated(h0 + "Q", n) + "t");
  };
  return {{"storages of one tuple", storages(id) + legacy_keys({"0"})},
          {"storages of one long key", storages(long_id) + legacy_keys({"0"})},
          {"the list of keys", legacy_head() + program(small_state_dict(true)) +
                                   program("](" + repeated(std::string("U\0", 2), n) + "e")}};
}

}  // namespace

TEST_CASE("limits: pickles made to be large in memory, or slow, are neither") {
  for (const std::size_t n : {std::size_t{900}, std::size_t{30000}, std::size_t{1000000}}) {
    for (const auto& [name, p] : programs(n)) {
      stays_within(name, p.size(), excess(p.size(), [&p = p] { (void)rexnet::pickle::read(bytes_of(p)); }));
      const std::string file = torch_zip(p, {floats({0, 1, 2, 3, 4, 5})});
      stays_within(name, file.size(),
                   excess(file.size(), [&] { (void)rexnet::read_checkpoint(bytes_of(file)); }));
    }
  }
}
TEST_CASE(
    "limits: zip, legacy, safetensors and MindSpore files made to be large in memory, or slow, are neither") {
  for (const std::size_t n : {std::size_t{800}, std::size_t{30000}, std::size_t{1000000}})
    for (const auto& files : {zips(n), legacy_files(n), headers_of_safetensors(n), protobufs(n)})
      for (const auto& [name, file] : files)
        stays_within(name, file.size(),
                     excess(file.size(), [&file = file] { (void)rexnet::read_checkpoint(bytes_of(file)); }));
}
TEST_CASE("limits: a .npy array takes its data once more") {
  const std::vector<float> zeros(250000);
  const std::string file = rexnet::write_npy({250000}, zeros);
  const cost c = cost_of([&] { (void)rexnet::read_npy(bytes_of(file)); }, 1e3);
  CHECK(c.bytes >= 1000000);
  CHECK(c.bytes < 1010000);
  for (const std::string& fields :
       {repeated("'", 60000), repeated("'shape':(", 60000), repeated("'descr':", 60000),
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + repeated("1,", 60000)}) {
    const std::string hostile = std::string("\x93NUMPY\x01\x00", 8) + number(fields.size(), 2) + fields;
    stays_within("npy", hostile.size(),
                 excess(hostile.size(), [&] { (void)rexnet::read_npy(bytes_of(hostile)); }));
  }
}
