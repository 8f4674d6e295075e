// SPDX-License-Identifier: MIT
// A folder given where a file is expected: which file of it is the model, or what the folder is.
#ifndef REXNET_SYSTEM_FOLDER_HPP
#define REXNET_SYSTEM_FOLDER_HPP

#include "rexnet/core/build.hpp"
#include "rexnet/system/windows.hpp"

#include <string>

#if !defined(_WIN32)
#include <unistd.h>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

[[nodiscard]] inline bool file_is_there(const std::string& path) noexcept {
#if defined(_WIN32)
  return GetFileAttributesW(utf16(path).c_str()) != INVALID_FILE_ATTRIBUTES;
#else
  return ::access(path.c_str(), F_OK) == 0;
#endif
}

/// "is a directory" and, where a file in it has a well-known name, what to do.
[[nodiscard]] inline std::string folder_text(const std::string& path) {
  static constexpr struct {
    const char *file, *text;
  } known[] = {
      {"model.safetensors", "; its weights are in model.safetensors"},
      {"pytorch_model.bin", "; its weights are in pytorch_model.bin"},
      {"model.safetensors.index.json",
       " with a checkpoint in several parts (model.safetensors.index.json): load them with Python and write "
       "one"},
      {"pytorch_model.bin.index.json",
       " with a checkpoint in several parts (pytorch_model.bin.index.json): load them with Python and write "
       "one"},
      {"zero_to_fp32.py", " of DeepSpeed: its zero_to_fp32.py writes one checkpoint"},
      {"data.pkl",
       " that was a torch file (data.pkl) and was unpacked as a zip archive: take the file itself"},
      {"saved_model.pb",
       " with a TensorFlow SavedModel: only PyTorch's, PaddleClas' and MindCV's weights are read"},
      {"Manifest.json", " with a Core ML package: save the state_dict() of its network with torch.save"},
  };
  for (const auto& k : known)
    if (file_is_there(path + "/" + k.file)) return std::string("is a directory") + k.text;
  return "is a directory";
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SYSTEM_FOLDER_HPP
