// SPDX-License-Identifier: MIT
#include "tools/dataset.hpp"
#include "tools/csv.hpp"
#include "tools/image_list.hpp"
#include "tools/path_list.hpp"
#include "tools/unicode_form.hpp"

#include "rexnet/core/bytes.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/labels/imagenet.hpp"
#include "rexnet/system/file_bytes.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
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
      const std::string& name = classes.names[static_cast<std::size_t>(i)];
      add(by_name_, name, i);
      add(by_composed_, composed(name), i);
    }
  }
  /// -1 where no class has the name; throws where several have it. Two spellings of Unicode for one text are
  /// the same name, unless they are the names of two classes.
  [[nodiscard]] int of_name(const std::string& name) const {
    const int exact = find(by_name_, name, name);
    return exact >= 0 ? exact : find(by_composed_, composed(name), name);
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
  using by_text = std::map<std::string, int>;
  static void add(by_text& names, const std::string& name, int i) {
    const auto [at, added] = names.emplace(name, i);
    if (!added) at->second = shared;
  }
  static int find(const by_text& names, const std::string& key, const std::string& name) {
    const auto at = names.find(key);
    if (at == names.end()) return -1;
    if (at->second == shared)
      throw error(errc::invalid_argument, "'" + name + "' names several of the model's classes");
    return at->second;
  }

  static constexpr int shared = -2;
  const class_list& classes_;
  by_text by_name_, by_composed_;
};

/// For names that look alike and differ: a build that cannot compare them shows how they are spelled.
std::string spelling_note(const std::vector<std::string>& unknown, const std::vector<std::string>& known) {
  if (can_compose()) return {};
  std::vector<std::string> found, expected;
  for (const std::string& name : unknown)
    if (spelt_out(name) != name) found.push_back(spelt_out(name));
  for (const std::string& name : known)
    if (spelt_out(name) != name) expected.push_back(spelt_out(name));
  if (found.empty() || expected.empty()) return {};
  return "; in code points: " + some_of(found) + ", and the classes " + some_of(expected) +
         ": composed and decomposed letters differ here (built without utf8proc)";
}

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
                                            some_of(unknown) + spelling_note(unknown, classes.names));
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
                                            some_of(classes.names) + "): give --labels in their words" +
                                            spelling_note(folders, classes.names));
  if (folders.size() != static_cast<std::size_t>(classes.count))
    throw error(errc::shape_mismatch, path + ": " + number(folders.size()) + " folders for " + model_classes +
                                          " without names: which is which cannot be told from their order");
  int next = 0;
  count([&next](const std::string&) { return next++; });
  return "folders by position";
}

/// The folders of a directory, and what is beside them.
struct top_level {
  std::vector<std::string> folders, hidden;  ///< sorted by their bytes
  std::size_t loose = 0;                     ///< files named as pictures
};

top_level read_top_level(const std::string& path) {
  top_level top;
  std::error_code failure;
  for (fs::directory_iterator it(fs::u8path(path), failure); !failure && it != fs::directory_iterator();
       it.increment(failure)) {
    std::error_code dangling;
    const std::string name = it->path().filename().u8string();
    if (it->is_directory(dangling))
      (name[0] == '.' ? top.hidden : top.folders).push_back(name);
    else
      top.loose += named_as_picture(name);
  }
  if (failure) throw error(errc::io_error, path + ": cannot be read: " + failure.message());
  std::sort(top.folders.begin(), top.folders.end());
  std::sort(top.hidden.begin(), top.hidden.end());
  return top;
}

/// Hidden folders (.git, .ipynb_checkpoints) are classes for torchvision. Here they are only where the model
/// has a class of that name, or has no names and as many classes as there are folders with the hidden ones.
void take_known_hidden(top_level& top, const class_list& classes) {
  const class_index index(classes);
  const bool by_position = classes.names.empty() && !top.hidden.empty() &&
                           top.folders.size() + top.hidden.size() == static_cast<std::size_t>(classes.count);
  const auto unknown =
      std::stable_partition(top.hidden.begin(), top.hidden.end(),
                            [&](const std::string& name) { return by_position || index.of_name(name) >= 0; });
  top.folders.insert(top.folders.end(), top.hidden.begin(), unknown);
  top.hidden.erase(top.hidden.begin(), unknown);
  std::sort(top.folders.begin(), top.folders.end());
}

/// Adds the files of a class folder. @return its pictures
std::size_t read_class(const std::string& folder, std::size_t prefix, int label, dataset& d) {
  using as = found_file::as;
  const std::size_t before = d.samples.size();
  const auto take = [&](const found_file& f) {
    const std::string path = f.path.substr((std::min)(prefix, f.path.size()));
    if (f.what == as::picture)
      d.samples.push_back({path, label});
    else if (f.what == as::failed)
      d.unread.push_back({path, f.text.compare(0, f.path.size() + 2, f.path + ": ") == 0
                                    ? f.text.substr(f.path.size() + 2)
                                    : f.text});
    else
      d.others.push_back({path, f.text});
    return true;
  };
  each_file_below(folder, take, d.folder);
  return d.samples.size() - before;
}

/// Pictures that are samples here and not for torchvision, by the endings of their names.
std::string beyond_torchvision(const dataset& d) {
  kind_counts endings;
  for (const sample& s : d.samples) {
    if (torchvision_takes(s.path)) continue;
    const std::string ending = fs::u8path(s.path).extension().u8string();
    ++endings[ending.empty() ? "no ending" : ending];
  }
  if (endings.empty()) return {};
  return number(sum_of(endings)) + " pictures count that torchvision's ImageFolder does not take (" +
         kinds_text(endings) + ")";
}

dataset read_folders(const std::string& path, const class_list& classes) {
  dataset d;
  d.folder = path;
  top_level top = read_top_level(path);
  take_known_hidden(top, classes);
  if (top.folders.empty())
    throw error(errc::invalid_argument, path + ": no folders: expected one for each class, or a list file");
  std::vector<int> labels;
  d.labels = match_folders(path, top.folders, classes, labels);
  if (top.loose > 0)
    d.notes.push_back(number(top.loose) + " pictures beside the class folders were left out");
  if (!top.hidden.empty())
    d.notes.push_back(number(top.hidden.size()) + " hidden folders were left out: " + some_of(top.hidden));

  const std::size_t prefix = (fs::u8path(path) / "").generic_u8string().size();
  std::vector<std::string> empty;
  for (std::size_t i = 0; i < top.folders.size(); ++i) {
    const fs::path folder = fs::u8path(path) / fs::u8path(top.folders[i]);
    std::error_code unknown;
    if (fs::equivalent(folder, fs::u8path(path), unknown)) {  // a link to "."
      d.others.push_back({top.folders[i], "link to a folder above it"});
      empty.push_back(top.folders[i]);
      continue;
    }
    if (read_class(folder.u8string(), prefix, labels[i], d) == 0) empty.push_back(top.folders[i]);
  }
  const std::set<int> classes_found(labels.begin(), labels.end());
  if (classes_found.size() < labels.size())
    d.notes.push_back(number(labels.size() - classes_found.size()) +
                      " folders are of the same class as another, spelt otherwise");
  if (!empty.empty())
    d.notes.push_back(number(empty.size()) + " folders without pictures: " + some_of(empty));
  if (const std::string more = beyond_torchvision(d); !more.empty()) d.notes.push_back(more);
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
      // A name of several words: the shortest end of the line that is a class.
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

dataset read_list(const std::string& path, const class_list& classes, bool null_separated) {
  dataset d;
  d.folder = fs::u8path(path).parent_path().u8string();
  d.labels = "list";
  const auto file = rexnet::file_bytes::read(path).value();
  const std::string_view text = rexnet::detail::text(file.bytes());
  if (const std::string why = no_list(text, null_separated); !why.empty())
    throw error(errc::invalid_argument, path + ": " + why);
  const class_index index(classes);
  line_splitter lines(null_separated);
  lines.add(text);
  lines.finish();
  for (line_splitter::line at; lines.next(at);) {
    std::string& line = at.text;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t'))
      line.pop_back();
    const std::string where = path + ": line " + number(at.number) + ": ";
    if (!at.why.empty()) throw error(errc::invalid_argument, where + "'" + line + "' " + at.why);
    if (line.empty() || line[0] == '#') continue;
    sample s;
    if (split_line(line, index, s)) {
      d.samples.push_back(std::move(s));
      continue;
    }
    if (at.number == 1 && line.compare(0, 4, "path") == 0) continue;  // names of columns
    throw error(errc::invalid_argument,
                where + "'" + line + "': expected a path, a tab, comma or space, and a class (0 to " +
                    std::to_string(classes.count - 1) +
                    (classes.names.empty() ? "" : ", or a name: " + some_of(classes.names)) + ")" +
                    spelling_note({line}, classes.names));
  }
  return d;
}

}  // namespace

std::string dataset::file(const sample& s) const {
  return (fs::u8path(folder) / fs::u8path(s.path)).u8string();
}

dataset read_dataset(const std::string& path, const class_list& classes, bool null_separated) {
  std::error_code unknown;
  const bool folders = fs::is_directory(fs::u8path(path), unknown);
  if (folders && null_separated)
    throw error(errc::invalid_argument, path + ": is a directory: --null is for lists");
  dataset d = folders ? read_folders(path, classes) : read_list(path, classes, null_separated);
  if (!d.samples.empty()) return d;
  kind_counts kinds;
  for (const left_out_file& f : d.others) ++kinds[f.what];
  std::string why = path + ": no pictures";
  if (!kinds.empty()) why += " (" + kinds_text(kinds) + ")";
  if (!d.unread.empty()) why += "; " + d.unread[0].path + ": " + d.unread[0].what;
  throw error(errc::invalid_argument, why);
}

}  // namespace rexnet_tools
