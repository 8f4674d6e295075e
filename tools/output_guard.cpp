// SPDX-License-Identifier: MIT
#include "tools/output_guard.hpp"

#include "rexnet/system/output_file.hpp"
#include "rexnet/system/windows.hpp"

#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace rexnet_tools {
namespace {

namespace fs = std::filesystem;

#if defined(_WIN32)
std::optional<file_id> id_of(HANDLE file) {
  BY_HANDLE_FILE_INFORMATION info;
  if (GetFileType(file) != FILE_TYPE_DISK || GetFileInformationByHandle(file, &info) == 0) return {};
  return file_id{info.dwVolumeSerialNumber, std::uint64_t{info.nFileIndexHigh} << 32 | info.nFileIndexLow};
}
std::optional<file_id> id_of_stream(int fd) {
  const DWORD handles[] = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE};
  return id_of(GetStdHandle(handles[fd]));
}
/// On Windows, names that differ in capitals only mostly are one file.
std::string folded(const std::string& name) {
  std::wstring wide = rexnet::detail::utf16(name);
  CharLowerBuffW(&wide[0], static_cast<DWORD>(wide.size()));
  return rexnet::detail::utf8(wide.c_str());
}
#else
std::optional<file_id> id_of(const struct stat& info) {
  return file_id{static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino)};
}
/// The id of a regular file. Terminals and pipes have none: several writers of one overwrite nothing.
std::optional<file_id> id_of_stream(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return {};
  return id_of(info);
}
const std::string& folded(const std::string& name) {
  return name;
}
#endif

rexnet::error same_file(const std::string& output, const std::string& other) {
  return {rexnet::errc::output_is_input, output + " is the same file as " + other + ": nothing was written"};
}

bool below(const std::string& folder, const std::string& path) {
  const fs::path way =
      fs::u8path(path).lexically_normal().lexically_relative((fs::u8path(folder) / "").lexically_normal());
  return !way.empty() && *way.begin() != ".." && way != ".";
}

}  // namespace

std::optional<file_id> id_of(const std::string& path) {
#if defined(_WIN32)
  const HANDLE file = CreateFileW(rexnet::detail::utf16(path).c_str(), 0,
                                  FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                  OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr);
  if (file == INVALID_HANDLE_VALUE) return {};
  const auto id = id_of(file);
  CloseHandle(file);
  return id;
#else
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return id_of(info);
#endif
}

std::optional<output_guard::place> output_guard::place_of(const std::string& path) {
  if (const auto id = id_of(path)) return place{*id, ""};
  std::error_code unknown;
  fs::path at = fs::absolute(fs::u8path(path), unknown);
  if (unknown) return {};
  std::string rest;
  for (; at.has_relative_path(); at = at.parent_path()) {
    if (at.has_filename()) rest = "/" + at.filename().u8string() + rest;
    if (const auto id = id_of(at.parent_path().u8string())) return place{*id, folded(rest)};
  }
  return {};
}

bool output_guard::user::still_at(const place& p) const {
  if (path.empty()) return true;
  const auto now = place_of(path);
  return now && !(*now < p) && !(p < *now);
}

void output_guard::add_output(const place& at, const user& u) {
  if (at.rest.empty())
    if (const auto input = inputs_.find(at.at); input != inputs_.end() && input->second.still_at(at))
      throw same_file(u.who, input->second.who);
  const auto [other, added] = outputs_.emplace(at, u);
  if (added || other->second.who == u.who) return;
  if (other->second.still_at(at)) throw same_file(u.who, other->second.who);
  other->second = u;
}

void output_guard::output(const std::string& path, const std::string& option) {
  if (path.empty()) return;
  const std::string who = option + " " + path;
  std::string why;
  const std::string target = rexnet::detail::output_target(path, why);  // what output_file replaces
  std::vector<place>& places = declared_[path];
  for (const std::string& file : {target, target + ".part"})
    if (const auto at = place_of(file)) {
      add_output(*at, {file == target ? who : who + " (" + file + ", as long as it is written)", file});
      places.push_back(*at);
    }
}

void output_guard::output_folder(const std::string& path) {
  if (!path.empty()) folders_.push_back(path);
}

void output_guard::standard_streams() {
  const auto out = id_of_stream(1), err = id_of_stream(2);
  if (out) add_output({*out, ""}, {"standard output", ""});
  if (err && !(err == out)) add_output({*err, ""}, {"standard error", ""});
}

void output_guard::add_input(const file_id& id, const user& u) {
  if (const auto output = outputs_.find({id, ""});
      output != outputs_.end() && output->second.still_at({id, ""}))
    throw same_file(output->second.who, u.who);
  if (const auto output = written_.find(id); output != written_.end() && output->second.still_at({id, ""}))
    throw rexnet::error(rexnet::errc::output_is_input,
                        u.who + " is the same file as " + output->second.who + ", which was written before");
  // All outputs are known, but for those in folders: millions of inputs need not be remembered.
  if (!folders_.empty()) inputs_.emplace(id, u);
}

void output_guard::input(const std::string& path, const std::string& what) {
  if (const auto id = id_of(path)) add_input(*id, {what + " " + path, path});
}

void output_guard::standard_input() {
  if (const auto id = id_of_stream(0)) add_input(*id, {"standard input", ""});
}

void output_guard::writing(const std::string& path) {
  for (const std::string& folder : folders_)
    if (declared_.count(path) == 0 && below(folder, path)) output(path, "the output");
  if (declared_.count(path) == 0) throw std::logic_error(path + ": an output that was not declared");
  // Names that the file system takes for one, of files that did not exist when they were declared.
  if (const auto id = id_of(path))
    if (const auto other = written_.find(*id);
        other != written_.end() && other->second.path != path && other->second.still_at({*id, ""}))
      throw same_file("the output " + path, other->second.who + ", which was written before");
}

void output_guard::written(const std::string& path) {
  for (const place& at : declared_[path]) outputs_.erase(at);
  if (const auto id = id_of(path)) written_.insert_or_assign(*id, user{"the output " + path, path});
}

output_guard& guard() {
  static output_guard all;
  return all;
}

}  // namespace rexnet_tools
