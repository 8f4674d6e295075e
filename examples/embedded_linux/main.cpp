// SPDX-License-Identifier: MIT
// A packed model and a camera's picture (RGB bytes, camera_width x camera_height) to the best class. The
// model's file is mapped: float32 weights are used where they lie, shared with other processes. Usage:
// embedded_linux MODEL PICTURE.rgb
#include "static_classifier.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

/// A file mapped read-only; empty when it cannot be.
rexnet::byte_span map(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0 || info.st_size <= 0) return {};
  const auto size = static_cast<std::size_t>(info.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (data == MAP_FAILED) return {};
  return {static_cast<const unsigned char*>(data), size};
}

/// Writes some texts as a line. stdio would make the program larger.
class line {
 public:
  line& operator<<(std::string_view text) {
    for (const char c : text)
      if (size_ < sizeof(text_)) text_[size_++] = c;
    return *this;
  }
  line& operator<<(unsigned long number) {
    char digits[24];
    std::size_t first = sizeof(digits);
    do digits[--first] = static_cast<char>('0' + number % 10);
    while ((number /= 10) > 0);
    return *this << std::string_view(digits + first, sizeof(digits) - first);
  }
  [[nodiscard]] bool to(int fd) const { return write(fd, text_, size_) == static_cast<ssize_t>(size_); }

 private:
  char text_[256];
  std::size_t size_ = 0;
};

int give_up(const char* what, rexnet::errc code) {
  const auto number = static_cast<unsigned long>(code);
  static_cast<void>((line() << what << ": " << to_string(code) << " (error " << number << ")\n").to(2));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    static_cast<void>((line() << "usage: embedded_linux MODEL PICTURE.rgb\n").to(2));
    return 2;
  }
  if (const rexnet::errc e = load_model(map(argv[1])); e != rexnet::errc::ok) return give_up(argv[1], e);
  const rexnet::byte_span picture = map(argv[2]);
  if (picture.size() != camera_width * camera_height * 3)
    return give_up(argv[2], rexnet::errc::shape_mismatch);
  answer best;
  if (const rexnet::errc e = classify({picture.data(), camera_width, camera_height}, best);
      e != rexnet::errc::ok)
    return give_up(argv[2], e);
  const auto per_mille = static_cast<unsigned long>(best.probability * 1000 + 0.5f);
  const bool told = (line() << best.label << " " << per_mille / 10 << "." << per_mille % 10 << " %\n").to(1);
  return told ? 0 : 1;
}
