// SPDX-License-Identifier: MIT
// PyTorch's answers to NaN, infinities, denormals and huge numbers (tests/golden/faults.txt), and the inputs
// that they are for: the formulas of tests/python/pytorch_faults.py.
#ifndef REXNET_TESTS_SUPPORT_FAULTS_HPP
#define REXNET_TESTS_SUPPORT_FAULTS_HPP

#include "rexnet/payload/layout.hpp"

#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace rexnet_test {

/// The words of each line that begins with `name`, without it.
inline std::vector<std::vector<std::string>> fault_lines(const std::string& name) {
  std::ifstream file(source_path("tests/golden/faults.txt"));
  std::vector<std::vector<std::string>> lines;
  for (std::string line, word; std::getline(file, line);) {
    std::istringstream words(line);
    words >> word;
    if (word != name) continue;
    lines.emplace_back();
    while (words >> word) lines.back().push_back(word);
  }
  REQUIRE(!lines.empty());
  return lines;
}
/// "nan", "-inf", "1e-45" as a float. (Streams do not read the first two.)
inline float number(const std::string& word) {
  return std::strtof(word.c_str(), nullptr);
}
inline std::vector<float> numbers(const std::vector<std::string>& words) {
  std::vector<float> v;
  for (const std::string& word : words) v.push_back(number(word));
  return v;
}

inline float fault_value(int i) {
  return static_cast<float>((i * 7 + 3) % 11 - 5) / 4;
}
inline std::vector<float> fault_values(int count) {
  std::vector<float> v;
  for (int i = 0; i < count; ++i) v.push_back(fault_value(i));
  return v;
}
inline std::vector<float> fault_weights(int count) {
  std::vector<float> v;
  for (int i = 0; i < count; ++i) v.push_back(static_cast<float>((i * 5 + 1) % 9 - 4) / 8);
  return v;
}
inline float fault_bias(int i) {
  return static_cast<float>((i * 3 + 2) % 5 - 2) / 4;
}
inline std::vector<float> fault_biases(int count) {
  std::vector<float> v;
  for (int i = 0; i < count; ++i) v.push_back(fault_bias(i));
  return v;
}

/// A network's weights: PyTorch's layers are numbered in the payload's order, those that exist.
inline std::vector<float> fault_payload(const rexnet::config& c) {
  rexnet::weights_layout l = rexnet::layout_of(c);
  std::vector<float> payload(static_cast<std::size_t>(l.bytes / 4));
  std::uint32_t number = 0;
  rexnet::for_each_layer(c, l, [&](const rexnet::layer_layout& at, int k, int out_c) {
    if (out_c == 0) return;
    const rexnet::layer_numbers<float> layer = rexnet::numbers_of(payload.data(), at);
    float scale = 1.0f / 8;
    for (int most = 2; most < k; most *= 4) scale /= 2;
    for (int o = 0; o < out_c; ++o) {
      for (int i = 0; i < k; ++i) {
        const std::uint32_t hash = (static_cast<std::uint32_t>(o * 31 + i * 17) + number * 7) * 2654435761u;
        layer.weight(o, i) = static_cast<float>(static_cast<int>((hash >> 16) % 17) - 8) * scale;
      }
      layer.bias[o] = fault_bias(o);
    }
    ++number;
  });
  return payload;
}

/// n NaN, + and - infinities, 0, 6, or . for any other number.
inline char kind(float v) {
  return std::isnan(v) ? 'n' : v == INFINITY ? '+' : v == -INFINITY ? '-' : v == 0 ? '0' : v == 6 ? '6' : '.';
}

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_FAULTS_HPP
