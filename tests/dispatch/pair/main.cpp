// SPDX-License-Identifier: MIT
// Prints which instruction set each half of the program uses, and the bits of its answers. PAIR_HALVES: which
// of them are linked, 1, 2 or 3 for both.
#include "tests/dispatch/pair/pair.hpp"

#include <cstdint>
#include <cstdio>
#include <cstring>

namespace {

int tell(const pair_answer& answer) {
  if (!answer.error.empty()) {
    std::printf("%s\n", answer.error.c_str());
    return 1;
  }
  std::printf("%s", answer.set.c_str());
  for (const float v : answer.logits) {
    std::uint32_t bits;
    std::memcpy(&bits, &v, sizeof(bits));
    std::printf(" %08x", static_cast<unsigned>(bits));
  }
  std::printf("\n");
  return 0;
}

}  // namespace

int main(int, char** argv) {
  int failed = 0;
  if (PAIR_HALVES & 1) failed += tell(first_half(argv[1]));
  if (PAIR_HALVES & 2) failed += tell(second_half(argv[1]));
  return failed;
}

#if PAIR_HALVES == 1
pair_answer second_half(const char*) {
  return {};
}
#elif PAIR_HALVES == 2
pair_answer first_half(const char*) {
  return {};
}
#endif
