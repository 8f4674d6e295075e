// SPDX-License-Identifier: MIT
// ReXNet as other frameworks offer it: PaddleClas' .pdparams (a pickle of numpy arrays), MindCV's .ckpt (a
// protobuf message), arrays and names in any container. The small files are Paddle's and MindSpore's own.
#include "rexnet/load.hpp"

#include "tests/support/craft.hpp"
#include "tests/support/craft_model.hpp"
#include "tests/support/must.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

using namespace rexnet_test;
using rexnet::errc;

namespace {

// ---- numpy's arrays in pickles ----
std::string type_of(const std::string& name, const std::string& order = "<") {
  return global("numpy", "dtype") + tuple({str(name), "\x89", "\x88"}) + "R(K\x03" + str(order) +
         "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK" + number(0, 1) + "tb";
}
std::string raw(const std::string& data) {
  return "B" + number(data.size(), 4) + data;
}
/// As protocol 2 writes bytes.
std::string latin1(const std::string& data) {
  std::string utf8;
  for (const char c : data) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x80)
      utf8 += c;
    else
      utf8 += {static_cast<char>(0xc0 | u >> 6), static_cast<char>(0x80 | (u & 63))};
  }
  return global("_codecs", "encode") + tuple({str(utf8), str("latin1")}) + "R";
}
std::string array_of(const std::string& data, const std::vector<std::int64_t>& shape, const std::string& type,
                     bool fortran = false) {
  return global("numpy.core.multiarray", "_reconstruct") +
         tuple({global("numpy", "ndarray"), integers({0}), raw("b")}) + "R" +
         tuple({"K\x01", integers(shape), type, fortran ? "\x88" : "\x89", data}) + "b";
}
std::string pickled(const std::string& array) {
  return program(dict({{"w", array}}));
}
const std::string six = floats({0, 1, 2, 3, 4, 5});

// ---- MindSpore's protobuf ----
std::string varint(std::uint64_t v) {
  std::string s;
  for (; v >= 128; v >>= 7) s += static_cast<char>((v & 127) | 128);
  return s + static_cast<char>(v);
}
std::string field(int number_of_field, const std::string& data) {
  return std::string(1, static_cast<char>(number_of_field << 3 | 2)) + varint(data.size()) + data;
}
std::string mindspore(const std::string& tag, const std::vector<std::int64_t>& shape, const std::string& type,
                      const std::string& data) {
  std::string dims;
  for (const std::int64_t side : shape) dims += "\x08" + varint(static_cast<std::uint64_t>(side));
  return field(1, field(1, tag) + field(2, dims + field(2, type) + field(3, data)));
}

/// Replaces `from` at the end of a name.
bool ends(std::string& name, const std::string& from, const std::string& to) {
  if (name.size() < from.size() || name.compare(name.size() - from.size(), from.size(), from) != 0)
    return false;
  name = name.substr(0, name.size() - from.size()) + to;
  return true;
}

rexnet::checkpoint read(const std::string& file) {
  return must(rexnet::read_checkpoint(bytes_of(file)));
}
std::vector<double> values(const std::string& file) {
  const rexnet::checkpoint c = read(file);
  return c.find("w")->values();
}
/// The weights of a model, folded and packed.
std::vector<float> packed(const std::string& file) {
  const auto m = must(rexnet::load_copy(bytes_of(file)));
  return {m.payload().begin(), m.payload().end()};
}
void refused(const std::string& file, errc code, const std::string& part) {
  const std::string other = otherwise(failure(file), code, part);
  CHECK_MESSAGE(other.empty(), other);
}

}  // namespace

TEST_CASE("numpy arrays: every element type, both orders, all protocols") {
  const std::vector<double> rows{0, 1, 2, 3, 4, 5};
  for (const std::string& data : {raw(six), latin1(six)}) {
    CHECK(values(pickled(array_of(data, {2, 3}, type_of("f4")))) == rows);
    CHECK(values(torch_zip(pickled(array_of(data, {2, 3}, type_of("f4"))), {})) == rows);
    CHECK(values(pickled(array_of(data, {2, 3}, type_of("f4"), true))) ==
          std::vector<double>{0, 2, 4, 1, 3, 5});
    CHECK(values(pickled(array_of(data, {6, 1}, type_of("f4"), true))) == rows);
  }
  CHECK(values(pickled(global("numpy._core.numeric", "_frombuffer") +
                       tuple({"\x96" + number(24, 8) + six, type_of("f4"), integers({2, 3}), str("F")}) +
                       "R")) == std::vector<double>{0, 2, 4, 1, 3, 5});
  struct one {
    const char *type, *order;
    std::string data;
    double expected;
  };
  for (const one& o :
       {one{"f8", "<", number(0x3ff8000000000000, 8), 1.5}, one{"f2", "<", number(0xc100, 2), -2.5},
        one{"i8", "<", number(~0ull - 4, 8), -5}, one{"i4", "<", number(0xfffffffe, 4), -2},
        one{"i2", "<", number(0x8000, 2), -32768}, one{"i1", "|", number(0x80, 1), -128},
        one{"u1", "|", number(0xff, 1), 255}, one{"b1", "|", number(1, 1), 1}}) {
    CHECK(values(pickled(array_of(raw(o.data), {}, type_of(o.type, o.order)))) ==
          std::vector<double>{o.expected});
    CHECK(values(pickled(array_of(latin1(o.data), {1}, type_of(o.type, o.order)))) ==
          std::vector<double>{o.expected});
  }
  CHECK(values(pickled(array_of(raw(""), {0, 3}, type_of("f4")))).empty());
  CHECK(values(pickled(array_of(latin1(""), {2, 0}, type_of("f4"), true))).empty());
}
TEST_CASE("numpy arrays: T1 to T8, what is refused") {
  const auto f4 = type_of("f4");
  refused(pickled(array_of(raw(six), {2, -3}, f4)), errc::tensor_negative, "-3");
  refused(pickled(array_of(raw(six), std::vector<std::int64_t>(9, 1), f4)), errc::tensor_rank,
          "9 dimensions");
  refused(pickled(array_of(raw(six), {std::int64_t{1} << 62, 4}, f4)), errc::tensor_overflow, "overflows");
  refused(pickled(array_of(raw(six), {std::int64_t{1} << 62, 4, 0}, f4)), errc::tensor_overflow, "overflows");
  refused(pickled(array_of(raw(six), {7}, f4)), errc::tensor_storage_size, "[7] needs 28 bytes, it has 24");
  refused(pickled(array_of(raw(six), {0}, f4)), errc::tensor_storage_size, "needs 0 bytes, it has 24");
  refused(pickled(array_of(latin1(six), {5}, f4)), errc::tensor_storage_size, "needs 20 bytes, it has 24");
  refused(pickled(array_of(raw(six), {6}, type_of("f4", ">"))), errc::tensor_big_endian, "newbyteorder('<')");
  refused(pickled(array_of(raw(six), {3}, type_of("c8"))), errc::tensor_unsupported,
          "\"c8\", which is not supported");
  refused(pickled(array_of(raw(six), {3}, type_of("u8"))), errc::tensor_unsupported, "\"u8\"");
  refused(pickled(global("numpy.core.multiarray", "_reconstruct") +
                  tuple({global("numpy", "ndarray"), integers({0}), raw("b")}) + "R"),
          errc::pickle_reduce, "without its state");
  refused(pickled(array_of(global("_codecs", "encode") + tuple({str("\xe2\x82\xac"), str("latin1")}) + "R",
                           {3}, type_of("u1"))),
          errc::pickle_reduce, "no Latin-1");
  refused(pickled(array_of(raw(six), {6}, f4)) + "x", errc::legacy_magic, "behind which 1 bytes follow");
  // One array's text used by many tensors: their bytes together are bounded as storages' are.
  std::vector<std::pair<std::string, std::string>> many{
      {"first", array_of(latin1(std::string(4000, '\xff')) + "q\x07", {4000}, type_of("u1"))}};
  for (int i = 0; i < 40; ++i)
    many.emplace_back("w" + std::to_string(i), array_of("h\x07", {4000}, type_of("u1")));
  refused(program(dict(many)), errc::tensor_blow_up, "8 times");
}
TEST_CASE("PaddleClas: the small files of paddle.save, protocols 2 and 4, alone and in a dictionary") {
  for (const char* name : {"paddle_2.pdparams", "paddle_4.pdparams", "paddle_nested.pdparams"}) {
    const std::string file = read_bytes(source_path(std::string("tests/golden/other_formats/") + name));
    const auto c = read(file);
    CHECK(c.container() == "pickle");
    REQUIRE(c.tensors().size() == 3);
    CHECK(c.find("a.weight")->values() == std::vector<double>{0, 1, 2, 3, 4, 5});
    CHECK(c.find("a.running_mean")->values() == std::vector<double>{1, 2});
    CHECK(c.find("a.running_var")->values() == std::vector<double>{3, 4});
    CHECK(sweep(file) > 2000);
  }
}
TEST_CASE("PaddleClas: a whole network gives the weights of the official file") {
  const auto dictionary = craft_model(rexnet::config_for(rexnet::family::v1, 50, 7));
  std::vector<std::pair<std::string, std::string>> items;
  for (const auto& t : dictionary.tensors) {
    std::string name = t.name;
    if (ends(name, ".num_batches_tracked", "")) continue;
    ends(name, ".running_mean", "._mean"), ends(name, ".running_var", "._variance");
    const std::string data(reinterpret_cast<const char*>(t.data), static_cast<std::size_t>(t.elements()) * 4);
    items.emplace_back(name,
                       array_of(items.size() % 2 == 0 ? raw(data) : latin1(data), t.shape, type_of("f4")));
  }
  items.emplace_back("StructuredToParameterName@@", dict({{"features.0.weight", str("conv2d_0.w_0")}}));
  CHECK(packed(program(dict(items))) == packed(dictionary.torch_zip()));
  refused(program(dict({{"a._mean", array_of(raw(six), {6}, type_of("f4"))},
                        {"a.running_mean", array_of(raw(six), {6}, type_of("f4"))},
                        {"a._variance", array_of(raw(six), {6}, type_of("f4"))}})),
          errc::model_duplicate_role, "\"a.running_mean\" once PaddleClas' names are translated");
}
TEST_CASE("MindCV: the small files of save_checkpoint, with and without checksum") {
  for (const char* name : {"mindspore.ckpt", "mindspore_crc.ckpt"}) {
    const std::string file = read_bytes(source_path(std::string("tests/golden/other_formats/") + name));
    const auto c = read(file);
    CHECK(c.container() == "mindspore");
    REQUIRE(c.tensors().size() == 4);  // without epoch_num and name
    CHECK(c.find("stem.conv.weight")->values() == std::vector<double>{0, 1, 2, 3, 4, 5});
    CHECK(c.find("stem.bn.running_var")->values() == std::vector<double>{0, 1, 2});
    CHECK(c.find("features.3.se.fc1.bias")->values() == std::vector<double>{0, 1});
    CHECK(c.find("head.fc.bias")->values() == std::vector<double>{7});
    CHECK(sweep(file) > 1000);
  }
}
TEST_CASE("MindCV: a whole network gives the weights of timm's file, in .ckpt and safetensors") {
  const auto dictionary = craft_model(rexnet::config_for(rexnet::family::v1, 50, 7), true);
  std::string file, header = "{", body;
  for (const auto& t : dictionary.tensors) {
    std::string name = t.name;
    if (ends(name, ".num_batches_tracked", "")) continue;
    for (const char* leaf : {".weight", ".bias", ".running_mean", ".running_var"}) {
      const bool norm = name.find(".bn.") != name.npos;
      const std::string theirs = std::string(leaf) == ".running_mean"  ? ".moving_mean"
                                 : std::string(leaf) == ".running_var" ? ".moving_variance"
                                 : !norm                               ? leaf
                                 : std::string(leaf) == ".weight"      ? ".gamma"
                                                                       : ".beta";
      if (ends(name, std::string(".conv") + leaf, ".features.0" + theirs) ||
          ends(name, std::string(".se.bn") + leaf, ".se.bn" + theirs) ||
          ends(name, std::string(".bn") + leaf, ".features.1" + theirs) ||
          ends(name, std::string(".se.fc1") + leaf, ".se.conv_reduce" + theirs) ||
          ends(name, std::string(".se.fc2") + leaf, ".se.conv_expand" + theirs) ||
          ends(name, std::string("head.fc") + leaf, "cls.1" + theirs))
        break;
    }
    const std::string data(reinterpret_cast<const char*>(t.data), static_cast<std::size_t>(t.elements()) * 4);
    file +=
        mindspore(name, t.shape, "Float32", data) + mindspore("moments." + name, t.shape, "Float32", data);
    header += "\"" + name + "\":{\"dtype\":\"F32\",\"shape\":" + rexnet::shape_text(t.shape) +
              ",\"data_offsets\":[" + std::to_string(body.size()) + "," +
              std::to_string(body.size() + data.size()) + "]},";
    body += data;
  }
  header.back() = '}';
  const auto expected = packed(dictionary.torch_zip());
  CHECK(packed(file + mindspore("learning_rate", {}, "Float32", floats({0.1f}))) == expected);
  CHECK(packed(safetensors(header, body)) == expected);
}
TEST_CASE("MindSpore: M1, M3, M12, P8 and T1 to T8, damaged files") {
  const std::string good = mindspore("a.weight", {2, 3}, "Float32", six);
  const rexnet::checkpoint c = read(good);
  CHECK(c.find("a.weight")->values() == std::vector<double>{0, 1, 2, 3, 4, 5});
  refused(good + good, errc::model_duplicate_role, "\"a.weight\"");
  refused(good + "\x0a", errc::model_truncated, "the record at byte 53 of 54");
  refused(good + good.substr(0, 30), errc::model_truncated, "damaged or cut short");
  refused(good + field(2, "x"), errc::model_truncated, "none of a tensor");
  refused(good + "crc_num" + std::string(10, '\0'), errc::model_truncated, "its checksum is");
  refused(mindspore("epoch", {}, "Int64", number(3, 8)), errc::model_missing, "no tensors of a network");
  refused(good + mindspore("b.w", {7}, "Float32", six), errc::tensor_storage_size,
          "[7] needs 28 bytes, its record has 24");
  refused(good + mindspore("b.w", {-1}, "Float32", six), errc::tensor_negative, "[-1]");
  refused(good + mindspore("b.w", {std::int64_t{1} << 62, 4}, "Float32", six), errc::tensor_overflow,
          "overflows");
  refused(good + mindspore("b.w", std::vector<std::int64_t>(9, 1), "Float32", six), errc::tensor_rank,
          "8 dimensions");
  refused(good + mindspore("b.w", {6}, "Complex64", six), errc::tensor_unsupported, "\"Complex64\"");
  refused(good + mindspore(std::string(2000, 'n') + ".w", {6}, "Float32", six), errc::pickle_length,
          "2002 bytes");
  refused(good + mindspore("\xff.w", {6}, "Float32", six), errc::pickle_utf8, "UTF-8");
}
