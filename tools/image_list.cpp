// SPDX-License-Identifier: MIT
#include "tools/image_list.hpp"

#include "rexnet/core/error.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace rexnet_tools {

bool named_as_picture(const std::string& path) {
  const auto ends_with = [&path](const std::string& ending) {
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
    return path.size() > ending.size() && std::equal(path.end() - static_cast<std::ptrdiff_t>(ending.size()),
                                                     path.end(), ending.begin(), same);
  };
  for (const char* ending : {".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".pnm"})
    if (ends_with(ending)) return true;
  return false;
}

std::vector<std::string> pictures_below(const std::string& dir) {
  namespace fs = std::filesystem;
  const auto check = [](const std::error_code& failure, const fs::path& path) {
    if (failure)
      throw rexnet::error(rexnet::errc::io_error,
                          path.generic_u8string() + ": cannot be read: " + failure.message());
  };
  std::error_code failure;
  fs::path at = fs::u8path(dir);
  fs::recursive_directory_iterator it(at, failure);
  check(failure, at);
  std::vector<std::string> found;
  while (it != fs::recursive_directory_iterator()) {
    at = it->path();           // also of the directory that the next step cannot enter
    std::error_code dangling;  // a link to nothing stays in the list: whoever reads it will say so
    std::string path = at.generic_u8string();
    if (named_as_picture(path) && !it->is_directory(dangling)) found.push_back(std::move(path));
    it.increment(failure);
    check(failure, at);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace rexnet_tools
