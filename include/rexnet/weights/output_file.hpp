// SPDX-License-Identifier: MIT
// A file that appears under its name only when it is complete and on the disk.
#ifndef REXNET_WEIGHTS_OUTPUT_FILE_HPP
#define REXNET_WEIGHTS_OUTPUT_FILE_HPP

#include "rexnet/core/error.hpp"
#include "rexnet/weights/bytes.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#if !defined(_WIN32)
#include <unistd.h>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {

/// Writes to `path`.part and renames in commit(). Whatever happens before, the old file stays; an output_file
/// that is destroyed without commit() removes its part.
class output_file {
 public:
  /// @param path as the system's fopen() takes it. Errors: io_error with the path and the system's reason.
  [[nodiscard]] static result<output_file> create(const std::string& path) {
    output_file f;
    f.path_ = path;
    f.stream_ = std::fopen(f.part().c_str(), "wb");
    if (f.stream_ == nullptr) return f.failed("cannot be created");
    return f;
  }
  output_file(output_file&& other) noexcept
      : path_(std::move(other.path_)), stream_(std::exchange(other.stream_, nullptr)) {}
  output_file& operator=(output_file&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(stream_, other.stream_);
    return *this;
  }
  output_file(const output_file&) = delete;
  output_file& operator=(const output_file&) = delete;
  ~output_file() {
    if (stream_ == nullptr) return;
    std::fclose(stream_);
    std::remove(part().c_str());
  }

  [[nodiscard]] status write(byte_span bytes) {
    if (std::fwrite(bytes.data(), 1, bytes.size(), stream_) != bytes.size())
      return failed("cannot be written");
    return done;
  }
  /// What was written so far can be read from part().
  [[nodiscard]] status flush() {
    return std::fflush(stream_) == 0 ? status(done) : status(failed("cannot be written"));
  }
  /// Writes over the first bytes again. Only commit() may follow.
  [[nodiscard]] status rewrite_start(byte_span bytes) {
    if (std::fseek(stream_, 0, SEEK_SET) != 0) return failed("cannot be written");
    return write(bytes);
  }
  /// The file as long as it is not complete.
  [[nodiscard]] std::string part() const { return path_ + ".part"; }
  /// Flushes to the disk and gives the file its name.
  [[nodiscard]] status commit() {
    bool good = std::fflush(stream_) == 0;
#if !defined(_WIN32)
    good = good && ::fsync(::fileno(stream_)) == 0;
#endif
    if (!good) return failed("cannot be written");
    good = std::fclose(std::exchange(stream_, nullptr)) == 0;
#if defined(_WIN32)
    if (good) std::remove(path_.c_str());  // rename() does not replace there
#endif
    good = good && std::rename(part().c_str(), path_.c_str()) == 0;
    if (good) return done;
    const error e = failed("cannot be written");
    std::remove(part().c_str());
    return e;
  }

 private:
  output_file() = default;
  [[nodiscard]] error failed(const char* what) const {
    return {errc::io_error, path_ + ": " + what + ": " + std::strerror(errno)};
  }
  std::string path_;
  std::FILE* stream_ = nullptr;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_WEIGHTS_OUTPUT_FILE_HPP
