// SPDX-License-Identifier: MIT
// Choices: of a mutator, from a seed; of a target, from its input.
#ifndef REXNET_TESTS_FUZZ_DICE_HPP
#define REXNET_TESTS_FUZZ_DICE_HPP

#include "rexnet/core/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace rexnet_fuzz {

/// A small generator (splitmix64): one is made for every mutation, std::mt19937 would take longer than the
/// parser.
class dice {
 public:
  explicit dice(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// 0 to n - 1. Precondition: n > 0.
  std::size_t below(std::size_t n) noexcept { return static_cast<std::size_t>(next() % n); }
  bool one_in(std::size_t n) noexcept { return below(n) == 0; }
  template <class List>
  auto& pick(List& list) noexcept {
    return *(std::begin(list) + static_cast<std::ptrdiff_t>(below(std::size(list))));
  }
  /// Numbers at which sizes break, and small ones.
  std::uint64_t number() noexcept {
    if (one_in(2)) return below(40);
    const std::uint64_t power = std::uint64_t{1} << below(64);
    return one_in(2) ? power : one_in(2) ? power - 1 : 0 - power;
  }

 private:
  std::uint64_t state_;
};

/// Values out of an input, zeros behind its end.
class choices {
 public:
  explicit choices(rexnet::byte_span input) noexcept : input_(input) {}
  std::uint64_t bytes(int n) noexcept {
    std::uint64_t v = 0;
    for (int i = 0; i < n; ++i)
      if (at_ < input_.size()) v |= std::uint64_t{input_[at_++]} << (8 * i);
    return v;
  }
  /// low to high, both included; two bytes of the input. Precondition: high - low < 65536.
  int between(int low, int high) noexcept {
    return low + static_cast<int>(bytes(2) % static_cast<std::uint64_t>(high - low + 1));
  }
  bool flag() noexcept { return (bytes(1) & 1u) != 0; }

 private:
  rexnet::byte_span input_;
  std::size_t at_ = 0;
};

}  // namespace rexnet_fuzz

#endif  // REXNET_TESTS_FUZZ_DICE_HPP
