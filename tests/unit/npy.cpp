// SPDX-License-Identifier: MIT
#include "rexnet/checkpoint/npy.hpp"

#include "tests/support/craft.hpp"
#include "tests/support/npz.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <numeric>

namespace {

using bytes = std::vector<unsigned char>;

bytes file(const std::string& header, std::size_t data_bytes, int version = 1) {
  std::string s = std::string("\x93NUMPY", 6) + static_cast<char>(version) + '\0';
  s += static_cast<char>(header.size() & 255);
  s += static_cast<char>(header.size() >> 8);
  if (version > 1) s += std::string(2, '\0');
  s += header + std::string(data_bytes, '\0');
  return bytes(s.begin(), s.end());
}
const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";

void refused(const bytes& b, rexnet::errc code, const std::string& part) {
  const std::string other = rexnet_test::otherwise(
      rexnet_test::failure(std::string(b.begin(), b.end()), rexnet::read_npy), code, part);
  CHECK_MESSAGE(other.empty(), other);
}

rexnet::result<rexnet::npy_array> read(const bytes& content) {
  return rexnet::read_npy(content);
}

}  // namespace

TEST_CASE("npy: what was written is read again, for every rank from 0 to 8") {
  std::vector<std::int64_t> shape;
  for (int rank = 0; rank <= 8; ++rank) {
    std::size_t n = 1;
    for (const auto side : shape) n *= static_cast<std::size_t>(side);
    std::vector<float> data(n);
    std::iota(data.begin(), data.end(), -3.5f);
    const std::string out = rexnet::write_npy(shape, data);
    auto back = read(bytes(out.begin(), out.end()));
    REQUIRE(back.ok());
    CHECK(back->shape == shape);
    CHECK(back->data == data);
    CHECK((out.size() - 4 * n) % 64 == 0);
    shape.push_back(rank % 3 + 1);
  }
}

TEST_CASE("npy: versions 1, 2 and 3 and empty arrays are read") {
  for (int version = 1; version <= 3; ++version) CHECK(read(file(good, 24, version)).ok());
  auto empty = read(file("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }\n", 0));
  REQUIRE(empty.ok());
  CHECK(empty->data.empty());
}

TEST_CASE("npy: a header is read as Python reads it: 1L, quotes, order, white space") {
  const auto shape_of = [](const std::string& header, std::size_t data_bytes) {
    const auto bytes = file(header, data_bytes);
    auto a = rexnet::read_npy(bytes);
    REQUIRE_MESSAGE(a.ok(), a.error().message());
    return a->shape;
  };
  using shape = std::vector<std::int64_t>;
  // numpy of Python 2.7 (on Windows, where int was 32 bits wide, always).
  CHECK(shape_of("{'descr': '<f4', 'fortran_order': False, 'shape': (1L, 3L, 2L), }          \n", 24) ==
        shape{1, 3, 2});
  CHECK(shape_of("{'descr': '<f4', 'fortran_order': False, 'shape': (6L,), }\n", 24) == shape{6});
  CHECK(shape_of("{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", 4) == shape{});
  CHECK(shape_of("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3, 8, 8), }\n", 0) ==
        shape{0, 3, 8, 8});
  CHECK(shape_of("{'descr':'<f4','fortran_order':False,'shape':(2,3)}", 24) == shape{2, 3});
  CHECK(shape_of("{ \"shape\" : ( 2 ,\t3 , ) ,\n\"fortran_order\" : False , \"descr\" : \"<f4\" }\n", 24) ==
        shape{2, 3});
  CHECK(shape_of("{'descr': 'f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24) == shape{2, 3});
  // With one side longer than 1 both orders are the same.
  CHECK(shape_of("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 3, 1), }\n", 12) == shape{1, 3, 1});
  for (const char* sides :
       {"(2)", "(,)", "(2 3)", "(2, 3", "2, 3", "(2LL,)", "(0x2,)", "(2.0,)", "[2, 3]", "(L,)"})
    refused(file("{'descr': '<f4', 'fortran_order': False, 'shape': " + std::string(sides) + ", }", 24),
            rexnet::errc::npy_size, "shape");
  refused(file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'x': 1}", 24),
          rexnet::errc::npy_magic, "no dictionary");
  refused(file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'shape': (6,)}", 24),
          rexnet::errc::npy_magic, "no dictionary");
  refused(file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x", 24), rexnet::errc::npy_magic,
          "no dictionary");
}

TEST_CASE("npy: N1, something else than a .npy file") {
  refused({}, rexnet::errc::npy_magic, "not a .npy");
  refused(bytes(100, 'x'), rexnet::errc::npy_magic, "not a .npy");
  refused(file(good, 24, 4), rexnet::errc::npy_magic, "version 4");
  bytes cut = file(good, 24);
  cut.resize(40);
  refused(cut, rexnet::errc::npy_magic, "file of 40");
  bytes wide = file(good, 24, 2);
  wide.resize(11);
  refused(wide, rexnet::errc::npy_magic, "ends inside its header");
}

TEST_CASE("npy: N2, another dtype or order") {
  refused(file("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", 16), rexnet::errc::npy_dtype,
          "<f8");
  refused(file("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", 8), rexnet::errc::npy_dtype,
          ">f4");
  refused(file("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 24), rexnet::errc::npy_dtype,
          "Fortran");
  refused(file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", 8),
          rexnet::errc::npy_dtype, "dtype");
  refused(file("{'descr': '<f4', 'shape': (2,), }", 8), rexnet::errc::npy_dtype, "the order");
  refused(file("{'fortran_order': False, 'shape': (2,), }", 8), rexnet::errc::npy_dtype, "unknown dtype");
}

TEST_CASE("npy: N3, a shape that differs from the file's size") {
  refused(file(good, 23), rexnet::errc::npy_size, "24 bytes of data, the file has 23");
  refused(file(good, 28), rexnet::errc::npy_size, "has 28");
  refused(file("{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3), }", 24), rexnet::errc::npy_size,
          "shape");
  refused(file("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,), }", 4),
          rexnet::errc::npy_size, "shape");
  refused(file("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 1), }", 0),
          rexnet::errc::npy_size, "2^64");
  refused(file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 4),
          rexnet::errc::npy_size, "shape");
  refused(file("{'descr': '<f4', 'fortran_order': False, }", 4), rexnet::errc::npy_size, "shape");
}

TEST_CASE("npy: no single damaged byte and no cut makes the reader misbehave") {
  const bytes whole = file(good, 24);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int flip : {1, 0x80, 0xff}) {
      bytes b = whole;
      b[i] = static_cast<unsigned char>(b[i] ^ flip);
      auto r = rexnet::read_npy(b);
      if (r.ok()) CHECK(r->data.size() == 6);
    }
    CHECK(!read(bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(i))).ok());
  }
}

TEST_CASE("npz: the fixtures' arrays of floats, integers and strings are read") {
  REXNET_NEEDS("fixtures/trained/clothing_1.0x.npz");
  const auto arrays = rexnet_test::read_npz(rexnet_test::shared_path("fixtures/trained/clothing_1.0x.npz"));
  CHECK(arrays.at("paths").strings.size() == 372);
  CHECK(arrays.at("paths").strings[0].find('/') != std::string::npos);
  CHECK(arrays.at("labels").values.size() == 372);
  CHECK(arrays.at("logits").shape == std::vector<std::int64_t>{372, 10});
  CHECK(arrays.at("logits").values.size() == 3720);
  const auto official =
      rexnet_test::read_npz(rexnet_test::shared_path("fixtures/official_v1_0.5x_10c_legacy.3x97x131.npz"));
  CHECK(official.at("input_nchw").shape == std::vector<std::int64_t>{3, 3, 97, 131});
  CHECK(official.at("logits_f64").values.size() == 30);
}
