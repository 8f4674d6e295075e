// SPDX-License-Identifier: MIT
// result<T> with exceptions and without.
#include "rexnet/core/error.hpp"

#include <doctest/doctest.h>

#include <memory>

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
