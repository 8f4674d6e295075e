// SPDX-License-Identifier: MIT
// What a pickle is reduced to: values that refer to each other by index, and the walk that makes sure they
// form no loop.
#ifndef REXNET_CHECKPOINT_PICKLE_VALUE_HPP
#define REXNET_CHECKPOINT_PICKLE_VALUE_HPP

#include "rexnet/core/error.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace pickle {

enum class kind : std::uint8_t {
  none,
  boolean,
  integer,
  real,
  string,
  tuple,
  list,
  dict,
  global,      ///< a name; `text` is its last part, items[0] (where there is one) the module, a string
  storage,     ///< a persistent id: items = its tuple
  tensor,      ///< items = the arguments of _rebuild_tensor_v2
  odd_tensor,  ///< a tensor of a kind that is not read; `text` is what made it
  array,  ///< numpy's: items = shape (a tuple), array_type, data (string or encoded); integer: Fortran order
  array_type,  ///< numpy's dtype: `text` is "f4", integer the byte order '<', '>' or '|', 0 while unknown
  encoded,     ///< bytes as protocol 2 has them: `text` is UTF-8 of Latin-1
  inert,       ///< anything else: a box that is never opened; items[0], where there is one, is its class
  module,      ///< a box that holds a torch.nn.Module
  mark
};

/// What a state dict holds as a tensor. Whether it is of a kind that is read is seen when it is read.
[[nodiscard]] constexpr bool is_tensor(kind k) noexcept {
  return k == kind::tensor || k == kind::odd_tensor || k == kind::array;
}

/// Values refer to each other by index into program::values.
struct value {
  kind type = kind::none;
  std::uint8_t depth = 0;
  std::int64_t integer = 0;          ///< of a real number: its bits
  std::string_view text;             ///< in the file's bytes
  std::vector<std::uint32_t> items;  ///< elements; of a dict: key, value, key, value ...
};

struct program {
  std::deque<value> values;  ///< in blocks: a growing vector would need three times their bytes for a moment
  std::uint32_t root = 0;
  std::size_t consumed = 0;  ///< bytes up to and including STOP

  [[nodiscard]] const value& operator[](std::uint32_t i) const { return values[i]; }
  /// The dict entry of this key, or null. The last one counts, as in Python.
  [[nodiscard]] const value* find(const value& dict, std::string_view key) const {
    for (std::size_t i = dict.items.size() & ~std::size_t{1}; i >= 2;)
      if (i -= 2; values[dict.items[i]].type == kind::string && values[dict.items[i]].text == key)
        return &values[dict.items[i + 1]];
    return nullptr;
  }
  /// "torch.nn.modules.conv.Conv2d": the whole name of a global, or of an object's class.
  [[nodiscard]] std::string full_name(const value& v) const {
    if (v.type != kind::global && !v.items.empty()) return full_name(values[v.items[0]]);
    std::string name(v.text.substr(0, 200));
    return v.items.empty() ? name : std::string(values[v.items[0]].text.substr(0, 200)) + "." + name;
  }
};

inline constexpr int max_depth = 64;
inline constexpr std::uint32_t max_memo = 1u << 20;
/// A value takes 56 bytes and may come from one byte of the file. Training files of ReXNet have about 15,000.
inline constexpr std::size_t max_values = 1u << 20;
/// Of a storage. torch numbers them, legacy files have 15 digits. Keys are compared once for each of the
/// tensors that name them, and thousands may share one string.
inline constexpr std::size_t max_key_bytes = 128;

namespace detail {

[[nodiscard]] inline error fail(errc code, const std::string& what) {
  return {code, "pickle: " + what};
}

/// Walks everything that the root leads to, once: a container on the way to itself is P9, a long way P7.
/// Only after this check may values be followed recursively.
[[nodiscard]] inline status check_shape(program& p) {
  enum : std::uint8_t { fresh, open, closed };
  struct step {
    std::uint32_t index;
    std::size_t next;
  };
  std::vector<std::uint8_t> state(p.values.size(), fresh);
  std::vector<step> path{{p.root, 0}};
  state[p.root] = open;
  while (!path.empty()) {
    step& top = path.back();
    value& v = p.values[top.index];
    if (top.next == v.items.size()) {
      for (const std::uint32_t item : v.items)
        v.depth = (std::max)(v.depth, static_cast<std::uint8_t>(p[item].depth + 1));
      if (v.depth > max_depth)
        return fail(errc::pickle_depth, "nested deeper than " + std::to_string(max_depth));
      state[top.index] = closed;
      path.pop_back();
      continue;
    }
    const std::uint32_t item = v.items[top.next++];
    if (state[item] == open) return fail(errc::pickle_self_reference, "a container holds itself");
    if (state[item] == closed) continue;
    if (path.size() > static_cast<std::size_t>(max_depth))
      return fail(errc::pickle_depth, "nested deeper than " + std::to_string(max_depth));
    state[item] = open;
    path.push_back({item, 0});
  }
  return done;
}

}  // namespace detail

}  // namespace pickle
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_PICKLE_VALUE_HPP
