// SPDX-License-Identifier: MIT
// Usage: starter MODEL PICTURE.ppm    What is in a picture (binary PPM: `convert photo.jpg photo.ppm`).
#include <rexnet/rexnet.hpp>

#include <cstdio>
#include <fstream>
#include <iterator>

int main(int argc, char** argv) try {
  if (argc != 3) return std::fprintf(stderr, "usage: starter MODEL PICTURE.ppm\n"), 2;
  std::ifstream file(argv[2], std::ios::binary);
  std::string magic;
  int width = 0, height = 0, most = 0;
  if (!(file >> magic >> width >> height >> most) || magic != "P6" || most != 255 || width < 1 || height < 1)
    return std::fprintf(stderr, "%s: not a binary PPM of 8 bits\n", argv[2]), 1;
  file.get();
  const std::vector<char> pixels(std::istreambuf_iterator<char>(file), {});
  if (pixels.size() < std::size_t{3} * static_cast<std::size_t>(width) * static_cast<std::size_t>(height))
    return std::fprintf(stderr, "%s: cut short\n", argv[2]), 1;

  const auto model = rexnet::load(argv[1]).value();  // .pth, .safetensors or a packed file
  auto classifier = rexnet::classifier::make(model, rexnet::available_cpus()).value();
  const rexnet::image_view picture(reinterpret_cast<const unsigned char*>(pixels.data()), width, height);
  for (const auto& best : classifier.classify(picture, 5).value())
    std::printf("%5.1f %%  %s\n", 100.0 * static_cast<double>(best.score),
                model.labels().empty() ? std::to_string(best.index).c_str()
                                       : model.labels()[static_cast<std::size_t>(best.index)].c_str());
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
