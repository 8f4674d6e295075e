// SPDX-License-Identifier: MIT
// A file's bytes, mapped read-only. A file that another program shortens while it is mapped raises SIGBUS on
// POSIX: read such files into memory first.
#ifndef REXNET_SYSTEM_FILE_BYTES_HPP
#define REXNET_SYSTEM_FILE_BYTES_HPP

#include "rexnet/core/aligned_buffer.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/core/views.hpp"
#include "rexnet/system/folder.hpp"
#include "rexnet/system/windows.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace rexnet {
inline namespace REXNET_BUILD {

/// Move-only owner of a file's bytes: a mapping (page-aligned) or a copy in memory (64-byte aligned).
class file_bytes {
 public:
  file_bytes() noexcept = default;
  /// Takes the bytes; the other is empty then.
  file_bytes(file_bytes&& other) noexcept
      : bytes_(std::exchange(other.bytes_, {})), copy_(std::move(other.copy_)) {}
  /// Changes places with the other.
  file_bytes& operator=(file_bytes&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(copy_, other.copy_);
    return *this;
  }
  file_bytes(const file_bytes&) = delete;
  file_bytes& operator=(const file_bytes&) = delete;
  ~file_bytes() {
    if (bytes_.data() == nullptr || copy_.data() != nullptr) return;
#if defined(_WIN32)
    UnmapViewOfFile(bytes_.data());
#else
    ::munmap(const_cast<unsigned char*>(bytes_.data()), bytes_.size());
#endif
  }
  /// The whole file, as long as its owner lives: not of a temporary.
  [[nodiscard]] span<const unsigned char> bytes() const& noexcept {
    return bytes_;
  }
  [[nodiscard]] span<const unsigned char> bytes() const&& = delete;

  /// Maps a regular file. @param path UTF-8. Errors: io_error, naming the path and the system's reason; a
  /// directory, a pipe, a device and an empty file are refused by name.
  [[nodiscard]] static result<file_bytes> map(const std::string& path) {
    file_bytes f;
#if defined(_WIN32)
    const auto failed = [&path](const std::string& what) {
      return error(errc::io_error, path + ": " + what);
    };
    const std::wstring wide = detail::utf16(path);
    const DWORD attributes = GetFileAttributesW(wide.c_str());
    if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
      return failed(detail::folder_text(path));
    // As on POSIX, others may have the file open for writing, rename it and remove it: output_file does.
    const HANDLE file =
        CreateFileW(wide.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    nullptr, OPEN_EXISTING, 0, nullptr);
    if (file == INVALID_HANDLE_VALUE)
      return failed("cannot be opened: " + detail::windows_message(GetLastError()));
    LARGE_INTEGER size{};
    const bool regular = GetFileType(file) == FILE_TYPE_DISK && GetFileSizeEx(file, &size) != 0;
    const bool fits = static_cast<std::uint64_t>(size.QuadPart) <= static_cast<std::size_t>(-1) / 2;
    const bool mappable = regular && fits && size.QuadPart > 0;
    const HANDLE mapping =
        mappable ? CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr) : nullptr;
    const void* view = mapping != nullptr ? MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0) : nullptr;
    const DWORD reason = GetLastError();
    if (mapping != nullptr) CloseHandle(mapping);
    CloseHandle(file);
    if (!regular) return failed("is not a regular file");
    if (!fits) return failed("is larger than the address space");
    if (size.QuadPart == 0) return failed("is empty");
    if (view == nullptr) return failed("cannot be mapped: " + detail::windows_message(reason));
    f.bytes_ = {static_cast<const unsigned char*>(view), static_cast<std::size_t>(size.QuadPart)};
#else
    const auto file = open_regular(path);
    if (!file) return file.error();
    const auto [fd, size] = *file;
    void* view = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    const int reason = errno;
    ::close(fd);
    if (view == MAP_FAILED)
      return error(errc::io_error, path + ": cannot be mapped: " + std::strerror(reason));
    f.bytes_ = {static_cast<const unsigned char*>(view), size};
#endif
    return f;
  }

  /// The same, read into memory: later changes of the file are not seen, and one that shrinks meanwhile is an
  /// io_error, where a mapping would end the program (SIGBUS). Errors: also out_of_memory, at once where the
  /// file is larger than the machine's memory (a sparse file of 100 GB is easily made).
  [[nodiscard]] static result<file_bytes> read(const std::string& path) {
    const auto no_memory = [&path](std::size_t size) {
      return error(errc::out_of_memory, path + ": no memory for " + std::to_string(size) + " bytes");
    };
    file_bytes f;
#if defined(_WIN32)
    const auto mapped = map(path);  // a mapped file cannot shrink
    if (!mapped) return mapped.error();
    const std::size_t size = mapped->bytes_.size();
    f.copy_ = aligned_buffer(size);
    if (f.copy_.data() == nullptr) return no_memory(size);
    std::memcpy(f.copy_.data(), mapped->bytes_.data(), size);
#else
    const auto file = open_regular(path);
    if (!file) return file.error();
    const auto [fd, size] = *file;
    if (size > physical_memory()) {  // a system that overcommits would grant it, and end the program later
      ::close(fd);
      return no_memory(size);
    }
    f.copy_ = aligned_buffer(size);
    if (f.copy_.data() == nullptr) {
      ::close(fd);
      return no_memory(size);
    }
    std::size_t got = 0;
    for (::ssize_t n = 1; got < size && n > 0;) {
      n = ::read(fd, f.copy_.data() + got, size - got);
      if (n > 0) got += static_cast<std::size_t>(n);
      if (n < 0 && errno == EINTR) n = 1;
    }
    ::close(fd);
    if (got < size)
      return error(errc::io_error, path + ": " + std::to_string(got) + " of " + std::to_string(size) +
                                       " bytes could be read");
#endif
    f.bytes_ = {f.copy_.data(), size};
    return f;
  }

 private:
#if !defined(_WIN32)
  struct opened {
    int fd;
    std::size_t size;
  };
  /// In bytes; the largest number where the system does not say.
  [[nodiscard]] static std::uint64_t physical_memory() noexcept {
#if defined(_SC_PHYS_PAGES)
    const long pages = ::sysconf(_SC_PHYS_PAGES), bytes = ::sysconf(_SC_PAGESIZE);
    if (pages > 0 && bytes > 0) return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(bytes);
#endif
    return ~std::uint64_t{0};
  }
  /// A regular file that is not empty. Errors: io_error.
  [[nodiscard]] static result<opened> open_regular(const std::string& path) {
    const auto failed = [&path](const std::string& what) {
      return error(errc::io_error, path + ": " + what);
    };
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return failed(std::string("cannot be opened: ") + std::strerror(errno));
    struct stat info {};
    const bool known = ::fstat(fd, &info) == 0;
    if (!known || !S_ISREG(info.st_mode) || info.st_size == 0) {
      ::close(fd);
      if (known && S_ISDIR(info.st_mode)) return failed(detail::folder_text(path));
      if (known && S_ISREG(info.st_mode)) return failed("is empty");
      return failed("is not a regular file");
    }
    if (static_cast<std::uint64_t>(info.st_size) > static_cast<std::size_t>(-1) / 2) {
      ::close(fd);
      return failed("is larger than the address space");
    }
    return opened{fd, static_cast<std::size_t>(info.st_size)};
  }
#endif
  span<const unsigned char> bytes_;
  aligned_buffer copy_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_SYSTEM_FILE_BYTES_HPP
