// SPDX-License-Identifier: MIT
// Writes a checkpoint with random weights as PyTorch would, for scripts that need one and have no torch.
// Usage: write_checkpoint OUT.pth|OUT.safetensors official|timm WIDTH_HUNDREDTHS CLASSES
#include "tests/support/craft_model.hpp"
#include "tests/support/scratch.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

std::string safetensors(const rexnet_test::state_dict& dict) {
  std::string header, body;
  for (std::size_t i = 0; i < dict.tensors.size(); ++i) {
    const std::size_t begin = body.size();
    body += dict.bytes[i];
    header += (i == 0 ? "{\"" : ",\"") + dict.tensors[i].name + R"(":{"dtype":"F32","shape":)" +
              rexnet::shape_text(dict.tensors[i].shape) + R"(,"data_offsets":[)" + std::to_string(begin) +
              "," + std::to_string(body.size()) + "]}";
  }
  return rexnet_test::safetensors(header + "}", body);
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
