// SPDX-License-Identifier: MIT
// Softmax and top-k: what faulty scores give, and in which order.
#include "rexnet/heads/scores.hpp"

#include "tests/support/faults.hpp"
#include "tests/support/float_mode.hpp"
#include "tests/support/must.hpp"
#include "tests/support/random_cases.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace {

using rexnet::scored_class;
using rexnet_test::must;

std::vector<scored_class> top_of(const std::vector<float>& scores, int k) {
  const std::vector<scored_class> top = must(rexnet::top_k(scores, k));
  std::vector<scored_class> other(static_cast<std::size_t>(k));
  other.resize(rexnet::top_k_into(scores, other));
  // The one without the heap has the same answer.
  REQUIRE(top.size() == other.size());
  for (std::size_t i = 0; i < top.size(); ++i) {
    CHECK(top[i].index == other[i].index);
    CHECK(top[i].index >= 0);
    const float score = scores[static_cast<std::size_t>(top[i].index)];
    for (const float found : {top[i].score, other[i].score})
      CHECK((found == score || (std::isnan(found) && std::isnan(score))));
  }
  return top;
}
std::vector<int> indices(const std::vector<scored_class>& top) {
  std::vector<int> all;
  for (const scored_class& c : top) all.push_back(c.index);
  return all;
}

}  // namespace

TEST_CASE("scores: softmax of NaN, infinities, huge and denormal scores is PyTorch's") {
  for (const auto& line : rexnet_test::fault_lines("softmax")) {
    std::vector<float> v = rexnet_test::numbers(line);
    REQUIRE(v.size() == 6);
    const std::vector<float> expected(v.begin() + 3, v.end());
    v.resize(3);
    rexnet::softmax(v);
    for (std::size_t i = 0; i < 3; ++i) {
      INFO(line[0], " ", line[1], " ", line[2]);
      CHECK(std::isnan(v[i]) == std::isnan(expected[i]));
      if (!std::isnan(v[i])) CHECK(v[i] == doctest::Approx(expected[i]).epsilon(1e-6));
    }
  }
  rexnet::softmax({});
}

TEST_CASE("scores: softmax sums to one, keeps the order, and does not care for a constant") {
  rexnet_test::dice d(1, 0);
  for (int round = 0; round < 50; ++round) {
    std::vector<float> v(static_cast<std::size_t>(d.between(1, 60)));
    for (float& x : v) x = 8 * d.value();
    std::vector<float> p = v, shifted = v;
    for (float& x : shifted) x += 64;
    rexnet::softmax(p);
    rexnet::softmax(shifted);
    double sum = 0;
    for (std::size_t i = 0; i < v.size(); ++i) {
      double expected = 0;
      for (const float x : v) expected += std::exp(static_cast<double>(x) - static_cast<double>(v[i]));
      CHECK(p[i] == doctest::Approx(1 / expected).epsilon(1e-5));
      CHECK(shifted[i] == doctest::Approx(p[i]).epsilon(1e-4));
      sum += static_cast<double>(p[i]);
    }
    CHECK(sum == doctest::Approx(1).epsilon(1e-5));
  }
}

TEST_CASE("scores: top-k takes NaN for the smallest, and equal scores in the order of their index") {
  const std::vector<float> scores = {1, NAN, INFINITY, -INFINITY, NAN, 2, 1};
  CHECK(indices(top_of(scores, 7)) == std::vector<int>{2, 5, 0, 6, 1, 3, 4});
  CHECK(indices(top_of(scores, 100)) == std::vector<int>{2, 5, 0, 6, 1, 3, 4});
  CHECK(indices(top_of(scores, 3)) == std::vector<int>{2, 5, 0});
  CHECK(top_of({}, 3).empty());
  CHECK(indices(top_of({NAN, NAN, NAN}, 2)) == std::vector<int>{0, 1});
}

TEST_CASE("scores: top-k of fewer than one class is refused, room for none is not filled") {
  const std::vector<float> scores = {1, 2};
  for (const int k : {0, -1, -2147483647 - 1}) {
    const auto none = rexnet::top_k(scores, k);
    CHECK(none.code() == rexnet::errc::invalid_argument);
    CHECK(none.error().message().find("top " + std::to_string(k)) == 0);
  }
  CHECK(rexnet::top_k_into(scores, {}) == 0);
  CHECK(indices(top_of(scores, 2147483647 / 64)) == std::vector<int>{1, 0});
}

TEST_CASE("scores: top-k of random scores with ties and NaN is a stable sort's") {
  for (std::uint64_t round = 0; round < 300; ++round) {
    rexnet_test::dice d(2, round);
    std::vector<float> scores(static_cast<std::size_t>(d.between(1, 40)));
    for (float& s : scores)
      s = d.one_in(5)   ? NAN
          : d.one_in(8) ? d.one_of({INFINITY, -INFINITY})
                        : static_cast<float>(d.between(-3, 3));
    std::vector<int> order(scores.size());
    std::iota(order.begin(), order.end(), 0);
    const auto key = [&scores](int i) {
      const float s = scores[static_cast<std::size_t>(i)];
      return std::isnan(s) ? -INFINITY : s;
    };
    std::stable_sort(order.begin(), order.end(), [&key](int a, int b) { return key(a) > key(b); });
    order.resize(static_cast<std::size_t>(d.between(1, static_cast<int>(scores.size()))));
    CHECK(indices(top_of(scores, static_cast<int>(order.size()))) == order);
  }
}

TEST_CASE("scores: the caller's floating-point mode is kept") {
  for (const std::uint64_t bits : rexnet_test::flushing_bits) {
    const rexnet_test::float_mode_scope scope(bits);
    const std::uint64_t mode = rexnet_test::float_mode();
    std::vector<float> v = {1, 2, -90, 1e-40f};
    rexnet::softmax(v);
    CHECK(rexnet_test::float_mode() == mode);
    CHECK(must(rexnet::top_k(v, 2)).front().index == 1);
    CHECK(rexnet_test::float_mode() == mode);
  }
}
