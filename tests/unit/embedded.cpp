// SPDX-License-Identifier: MIT
// From a packed file in memory to the best class without one allocation: what docs/embedded.md shows.
#include "rexnet/embedded.hpp"
#include "rexnet/load.hpp"
#include "rexnet/payload/file/write.hpp"

#include "tests/support/allocation_trap.hpp"
#include "tests/support/must.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>

namespace {

using shape = rexnet::static_config<rexnet::family::v1, 100, 10>;
using network = rexnet::network<shape>;
using rexnet::errc;

constexpr rexnet::preprocessing camera = [] {
  rexnet::preprocessing p;
  p.input_size = 112;
  return p;
}();
constexpr int side = camera.input_size, width = 320, height = 240;
constexpr auto format = rexnet::pixel_format::bgra;

alignas(64) float weights[network::packed_floats()];
alignas(64) unsigned char workspace[network::workspace_bytes(side, side, 1)];
unsigned char scratch[rexnet::preprocess_scratch_bytes(width, height, format, camera)];
std::uint8_t picture[width * height * 4], pixels[rexnet::preprocess_output_bytes(camera)];

}  // namespace

TEST_CASE("embedded: load, resize, forward and top-k allocate nothing and agree with the classifier") {
  const std::string path = rexnet_test::source_path("models/clothing_1.0x.rexnet");
  const auto bytes = rexnet::file_bytes::map(path);
  REQUIRE(bytes.ok());
  for (int i = 0; i < width * height * 4; ++i) picture[i] = static_cast<std::uint8_t>(i / 37 + i % 1280 / 9);
  const rexnet::image_view view(picture, width, height, format);

  rexnet::packed_view file;
  float scores[10];
  rexnet::scored_class top[3];
  std::size_t found = 0;
  errc result = errc::ok;
  int allocations = -1;
  {
    const rexnet_test::allocation_trap trap;
    result = rexnet::open_packed(bytes->bytes(), rexnet::check::full, shape::value, file);
    if (result == errc::ok) result = rexnet::expand_half(file.payload, weights);
    if (result == errc::ok) result = rexnet::preprocess_pixels_into(view, file.input, pixels, scratch);
    const auto table = rexnet::normalise_table(file.input);
    constexpr rexnet::plan plan = rexnet::make_plan(shape::value, side, side, 1);
    if (result == errc::ok)
      result = network(weights).forward_u8(plan, {pixels, side, side}, table, scores, workspace);
    rexnet::softmax(scores);
    found = rexnet::top_k_into(scores, top);
    allocations = trap.count();
  }
  CHECK(static_cast<int>(result) == 0);
  CHECK(allocations == 0);
  REQUIRE(found == 3);

  const auto m = rexnet::load(path);
  REQUIRE(m.ok());
  auto classifier = rexnet::classifier::make(*m);
  REQUIRE(classifier.ok());
  const auto expected = classifier->classify(view, 3);
  REQUIRE(expected.ok());
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(top[i].index == (*expected)[i].index);
    CHECK(top[i].score == (*expected)[i].score);
    CHECK(file.label(top[i].index) == m->labels()[static_cast<std::size_t>(top[i].index)]);
  }
}

TEST_CASE("embedded: float32 weights are used where they lie and give the bits of expanded ones") {
  const rexnet::model m =
      rexnet_test::must(rexnet::load(rexnet_test::source_path("models/clothing_1.0x.rexnet")));
  rexnet::packed_header header = m.header();
  header.type = rexnet::element_type::f32;
  std::string text;
  REQUIRE(rexnet::write_packed(header, rexnet::payload_layers(m.payload()),
                               [&text](rexnet::byte_span b) -> rexnet::status {
                                 text.append(reinterpret_cast<const char*>(b.data()), b.size());
                                 return rexnet::done;
                               })
              .ok());
  rexnet::aligned_buffer flash(text.size());
  std::memcpy(flash.data(), text.data(), text.size());
  std::vector<float> image(side * side * 3);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = static_cast<float>(i % 23) / 11.0f - 1.0f;
  float in_place[10], expanded[10];
  rexnet::packed_view file;
  errc result = errc::ok;
  int allocations = -1;
  {
    const rexnet_test::allocation_trap trap;
    result = rexnet::open_packed({flash.data(), flash.size()}, rexnet::check::full, shape::value, file);
    if (result == errc::ok)
      result = network(file.floats())
                   .forward(rexnet::make_plan(shape::value, side, side, 1), {image.data(), 1, side, side, 3},
                            in_place, workspace);
    allocations = trap.count();
  }
  CHECK(static_cast<int>(result) == 0);
  CHECK(allocations == 0);
  CHECK(file.floats() > reinterpret_cast<const float*>(flash.data()));
  CHECK(reinterpret_cast<const unsigned char*>(file.floats() + network::packed_floats()) ==
        flash.data() + flash.size());
  const rexnet::plan p = rexnet_test::must(m.net().make_plan(side, side));
  REQUIRE(m.net().forward(p, {image.data(), 1, side, side, 3}, expanded, workspace) == errc::ok);
  CHECK(std::memcmp(in_place, expanded, sizeof(expanded)) == 0);
}

TEST_CASE("embedded: top-k into the caller's memory is top-k") {
  std::mt19937 engine(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<float> scores(engine() % 40);
    for (float& s : scores) s = engine() % 9 == 0 ? NAN : static_cast<float>(engine() % 12);
    const std::size_t k = 1 + engine() % 12;
    const auto expected = rexnet_test::must(rexnet::top_k(scores, static_cast<int>(k)));
    std::vector<rexnet::scored_class> top(k);
    REQUIRE(rexnet::top_k_into(scores, top) == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(top[i].index == expected[i].index);
  }
}

TEST_CASE("embedded: a network without weights is refused") {
  const rexnet::config c = rexnet::config_for(rexnet::family::v1, 50, 3);
  const rexnet::network<rexnet::dynamic_config> net(c, nullptr);
  const rexnet::plan p = rexnet_test::must(net.make_plan(8, 8));
  rexnet::aligned_buffer memory(p.workspace_bytes());
  const float image[8 * 8 * 3] = {};
  float logits[3];
  CHECK(net.forward(p, {image, 1, 8, 8, 3}, logits, {memory.data(), memory.size()}) ==
        errc::invalid_argument);
}
