// SPDX-License-Identifier: MIT
// What others wrote, on its way to a terminal.
#include "rexnet/core/error.hpp"

#include <doctest/doctest.h>

#include <string>

using rexnet::printable;
using namespace std::string_literals;

TEST_CASE("printable: what is seen stays, what acts is spelt") {
  CHECK(printable("caf\xc3\xa9 \xe5\xb8\xbd\xe5\xad\x90 \xf0\x9f\x91\x95 C:\\x") ==
        "caf\xc3\xa9 \xe5\xb8\xbd\xe5\xad\x90 \xf0\x9f\x91\x95 C:\\x");
  CHECK(printable("\x1b]0;owned\x07"s) == "\\x1b]0;owned\\x07");
  CHECK(printable("a\0b\x7f"s) == "a\\x00b\\x7f");
  CHECK(printable("one\ntwo\r\tthree") == "one\\ntwo\\r\\tthree");
  CHECK(printable("one\ntwo\r", "\n") == "one\ntwo\\r");
}

TEST_CASE("printable: controls of two and three bytes, and what turns the direction of writing") {
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");  // CSI of ISO 8859
  CHECK(printable("\xc2\xa0") == "\xc2\xa0");
  for (const char* turns : {"\xd8\x9c", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xaa",
                            "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9"})
    CHECK(printable(turns).substr(0, 2) == "\\x");
  CHECK(printable("\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa") ==
        "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa");
}

TEST_CASE("printable: bytes that are no UTF-8, one by one") {
  CHECK(printable("caf\xe9!") == "caf\\xe9!");
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(printable("\xe5\xb8") == "\\xe5\\xb8");
}

TEST_CASE("every error's message is printable, whoever made it") {
  const rexnet::error e(rexnet::errc::io_error, "\x1b[31m.png: no\x07");
  CHECK(e.message() == "\\x1b[31m.png: no\\x07");
  CHECK(e.in("a\nb").message() == "a\\nb: \\x1b[31m.png: no\\x07");
}
