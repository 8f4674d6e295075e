// SPDX-License-Identifier: MIT
// What a test cannot go on without. The tests are built without exceptions, too, where result<T>::value()
// does not exist: must() ends the program with the error's message instead.
#ifndef REXNET_TESTS_SUPPORT_MUST_HPP
#define REXNET_TESTS_SUPPORT_MUST_HPP

#include "rexnet/core/error.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace rexnet_test {

[[noreturn]] inline void give_up(const std::string& why) {
  std::fprintf(stderr, "test: %s\n", why.c_str());
  std::abort();
}

template <class T>
[[nodiscard]] T must(rexnet::result<T> r) {
  if (!r) give_up(r.error().message());
  return *std::move(r);
}

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_MUST_HPP
