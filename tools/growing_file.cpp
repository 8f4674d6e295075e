// SPDX-License-Identifier: MIT
#include "tools/growing_file.hpp"
#include "tools/output_guard.hpp"

#include "rexnet/core/error.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace rexnet_tools {
namespace {

rexnet::error cannot_write(const std::string& path) {
  return {rexnet::errc::io_error, path + ": cannot be written: " + std::strerror(errno)};
}

}  // namespace

growing_file::growing_file(const std::string& path) : path_(path) {
  guard().writing(path);
  file_.open(std::filesystem::u8path(path), std::ios::binary | std::ios::app);
  if (!file_) throw cannot_write(path);
}

void growing_file::cut(const std::string& path, std::uint64_t size) {
  std::error_code unknown;
  std::filesystem::resize_file(std::filesystem::u8path(path), size, unknown);
  if (unknown) throw rexnet::error(rexnet::errc::io_error, path + ": cannot be cut: " + unknown.message());
}

void growing_file::flush() {
  if (!file_.flush()) throw cannot_write(path_);
}

void growing_file::close() {
  file_.close();
  if (!file_) throw cannot_write(path_);
}

}  // namespace rexnet_tools
