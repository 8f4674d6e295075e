// SPDX-License-Identifier: MIT
// The same headers in another build mode: this instruction set only.
#include <rexnet/model.hpp>

int classes(const char* path) {
  const auto model = rexnet::load_packed(path).value();
  return model.net().shape().classes;
}
