// SPDX-License-Identifier: MIT
// A folder for a test's files, which goes away with it. All names are UTF-8, also on Windows.
#ifndef REXNET_TESTS_SUPPORT_SCRATCH_HPP
#define REXNET_TESTS_SUPPORT_SCRATCH_HPP

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace rexnet_test {

/// A name that no code page of one byte a character holds: "modèle_日本".
inline const std::string utf8_name = "mod\xc3\xa8le_\xe6\x97\xa5\xe6\x9c\xac";

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(std::filesystem::u8path(path), std::ios::binary) << bytes;
}
inline std::string read_bytes(const std::string& path) {
  std::ifstream in(std::filesystem::u8path(path), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline bool exists(const std::string& path) {
  return std::filesystem::exists(std::filesystem::u8path(path));
}

class scratch {
 public:
  scratch() { std::filesystem::create_directories(folder_); }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  [[nodiscard]] std::string folder() const { return folder_.u8string(); }
  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder_ / std::filesystem::u8path(name)).u8string();
  }
  /// Writes a file and gives its path.
  [[nodiscard]] std::string file(const std::string& name, const std::string& bytes) const {
    write_bytes(path(name), bytes);
    return path(name);
  }

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("rexnet_" + std::to_string(std::random_device{}()));
};

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_SCRATCH_HPP
