// SPDX-License-Identifier: MIT
// A target as libFuzzer wants it: of those that are linked the one that REXNET_FUZZ_TARGET in the environment
// names, or the only one.
#include "tests/fuzz/fuzz.hpp"

#include <cstring>

namespace {

const rexnet_fuzz::target* chosen;

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max);

void rexnet_fuzz::mutate_bytes(std::string& bytes, dice&) {
  const std::size_t size = bytes.size();
  bytes.resize(size + 64);
  bytes.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(&bytes[0]), size, size + 64));
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* name = std::getenv("REXNET_FUZZ_TARGET");
  const auto& all = rexnet_fuzz::targets();
  for (const rexnet_fuzz::target& t : all)
    if (name != nullptr ? std::strcmp(t.name, name) == 0 : all.size() == 1) chosen = &t;
  if (chosen != nullptr) return 0;
  std::fputs("REXNET_FUZZ_TARGET must name one of:", stderr);
  for (const rexnet_fuzz::target& t : all) std::fprintf(stderr, " %s", t.name);
  std::fputs("\n", stderr);
  std::exit(1);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->run({data, size});
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max,
                                               unsigned seed) {
  rexnet_fuzz::dice d(seed);
  if (!d.one_in(5)) {
    std::string s(reinterpret_cast<const char*>(data), size);
    chosen->mutate(s, d);
    if (s.size() <= max) {
      std::memcpy(data, s.data(), s.size());
      return s.size();
    }
  }
  return LLVMFuzzerMutate(data, size, max);
}
