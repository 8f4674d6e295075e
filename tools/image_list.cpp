// SPDX-License-Identifier: MIT
#include "tools/image_list.hpp"
#include "tools/image_io.hpp"
#include "tools/stop_signals.hpp"

#include "rexnet/system/windows.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace rexnet_tools {
namespace {

namespace fs = std::filesystem;

bool ends_as(const std::string& path, std::initializer_list<std::string_view> endings) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) {
    return path.size() >= ending.size() && std::equal(path.end() - static_cast<std::ptrdiff_t>(ending.size()),
                                                      path.end(), ending.begin(), same);
  });
}

/// A name of the file system in UTF-8. On Windows a lone surrogate, which path::u8string() throws at, becomes
/// U+FFFD: that file cannot be opened, which is said, and the others can.
std::string text_of(const fs::path& path) {
#if defined(_WIN32)
  std::string text = rexnet::detail::utf8(path.c_str());
  std::replace(text.begin(), text.end(), '\\', '/');
  return text;
#else
  return path.native();
#endif
}

/// What the directories below one hold, before any file is looked into.
class file_tree {
 public:
  struct entry {
    std::string name;
    fs::file_type type;  ///< of what a link leads to; directory: of a link that leads back
  };
  struct folder {
    std::string path;
    std::vector<entry> files;
    std::string why;  ///< not empty: why it could not be read, or not to its end

    [[nodiscard]] std::string path_of(const entry& e) const {
      return path.empty() || path.back() == '/' ? path + e.name : path + '/' + e.name;
    }
  };

  explicit file_tree(const fs::path& root, const fs::path& above = {}) {
    if (!above.empty()) above_.push_back(above);
    read(root);
    std::sort(folders_.begin(), folders_.end(),
              [](const folder& a, const folder& b) { return a.path < b.path; });
  }
  [[nodiscard]] const std::vector<folder>& folders() const { return folders_; }

 private:
  void read(const fs::path& at) {
    folder f;
    f.path = text_of(at);
    std::vector<fs::path> deeper;
    std::error_code failure;
    above_.push_back(at);
    for (fs::directory_iterator it(at, failure);
         !failure && it != fs::directory_iterator() && stopped_by == 0; it.increment(failure)) {
      std::error_code unknown;
      std::string name = text_of(it->path().filename());
      if (it->is_regular_file(unknown))
        f.files.push_back({std::move(name), fs::file_type::regular});
      else if (!it->is_directory(unknown))
        f.files.push_back({std::move(name), it->status(unknown).type()});
      else if (leads_back(it->path()))
        f.files.push_back({std::move(name), fs::file_type::directory});
      else
        deeper.push_back(it->path());
    }
    if (failure) f.why = f.path + ": cannot be read: " + failure.message();
    std::sort(f.files.begin(), f.files.end(), [](const entry& a, const entry& b) { return a.name < b.name; });
    folders_.push_back(std::move(f));
    for (const fs::path& path : deeper) read(path);
    above_.pop_back();
  }
  /// Whether a directory is one of those that lead to it: by device and inode.
  [[nodiscard]] bool leads_back(const fs::path& path) const {
    return std::any_of(above_.begin(), above_.end(), [&path](const fs::path& above) {
      std::error_code unknown;
      return fs::equivalent(path, above, unknown);
    });
  }

  std::vector<fs::path> above_;
  std::vector<folder> folders_;
};

const char* special_kind(fs::file_type type) {
  return type == fs::file_type::fifo ? "pipe" : type == fs::file_type::socket ? "socket" : "device";
}

/// What a regular file is whose name does not tell.
found_file by_content(found_file f) {
  using as = found_file::as;
  std::error_code unknown;
  if (fs::file_size(fs::u8path(f.path), unknown) == 0 && !unknown) {
    f.text = "empty file";
    return f;
  }
  const auto kind = kind_of(f.path);
  f.what = !kind ? as::failed : kind->picture ? as::picture : as::other;
  f.text = kind ? kind->name : kind.error().message();
  return f;
}

found_file judged(std::string path, const file_tree::entry& e) {
  using as = found_file::as;
  const bool hidden = e.name[0] == '.';  // .DS_Store, and the ._photo.jpg that macOS puts beside photo.jpg
  const bool named = named_as_picture(e.name) && !hidden;
  found_file f{as::other, std::move(path), {}};
  switch (e.type) {
    case fs::file_type::regular:
      if (!named) return by_content(std::move(f));
      f.what = as::picture;
      return f;
    case fs::file_type::directory: return {as::loop, std::move(f.path), "link to a folder above it"};
    case fs::file_type::fifo:
    case fs::file_type::socket:
    case fs::file_type::character:
    case fs::file_type::block:
      f.text = special_kind(e.type);
      if (named) f = {as::failed, f.path, f.path + ": a " + f.text + ", not a regular file"};
      return f;
    case fs::file_type::not_found:
      // Emacs' locks are links to nothing: .#notes.txt
      if (hidden)
        f.text = "link to nothing";
      else
        f = {as::failed, f.path, f.path + ": a link to nothing"};
      return f;
    default: {
      std::error_code why;
      static_cast<void>(fs::status(fs::u8path(f.path), why));
      return {as::failed, f.path, f.path + ": cannot be read: " + (why ? why.message() : "of unknown type")};
    }
  }
}

}  // namespace

bool named_as_picture(const std::string& path) {
  return torchvision_takes(path) || ends_as(path, {".jpe", ".jfif", ".jpg_large", ".pbm", ".pnm", ".gif",
                                                   ".dib", ".avif", ".heic", ".heif"});
}

bool torchvision_takes(const std::string& path) {
  return ends_as(path, {".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"});
}

void each_file_below(const std::string& dir, const std::function<bool(const found_file&)>& visit,
                     const std::string& above) {
  const file_tree tree(fs::u8path(dir), fs::u8path(above));
  for (const file_tree::folder& folder : tree.folders()) {
    for (const file_tree::entry& e : folder.files)
      if (stopped_by != 0 || !visit(judged(folder.path_of(e), e))) return;
    if (!folder.why.empty() && !visit({found_file::as::failed, folder.path, folder.why})) return;
  }
}

std::string kinds_text(const kind_counts& kinds) {
  std::string text;
  for (const auto& [kind, n] : kinds) text += (text.empty() ? "" : ", ") + kind + ": " + std::to_string(n);
  return text;
}

std::size_t sum_of(const kind_counts& kinds) {
  std::size_t sum = 0;
  for (const auto& [kind, n] : kinds) sum += n;
  return sum;
}

}  // namespace rexnet_tools
