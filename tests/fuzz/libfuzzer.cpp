// SPDX-License-Identifier: MIT
// The one target that is linked, as libFuzzer wants it.
#include "tests/fuzz/fuzz.hpp"

#include <cstring>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max);

void rexnet_fuzz::mutate_bytes(std::string& bytes, dice&) {
  const std::size_t size = bytes.size();
  bytes.resize(size + 64);
  bytes.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(&bytes[0]), size, size + 64));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rexnet_fuzz::targets().front().run({data, size});
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max,
                                               unsigned seed) {
  rexnet_fuzz::dice d(seed);
  if (!d.one_in(5)) {
    std::string s(reinterpret_cast<const char*>(data), size);
    rexnet_fuzz::targets().front().mutate(s, d);
    if (s.size() <= max) {
      std::memcpy(data, s.data(), s.size());
      return s.size();
    }
  }
  return LLVMFuzzerMutate(data, size, max);
}
