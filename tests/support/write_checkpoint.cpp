// SPDX-License-Identifier: MIT
// Writes a checkpoint with random weights as PyTorch would, for scripts that need one and have no torch.
// Usage: write_checkpoint OUT.pth|OUT.safetensors official|timm WIDTH_HUNDREDTHS CLASSES
//        write_checkpoint OUT.rexnet blocks BLOCKS CLASSES     a packed file of a network with 1 to 24 blocks
//        write_checkpoint OUT.rexnet detector WIDTH_HUNDREDTHS CLASSES     likewise; with the background
#include "tests/support/craft_model.hpp"
#include "tests/support/must.hpp"
#include "tests/support/random_model.hpp"
#include "tests/support/scratch.hpp"

#include "rexnet/load.hpp"
#include "rexnet/payload/file/write.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

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

std::string packed_bytes(const rexnet::packed_header& h, const std::vector<float>& payload) {
  std::string file;
  const auto take = [&file](rexnet::byte_span b) -> rexnet::status {
    file.append(reinterpret_cast<const char*>(b.data()), b.size());
    return rexnet::done;
  };
  const auto written = rexnet::write_packed(h, rexnet::payload_layers(payload), take);
  if (!written) rexnet_test::give_up(written.error().message());
  return file;
}

/// A detector for inputs of 128 x 96 pixels, whose weights find something in every picture.
std::string packed_detector(int width, int classes) {
  const rexnet::detector_config d = rexnet::detector_for(rexnet::family::v1, width, classes);
  std::mt19937 engine(5);
  std::normal_distribution<float> value;
  rexnet::packed_header h;
  h.shape = d.backbone;
  h.ssd = d;
  h.settings.input_w = 128, h.settings.input_h = 96;
  h.input = rexnet::detector_preprocessing();
  return packed_bytes(h, rexnet_test::payload_from(d, [&] { return value(engine); }));
}

/// A narrow ReXNet, whose last block stands as often as it takes.
std::string packed(int blocks, int classes) {
  rexnet::config c = rexnet::config_for(rexnet::family::v1, 20, classes);
  for (int i = c.block_count; i < blocks; ++i) {
    rexnet::block_config& b = c.blocks[i];
    b = c.blocks[i - 1];
    b.in_c = b.residual_c = b.out_c;
    b.stride = 1;
  }
  c.block_count = blocks;
  rexnet::packed_header h;
  h.shape = c;
  return packed_bytes(h, rexnet_test::random_payload(c, 1));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const std::string path = argv[1];
  if (std::strcmp(argv[2], "blocks") == 0) {
    rexnet_test::write_bytes(path, packed(std::atoi(argv[3]), std::atoi(argv[4])));
    return 0;
  }
  if (std::strcmp(argv[2], "detector") == 0) {
    rexnet_test::write_bytes(path, packed_detector(std::atoi(argv[3]), std::atoi(argv[4])));
    return 0;
  }
  const rexnet::config c = rexnet::config_for(rexnet::family::v1, std::atoi(argv[3]), std::atoi(argv[4]));
  const rexnet_test::state_dict dict =
      rexnet_test::model_writer(c, std::strcmp(argv[2], "timm") == 0, 1).write();
  const bool zip = path.size() > 4 && path.substr(path.size() - 4) == ".pth";
  rexnet_test::write_bytes(path, zip ? dict.torch_zip() : safetensors(dict));
  std::printf("%s: %zu tensors\n", path.c_str(), dict.tensors.size());
  return 0;
}
