// SPDX-License-Identifier: MIT
// Zip archives that are no torch checkpoint, recognised by the names of their entries, with what to do.
// Nothing in them is read, so that they may be compressed.
#ifndef REXNET_CHECKPOINT_ARCHIVES_HPP
#define REXNET_CHECKPOINT_ARCHIVES_HPP

#include "rexnet/checkpoint/file_kinds.hpp"
#include "rexnet/checkpoint/zip.hpp"
#include "rexnet/core/bytes.hpp"
#include "rexnet/core/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

inline constexpr std::string_view use_torch_save = ": save model.state_dict() with torch.save instead";

/// An entry whose presence tells what the archive is: the end of its name, from a '/' or the beginning on, or
/// "*.x" for any such. The first sign that fits decides.
struct archive_sign {
  std::string_view entry;
  errc code;
  std::string_view what, advice;
};

/// Of archives that may have a data.pkl, too.
inline constexpr archive_sign archive_signs[] = {
    {"bytecode.pkl", errc::model_torchscript, "a TorchScript archive for mobile (bytecode.pkl)",
     use_torch_save},
    {"constants.pkl", errc::model_torchscript, "a TorchScript archive (constants.pkl)", use_torch_save},
    {"archive_format", errc::model_other_format, "an exported program (torch.export.save)", use_torch_save},
    {"serialized_exported_program.json", errc::model_other_format, "an exported program (torch.export.save)",
     use_torch_save},
    {".data/extern_modules", errc::model_other_format, "a torch.package archive", use_torch_save},
};
/// Of archives without.
inline constexpr archive_sign other_archive_signs[] = {
    {"model.weights.h5", errc::model_other_format, "a Keras model", other_framework},
    {"saved_model.pb", errc::model_other_format, "a TensorFlow SavedModel", other_framework},
    {"*.mlmodel", errc::model_other_format, "a Core ML package", save_weights},
    {"*.npy", errc::model_other_format, "an archive of numpy arrays (.npz)",
     ": write them by name with safetensors.numpy.save_file"},
    {"*.safetensors", errc::model_other_format, "an archive that holds a checkpoint", unpack_first},
    {"*.pth", errc::model_other_format, "an archive that holds a checkpoint", unpack_first},
    {"*.pt", errc::model_other_format, "an archive that holds a checkpoint", unpack_first},
    {"*.tar", errc::model_other_format, "an archive that holds a checkpoint", unpack_first},
    {"*.ckpt", errc::model_other_format, "an archive that holds a checkpoint", unpack_first},
    {"*.bin", errc::model_other_format, "an archive that holds a checkpoint", unpack_first},
    {"*.pdparams", errc::model_other_format, "an archive that holds a checkpoint", unpack_first},
};

[[nodiscard]] inline bool fits(std::string_view sign, std::string_view name) noexcept {
  const bool any = sign[0] == '*';
  if (any) sign.remove_prefix(1);
  if (name.size() < sign.size() || name.substr(name.size() - sign.size()) != sign) return false;
  return any || name.size() == sign.size() || name[name.size() - sign.size() - 1] == '/';
}

template <std::size_t N>
[[nodiscard]] status refuse_by_names(const archive_sign (&signs)[N], const std::vector<zip_entry>& entries) {
  for (const archive_sign& sign : signs)
    for (const zip_entry& e : entries)
      if (fits(sign.entry, e.name)) {
        std::string what(sign.what);
        if (sign.entry[0] == '*') what += ", " + in_quotes(e.name);
        return error(sign.code, what + std::string(sign.advice));
      }
  return done;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_CHECKPOINT_ARCHIVES_HPP
