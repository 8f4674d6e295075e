// SPDX-License-Identifier: MIT
// Prints what the reader finds in a checkpoint, one tensor a line: name, type, shape, CRC-32 of its values in
// row-major order as little-endian float64 and as float32. First the container and the state key; or the
// error.
#include "rexnet/checkpoint/checkpoint.hpp"

#include <cstdio>
#include <vector>

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    auto c = rexnet::open_checkpoint(argv[i]);
    if (!c) {
      std::printf("error\t%d\t%s\n", static_cast<int>(c.code()), c.error().what());
      continue;
    }
    std::printf("file\t%s\t%s\n", c->container().c_str(), c->state_key().c_str());
    for (const rexnet::tensor& t : c->tensors()) {
      const std::vector<double> wide = t.values();
      std::vector<float> narrow(wide.size());
      if (!rexnet::copy_to(t, rexnet::span<float>(narrow))) return 1;
      // The hosts of the tests are little-endian.
      const auto crc = [](const void* data, std::size_t bytes) {
        return rexnet::crc32({static_cast<const unsigned char*>(data), bytes});
      };
      std::printf("tensor\t%s\t%s\t%s\t%08x\t%08x\n", t.name.c_str(), rexnet::dtype_name(t.type),
                  rexnet::shape_text(t.shape).c_str(), crc(wide.data(), wide.size() * 8),
                  crc(narrow.data(), narrow.size() * 4));
    }
  }
  return 0;
}
