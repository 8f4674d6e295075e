// SPDX-License-Identifier: MIT
// A small packed file, as every machine writes it, and what its tests ask of readers and writers.
#ifndef REXNET_TESTS_SUPPORT_PACKED_CASES_HPP
#define REXNET_TESTS_SUPPORT_PACKED_CASES_HPP

#include "rexnet/load.hpp"
#include "rexnet/payload/file/write.hpp"

#include "tests/support/craft.hpp"
#include "tests/support/must.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

namespace rexnet_test {

inline rexnet::packed_header small_header() {
  rexnet::packed_header h;
  h.shape = rexnet::config_for(rexnet::family::v1, 10, 3);
  h.input.input_size = 96;
  h.input.crop_pct = 0.95;
  h.labels = {"one", "zwei", "trois"};
  h.test.h = 5, h.test.w = 7;
  h.test.outputs = {1.5f, -2.0f, 0.25f};
  return h;
}

/// Weights that every machine computes alike.
/// @{
inline std::vector<float> small_payload(std::int64_t numbers) {
  std::vector<float> v(static_cast<std::size_t>(numbers));
  for (std::size_t i = 0; i < v.size(); ++i)
    v[i] = static_cast<float>(static_cast<int>(i * 37 % 201) - 100) / 512.0f;
  return v;
}
inline std::vector<float> small_payload(const rexnet::config& c) {
  return small_payload(rexnet::packed_numbers(c));
}
/// @}

inline std::string packed(const rexnet::packed_header& h) {
  const std::vector<float> payload = small_payload(rexnet::payload_numbers(h));
  std::string file;
  const auto crc = rexnet::write_packed(h, rexnet::payload_layers(payload),
                                        [&file](rexnet::byte_span b) -> rexnet::status {
                                          file.append(reinterpret_cast<const char*>(b.data()), b.size());
                                          return rexnet::done;
                                        });
  REQUIRE_MESSAGE(crc.ok(), crc.error().message());
  return file;
}

/// A copy at an address that is `offset` beyond a multiple of 64, in a block of exactly the right size.
struct placed {
  rexnet::aligned_buffer memory;
  rexnet::byte_span bytes;
  explicit placed(const std::string& file, std::size_t offset = 0) : memory(file.size() + offset) {
    std::memcpy(memory.data() + offset, file.data(), file.size());
    bytes = {memory.data() + offset, file.size()};
  }
};

inline void check_refused(const std::string& file, rexnet::errc code, const std::string& part,
                          std::size_t offset = 0) {
  const placed p(file, offset);
  const auto v = rexnet::read_packed(p.bytes, rexnet::check::full);
  REQUIRE(!v.ok());
  const std::string other = otherwise(v.error(), code, part);
  CHECK_MESSAGE(other.empty(), other);
  CHECK(!rexnet::load(p.bytes, rexnet::check::full).ok());
  rexnet::packed_view view;
  CHECK(rexnet::open_packed(p.bytes, rexnet::check::full, view) == code);
}

inline void check_not_written(const rexnet::packed_header& h, rexnet::errc code, const std::string& part) {
  const std::vector<float> payload = small_payload(rexnet::payload_numbers(h));
  bool wrote = false;
  const auto crc =
      rexnet::write_packed(h, rexnet::payload_layers(payload), [&](rexnet::byte_span) -> rexnet::status {
        wrote = true;
        return rexnet::done;
      });
  REQUIRE(!crc.ok());
  CHECK(!wrote);
  CHECK_MESSAGE(crc.code() == code, crc.error().message());
  CHECK_MESSAGE(crc.error().message().find(part) != std::string::npos, crc.error().message());
}

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_PACKED_CASES_HPP
