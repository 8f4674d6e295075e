// SPDX-License-Identifier: MIT
// result<T> with exceptions and without; numbers, names and texts of the codes.
#include "rexnet/core/error.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <set>
#include <string>

using rexnet::errc;
using rexnet::error;
using rexnet::result;

TEST_CASE("result: a value or an error") {
  const result<int> good = 7, bad = error(errc::io_error, "no disk");
  CHECK(good.ok());
  CHECK(*good == 7);
  CHECK(good.code() == errc::ok);
  CHECK(!bad);
  CHECK(bad.code() == errc::io_error);
  CHECK(bad.error().in("a.pth").message() == "a.pth: no disk");
  result<std::unique_ptr<int>> owner = std::make_unique<int>(3);
  const std::unique_ptr<int> taken = *std::move(owner);
  CHECK(*taken == 3);
}

TEST_CASE("errc: every number has a name and a text of its own, and no other number has") {
  std::set<std::string> names, texts;
  const int last = static_cast<int>(errc::packed_section);
  for (int number = 0; number <= last; ++number) {
    const auto code = static_cast<errc>(number);
    const std::string name = rexnet::errc_name(code), text = rexnet::to_string(code);
    INFO(number, " ", name, " ", text);
    CHECK(names.insert(name).second);
    CHECK(texts.insert(text).second);
    CHECK(name != "unknown");
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == name.npos);
    // Words that stand behind "forward: ": no full stop, no name of a C++ value.
    CHECK(text != "an unknown code");
    CHECK((text.size() >= 2 && text.size() <= 80 && text.back() != '.'));
    CHECK((text.find('_') == text.npos || text == "a config.json that does not describe the model"));
    CHECK(text == rexnet::printable(text));
  }
  for (const int number : {last + 1, 1000, 65535}) {
    CHECK(std::string(rexnet::errc_name(static_cast<errc>(number))) == "unknown");
    CHECK(std::string(rexnet::to_string(static_cast<errc>(number))) == "an unknown code");
  }
}

TEST_CASE("errc: numbers stay, because logs and other programs keep them") {
  static_assert(static_cast<int>(errc::ok) == 0 && static_cast<int>(errc::shape_mismatch) == 2);
  static_assert(static_cast<int>(errc::limit_exceeded) == 9 && static_cast<int>(errc::zip_malformed) == 10);
  static_assert(static_cast<int>(errc::pickle_opcode) == 22 && static_cast<int>(errc::tensor_negative) == 33);
  static_assert(static_cast<int>(errc::model_missing) == 41 && static_cast<int>(errc::npy_size) == 65);
  static_assert(static_cast<int>(errc::packed_magic) == 66 && static_cast<int>(errc::packed_self_test) == 76);
  static_assert(static_cast<int>(errc::model_pickled_module) == 77 &&
                static_cast<int>(errc::output_is_input) == 85);
}

#if REXNET_EXCEPTIONS
TEST_CASE("result: value() gives the value or throws the error") {
  result<int> good = 7;
  CHECK(good.value() == 7);
  good.value() = 8;
  CHECK(*good == 8);
  CHECK(result<int>(9).value() == 9);
  result<int> bad = error(errc::io_error, "no disk");
  CHECK_THROWS_WITH_AS(static_cast<void>(bad.value()), "no disk", error);
  CHECK_THROWS_AS(static_cast<void>(result<int>(bad).value()), std::exception);
}
#endif
