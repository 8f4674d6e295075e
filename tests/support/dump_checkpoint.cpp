// SPDX-License-Identifier: MIT
// Prints what the reader finds in a checkpoint, one tensor a line: name, type, shape, CRC-32 of its values as
// little-endian float64 in row-major order. First the container and the state key; or the error.
#include "rexnet/weights/checkpoint.hpp"

#include <cstdio>
#include <cstring>

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    auto c = rexnet::open_checkpoint(argv[i]);
    if (!c) {
      std::printf("error\t%d\t%s\n", static_cast<int>(c.code()), c.error().what());
      continue;
    }
    std::printf("file\t%s\t%s\n", c->container().c_str(), c->state_key().c_str());
    for (const rexnet::tensor& t : c->tensors()) {
      std::vector<unsigned char> bytes;
      for (const double v : t.values()) {
        std::uint64_t bits = 0;
        std::memcpy(&bits, &v, sizeof(bits));
        for (int shift = 0; shift < 64; shift += 8)
          bytes.push_back(static_cast<unsigned char>(bits >> shift & 255));
      }
      std::printf("tensor\t%s\t%s\t%s\t%08x\n", t.name.c_str(), rexnet::dtype_name(t.type),
                  rexnet::shape_text(t.shape).c_str(), rexnet::crc32(bytes));
    }
  }
  return 0;
}
