// SPDX-License-Identifier: MIT
// Zip archives that are no torch checkpoint, told by the names of their entries, with what to do. Nothing in
// them is read, so that they may be compressed.
#ifndef REXNET_WEIGHTS_ARCHIVES_HPP
#define REXNET_WEIGHTS_ARCHIVES_HPP

#include "rexnet/core/error.hpp"
#include "rexnet/weights/bytes.hpp"
#include "rexnet/weights/zip.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

/// An entry whose presence tells what the archive is.
struct archive_sign {
  std::string_view entry;  ///< the end of the entry's name, from a '/' or the beginning on; "*.x": any such
  errc code;
  const char* what;
};

/// The first that fits decides: a TorchScript archive has a data.pkl, too.
inline constexpr archive_sign archive_signs[] = {
    {"bytecode.pkl", errc::model_torchscript,
     "a TorchScript archive for mobile (bytecode.pkl): save model.state_dict() with torch.save instead"},
    {"constants.pkl", errc::model_torchscript,
     "a TorchScript archive (constants.pkl): save model.state_dict() with torch.save instead"},
    {"archive_format", errc::model_other_format,
     "an exported program (torch.export.save): save model.state_dict() with torch.save instead"},
    {"serialized_exported_program.json", errc::model_other_format,
     "an exported program (torch.export.save): save model.state_dict() with torch.save instead"},
    {".data/extern_modules", errc::model_other_format,
     "a torch.package archive: save model.state_dict() with torch.save instead"},
    {"model.weights.h5", errc::model_other_format,
     "a Keras model: only PyTorch's, PaddleClas' and MindCV's weights are read"},
};
/// Of archives without data.pkl.
inline constexpr archive_sign other_archive_signs[] = {
    {"saved_model.pb", errc::model_other_format,
     "a TensorFlow SavedModel: only PyTorch's, PaddleClas' and MindCV's weights are read"},
    {"*.mlmodel", errc::model_other_format,
     "a Core ML package: save the state_dict() that it was made of with torch.save"},
    {"*.npy", errc::model_other_format,
     "an archive of numpy arrays (.npz): write them by name with safetensors.numpy.save_file"},
    {"*.safetensors", errc::model_other_format, "a zip archive that holds a checkpoint: unpack it first"},
    {"*.pth", errc::model_other_format, "a zip archive that holds a checkpoint: unpack it first"},
    {"*.pt", errc::model_other_format, "a zip archive that holds a checkpoint: unpack it first"},
    {"*.tar", errc::model_other_format, "a zip archive that holds a checkpoint: unpack it first"},
    {"*.ckpt", errc::model_other_format, "a zip archive that holds a checkpoint: unpack it first"},
    {"*.bin", errc::model_other_format, "a zip archive that holds a checkpoint: unpack it first"},
    {"*.pdparams", errc::model_other_format, "a zip archive that holds a checkpoint: unpack it first"},
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
        const bool named = sign.entry[0] == '*';
        return error(sign.code, named ? in_quotes(e.name) + " is in " + sign.what : std::string(sign.what));
      }
  return done;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_WEIGHTS_ARCHIVES_HPP
