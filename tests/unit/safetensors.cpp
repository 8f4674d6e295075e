// SPDX-License-Identifier: MIT
#include "tests/support/craft.hpp"

#include <doctest/doctest.h>

using namespace rexnet_test;

namespace {
std::string one(const std::string& header, std::size_t bytes = 8) {
  return safetensors(header, std::string(bytes, '\0'));
}
}  // namespace

TEST_CASE("safetensors: tensors and metadata are read") {
  const std::string file = small_safetensors();
  auto c = rexnet::read_checkpoint(bytes_of(file));
  REQUIRE_MESSAGE(c.ok(), c.error().message());
  CHECK(c->container() == "safetensors");
  REQUIRE(c->metadata().size() == 1);
  CHECK(c->metadata()[0] == std::pair<std::string, std::string>("format", "pt"));
  CHECK(c->find("w")->values() == std::vector<double>{0, 1, 2, 3, 4, 5});
  CHECK(c->find("w")->strides == std::vector<std::int64_t>{3, 1});
  CHECK(c->find("b")->values() == std::vector<double>{7});
}
TEST_CASE("safetensors: escapes in names, any order of keys, empty tensors, prefixes") {
  const std::string file = one(
      R"({"module.\u00e9\ud83d\ude00\n":{"data_offsets":[0,8],"shape":[2],"dtype":"F32"},"e":{"dtype":"F64","shape":[0,4],"data_offsets":[8,8]}})");
  auto c = rexnet::read_checkpoint(bytes_of(file));
  REQUIRE_MESSAGE(c.ok(), c.error().message());
  CHECK(c->find("\xc3\xa9\xf0\x9f\x98\x80\n") != nullptr);
  CHECK(c->find("e")->values().empty());
  CHECK(rexnet::read_checkpoint(bytes_of(safetensors("{}", ""))).ok());
}
TEST_CASE("safetensors: S1 a header longer than the file or than 100 MB") {
  REXNET_REFUSED(number(1000, 8) + "{}", safetensors_header_length, "1000 bytes in a file of 10");
  REXNET_REFUSED(number(~0ull, 8) + "{}", safetensors_header_length, "18446744073709551615");
  REXNET_REFUSED(number(100000001, 8) + "{" + std::string(100000100, ' '), safetensors_header_length,
                 "100000001");
}
TEST_CASE("safetensors: S2 bad JSON") {
  for (const char* h : {"{",
                        "{]",
                        "{\"a\"}",
                        "{\"a\":1}",
                        "{\"a\":{}}",
                        "{\"a\":{\"dtype\":\"F32\"}}",
                        "{} x",
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],}}",
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}",
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}",
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[02],\"data_offsets\":[0,8]}}",
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,8]}}",
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}",
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}",
                        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"more\":1}}",
                        "{\"__metadata__\":{\"a\":1}}",
                        "{\"__metadata__\":[]}",
                        "{\"\\x\":{}}",
                        "{\"\\ud800\":{}}",
                        "{\"\\u12\":{}}",
                        "{\"\xff\":{}}",
                        "{\"a\n\":{}}",
                        "{\"a",
                        "{\"a\\",
                        "{\"a\":[[[["})
    REXNET_REFUSED(one(h), safetensors_json, "at byte");
}
TEST_CASE("safetensors: S3 a key that is there twice") {
  REXNET_REFUSED(
      one(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})"),
      safetensors_duplicate, "\"a\"");
  REXNET_REFUSED(one(R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})"),
                 safetensors_duplicate, "a.dtype");
  REXNET_REFUSED(
      one(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"module.a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})"),
      model_duplicate_role, "\"a\"");
}
TEST_CASE("safetensors: S4 an unknown dtype") {
  for (const char* type : {"F8_E4M3", "C64", "U32", "f32", ""})
    REXNET_REFUSED(one(std::string(R"({"a":{"dtype":")") + type + R"(","shape":[2],"data_offsets":[0,8]}})"),
                   safetensors_dtype, type);
}
TEST_CASE("safetensors: S5 gaps and overlaps") {
  REXNET_REFUSED(one(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})"), safetensors_gap, "a gap");
  REXNET_REFUSED(
      one(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})"),
      safetensors_gap, "an overlap");
  REXNET_REFUSED(one(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})"), safetensors_gap,
                 "ends at 0 before");
}
TEST_CASE("safetensors: S6 a shape that differs from the range, T2 and T3") {
  REXNET_REFUSED(one(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})"), safetensors_size,
                 "[3] of F32 needs 12 bytes, its range has 8");
  REXNET_REFUSED(one(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}})"),
                 tensor_overflow, "4611686018427387904");
  REXNET_REFUSED(one(R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}})"),
                 tensor_rank, "9 dimensions");
}
TEST_CASE("safetensors: S7 trailing bytes") {
  REXNET_REFUSED(small_safetensors() + "xyz", safetensors_trailing, "3 bytes");
}
TEST_CASE("safetensors: no single damaged byte makes the reader misbehave") {
  CHECK(sweep(small_safetensors()) > 1500);
}
