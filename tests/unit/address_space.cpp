// SPDX-License-Identifier: MIT
// Sizes that fit into 64 bits and not into 32: a 32-bit build refuses them by name, a 64-bit build takes
// them.
#include "rexnet/checkpoint/tensor.hpp"
#include "rexnet/core/aligned_buffer.hpp"
#include "rexnet/engine/network.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace {
constexpr bool narrow = sizeof(std::size_t) == 4;
}

TEST_CASE("address space: a plan whose workspace does not fit is refused, not wrapped around") {
  const rexnet::config c = rexnet::config_for(rexnet::family::v1, 100, 10);
  const rexnet::network<rexnet::dynamic_config> net(c, nullptr);
  const rexnet::plan huge = rexnet::make_plan(c, rexnet::max_input_side, rexnet::max_input_side, 1);
  REQUIRE(huge.total_floats > std::int64_t{1} << 30);
  CHECK(huge.fits_memory() == !narrow);
  CHECK(huge.workspace_bytes() == (narrow ? std::numeric_limits<std::size_t>::max()
                                          : static_cast<std::size_t>(huge.total_floats) * sizeof(float)));
  const auto made = net.make_plan(rexnet::max_input_side, rexnet::max_input_side);
  CHECK(made.code() == (narrow ? rexnet::errc::limit_exceeded : rexnet::errc::ok));
  if (!made) CHECK(made.error().message().find("16384 x 16384") != std::string::npos);

  // The whole batch's workspace may be too large where an image's is not.
  const rexnet::plan large = rexnet::make_plan(c, 4096, 4096, rexnet::max_threads);
  REQUIRE(large.fits_memory());
  CHECK((net.batch_workspace_bytes(large) == std::numeric_limits<std::size_t>::max()) == narrow);
  CHECK(net.batch_workspace_bytes(large) >= large.workspace_bytes());
}

TEST_CASE("address space: a tensor whose values do not fit as doubles is refused") {
  // 2^28 bytes, of which nothing is read.
  static const unsigned char byte = 0;
  constexpr std::uint64_t count = std::uint64_t{1} << 28;
  rexnet::tensor t;
  t.name = "w";
  t.type = rexnet::dtype::u8;
  t.shape = {static_cast<std::int64_t>(count)};
  t.strides = {1};
  const rexnet::status s =
      rexnet::place_tensor(t, rexnet::byte_span(&byte, static_cast<std::size_t>(count)), 0, count);
  CHECK(s.code() == (narrow ? rexnet::errc::tensor_blow_up : rexnet::errc::ok));
}

TEST_CASE("address space: no buffer for more floats than there are addresses") {
  CHECK(rexnet::float_buffer(std::int64_t{1} << 62).data() == nullptr);
  if (narrow) CHECK(rexnet::float_buffer(std::int64_t{1} << 30).data() == nullptr);  // 2^32 bytes: not 0
  CHECK(rexnet::float_buffer(0).size() == 0);
}
