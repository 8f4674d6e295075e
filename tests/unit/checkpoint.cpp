// SPDX-License-Identifier: MIT
#include "tests/support/craft.hpp"
#include "tests/support/must.hpp"
#include "tests/support/npz.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <fstream>

using namespace rexnet_test;

namespace {

const std::string six = floats({0, 1, 2, 3, 4, 5});

std::string with_tensor(const std::string& t, const std::string& data = six) {
  return torch_zip(program(ordered_dict({{"w", t}})), {data});
}
std::string plain(std::int64_t offset, const std::vector<std::int64_t>& shape,
                  const std::vector<std::int64_t>& strides) {
  return with_tensor(tensor_of(storage("0", 6), offset, shape, strides));
}

}  // namespace

TEST_CASE("checkpoint: a torch zip gives its tensors, prefixes stripped, strides honoured") {
  const std::string file = small_zip();
  auto c = rexnet::read_checkpoint(bytes_of(file));
  REQUIRE_MESSAGE(c.ok(), c.error().message());
  CHECK(c->container() == "torch zip");
  CHECK(c->state_key() == "");
  REQUIRE(c->tensors().size() == 2);
  CHECK(c->find("module.w") == nullptr);
  const rexnet::tensor* t = c->find("t");
  REQUIRE(t != nullptr);
  CHECK(t->shape == std::vector<std::int64_t>{3, 2});
  CHECK(t->values() == std::vector<double>{0, 3, 1, 4, 2, 5});
  std::vector<float> out(6);
  CHECK(rexnet::copy_to(*t, rexnet::span<float>(out)).ok());
  CHECK(out == std::vector<float>{0, 3, 1, 4, 2, 5});
  CHECK(t->data >= reinterpret_cast<const unsigned char*>(file.data()));
  CHECK(t->data < reinterpret_cast<const unsigned char*>(file.data()) + file.size());
  std::vector<double> five(5);
  const auto wrong = rexnet::copy_to(*t, rexnet::span<double>(five));
  CHECK(wrong.code() == rexnet::errc::shape_mismatch);
  CHECK(wrong.error().message().find("[3,2] has 6 elements, the destination 5") != std::string::npos);
}

TEST_CASE("checkpoint: every element type is converted") {
  struct type_case {
    const char* storage;
    std::string bytes;
    double expected;
  };
  for (const auto& [type, bytes, expected] :
       {type_case{"FloatStorage", floats({-1.5f}), -1.5},
        type_case{"DoubleStorage", number(0x3ff8000000000000, 8), 1.5},
        type_case{"HalfStorage", number(0xc100, 2), -2.5},
        type_case{"BFloat16Storage", number(0x4049, 2), 3.140625},
        type_case{"LongStorage", number(~0ull - 4, 8), -5.0},
        type_case{"IntStorage", number(0xfffffffe, 4), -2.0},
        type_case{"ShortStorage", number(0x8000, 2), -32768.0},
        type_case{"CharStorage", number(0x80, 1), -128.0}, type_case{"ByteStorage", number(0xff, 1), 255.0},
        type_case{"BoolStorage", number(2, 1), 1.0}}) {
    const std::string file = with_tensor(tensor_of(storage("0", 1, type), 0, {}, {}), bytes);
    auto c = rexnet::read_checkpoint(bytes_of(file));
    REQUIRE_MESSAGE(c.ok(), c.error().message());
    CHECK(c->tensors()[0].values() == std::vector<double>{expected});
  }
}

TEST_CASE("checkpoint: training files are searched in timm's order") {
  const auto one = [](float) { return dict({{"w", tensor_of(storage("0", 6), 0, {6}, {1})}}); };
  const auto two = dict({{"w", tensor_of(storage("1", 1), 0, {1}, {1})}});
  const std::string order[] = {"state_dict_ema", "model_ema", "state_dict", "model"};
  for (int i = 0; i < 3; ++i) {
    const std::string file = torch_zip(program(dict({{"epoch", "K\x05"},
                                                     {order[i + 1], two},
                                                     {order[i], one(0)},
                                                     {"args", global("argparse", "Namespace") + ")\x81}b"}})),
                                       {six, floats({9})});
    auto c = rexnet::read_checkpoint(bytes_of(file));
    REQUIRE_MESSAGE(c.ok(), c.error().message());
    CHECK(c->state_key() == order[i]);
    CHECK(c->tensors()[0].elements() == 6);
  }
  // A None or an empty EMA entry does not count; numbers beside the tensors are ignored.
  const std::string file = torch_zip(
      program(dict({{"state_dict_ema", "N"},
                    {"model_ema", "}"},
                    {"model", dict({{"w", tensor_of(storage("0", 6), 0, {6}, {1})}, {"steps", "K\x01"}})}})),
      {six});
  auto c = rexnet::read_checkpoint(bytes_of(file));
  REQUIRE_MESSAGE(c.ok(), c.error().message());
  CHECK(c->state_key() == "model");
  CHECK(c->tensors().size() == 1);
}

TEST_CASE("checkpoint: parameters, empty tensors and shared storages are legal") {
  const std::string t = tensor_of(storage("0", 6), 0, {6}, {1});
  const std::string parameter = global("torch._utils", "_rebuild_parameter") +
                                tuple({t, "\x88", global("collections", "OrderedDict") + ")R"}) + "R";
  const std::string file = torch_zip(
      program(
          dict({{"p", parameter}, {"tied", t}, {"empty", tensor_of(storage("0", 6), 0, {0, 3}, {3, 1})}})),
      {six});
  auto c = rexnet::read_checkpoint(bytes_of(file));
  REQUIRE_MESSAGE(c.ok(), c.error().message());
  CHECK(c->find("p")->values() == c->find("tied")->values());
  CHECK(c->find("empty")->values().empty());
}

TEST_CASE("checkpoint: files without tensors, and two tensors of one name") {
  REXNET_REFUSED(torch_zip(program(dict({{"net", dict({{"steps", "K\x01"}})}})), {}), model_missing,
                 "\"net\"");
  REXNET_REFUSED(torch_zip(program("]"), {}), tensor_unsupported, "state_dict()");
  const std::string t = tensor_of(storage("0", 6), 0, {6}, {1});
  REXNET_REFUSED(torch_zip(program(dict({{"w", t}, {"module.w", t}})), {six}), model_duplicate_role, "\"w\"");
  REXNET_REFUSED(torch_zip(program(dict({{std::string(2000, 'n'), t}})), {six}), pickle_length, "2000 bytes");
  REXNET_REFUSED(torch_zip(program("}U\x01\xff" + t + "s"), {six}), pickle_utf8, "UTF-8");
}

TEST_CASE("checkpoint: T1 negative sizes, strides and offsets") {
  REXNET_REFUSED(plain(0, {-2}, {1}), tensor_negative, "[-2]");
  REXNET_REFUSED(plain(5, {2}, {-1}), tensor_negative, "[-1]");
  REXNET_REFUSED(plain(-1, {2}, {1}), tensor_negative, "offset -1");
}
TEST_CASE("checkpoint: T2 too many dimensions") {
  REXNET_REFUSED(plain(0, std::vector<std::int64_t>(9, 1), std::vector<std::int64_t>(9, 1)), tensor_rank,
                 "9 dimensions");
  REXNET_REFUSED(plain(0, {1, 1}, {1}), tensor_rank, "1 strides");
}
TEST_CASE("checkpoint: T3 sizes whose product does not fit") {
  constexpr std::int64_t big = std::int64_t{1} << 62;
  REXNET_REFUSED(plain(0, {big, big}, {0, 0}), tensor_overflow, "4611686018427387904");
  REXNET_REFUSED(plain(big, {2, 2}, {big, big}), tensor_overflow, "overflows");
  REXNET_REFUSED(plain(0, {big}, {0}), tensor_overflow, "overflows");
}
TEST_CASE("checkpoint: T4 a last element beyond the storage") {
  REXNET_REFUSED(plain(0, {7}, {1}), tensor_out_of_storage, "byte 28 of a storage of 24");
  REXNET_REFUSED(plain(5, {2}, {1}), tensor_out_of_storage, "\"w\"");
  REXNET_REFUSED(plain(0, {2, 3}, {4, 1}), tensor_out_of_storage, "storage");
}
TEST_CASE("checkpoint: T5 a storage of another size than its entry, or without entry") {
  REXNET_REFUSED(with_tensor(tensor_of(storage("0", 7), 0, {6}, {1})), tensor_storage_size,
                 "7 elements has 24 bytes");
  REXNET_REFUSED(with_tensor(tensor_of(storage("0", -1), 0, {6}, {1})), tensor_storage_size, "-1");
  REXNET_REFUSED(with_tensor(tensor_of(storage("0", std::int64_t{1} << 62), 0, {6}, {1})),
                 tensor_storage_size, "24 bytes");
  REXNET_REFUSED(with_tensor(tensor_of(storage("9", 6), 0, {6}, {1})), tensor_storage_size,
                 "\"9\" is not in the file");
}
TEST_CASE("checkpoint: T6 stride 0, and many tensors of one storage") {
  REXNET_REFUSED(plain(0, {1000000}, {0}), tensor_blow_up, "1000000 elements");
  const std::string data(40000, '\0');
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 20; ++i)
    many.emplace_back("t" + std::to_string(i), tensor_of(storage("0", 10000), 0, {10000}, {1}));
  REXNET_REFUSED(torch_zip(program(dict(many)), {data}), tensor_blow_up, "8 times");
}
TEST_CASE("checkpoint: T7 big-endian files") {
  REXNET_REFUSED(torch_zip(program(small_state_dict()), {six}, "big"), tensor_big_endian, "\"big\"");
}
TEST_CASE("checkpoint: T8 quantized, sparse and complex tensors") {
  REXNET_REFUSED(with_tensor(tensor_of(storage("0", 3, "ComplexFloatStorage"), 0, {3}, {1})),
                 tensor_unsupported, "ComplexFloatStorage");
  REXNET_REFUSED(with_tensor(tensor_of(storage("0", 24, "QInt8Storage"), 0, {3}, {1})), tensor_unsupported,
                 "QInt8Storage");
  for (const char* name : {"_rebuild_qtensor", "_rebuild_sparse_tensor"})
    REXNET_REFUSED(with_tensor(global("torch._utils", name) + ")R"), tensor_unsupported, name);
}
TEST_CASE("checkpoint: M8 to M12, what people save as .pth by mistake") {
  std::vector<zip_part> script(2);
  script[0].name = "m/data.pkl", script[1].name = "m/constants.pkl";
  REXNET_REFUSED(craft_zip(script).file, model_torchscript, "state_dict()");
  REXNET_REFUSED(tar_header(""), model_old_tar, "old torch");
  for (const char* page :
       {"<!DOCTYPE html><p>", "<!doctype HTML>", "\n <HTML>", "\xef\xbb\xbf<html lang=en>"})
    REXNET_REFUSED(std::string(page), model_html, "web page");
  REXNET_REFUSED(std::string("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
                 model_git_lfs, "git lfs pull");
  REXNET_REFUSED(small_zip().substr(0, 200), model_truncated, "cut short");
  REXNET_REFUSED(small_safetensors().substr(0, small_safetensors().size() - 5), model_truncated, "cut short");
}
TEST_CASE("checkpoint: an unknown file is named by its first bytes") {
  REXNET_REFUSED(std::string("\x01\x02\x03\x04\r\n\x1a\n...."), unknown_format, "01 02 03 04");
  REXNET_REFUSED(std::string(), unknown_format, "0 bytes");
  std::vector<zip_part> other(1);
  other[0].name = "word/document.xml";
  REXNET_REFUSED(craft_zip(other).file, unknown_format, "data.pkl");
  std::vector<zip_part> two(2);
  two[0].name = "a/data.pkl", two[1].name = "b/data.pkl";
  REXNET_REFUSED(craft_zip(two).file, zip_malformed, "b/data.pkl");
}

TEST_CASE("checkpoint: one string used as the name of many tensors is not copied for each") {
  std::string many = "}(" + str(std::string(500000, 'n')) + std::string("q\x00", 2) +
                     tensor_of(storage("0", 6), 0, {6}, {1}) + "q\x01";
  for (int i = 0; i < 100000; ++i) many += std::string("h\x00h\x01", 4);
  const auto start = std::chrono::steady_clock::now();
  CHECK(failure(torch_zip(program(many + "u"), {six})).code() != rexnet::errc::ok);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
}

TEST_CASE("checkpoint: no single damaged byte of a torch zip makes the reader misbehave") {
  CHECK(sweep(small_zip()) > 5000);
}

TEST_CASE("checkpoint: damage behind a right checksum is survived, too") {
  // The pickle itself is changed and the archive written anew: the interpreter sees every damage.
  const std::string p = program(small_state_dict());
  int tried = 0;
  for (std::size_t i = 0; i < p.size(); ++i)
    for (int value = 0; value < 256; value += i % 2 == 0 ? 1 : 3) {
      const std::string file = torch_zip(patched(p, i, std::string(1, static_cast<char>(value))), {six});
      auto c = rexnet::read_checkpoint(bytes_of(file));
      ++tried;
      if (c.ok())
        for (const auto& t : c->tensors()) (void)t.values();
    }
  CHECK(tried > 50000);
}

TEST_CASE("checkpoint: all fixtures load") {
  REXNET_NEEDS("fixtures/manifest.json");
  struct fixture {
    const char* file;
    std::size_t tensors;
    const char* container;
    const char* key;
    const char* head;
    std::vector<std::int64_t> shape;
  };
  for (const fixture& f :
       {fixture{
            "official_v1_1.0x_1000c_zip.pth", 413, "torch zip", "", "output.1.weight", {1000, 1280, 1, 1}},
        fixture{"official_v1_0.5x_10c_zip.pth", 413, "torch zip", "", "output.1.bias", {10}},
        fixture{"official_v1_0.5x_10c_legacy.pth", 413, "torch legacy", "", "output.1.bias", {10}},
        fixture{"official_v1_0.5x_10c_half.pth", 413, "torch zip", "", "output.1.bias", {10}},
        fixture{"official_lite_0.5x_10c_zip.pth", 303, "torch zip", "", "output.4.bias", {10}},
        fixture{"timm_rexnet_050_10c_train.pth", 413, "torch zip", "state_dict_ema", "head.fc.bias", {10}},
        fixture{"timm_rexnetr_100_5c.safetensors", 413, "safetensors", "", "head.fc.bias", {5}},
        fixture{"trained/clothing_1.0x.pth", 413, "torch zip", "", "output.1.bias", {10}}}) {
    auto c = rexnet::open_checkpoint(shared_path("fixtures/") + f.file);
    REQUIRE_MESSAGE(c.ok(), c.error().message());
    CHECK(c->tensors().size() == f.tensors);
    CHECK(c->container() == f.container);
    CHECK(c->state_key() == f.key);
    REQUIRE(c->find(f.head) != nullptr);
    CHECK(c->find(f.head)->shape == f.shape);
    for (const auto& t : c->tensors())
      for (const double v : t.values()) REQUIRE(std::isfinite(v));
  }
}

TEST_CASE("checkpoint: the zip and the legacy file of one model are equal, the half file is near") {
  REXNET_NEEDS("fixtures/official_v1_0.5x_10c_legacy.pth");
  auto zip = must(rexnet::open_checkpoint(shared_path("fixtures/official_v1_0.5x_10c_zip.pth")));
  auto legacy = must(rexnet::open_checkpoint(shared_path("fixtures/official_v1_0.5x_10c_legacy.pth")));
  auto half = must(rexnet::open_checkpoint(shared_path("fixtures/official_v1_0.5x_10c_half.pth")));
  REQUIRE(zip.tensors().size() == legacy.tensors().size());
  for (const auto& t : zip.tensors()) {
    REQUIRE(legacy.find(t.name) != nullptr);
    CHECK(legacy.find(t.name)->shape == t.shape);
    CHECK(legacy.find(t.name)->values() == t.values());
    REQUIRE(half.find(t.name) != nullptr);
    CHECK(half.find(t.name)->shape == t.shape);
  }
  CHECK(half.find("features.0.weight")->type == rexnet::dtype::f16);
}

TEST_CASE("checkpoint: channels-last tensors of the trained file are strided views") {
  REXNET_NEEDS("fixtures/trained/clothing_1.0x.pth");
  auto c = must(rexnet::open_checkpoint(shared_path("fixtures/trained/clothing_1.0x.pth")));
  const rexnet::tensor* t = c.find("features.0.weight");
  REQUIRE(t != nullptr);
  CHECK(t->shape == std::vector<std::int64_t>{32, 3, 3, 3});
  CHECK(t->strides == std::vector<std::int64_t>{27, 1, 9, 3});
  const auto v = t->values();
  CHECK(v[1] == t->element(3));  // [0,0,0,1] lies three elements behind [0,0,0,0]
  CHECK(v[9] == t->element(1));  // [0,1,0,0]
}
