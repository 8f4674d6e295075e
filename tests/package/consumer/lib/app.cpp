// SPDX-License-Identifier: MIT
#include <cstdio>
#include <string>

std::string recognise(const char* path);
int classes(const char* path);

int main(int, char** argv) {
  std::printf("%d classes, %s\n", classes(argv[1]), recognise(argv[1]).c_str());
  return 0;
}
