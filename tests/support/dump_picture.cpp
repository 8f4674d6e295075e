// SPDX-License-Identifier: MIT
// What rexnet reads from picture files, for comparisons with Pillow: paths on standard input, for each a line
//     ok<TAB>KIND<TAB>ORIENTATION<TAB>WIDTH<TAB>HEIGHT<TAB>CRC<TAB>WIDTH<TAB>HEIGHT<TAB>CRC    (plain,
//     upright) error<TAB>CODE<TAB>MESSAGE
// CRC-32 of the RGB bytes. With a folder as argument the plain pixels are also written there, as NUMBER.ppm.
#include "tools/image_io.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>

namespace {

std::string summary(const rexnet::rgb_image& image) {
  return std::to_string(image.width) + '\t' + std::to_string(image.height) + '\t' +
         std::to_string(rexnet::crc32({image.data.data(), image.data.size()}));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--formats") {
    for (const std::string& name : rexnet_tools::picture_formats()) std::cout << name << '\n';
    return 0;
  }
  std::string path;
  for (int number = 0; std::getline(std::cin, path); ++number) {
    const auto plain = rexnet_tools::read_picture(path), upright = rexnet_tools::read_picture(path, true);
    if (!plain || !upright) {
      const rexnet::error& e = plain ? upright.error() : plain.error();
      std::cout << "error\t" << static_cast<int>(e.code()) << '\t' << e.message() << std::endl;
      continue;
    }
    std::cout << "ok\t" << plain->kind << '\t' << plain->orientation << '\t' << summary(plain->image) << '\t'
              << summary(upright->image) << std::endl;
    if (argc < 2) continue;
    std::ofstream out(std::string(argv[1]) + '/' + std::to_string(number) + ".ppm", std::ios::binary);
    out << "P6 " << plain->image.width << ' ' << plain->image.height << " 255\n";
    out.write(reinterpret_cast<const char*>(plain->image.data.data()),
              static_cast<std::streamsize>(plain->image.data.size()));
  }
}
