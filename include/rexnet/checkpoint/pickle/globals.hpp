// SPDX-License-Identifier: MIT
// What the names in a checkpoint's pickle stand for. Tensors come out of the few names that are understood;
// every other name is inert: a box with a label. No name is ever imported, looked up or called.
#ifndef REXNET_CHECKPOINT_PICKLE_GLOBALS_HPP
#define REXNET_CHECKPOINT_PICKLE_GLOBALS_HPP

#include "rexnet/core/text.hpp"

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace pickle {

namespace detail {

using rexnet::detail::ends_with;

/// What a name is used for.
enum class role : std::uint8_t {
  inert,
  runs_code,     ///< refused, P2
  other_pickle,  ///< refused, M14: pickles that torch.save and numpy do not write
  ordered_dict,
  default_dict,
  plain_tuple,
  rebuild_tensor,
  rebuild_typed,  ///< a tensor with attributes of its own
  rebuild_parameter,
  parameter,
  odd_tensor,
  storage,
  size,
  array,
  array_of_buffer,
  array_class,
  array_type,
  encode
};

[[nodiscard]] constexpr bool is_one_of(std::string_view name,
                                       std::initializer_list<std::string_view> known) noexcept {
  for (const std::string_view k : known)
    if (name == k) return true;
  return false;
}
/// Names that a file has only to make another program run something. Here they are labels like all others:
/// the list is there to warn the user about the file. torch's weights_only has the first four modules.
[[nodiscard]] constexpr bool names_code(std::string_view module, std::string_view name) noexcept {
  if (is_one_of(module, {"os",           "posix",
                         "nt",           "sys",
                         "subprocess",   "commands",
                         "popen2",       "pty",
                         "shutil",       "socket",
                         "ctypes",       "_ctypes",
                         "imp",          "runpy",
                         "code",         "codeop",
                         "pdb",          "bdb",
                         "marshal",      "pickle",
                         "_pickle",      "cPickle",
                         "webbrowser",   "requests",
                         "torch.hub",    "importlib",
                         "requests.api", "urllib.request",
                         "urllib2",      "torch.utils.cpp_extension"}) ||
      is_one_of(module.substr(0, module.find('.')), {"importlib", "ctypes", "pip"}))
    return true;
  // Protocol 2 has Python 2's name of the module.
  if (module == "builtins" || module == "__builtin__")
    return is_one_of(
        name.substr(0, name.find('.')),
        {"eval", "exec", "execfile", "compile", "open", "file", "input", "raw_input", "__import__",
         "breakpoint", "globals", "locals", "vars", "setattr", "delattr", "apply"});
  return (is_one_of(module, {"torch", "torch.serialization", "torch.jit"}) && name == "load") ||
         (module == "types" && is_one_of(name, {"CodeType", "FunctionType"})) ||
         (is_one_of(module, {"io", "_io", "codecs"}) && is_one_of(name, {"open", "open_code", "FileIO"}));
}

/// torch's own names.
[[nodiscard]] constexpr role torch_role(std::string_view module, std::string_view name) noexcept {
  if (module == "torch._utils") {
    if (is_one_of(name, {"_rebuild_tensor_v2", "_rebuild_tensor"})) return role::rebuild_tensor;
    if (is_one_of(name, {"_rebuild_parameter", "_rebuild_parameter_with_state"}))
      return role::rebuild_parameter;
    return name.substr(0, 9) == "_rebuild_" ? role::odd_tensor : role::inert;
  }
  if (module == "torch._tensor" && name == "_rebuild_from_type_v2") return role::rebuild_typed;
  if (module == "torch.nn.parameter" && name == "Parameter") return role::parameter;
  if (module == "torch.storage" && name == "_load_from_bytes") return role::other_pickle;
  if (is_one_of(module, {"torch", "torch.storage", "torch.cuda"}) && ends_with(name, "Storage") &&
      name.size() > 7)
    return role::storage;
  if (module == "torch" && name == "Size") return role::size;
  if (is_one_of(module, {"torch", "torch.cuda", "torch.sparse", "torch.cuda.sparse"}) &&
      ends_with(name, "Tensor"))
    return role::odd_tensor;
  return role::inert;
}

[[nodiscard]] constexpr role role_of(std::string_view module, std::string_view name) noexcept {
  if (names_code(module, name)) return role::runs_code;
  if (module.substr(0, 5) == "torch") return torch_role(module, name);
  if (module == "collections")
    return name == "OrderedDict"   ? role::ordered_dict
           : name == "defaultdict" ? role::default_dict
                                   : role::inert;
  if (module == "builtins" || module == "__builtin__")
    return name == "tuple" ? role::plain_tuple : role::inert;
  if (is_one_of(module, {"numpy.core.multiarray", "numpy._core.multiarray"}))
    return name == "_reconstruct" ? role::array : role::inert;
  if (is_one_of(module, {"numpy.core.numeric", "numpy._core.numeric"}))
    return name == "_frombuffer" ? role::array_of_buffer : role::inert;
  if (module == "numpy")
    return name == "dtype" ? role::array_type : name == "ndarray" ? role::array_class : role::inert;
  if (module == "_codecs") return name == "encode" ? role::encode : role::inert;
  return module.substr(0, module.find('.')) == "joblib" ? role::other_pickle : role::inert;
}

}  // namespace detail

}  // namespace pickle
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_PICKLE_GLOBALS_HPP
