// SPDX-License-Identifier: MIT
#include "tests/support/craft.hpp"

#include <doctest/doctest.h>

using namespace rexnet_test;

namespace {
const std::string six = floats({0, 1, 2, 3, 4, 5});
std::string body() {
  return program(small_state_dict(true));
}
}  // namespace

TEST_CASE("torch legacy: tensors are read, also when the magic number comes in a frame") {
  const std::string framed = "\x80\x04\x95" + number(13, 8) + small_legacy().substr(2);
  for (const std::string& file : {small_legacy(), framed}) {
    auto c = rexnet::read_checkpoint(bytes_of(file));
    REQUIRE_MESSAGE(c.ok(), c.error().message());
    CHECK(c->container() == "torch legacy");
    CHECK(c->find("w")->values() == std::vector<double>{0, 1, 2, 3, 4, 5});
    CHECK(c->find("t")->values() == std::vector<double>{0, 3, 1, 4, 2, 5});
  }
}
TEST_CASE("torch legacy: L1 a wrong magic number or protocol") {
  REXNET_REFUSED(program("}"), legacy_magic, "magic");
  REXNET_REFUSED(legacy_head("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x18") + body(), legacy_magic, "magic");
  REXNET_REFUSED(legacy_head("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 1002) + body() + legacy_keys({"0"}) +
                     number(6, 8) + six,
                 legacy_magic, "1002");
}
TEST_CASE("torch legacy: L2 the list of storages differs from what tensors use") {
  REXNET_REFUSED(legacy_head() + body() + legacy_keys({}), legacy_storage_count,
                 "0 storages are listed, tensors use 1");
  REXNET_REFUSED(legacy_head() + body() + legacy_keys({"0", "1"}) + number(6, 8) + six + number(0, 8),
                 legacy_storage_count, "2 storages");
  REXNET_REFUSED(legacy_head() + body() + legacy_keys({"7"}) + number(6, 8) + six, legacy_storage_count,
                 "\"7\"");
  REXNET_REFUSED(legacy_head() + body() + program("}") + number(6, 8) + six, legacy_storage_count, "no list");
  REXNET_REFUSED(small_legacy() + "xx", legacy_storage_count, "2 bytes after");
  const std::string mixed =
      program(dict({{"a", tensor_of(storage("0", 6, "FloatStorage", true), 0, {6}, {1})},
                    {"b", tensor_of(storage("0", 3, "DoubleStorage", true), 0, {3}, {1})}}));
  REXNET_REFUSED(legacy_head() + mixed + legacy_keys({"0"}) + number(6, 8) + six, legacy_storage_count,
                 "two sizes");
}
TEST_CASE("torch legacy: L3 a truncated storage") {
  REXNET_REFUSED(small_legacy().substr(0, small_legacy().size() - 1), legacy_truncated, "beyond the file");
  REXNET_REFUSED(small_legacy().substr(0, small_legacy().size() - 30), legacy_truncated,
                 "before storage \"0\"");
  REXNET_REFUSED(legacy_head() + body() + legacy_keys({"0"}) + number(~0ull, 8) + six, legacy_truncated,
                 "\"0\"");
  REXNET_REFUSED(legacy_head() + body(), legacy_truncated, "after pickle 4");
}
TEST_CASE("torch legacy: T5, T7 and storages that are views") {
  REXNET_REFUSED(legacy_head() + body() + legacy_keys({"0"}) + number(5, 8) + six.substr(4),
                 tensor_storage_size, "20 bytes");
  REXNET_REFUSED(legacy_head("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 1001, false) + body() +
                     legacy_keys({"0"}) + number(6, 8) + six,
                 tensor_big_endian, "big-endian");
  const std::string view = tuple({str("storage"), global("torch", "FloatStorage"), str("0"), str("cpu"),
                                  integer(6), tuple({str("1"), integer(0), integer(6)})}) +
                           "Q";
  REXNET_REFUSED(legacy_head() + program(dict({{"a", tensor_of(view, 0, {6}, {1})}})) + legacy_keys({"0"}) +
                     number(6, 8) + six,
                 tensor_unsupported, "view");
}
TEST_CASE("torch legacy: no single damaged byte makes the reader misbehave") {
  CHECK(sweep(small_legacy()) > 5000);
}
