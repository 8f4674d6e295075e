// SPDX-License-Identifier: MIT
// classify: the most probable classes of pictures, on request with class activation maps and features.
#include "tools/commands.hpp"
#include "tools/heat_map.hpp"
#include "tools/image_io.hpp"
#include "tools/image_list.hpp"
#include "tools/json_text.hpp"
#include "tools/measure.hpp"
#include "tools/output_guard.hpp"
#include "tools/terminal.hpp"

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <new>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace rexnet_tools {

namespace {

using nlohmann::ordered_json;
using rexnet::errc;
using rexnet::error;
namespace fs = std::filesystem;

bool is_directory(const std::string& path) {
  std::error_code none;
  return fs::is_directory(fs::u8path(path), none);
}

/// A picture that was asked for.
struct request {
  std::string path;
  std::string name;  ///< below the directory that was given, or the file's own
  std::string why;   ///< not empty: what is wrong with it
};

/// The pictures that IMAGE... names, in this order.
class request_list {
 public:
  explicit request_list(const std::vector<std::string>& inputs) {
    for (const std::string& input : inputs) {
      if (input != "-") {
        add(input);
        continue;
      }
      several_ = true;
      for (std::string line; std::getline(std::cin, line);) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (!line.empty()) add(line);
      }
    }
  }
  [[nodiscard]] const std::vector<request>& all() const { return all_; }
  /// More than one picture, or what may be more.
  [[nodiscard]] bool several() const { return several_ || all_.size() > 1; }

 private:
  void add(const std::string& path) {
    if (!is_directory(path)) {
      all_.push_back({path, fs::u8path(path).filename().u8string(), ""});
      return;
    }
    several_ = true;
    std::vector<std::string> found;
    std::string why = path + ": no pictures below this directory (.jpg .jpeg .png .ppm .pgm .pnm)";
    try {
      found = pictures_below(path);
    } catch (const error& e) {
      why = e.what();
    }
    for (const std::string& picture : found)
      all_.push_back(
          {picture, fs::u8path(picture).lexically_relative(fs::u8path(path)).generic_u8string(), ""});
    if (found.empty()) all_.push_back({path, "", why});
  }

  std::vector<request> all_;
  bool several_ = false;
};

/// Where --cam's files go.
class cam_files {
 public:
  cam_files(const options& o, bool several) : out_(o.cam) {
    const std::string ending = fs::u8path(out_).extension().u8string();
    directory_ = several || is_directory(out_);
    if (!directory_ && ending != ".png" && ending != ".npy" && !out_.empty())
      throw error(errc::invalid_argument, "--cam " + out_ + ": must end in .png or .npy, or be a directory");
    if (several && !out_.empty() && (ending == ".png" || ending == ".npy") && !is_directory(out_))
      throw error(errc::invalid_argument, "--cam " + out_ + ": must be a directory for several pictures");
  }
  /// OUT, or a path below it: the picture's name with .png, numbered where that was taken.
  [[nodiscard]] std::string path_for(const request& r) {
    if (!directory_) return out_;
    const std::string stem = (fs::u8path(out_) / fs::u8path(r.name).replace_extension()).generic_u8string();
    std::string path = stem + ".png";
    for (int i = 2; !used_.insert(path).second; ++i) path = stem + "_" + std::to_string(i) + ".png";
    fs::create_directories(fs::u8path(path).parent_path());
    return path;
  }

 private:
  std::string out_;
  bool directory_ = false;
  std::set<std::string> used_;
};

void write_cam(const std::string& path, const rexnet::rgb_image& picture, const rexnet::preprocessing& input,
               const rexnet::feature_map& head, const std::vector<float>& map) {
  if (fs::u8path(path).extension() == ".npy")
    return write_file(path, rexnet::write_npy({head.h, head.w}, map));
  write_picture(path, heat_map(picture, input, map, head.h, head.w));
}

/// One classify command.
class classification {
 public:
  explicit classification(const options& o)
      : o_(o),
        model_(load_model(o)),
        labels_(o.labels_of(model_.header())),
        input_(o.input_of(model_.input(), model_.origin())),
        extractor_(rexnet::feature_extractor::make(model_, input_, o.thread_count()).value()),
        requests_(o.inputs),
        cams_(o, requests_.several()) {
    if (requests_.all().empty())
      throw error(errc::invalid_argument, "the list on standard input names no pictures");
    const int classes = model_.shape().classes;
    if (classes == 0 && (o.embed.empty() || !o.cam.empty()))
      throw error(errc::unsupported, o.model +
                                         ": a backbone without classifier: --embed and the command features "
                                         "give what it computes");
    if (o.cam_class >= classes && o.cam_class >= 0)
      throw error(errc::invalid_argument, "--cam-class " + std::to_string(o.cam_class) + ": the model has " +
                                              std::to_string(classes) + " classes, from 0");
  }

  void run() {
    for (const request& r : requests_.all()) guard().input(r.path, "the picture");
    for (const request& r : requests_.all()) {
      const std::string why = r.why.empty() ? answer(r) : r.why;
      if (why.empty()) continue;
      failures_.push_back(why);
      if (requests_.several()) say(why);
      all_.push_back({{"image", r.path}, {"error", why}});
    }
    if (o_.json) print_json(json_text(all_));
    write_embedding();
    if (failures_.empty()) return;
    throw error(errc::io_error, !requests_.several() ? failures_[0]
                                                     : std::to_string(failures_.size()) + " of " +
                                                           std::to_string(requests_.all().size()) +
                                                           " pictures have no answer");
  }

 private:
  /// Classifies and prints; what is wrong with the picture, or nothing.
  [[nodiscard]] std::string answer(const request& r) {
    try {
      const auto picture = read_image(r.path, o_.exif);
      if (!picture) return picture.error().message();
      rexnet::feature_choice choice;
      choice.stages = false;
      choice.head = !o_.cam.empty();
      const double start = seconds();
      auto maps = extractor_.extract(picture->view(), choice);
      if (!maps) return maps.error().in(r.path).message();
      rexnet::softmax(maps->logits);
      const auto top = rexnet::top_k(maps->logits, o_.top);
      report(r, *picture, *maps, top, (seconds() - start) * 1e3);
      return "";
    } catch (const std::bad_alloc&) {
      return r.path + ": not enough memory for this picture";
    }
  }

  void report(const request& r, const rexnet::rgb_image& picture, const rexnet::feature_maps& maps,
              const std::vector<rexnet::scored_class>& top, double ms) {
    ordered_json entry{{"image", r.path}, {"ms", ms}, {"top", ordered_json::array()}};
    char line[64];
    std::snprintf(line, sizeof(line), " (%d x %d, %.1f ms)\n", picture.width, picture.height, ms);
    if (!o_.json) print(rexnet::printable(r.path) + line);
    for (const rexnet::scored_class& s : top) {
      entry["top"].push_back({{"class", s.index}, {"label", label(s.index)}, {"probability", s.score}});
      std::snprintf(line, sizeof(line), "  %6.2f %%  ", 100.0 * static_cast<double>(s.score));
      if (!o_.json) print(line + label(s.index) + '\n');
    }
    if (!o_.cam.empty()) {
      const int of = o_.cam_class >= 0 ? o_.cam_class : top[0].index;
      const std::string path = cams_.path_for(r);
      write_cam(path, picture, input_, maps.head,
                rexnet::class_activation_map(model_, maps.head.view(), of).value());
      entry["cam"] = {{"class", of}, {"file", path}};
      if (!o_.json) print("  " + rexnet::printable(path) + ": what speaks for " + label(of) + '\n');
    }
    if (!o_.embed.empty()) {
      entry["row"] = rows_++;
      embedding_.insert(embedding_.end(), maps.features.begin(), maps.features.end());
    }
    all_.push_back(std::move(entry));
  }

  /// The pictures that were read, in their order.
  void write_embedding() {
    if (o_.embed.empty()) return;
    const int c = rexnet::feature_c(model_.shape());
    write_file(o_.embed, rexnet::write_npy({rows_, c}, embedding_));
    if (!o_.json)
      print(rexnet::printable(o_.embed) + ": " + std::to_string(rows_) + " rows of " + std::to_string(c) +
            " features" + (failures_.empty() ? "" : ", none for the pictures without answer") + '\n');
  }

  [[nodiscard]] std::string label(int index) const {
    return labels_.empty() ? "class " + std::to_string(index) : labels_[static_cast<std::size_t>(index)];
  }

  const options& o_;
  rexnet::model model_;
  std::vector<std::string> labels_;
  rexnet::preprocessing input_;
  rexnet::feature_extractor extractor_;
  request_list requests_;
  cam_files cams_;
  ordered_json all_ = ordered_json::array();
  std::vector<std::string> failures_;
  std::vector<float> embedding_;
  int rows_ = 0;
};

}  // namespace

void classify(const options& o) {
  classification(o).run();
}

}  // namespace rexnet_tools
