// SPDX-License-Identifier: MIT
// Writes a checkpoint with random weights as PyTorch would, for scripts that need one and have no torch.
// Usage: write_checkpoint OUT.pth|OUT.safetensors official|timm WIDTH_HUNDREDTHS CLASSES
#include "tests/support/craft_model.hpp"
#include "tests/support/scratch.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

/// The header of docs: eight bytes of length, JSON, then the tensors' bytes.
std::string safetensors(const rexnet_test::state_dict& dict) {
  std::string json, data;
  for (std::size_t i = 0; i < dict.tensors.size(); ++i) {
    const rexnet::tensor& t = dict.tensors[i];
    const std::string& bytes = dict.bytes[i];
    json += (json.empty() ? "{\"" : ",\"") + t.name +
            "\":{\"dtype\":\"F32\",\"shape\":" + rexnet::shape_text(t.shape) + ",\"data_offsets\":[" +
            std::to_string(data.size()) + "," + std::to_string(data.size() + bytes.size()) + "]}";
    data += bytes;
  }
  json += "}";
  return rexnet_test::number(json.size(), 8) + json + data;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const std::string path = argv[1];
  const rexnet::config c = rexnet::config_for(rexnet::family::v1, std::atoi(argv[3]), std::atoi(argv[4]));
  const rexnet_test::state_dict dict =
      rexnet_test::model_writer(c, std::strcmp(argv[2], "timm") == 0, 1).write();
  const bool zip = path.size() > 4 && path.substr(path.size() - 4) == ".pth";
  rexnet_test::write_bytes(path, zip ? dict.torch_zip() : safetensors(dict));
  std::printf("%s: %zu tensors\n", path.c_str(), dict.tensors.size());
  return 0;
}
