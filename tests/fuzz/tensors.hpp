// SPDX-License-Identifier: MIT
// What must hold of every tensor that a reader gives: it lies in its file, and all of it can be read.
#ifndef REXNET_TESTS_FUZZ_TENSORS_HPP
#define REXNET_TESTS_FUZZ_TENSORS_HPP

#include "rexnet/checkpoint/tensor.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <vector>

namespace rexnet_fuzz {

inline bool inside(rexnet::byte_span whole, const unsigned char* p, std::size_t bytes) {
  return p >= whole.data() && bytes <= whole.size() &&
         static_cast<std::size_t>(p - whole.data()) <= whole.size() - bytes;
}

/// Where the elements of t lie, from its numbers alone: a second way to what for_each() does.
/// @param home what holds all elements: the file, or bytes decoded from it
inline void check_tensor(const rexnet::tensor& t, rexnet::byte_span file, rexnet::byte_span home) {
  REXNET_FUZZ_CHECK(t.shape.size() <= 8 && t.shape.size() == t.strides.size());
  const std::int64_t n = t.elements();
  REXNET_FUZZ_CHECK(n >= 0);
  REXNET_FUZZ_CHECK(static_cast<std::uint64_t>(n) * static_cast<std::uint64_t>(rexnet::dtype_bytes(t.type)) <=
                    rexnet::max_blow_up * file.size());
  const std::vector<double> values = t.values();
  REXNET_FUZZ_CHECK(values.size() == static_cast<std::size_t>(n));
  const bool plain = t.row_major();
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t rest = i, offset = 0;
    for (std::size_t d = t.shape.size(); d-- > 0; rest /= t.shape[d])
      if (rest % t.shape[d] != 0) offset += rest % t.shape[d] * t.strides[d];
    REXNET_FUZZ_CHECK(!plain || offset == i);
    const auto bytes = static_cast<std::size_t>(rexnet::dtype_bytes(t.type));
    REXNET_FUZZ_CHECK(inside(home, t.data + offset * static_cast<std::int64_t>(bytes), bytes));
    const double found = t.element(offset), listed = values[static_cast<std::size_t>(i)];
    REXNET_FUZZ_CHECK(found == listed || (found != found && listed != listed));
  }
  if (n > 64) return;
  std::vector<double> exact(static_cast<std::size_t>(n));
  REXNET_FUZZ_CHECK(rexnet::copy_to(t, exact).ok());
  std::vector<float> copy(static_cast<std::size_t>(n));
  REXNET_FUZZ_CHECK(rexnet::copy_to(t, copy).ok());
  copy.push_back(0.0f);
  REXNET_FUZZ_CHECK(!rexnet::copy_to(t, copy).ok());
  // What no reader asks place_tensor() for.
  rexnet::tensor odd = t;
  REXNET_FUZZ_CHECK(*rexnet::dtype_name(t.type) != 0);
  odd.strides.push_back(1);
  REXNET_FUZZ_CHECK(rexnet::place_tensor(odd, file, 0, file.size()).code() == rexnet::errc::tensor_rank);
  odd.shape.resize(9);
  REXNET_FUZZ_CHECK(rexnet::place_tensor(odd, file, 0, file.size()).code() == rexnet::errc::tensor_rank);
}

inline void check_tensor(const rexnet::tensor& t, rexnet::byte_span file) {
  check_tensor(t, file, file);
}

/// Of all tensors of a torch file: storages may be shared, up to the documented limit.
template <class Tensors>
void check_tensors(const Tensors& tensors, rexnet::byte_span file,
                   const std::vector<rexnet::byte_span>& others = {}) {
  std::uint64_t total = 0;
  for (const rexnet::tensor& t : tensors) {
    rexnet::byte_span home = file;
    for (const rexnet::byte_span other : others)
      if (t.elements() > 0 && inside(other, t.data, 1)) home = other;
    check_tensor(t, file, home);
    total +=
        static_cast<std::uint64_t>(t.elements()) * static_cast<std::uint64_t>(rexnet::dtype_bytes(t.type));
  }
  REXNET_FUZZ_CHECK(total <= rexnet::max_blow_up * file.size());
}

/// The same of what a reader of torch files gives. @param program where numpy's arrays lie, unless decoded
template <class Content>
void check_content(const Content& content, rexnet::byte_span file, rexnet::byte_span program) {
  std::vector<rexnet::byte_span> others{program};
  for (const auto& [value, bytes] : content.decoded) others.emplace_back(bytes.data(), bytes.size());
  for (const auto& bytes : content.computed) others.emplace_back(bytes.data(), bytes.size());
  check_tensors(content.tensors, file, others);
}

}  // namespace rexnet_fuzz

#endif  // REXNET_TESTS_FUZZ_TENSORS_HPP
