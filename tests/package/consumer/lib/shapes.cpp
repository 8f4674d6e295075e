// SPDX-License-Identifier: MIT
// The same headers in another build mode: this instruction set only.
#include <rexnet/model.hpp>

int classes(const char* path) { return rexnet::load_packed(path).value().net().shape().classes; }
