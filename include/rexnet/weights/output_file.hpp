// SPDX-License-Identifier: MIT
// A file that appears under its name only when it is complete and on the disk.
#ifndef REXNET_WEIGHTS_OUTPUT_FILE_HPP
#define REXNET_WEIGHTS_OUTPUT_FILE_HPP

#include "rexnet/core/error.hpp"
#include "rexnet/core/windows.hpp"
#include "rexnet/weights/bytes.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#if defined(_WIN32)
#include <io.h>
#else
#include <unistd.h>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

// What output_file asks of the system. Paths are UTF-8; rename_over() gives the reason of a failure, or "".
#if defined(_WIN32)
inline std::FILE* create_file(const std::string& path) {
  return _wfopen(utf16(path).c_str(), L"wb");
}
inline bool flush_to_disk(std::FILE* stream) {
  return std::fflush(stream) == 0 && _commit(_fileno(stream)) == 0;
}
inline std::string rename_over(const std::string& from, const std::string& to) {
  const DWORD how = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
  if (MoveFileExW(utf16(from).c_str(), utf16(to).c_str(), how) != 0) return {};
  return windows_message(GetLastError());
}
inline void remove_file(const std::string& path) {
  DeleteFileW(utf16(path).c_str());
}
#else
inline std::FILE* create_file(const std::string& path) {
  return std::fopen(path.c_str(), "wb");
}
inline bool flush_to_disk(std::FILE* stream) {
  return std::fflush(stream) == 0 && ::fsync(::fileno(stream)) == 0;
}
inline std::string rename_over(const std::string& from, const std::string& to) {
  return std::rename(from.c_str(), to.c_str()) == 0 ? std::string() : std::string(std::strerror(errno));
}
inline void remove_file(const std::string& path) {
  std::remove(path.c_str());
}
#endif

}  // namespace detail

/// Writes to `path`.part and renames in commit(). Whatever happens before, the old file stays; an output_file
/// that is destroyed without commit() removes its part.
class output_file {
 public:
  /// @param path UTF-8. Errors: io_error with the path and the system's reason.
  [[nodiscard]] static result<output_file> create(const std::string& path) {
    output_file f;
    f.path_ = path;
    f.stream_ = detail::create_file(f.part());
    if (f.stream_ == nullptr) return f.failed("cannot be created");
    return f;
  }
  /// Takes the file; the other writes nothing any more.
  output_file(output_file&& other) noexcept
      : path_(std::move(other.path_)), stream_(std::exchange(other.stream_, nullptr)) {}
  /// Changes places with the other.
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
    detail::remove_file(part());
  }

  /// Appends. Errors: io_error.
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
    if (!detail::flush_to_disk(stream_)) return failed("cannot be written");
    const bool closed = std::fclose(std::exchange(stream_, nullptr)) == 0;
    const std::string reason = closed ? detail::rename_over(part(), path_) : std::strerror(errno);
    if (reason.empty()) return done;
    detail::remove_file(part());
    return error(errc::io_error, path_ + ": cannot be written: " + reason);
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
