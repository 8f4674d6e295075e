// SPDX-License-Identifier: MIT
#include "tools/dataset.hpp"
#include "tools/csv.hpp"
#include "tools/image_list.hpp"

#include "rexnet/core/error.hpp"
#include "rexnet/imagenet.hpp"
#include "rexnet/weights/bytes.hpp"
#include "rexnet/weights/file_bytes.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <string_view>

namespace rexnet_tools {
namespace {

namespace fs = std::filesystem;
using rexnet::errc;
using rexnet::error;

std::string number(std::size_t n) {
  return std::to_string(n);
}

/// A few names of many.
std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < 5; ++i) text += (i > 0 ? ", " : "") + names[i];
  return names.size() > 5 ? text + ", ..." : text;
}

/// Classes by name.
class class_index {
 public:
  explicit class_index(const class_list& classes) : classes_(classes) {
    for (int i = 0; i < static_cast<int>(classes.names.size()); ++i) {
      const auto [at, added] = by_name_.emplace(classes.names[static_cast<std::size_t>(i)], i);
      if (!added) at->second = shared;
    }
  }
  /// -1 where no class has the name; throws where several have it.
  [[nodiscard]] int of_name(const std::string& name) const {
    const auto at = by_name_.find(name);
    if (at == by_name_.end()) return -1;
    if (at->second == shared)
      throw error(errc::invalid_argument, "'" + name + "' names several of the model's classes");
    return at->second;
  }
  [[nodiscard]] int of_synset(const std::string& name) const {
    return classes_.count == 1000 ? rexnet::imagenet_index(name) : -1;
  }
  /// A list's label: a name, a synset of ImageNet, or an index. -1: none of them.
  [[nodiscard]] int of_label(const std::string& label) const {
    if (const int i = of_name(label); i >= 0) return i;
    if (const int i = of_synset(label); i >= 0) return i;
    if (label.empty() || label.size() > 9 || label.find_first_not_of("0123456789") != label.npos) return -1;
    const int index = std::stoi(label);
    return index < classes_.count ? index : -1;
  }

 private:
  static constexpr int shared = -2;
  const class_list& classes_;
  std::map<std::string, int> by_name_;
};

/// The class of each folder, and how that was found.
std::string match_folders(const std::string& path, const std::vector<std::string>& folders,
                          const class_list& classes, std::vector<int>& labels) {
  const class_index index(classes);
  const auto count = [&](auto&& find) {
    labels.clear();
    for (const std::string& f : folders) labels.push_back(find(f));
    return folders.size() - static_cast<std::size_t>(std::count(labels.begin(), labels.end(), -1));
  };
  const auto refuse_unknown = [&](std::size_t known, const std::string& what) {
    if (known == folders.size()) return;
    std::vector<std::string> unknown;
    for (std::size_t i = 0; i < folders.size(); ++i)
      if (labels[i] < 0) unknown.push_back(folders[i]);
    throw error(errc::invalid_argument, path + ": " + number(unknown.size()) + " of " +
                                            number(folders.size()) + " folders are no " + what + ": " +
                                            some_of(unknown));
  };
  const std::string model_classes = number(static_cast<std::size_t>(classes.count)) + " classes";
  if (const auto known = count([&](const std::string& f) { return index.of_name(f); }); known > 0) {
    refuse_unknown(known, "class of the model (" + some_of(classes.names) + ")");
    return "folders by name";
  }
  if (const auto known = count([&](const std::string& f) { return index.of_synset(f); }); known > 0) {
    refuse_unknown(known, "synset of ImageNet-1k");
    return "folders by ImageNet synset";
  }
  if (classes.own)
    throw error(errc::invalid_argument, path + ": none of " + number(folders.size()) + " folders (" +
                                            some_of(folders) + ") is a class of the model (" +
                                            some_of(classes.names) + "): give --labels in their words");
  if (folders.size() != static_cast<std::size_t>(classes.count))
    throw error(errc::shape_mismatch, path + ": " + number(folders.size()) + " folders for " + model_classes +
                                          " without names: which is which cannot be told from their order");
  int next = 0;
  count([&next](const std::string&) { return next++; });
  return "folders by position";
}

/// Whether torchvision would read the file, and read_image() does not.
bool other_picture(const fs::path& file) {
  std::string ending = file.extension().u8string();
  for (char& c : ending) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  for (const char* other : {".bmp", ".tif", ".tiff", ".webp"})
    if (ending == other) return true;
  return false;
}

dataset read_folders(const std::string& path, const class_list& classes) {
  dataset d;
  d.folder = path;
  std::error_code failure;
  std::vector<std::string> folders;
  std::size_t loose = 0;
  for (fs::directory_iterator it(fs::u8path(path), failure); !failure && it != fs::directory_iterator();
       it.increment(failure)) {
    std::error_code dangling;
    const std::string name = it->path().filename().u8string();
    if (it->is_directory(dangling)) {
      if (name[0] != '.') folders.push_back(name);
    } else {
      loose += named_as_picture(name);
    }
  }
  if (failure) throw error(errc::io_error, path + ": cannot be read: " + failure.message());
  if (folders.empty())
    throw error(errc::invalid_argument, path + ": no folders: expected one for each class, or a list file");
  std::sort(folders.begin(), folders.end());
  std::vector<int> labels;
  d.labels = match_folders(path, folders, classes, labels);
  if (loose > 0) d.notes.push_back(number(loose) + " pictures beside the class folders were left out");

  const std::size_t prefix = (fs::u8path(path) / "").generic_u8string().size();
  std::vector<std::string> empty;
  std::size_t others = 0;
  for (std::size_t i = 0; i < folders.size(); ++i) {
    const fs::path folder = fs::u8path(path) / fs::u8path(folders[i]);
    const std::vector<std::string> pictures = pictures_below(folder.u8string());
    for (const std::string& p : pictures) d.samples.push_back({p.substr(prefix), labels[i]});
    if (pictures.empty()) empty.push_back(folders[i]);
    for (const fs::directory_entry& file : fs::recursive_directory_iterator(folder))
      others += other_picture(file.path());
  }
  if (!empty.empty())
    d.notes.push_back(number(empty.size()) + " folders without pictures: " + some_of(empty));
  if (others > 0)
    d.notes.push_back(number(others) + " files of kinds that are not read (.webp, .bmp, .tif) were left out");
  return d;
}

/// Splits "path<separator>label". The first of tab, comma and space whose last occurrence leaves a label
/// behind it: names and paths may hold the others.
bool split_line(const std::string& line, const class_index& index, sample& s) {
  if (line[0] == '"') {
    std::vector<std::string> fields;
    if (!csv_reader(line + '\n').next(fields) || fields.size() != 2) return false;
    s = {fields[0], index.of_label(fields[1])};
    return s.label >= 0;
  }
  for (const char separator : {'\t', ',', ' '}) {
    const std::size_t at = line.rfind(separator);
    if (at == line.npos || at == 0) continue;
    const std::size_t label = line.find_first_not_of(' ', at + 1);  // "path, label"
    s.label = label == line.npos ? -1 : index.of_label(line.substr(label));
    if (s.label < 0 && separator == ' ') {
      // A name of several words: whichever part of the line is one.
      for (std::size_t from = at; s.label < 0 && from != line.npos && from > 0;
           from = line.rfind(' ', from - 1))
        if ((s.label = index.of_name(line.substr(from + 1))) >= 0) {
          s.path = line.substr(0, from);
          return true;
        }
    }
    if (s.label < 0) continue;
    s.path = line.substr(0, at);
    return true;
  }
  return false;
}

dataset read_list(const std::string& path, const class_list& classes) {
  dataset d;
  d.folder = fs::u8path(path).parent_path().u8string();
  d.labels = "list";
  const auto file = rexnet::file_bytes::read(path).value();
  std::string_view rest = rexnet::detail::text(file.bytes());
  if (rest.substr(0, 3) == "\xef\xbb\xbf") rest.remove_prefix(3);  // Windows' editors put a mark before UTF-8
  const class_index index(classes);
  for (std::size_t line_number = 1; !rest.empty(); ++line_number) {
    const std::size_t end = (std::min)(rest.find('\n'), rest.size());
    std::string line(rest.substr(0, end));
    rest.remove_prefix((std::min)(end + 1, rest.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
      line.pop_back();
    if (line.empty() || line[0] == '#') continue;
    sample s;
    if (split_line(line, index, s)) {
      d.samples.push_back(std::move(s));
      continue;
    }
    if (line_number == 1 && line.compare(0, 4, "path") == 0) continue;  // names of columns
    throw error(errc::invalid_argument,
                path + ": line " + number(line_number) + ": '" + line +
                    "': expected a path, a tab, comma or space, and a class (0 to " +
                    std::to_string(classes.count - 1) +
                    (classes.names.empty() ? "" : ", or a name: " + some_of(classes.names)) + ")");
  }
  return d;
}

}  // namespace

std::string dataset::file(const sample& s) const {
  return (fs::u8path(folder) / fs::u8path(s.path)).u8string();
}

dataset read_dataset(const std::string& path, const class_list& classes) {
  std::error_code unknown;
  dataset d =
      fs::is_directory(fs::u8path(path), unknown) ? read_folders(path, classes) : read_list(path, classes);
  if (d.samples.empty()) throw error(errc::invalid_argument, path + ": no pictures");
  return d;
}

}  // namespace rexnet_tools
