// SPDX-License-Identifier: MIT
// A grey test picture through a packed model. The smallest program: <rexnet/model.hpp> opens packed files
// only; <rexnet/rexnet.hpp> brings load(), which opens checkpoints, too. Usage: minimal MODEL
#include <rexnet/model.hpp>

#include <cstdio>

int main(int argc, char** argv) try {
  const auto model = rexnet::load_packed(argc > 1 ? argv[1] : "models/clothing_1.0x.rexnet").value();
  auto classifier = rexnet::classifier::make(model, /*threads=*/2).value();
  const std::vector<std::uint8_t> pixels(640 * 480 * 3, 200);  // your RGB bytes
  for (const auto& best : classifier.classify(rexnet::image_view(pixels.data(), 640, 480), 5).value())
    std::printf("%5.1f %%  %s\n", 100.0 * static_cast<double>(best.score),
                model.labels()[static_cast<std::size_t>(best.index)].c_str());
} catch (const rexnet::error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
