// SPDX-License-Identifier: MIT
// NaN, infinities, denormals and huge numbers through whole networks, map by map, against PyTorch's answers;
// and the floating-point mode of the caller and of the workers. Part of network.cpp, which has compiled the
// kernels already.
#ifndef REXNET_TESTS_PER_ISA_FAULTY_NETWORKS_HPP
#define REXNET_TESTS_PER_ISA_FAULTY_NETWORKS_HPP

#include "rexnet/core/bytes.hpp"

#include "tests/per_isa/random_networks.hpp"
#include "tests/support/faults.hpp"
#include "tests/support/float_mode.hpp"

#include <string>
#include <vector>

namespace faulty_networks {

using rexnet::config;
using rexnet::family;
using rexnet_test::network_case;

/// SHAPES of tests/python/pytorch_faults.py.
inline config shape_of(family f) {
  config c;
  c.family = f;
  c.classes = 7, c.stem_c = 9, c.head_c = 33, c.hidden_c = f == family::lite ? 10 : 0;
  for (int i = 0; i < rexnet::rexnet_blocks; ++i) {
    c.blocks[i].out_c = 8 + i;
    c.blocks[i].se_c = f == family::v1 && i >= 3 ? 3 : 0;
  }
  rexnet::connect_blocks(c);
  return c;
}

/// The image of the formula, with the fault in one pixel or everywhere.
inline network_case faulty(family f, const std::string& where, float fault) {
  const config c = shape_of(f);
  network_case n(c, 1, 33, 47, 1, rexnet_test::fault_payload(c));
  n.image = rexnet_test::fault_values(33 * 47 * 3);
  for (int i = 0; i < 33 * 47 * 3; ++i)
    if (where == "everywhere" || i / 3 == 16 * 47 + 21) n.image[static_cast<std::size_t>(i)] = fault;
  return n;
}

/// The words after the fault: counts of NaN and infinities map by map, and the checksum of all kinds.
inline std::vector<std::string> answer_of(const network_case& n, int threads) {
  random_networks::all_taps taps(n.c, rexnet::make_plan(n.c, n.h, n.w, 1), 1);
  rexnet::forward_options o;
  o.taps = &taps.view;
  const std::vector<float> logits = n.run(threads, o);
  std::vector<std::string> words;
  std::string plain;
  const auto map = [&](const std::vector<float>& v) {
    int nan = 0, infinite = 0;
    for (const float x : v) {
      const char k = rexnet_test::kind(x);
      nan += k == 'n', infinite += k == '+' || k == '-';
      plain += k == '0' || k == '6' ? '.' : k;
    }
    words.push_back(std::to_string(nan));
    words.push_back(std::to_string(infinite));
  };
  map(taps.stem);
  for (const std::vector<float>& b : taps.blocks) map(b);
  map(taps.head);
  map(logits);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(plain.data());
  words.push_back(std::to_string(rexnet::crc32({bytes, plain.size()})));
  return words;
}

}  // namespace faulty_networks

TEST_CASE("faults: PyTorch's NaN and infinities in every map of a network, with and without squeeze-excite") {
  using namespace faulty_networks;
  for (const family f : {family::lite, family::v1})
    for (const auto& line : rexnet_test::fault_lines(rexnet::family_name(f))) {
      const network_case n = faulty(f, line[0], rexnet_test::number(line[1]));
      const std::vector<std::string> expected(line.begin() + 2, line.end());
      for (const int threads : {1, 3}) {
        INFO(std::string(rexnet::family_name(f)), " with ", line[1], " in ", line[0]);
        CHECK(answer_of(n, threads) == expected);
      }
    }
}

TEST_CASE("faults: an image with NaN spoils no other image of its batch") {
  using namespace faulty_networks;
  const network_case good = faulty(family::v1, "pixel", 1.0f), bad = faulty(family::v1, "pixel", NAN);
  network_case batch(good.c, 3, good.h, good.w, 1, rexnet_test::fault_payload(good.c));
  batch.image = good.image;
  batch.image.insert(batch.image.end(), bad.image.begin(), bad.image.end());
  batch.image.insert(batch.image.end(), good.image.begin(), good.image.end());
  const std::vector<float> alone = good.run(1);
  for (const bool image_per_thread : {false, true}) {
    const std::vector<float> all = batch.run(2, {}, image_per_thread);
    const auto image = [&all](int i) {
      return std::vector<float>(all.begin() + 7 * i, all.begin() + 7 * (i + 1));
    };
    CHECK(rexnet_test::same_bits(image(0), alone));
    for (const float v : image(1)) CHECK(std::isnan(v));
    CHECK(rexnet_test::same_bits(image(2), alone));
  }
}

TEST_CASE(
    "faults: forward keeps the floating-point mode of caller and workers, and its bits in all of them") {
  using namespace faulty_networks;
  const network_case n = faulty(family::v1, "pixel", 1.0f);
  const std::vector<float> plain = n.run(1);
  for (const std::uint64_t bits : rexnet_test::flushing_bits) {
    const rexnet_test::float_mode_scope scope(bits);
    const std::uint64_t mode = rexnet_test::float_mode();
    std::uint64_t before[3] = {}, after[3] = {};
    const auto modes_of_workers = [](std::uint64_t(&modes)[3]) {
      rexnet::detail::run_tasks(
          {}, 3, [](void* to, int i) { static_cast<std::uint64_t*>(to)[i] = rexnet_test::float_mode(); },
          modes);
    };
    for (const int threads : {1, 3}) {
      modes_of_workers(before);
      CHECK(rexnet_test::same_bits(plain, n.run(threads)));
      CHECK(rexnet_test::float_mode() == mode);
      modes_of_workers(after);
      for (int i = 0; i < 3; ++i) CHECK(before[i] == after[i]);
    }
  }
}

#endif  // REXNET_TESTS_PER_ISA_FAULTY_NETWORKS_HPP
