// SPDX-License-Identifier: MIT
// Layers that torch.nn.utils.prune has cut: "weight_orig" and "weight_mask" stand where "weight" was, and
// their product is what the layer computes with.
#ifndef REXNET_CHECKPOINT_NETWORK_PRUNED_HPP
#define REXNET_CHECKPOINT_NETWORK_PRUNED_HPP

#include "rexnet/checkpoint/network/network_names.hpp"
#include "rexnet/checkpoint/tensor.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// The value as an element of the type would keep it: torch's `mask.to(dtype=orig.dtype) * orig` rounds both
/// the mask and the product. The product of two float32 is exact in double.
[[nodiscard]] inline double rounded_to(dtype type, double v) noexcept {
  if (type == dtype::f64) return v;
  const auto f = static_cast<float>(v);
  if (type == dtype::f16) return static_cast<double>(half_to_float(float_to_half(f)));
  if (type == dtype::f32 || std::isnan(f)) return static_cast<double>(f);
  const std::uint32_t bits = bits_of(f);
  return static_cast<double>(float_from_bits((bits + 0x7fffu + (bits >> 16 & 1u)) & 0xffff0000u));
}

[[nodiscard]] inline tensor product(const tensor& orig, const tensor& mask,
                                    std::vector<unsigned char>& bytes) {
  tensor t;
  t.name = orig.name.substr(0, orig.name.size() - 5);
  t.type = orig.type;
  t.shape = orig.shape;
  t.strides.assign(t.shape.size(), 1);
  for (std::size_t d = t.shape.size(); d-- > 1;)
    t.strides[d - 1] = t.strides[d] * (std::max)(t.shape[d], std::int64_t{1});
  const auto size = static_cast<std::size_t>(dtype_bytes(t.type));
  bytes.resize(static_cast<std::size_t>(t.elements()) * size);
  const auto put = [&](std::int64_t i, double v) {
    const auto f = static_cast<float>(v);
    std::uint64_t bits = bits_of(f);
    if (t.type == dtype::f64) std::memcpy(&bits, &v, sizeof(v));
    if (t.type == dtype::f16) bits = float_to_half(f);
    if (t.type == dtype::bf16) bits >>= 16;
    for (std::size_t k = 0; k < size; ++k, bits >>= 8)
      bytes[static_cast<std::size_t>(i) * size + k] = static_cast<unsigned char>(bits);
  };
  t.data = bytes.data();
  mask.for_each([&](std::int64_t i, double v) { put(i, rounded_to(orig.type, v)); });
  // In the order of the indices, both: what stands there is the mask's element.
  orig.for_each([&](std::int64_t i, double v) { put(i, rounded_to(orig.type, v * t.element(i))); });
  return t;
}

/// Puts the product in the place of each "_orig" that has a "_mask", takes the masks out, and says how many
/// there were. `computed` keeps the products' bytes. Errors: M4 (shapes that differ), M1 (one without the
/// other).
[[nodiscard]] inline result<std::size_t> multiply_out(std::vector<tensor>& tensors,
                                                      std::vector<std::vector<unsigned char>>& computed) {
  std::vector<std::size_t> masks;
  bool any = false;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (ends_with(tensors[i].name, "_mask")) masks.push_back(i);
    any = any || ends_with(tensors[i].name, "_orig");
  }
  if (masks.empty() || !any) return std::size_t{0};
  std::sort(masks.begin(), masks.end(),
            [&](std::size_t a, std::size_t b) { return tensors[a].name < tensors[b].name; });
  std::vector<bool> used(tensors.size(), false);
  std::size_t n = 0;
  for (tensor& t : tensors) {
    if (!ends_with(t.name, "_orig")) continue;
    const std::string name = t.name.substr(0, t.name.size() - 4) + "mask";
    const auto at =
        std::lower_bound(masks.begin(), masks.end(), name,
                         [&](std::size_t i, const std::string& s) { return tensors[i].name < s; });
    if (at == masks.end() || tensors[*at].name != name) continue;  // identify() will name it
    const tensor& mask = tensors[*at];
    if (t.type > dtype::bf16) continue;  // an integer, which no layer has
    if (mask.shape != t.shape)
      return error(errc::model_wrong_shape, name + ": expected " + shape_text(t.shape) + " as " + t.name +
                                                " has, found " + shape_text(mask.shape));
    used[*at] = true;
    computed.emplace_back();
    t = product(t, mask, computed.back());
    ++n;
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (!used[i]) {
      if (kept != i) tensors[kept] = std::move(tensors[i]);
      ++kept;
    }
  tensors.erase(tensors.begin() + static_cast<std::ptrdiff_t>(kept), tensors.end());
  return n;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_NETWORK_PRUNED_HPP
