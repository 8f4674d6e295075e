// SPDX-License-Identifier: MIT
// What the two halves of tests/dispatch/pair say of themselves.
#ifndef REXNET_TESTS_DISPATCH_PAIR_PAIR_HPP
#define REXNET_TESTS_DISPATCH_PAIR_PAIR_HPP

#include <string>
#include <vector>

struct pair_answer {
  std::string set;            ///< instruction_set()
  std::vector<float> logits;  ///< of a grey picture, and of an operator
  std::string error;
};

pair_answer first_half(const char* path);
pair_answer second_half(const char* path);

#endif  // REXNET_TESTS_DISPATCH_PAIR_PAIR_HPP
