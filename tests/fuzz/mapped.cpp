// SPDX-License-Identifier: MIT
// The corpora of whole files once more as files: mapped and read, they get the answers of memory, and errors
// name the path.
#include "rexnet/checkpoint/checkpoint.hpp"

#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

TEST_CASE("fuzz: files of the corpora are mapped and read as memory is") {
  int files = 0;
  for (const char* name : {"zip", "legacy", "safetensors"})
    for (const char* folder : {"corpus/", "crashers/"}) {
      std::error_code missing;
      const auto directory = std::filesystem::u8path(rexnet_test::source_path("tests/fuzz/") + folder + name);
      for (const auto& entry : std::filesystem::directory_iterator(directory, missing)) {
        const std::string path = entry.path().u8string();
        INFO(path);
        const auto copy = rexnet::file_bytes::read(path);
        REQUIRE(copy.ok());
        const auto from_memory = rexnet::read_checkpoint(copy->bytes());
        const auto from_file = rexnet::open_checkpoint(path);
        CHECK(static_cast<int>(from_file.code()) == static_cast<int>(from_memory.code()));
        ++files;
        if (!from_file) {
          CHECK(from_file.error().message() == path + ": " + from_memory.error().message());
          continue;
        }
        REQUIRE(from_file->tensors().size() == from_memory->tensors().size());
        for (std::size_t i = 0; i < from_file->tensors().size(); ++i) {
          const rexnet::tensor &a = from_file->tensors()[i], &b = from_memory->tensors()[i];
          CHECK(a.name == b.name);
          CHECK(a.shape == b.shape);
          const std::vector<double> x = a.values(), y = b.values();
          const bool same = x.size() == y.size() &&
                            (x.empty() || std::memcmp(x.data(), y.data(), x.size() * sizeof(double)) == 0);
          CHECK(same);
        }
      }
    }
  CHECK(files > 30);
}
