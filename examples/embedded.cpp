// SPDX-License-Identifier: MIT
// A model inside the executable: no file is opened. examples/CMakeLists.txt embeds it with
// rexnet_embed_model().
#include <rexnet/rexnet.hpp>

#include <cstdio>

extern "C" const unsigned char clothing_model[], clothing_model_end[];

int main() {
  const auto size = static_cast<std::size_t>(clothing_model_end - clothing_model);
  const auto model = rexnet::load(rexnet::byte_span(clothing_model, size), rexnet::check::full);
  if (!model) return std::fprintf(stderr, "%s\n", model.error().what()), 1;
  std::printf("%zu bytes, %d classes, the first is %s\n", size, model->shape().classes,
              model->labels()[0].c_str());
  return 0;
}
