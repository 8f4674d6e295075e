// SPDX-License-Identifier: MIT
// The list of names that a checkpoint's pickle may refer to, and what each may be used for. Anything else is
// refused, by name: this list is the whole attack surface that Python's pickle leaves open.
#ifndef REXNET_WEIGHTS_PICKLE_GLOBALS_HPP
#define REXNET_WEIGHTS_PICKLE_GLOBALS_HPP

#include "rexnet/core/build.hpp"

#include <cstdint>
#include <string_view>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace pickle {

namespace detail {

/// What an allowed global may be used for.
enum class role : std::uint8_t {
  refused,
  unsupported,
  ordered_dict,
  rebuild_tensor,
  rebuild_parameter,
  storage,
  size,
  inert
};

[[nodiscard]] inline role role_of(std::string_view module, std::string_view name) noexcept {
  if (module == "collections") return name == "OrderedDict" ? role::ordered_dict : role::refused;
  if (module == "torch._utils") {
    if (name == "_rebuild_tensor_v2") return role::rebuild_tensor;
    if (name == "_rebuild_parameter") return role::rebuild_parameter;
    for (const std::string_view known :
         {"_rebuild_qtensor", "_rebuild_sparse_tensor", "_rebuild_sparse_csr_tensor",
          "_rebuild_nested_tensor", "_rebuild_meta_tensor_no_storage", "_rebuild_tensor_v3",
          "_rebuild_device_tensor_from_numpy"})
      if (name == known) return role::unsupported;
    return role::refused;
  }
  if (module == "torch" || module == "torch.storage") {
    if (name.size() > 7 && name.substr(name.size() - 7) == "Storage") return role::storage;
    if (name == "Size") return role::size;
    for (const std::string_view dtype :
         {"float32", "float", "float64", "double", "float16", "half", "bfloat16", "int64", "long", "int32",
          "int", "int16", "short", "int8", "uint8", "bool"})
      if (name == dtype) return role::inert;
    return role::refused;
  }
  if (module == "argparse" && name == "Namespace") return role::inert;
  if ((module == "numpy.core.multiarray" || module == "numpy._core.multiarray") && name == "scalar")
    return role::inert;
  if (module == "numpy" && name == "dtype") return role::inert;
  if (module == "_codecs" && name == "encode") return role::inert;
  return role::refused;
}

}  // namespace detail

}  // namespace pickle
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_WEIGHTS_PICKLE_GLOBALS_HPP
