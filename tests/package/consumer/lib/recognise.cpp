// SPDX-License-Identifier: MIT
#include <rexnet/model.hpp>

std::string recognise(const char* path) {
  const auto model = rexnet::load_packed(path).value();
  auto classifier = rexnet::classifier::make(model, 2).value();
  const std::vector<unsigned char> grey(40 * 30 * 3, 128);
  const auto best = classifier.classify({grey.data(), 40, 30}, 1).value()[0];
  return model.labels()[static_cast<std::size_t>(best.index)] + " with " + model.net().instruction_set();
}
