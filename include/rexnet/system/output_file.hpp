// SPDX-License-Identifier: MIT
// A file that appears under its name only when it is complete and on the disk.
#ifndef REXNET_SYSTEM_OUTPUT_FILE_HPP
#define REXNET_SYSTEM_OUTPUT_FILE_HPP

#include "rexnet/core/bytes.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/system/windows.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#if defined(_WIN32)
#include <io.h>
#include <share.h>
#else
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {
namespace detail {

// What output_file needs of the system. Paths are UTF-8; `why` and what is returned give the reason of a
// failure, or "".
//
// output_target(): the file that is to be replaced: what a symbolic link leads to, so that the link stays.
// Directories, pipes and devices have the wrong kind: renaming over /dev/null would replace it.
// create_part(): empty and this process's alone. A part that a killed process left is taken over.
// publish(): closes the stream and gives the file its name, in the order that the system allows.
#if defined(_WIN32)
inline std::string output_target(const std::string& path, std::string& why) {
  const DWORD attributes = GetFileAttributesW(utf16(path).c_str());
  if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
    why = "it is a directory";
  return path;
}
inline std::FILE* create_part(const std::string& path, std::string& why) {
  std::FILE* const stream = _wfsopen(utf16(path).c_str(), L"wb", _SH_DENYWR);
  if (stream == nullptr) why = std::strerror(errno);
  return stream;
}
inline bool flush_to_disk(std::FILE* stream) {
  return std::fflush(stream) == 0 && _commit(_fileno(stream)) == 0;
}
inline void remove_part(std::FILE* stream, const std::string& path) {
  std::fclose(stream);
  DeleteFileW(utf16(path).c_str());
}
inline std::string publish(std::FILE* stream, const std::string& from, const std::string& to) {
  std::string why;
  if (std::fclose(stream) != 0) why = std::strerror(errno);
  const DWORD how = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
  if (why.empty() && MoveFileExW(utf16(from).c_str(), utf16(to).c_str(), how) == 0)
    why = windows_message(GetLastError());
  if (!why.empty()) DeleteFileW(utf16(from).c_str());
  return why;
}
#else
/// Of a file that something is mounted on, as containers are given single files: it cannot be renamed over.
inline constexpr const char* mount_point =
    "it is a mount point, and a file that is mounted cannot be replaced: write to another name";
inline bool is_mount_point([[maybe_unused]] const std::string& path) {
#if defined(STATX_ATTR_MOUNT_ROOT)  // Linux 5.8; elsewhere rename() says EBUSY
  struct statx info {};
  return ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, 0, &info) == 0 &&
         (info.stx_attributes_mask & info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
#else
  return false;
#endif
}
inline std::string output_target(const std::string& path, std::string& why) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return path;  // there is none yet
  std::string target = path;
  if (S_ISLNK(info.st_mode)) {
    char* const real = ::realpath(path.c_str(), nullptr);
    if (real == nullptr || ::stat(real, &info) != 0) {
      why = std::string("it is a symbolic link: ") + std::strerror(errno);
      std::free(real);
      return path;
    }
    target = real;
    std::free(real);
  }
  if (S_ISDIR(info.st_mode))
    why = "it is a directory";
  else if (!S_ISREG(info.st_mode))
    why = "it is not a regular file";
  else if (is_mount_point(target))
    why = mount_point;
  return target;
}
inline std::FILE* create_part(const std::string& path, std::string& why) {
  // No link is followed, which another user may have made in a shared folder; no pipe's reader is awaited.
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode_t{0666});
  if (fd < 0) {
    why = std::strerror(errno);
    return nullptr;
  }
  struct stat mine {
  }, named{};
  const bool regular = ::fstat(fd, &mine) == 0 && S_ISREG(mine.st_mode);
  // The lock ends with its process, however that ends. On file systems without locks there is none.
  const bool locked = ::flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
  // The process that held the lock may have renamed the file since it was opened here.
  const bool same =
      ::lstat(path.c_str(), &named) == 0 && mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
  if (!regular)
    why = path + " is not a regular file";
  else if (!locked || !same)
    why = "another process is writing it";
  else if (::ftruncate(fd, 0) == 0)
    if (std::FILE* const stream = ::fdopen(fd, "wb")) return stream;
  if (why.empty()) why = std::strerror(errno);
  ::close(fd);
  return nullptr;
}
inline bool flush_to_disk(std::FILE* stream) {
  return std::fflush(stream) == 0 && ::fsync(::fileno(stream)) == 0;
}
inline void remove_part(std::FILE* stream, const std::string& path) {
  std::remove(path.c_str());  // as long as it is locked
  std::fclose(stream);
}
inline std::string publish(std::FILE* stream, const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    std::string why = errno == EBUSY ? mount_point : std::strerror(errno);
    remove_part(stream, from);
    return why;
  }
  std::fclose(stream);
  // The new name is on the disk when its folder is. Where the folder cannot be read or flushed, the file is
  // renamed all the same: no error.
  const std::size_t slash = to.rfind('/');
  const std::string folder = slash == to.npos ? "." : to.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return {};
  static_cast<void>(::fsync(fd));
  ::close(fd);
  return {};
}
#endif

}  // namespace detail

/// Writes to `path`.part and renames in commit(), once everything is on the disk. Whatever happens before (an
/// error, a full disk, the end of the process or of the power), the old file stays; an output_file that is
/// destroyed without commit() removes its part. A killed process leaves its part, which the next one takes
/// over. The file that a symbolic link leads to is replaced, not the link.
class output_file {
 public:
  /// @param path UTF-8. Errors: io_error with the path and the system's reason; also where the path is a
  /// directory, a pipe, a device or a mount point, and (on POSIX, by flock; on Windows, by sharing) where
  /// another process is writing the same file.
  [[nodiscard]] static result<output_file> create(const std::string& path) {
    output_file f;
    std::string why;
    f.path_ = detail::output_target(path, why);
    if (why.empty()) f.stream_ = detail::create_part(f.part(), why);
    if (f.stream_ == nullptr) return error(errc::io_error, f.path_ + ": cannot be created: " + why);
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
    detail::remove_part(stream_, part());
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
    const std::string why = detail::publish(std::exchange(stream_, nullptr), part(), path_);
    if (why.empty()) return done;
    return error(errc::io_error, path_ + ": cannot be written: " + why);
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

#endif  // REXNET_SYSTEM_OUTPUT_FILE_HPP
