// SPDX-License-Identifier: MIT
// The list of names that a checkpoint's pickle may refer to, and what each may be used for. Anything else is
// refused, by name: this list is the whole attack surface that Python's pickle leaves open.
#ifndef REXNET_WEIGHTS_PICKLE_GLOBALS_HPP
#define REXNET_WEIGHTS_PICKLE_GLOBALS_HPP

#include "rexnet/core/build.hpp"

#include <cstdint>
#include <initializer_list>
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

/// Everything that torch.load(weights_only=True) allows and a state dict, or what lies beside it in training
/// files, is made of; argparse.Namespace and numpy's scalars besides.
[[nodiscard]] inline role role_of(std::string_view module, std::string_view name) noexcept {
  const auto one_of = [name](std::initializer_list<std::string_view> known) {
    for (const std::string_view k : known)
      if (name == k) return true;
    return false;
  };
  const auto inert_if = [](bool known) { return known ? role::inert : role::refused; };
  if (module == "collections")
    return name == "OrderedDict" ? role::ordered_dict : inert_if(name == "Counter");
  if (module == "torch._utils") {
    if (one_of({"_rebuild_tensor_v2", "_rebuild_tensor"})) return role::rebuild_tensor;
    if (one_of({"_rebuild_parameter", "_rebuild_parameter_with_state"})) return role::rebuild_parameter;
    return one_of({"_rebuild_qtensor", "_rebuild_sparse_tensor", "_rebuild_sparse_csr_tensor",
                   "_rebuild_nested_tensor", "_rebuild_meta_tensor_no_storage", "_rebuild_tensor_v3",
                   "_rebuild_device_tensor_from_numpy", "_rebuild_device_tensor_from_cpu_tensor",
                   "_rebuild_wrapper_subclass"})
               ? role::unsupported
               : role::refused;
  }
  if (module == "torch._tensor") return name == "_rebuild_from_type_v2" ? role::unsupported : role::refused;
  if (module == "torch" || module == "torch.storage") {
    if (name.size() > 7 && name.substr(name.size() - 7) == "Storage") return role::storage;
    if (name == "Size") return role::size;
    if (one_of({"float32",   "float",     "float64",    "double", "float16", "half",   "bfloat16", "int64",
                "long",      "int32",     "int",        "int16",  "short",   "int8",   "uint8",    "bool",
                "complex32", "complex64", "complex128", "uint16", "uint32",  "uint64", "device"}))
      return role::inert;
    return inert_if(name.substr(0, 7) == "float8_");
  }
  if (module == "torch.serialization") return inert_if(name == "_get_layout");
  // Protocol 2 has Python 2's name of the module.
  if (module == "builtins" || module == "__builtin__")
    return inert_if(one_of({"set", "bytearray", "complex"}));
  if (module == "argparse") return inert_if(name == "Namespace");
  if (module == "numpy.core.multiarray" || module == "numpy._core.multiarray")
    return inert_if(name == "scalar");
  if (module == "numpy") return inert_if(name == "dtype");
  return inert_if(module == "_codecs" && name == "encode");
}

}  // namespace detail

}  // namespace pickle
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_WEIGHTS_PICKLE_GLOBALS_HPP
