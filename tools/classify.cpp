// SPDX-License-Identifier: MIT
// classify: the most probable classes of pictures, on request with class activation maps and features.
#include "tools/answers.hpp"
#include "tools/commands.hpp"
#include "tools/embedding_file.hpp"
#include "tools/heat_map.hpp"
#include "tools/image_io.hpp"
#include "tools/image_list.hpp"
#include "tools/json_text.hpp"
#include "tools/measure.hpp"
#include "tools/output_guard.hpp"
#include "tools/requests.hpp"
#include "tools/stop_signals.hpp"
#include "tools/system.hpp"
#include "tools/terminal.hpp"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>
#include <optional>
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
using rexnet::printable;
namespace fs = std::filesystem;

/// Declares a path that is read to the output guard: those of the arguments before any work, those of a list
/// as they come.
void known_input(const std::string& path) {
  guard().input(path, "the picture");
}

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

rexnet::byte_span bytes_of(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

rexnet::result<picture> read_request(const request& r, bool exif) {
  if (!r.in_memory) return read_picture(r.path, exif);
  auto p = decode_picture(bytes_of(r.bytes), exif);
  if (!p) return p.error().in("standard input");
  return p;
}

/// The kind of a file that has no answer; "" where it is unknown.
std::string kind_without_answer(const request& r) {
  if (r.in_memory) return kind_of(bytes_of(r.bytes)).name;
  std::error_code unknown;
  if (!fs::is_regular_file(fs::u8path(r.path), unknown)) return {};
  const auto kind = kind_of(r.path);
  return kind ? kind->name : "";
}

answer_format format_of(const options& o) {
  return o.jsonl ? answer_format::json_lines : o.json ? answer_format::json : answer_format::text;
}

/// Counts of the requests by result. The requests themselves are not kept.
struct request_counts {
  std::size_t answered = 0;
  std::size_t on_their_side = 0;  ///< of them not turned upright
  kind_counts failed, left_out;
  std::string first_failure;
};

/// One classify command.
class classification {
 public:
  explicit classification(const options& o)
      : o_(o),
        model_(load_model(o)),
        labels_(o.labels_of(model_.header())),
        input_(o.input_of(model_.input(), model_.origin())),
        extractor_(rexnet::feature_extractor::make(model_, input_, o.thread_count()).value()),
        requests_(o.inputs, o.null_separated),
        cams_(o, requests_.several()),
        out_(format_of(o)) {
    const int classes = model_.shape().classes;
    if (classes == 0 && (o.embed.empty() || !o.cam.empty()))
      throw error(errc::unsupported, o.model +
                                         ": a backbone without classifier: --embed and the command features "
                                         "give what it computes");
    if (o.cam_class >= classes && o.cam_class >= 0)
      throw error(errc::invalid_argument, "--cam-class " + std::to_string(o.cam_class) + ": the model has " +
                                              std::to_string(classes) + " classes, from 0");
    if (!o.embed.empty() || !o.cam.empty()) requests_.each_known_path(known_input);
    if (!o.embed.empty()) embedding_.emplace(o.embed, rexnet::feature_c(model_.shape()));
  }

  void run() {
    const signals_heeded heeded;
    std::exception_ptr lost;  // the first output that failed; the others are still finished
    const auto keep_on = [&lost](auto&& part) {
      try {
        part();
      } catch (...) {
        if (!lost) lost = std::current_exception();
      }
    };
    keep_on([this] {
      requests_.each([this](request& r) {
        take(r);
        return stopped_by == 0;
      });
    });
    keep_on([this] { out_.finish(); });
    keep_on([this] { write_embedding(); });
    if (lost) std::rethrow_exception(lost);
    say_sums();
  }

 private:
  void take(request& r) {
    if (!r.left_out.empty()) return leave_out(r);
    const std::string why = r.why.empty() ? answer(r) : r.why;
    if (why.empty()) return;
    const std::string kind = kind_without_answer(r);
    ++sums_.failed[kind.empty() ? "cannot be read" : kind];
    if (sums_.first_failure.empty()) sums_.first_failure = why;
    if (requests_.several()) say(why);
    ordered_json entry{{"image", r.path}, {"error", why}};
    if (!kind.empty()) entry["kind"] = kind;
    if (!out_.text()) out_.add(entry, {});
  }

  void leave_out(const request& r) {
    ++sums_.left_out[r.left_out];
    if (o_.left_out || r.loop) say("left out: " + r.path + ": " + r.left_out);
    if (!out_.text()) out_.add({{"image", r.path}, {"left_out", r.left_out}}, {});
  }

  /// Classifies and prints. @return what is wrong with the picture, or ""
  [[nodiscard]] std::string answer(const request& r) {
    rexnet::feature_maps maps;
    ordered_json entry;
    std::string text;
    try {
      if (!r.in_memory) known_input(r.path);
      const auto read = read_request(r, o_.exif);
      if (!read) return hinted(r, read.error().message());
      rexnet::feature_choice choice;
      choice.stages = false;
      choice.head = !o_.cam.empty();
      const double start = seconds();
      auto extracted = extractor_.extract(read->image.view(), choice);
      if (!extracted) return extracted.error().in(r.path).message();
      maps = std::move(*extracted);
      rexnet::softmax(maps.logits);
      const auto top = rexnet::top_k(maps.logits, o_.top).value();
      const double ms = (seconds() - start) * 1e3;
      describe(r, *read, top, ms, entry, text);
      if (!o_.cam.empty()) add_cam(r, read->image, maps, top, entry, text);
      if (read->orientation > 1 && !read->turned) ++sums_.on_their_side;
    } catch (const std::bad_alloc&) {
      return r.path + ": not enough memory for this picture";
    } catch (const error& e) {  // its map cannot be written, or an output is this picture
      clash_ = clash_ || e.code() == errc::output_is_input;
      return r.path + ": " + e.message();
    } catch (const std::exception& e) {
      return r.path + ": " + e.what();
    }
    if (embedding_) {
      entry["row"] = embedding_->rows();
      embedding_->add(maps.features);
    }
    ++sums_.answered;
    out_.add(entry, text);
    return "";
  }

  void describe(const request& r, const picture& p, const std::vector<rexnet::scored_class>& top, double ms,
                ordered_json& entry, std::string& text) const {
    char line[96];
    std::snprintf(line, sizeof(line), " (%d x %d, %.1f ms)\n", p.image.width, p.image.height, ms);
    text = printable(r.path) + line;
    entry = {{"image", r.path},
             {"kind", p.kind},
             {"orientation", p.orientation},
             {"ms", ms},
             {"top", ordered_json::array()}};
    for (const rexnet::scored_class& s : top) {
      entry["top"].push_back({{"class", s.index}, {"label", label(s.index)}, {"probability", s.score}});
      std::snprintf(line, sizeof(line), "  %6.2f %%  ", 100.0 * static_cast<double>(s.score));
      text += line + printable(label(s.index)) + '\n';
    }
  }

  void add_cam(const request& r, const rexnet::rgb_image& image, const rexnet::feature_maps& maps,
               const std::vector<rexnet::scored_class>& top, ordered_json& entry, std::string& text) {
    const int of = o_.cam_class >= 0 ? o_.cam_class : top[0].index;
    const std::string path = cams_.path_for(r);
    write_cam(path, image, input_, maps.head,
              rexnet::class_activation_map(model_, maps.head.view(), of).value());
    entry["cam"] = {{"class", of}, {"file", path}};
    text += "  " + printable(path) + ": what speaks for " + printable(label(of)) + '\n';
  }

  /// A list of pictures given as a picture is a frequent mistake: the message says what to do.
  static std::string hinted(const request& r, const std::string& why) {
    if (!r.given || !is_text(r.path)) return why;
    return why + " (it is text: a list of pictures is read from standard input, which is written -)";
  }
  static bool is_text(const std::string& path) {
    const auto file = rexnet::file_bytes::map(path);
    if (!file) return false;
    const std::string_view all = rexnet::detail::text(file->bytes());
    const auto what = judge_stream(all.substr(0, kind_bytes), false, all.size() <= kind_bytes).what;
    return what == stream_start::as::list;
  }

  /// The rows of the pictures that were answered, in their order.
  void write_embedding() {
    if (!embedding_) return;
    if (clash_) return say(embedding_->path() + ": not written: a picture of the list is an output");
    if (embedding_->rows() == 0) return say(embedding_->path() + ": not written: no picture has an answer");
    embedding_->commit();
    if (!out_.text()) return;
    print(printable(embedding_->path()) + ": " + std::to_string(embedding_->rows()) + " rows of " +
          std::to_string(embedding_->columns()) + " features" +
          (sums_.failed.empty() ? "\n" : ", none for the pictures without answer\n"));
  }

  void say_sums() const {
    const std::size_t failed = sum_of(sums_.failed), others = sum_of(sums_.left_out);
    if (others > 0)
      say("left out: " + std::to_string(others) + (others == 1 ? " file" : " files") +
          " below directories (" + kinds_text(sums_.left_out) + ")" +
          (o_.left_out ? "" : "; --left-out names each"));
    if (sums_.on_their_side > 0)
      say(std::to_string(sums_.on_their_side) +
          (sums_.on_their_side == 1 ? " picture says that it was" : " pictures say that they were") +
          " taken with the camera turned: --exif turns upright");
    finish_output();
    if (stopped_by != 0) {
      say("interrupted after " + std::to_string(sums_.answered + failed) + " pictures");
      throw exit_with{interrupted_exit};
    }
    if (failed == 0) return;
    if (!requests_.several()) throw error(errc::io_error, sums_.first_failure);
    if (sums_.answered + failed == 1) throw exit_with{1};  // take() has printed the reason
    throw error(errc::io_error, std::to_string(failed) + " of " + std::to_string(sums_.answered + failed) +
                                    " pictures have no answer (" + kinds_text(sums_.failed) + ")");
  }

  [[nodiscard]] std::string label(int index) const {
    return labels_.empty() ? "class " + std::to_string(index) : labels_[static_cast<std::size_t>(index)];
  }

  const options& o_;
  rexnet::model model_;
  std::vector<std::string> labels_;
  rexnet::preprocessing input_;
  rexnet::feature_extractor extractor_;
  request_source requests_;
  cam_files cams_;
  answers out_;
  std::optional<embedding_file> embedding_;
  request_counts sums_;
  bool clash_ = false;  ///< a list named a file that this call writes
};

}  // namespace

void classify(const options& o) {
  classification(o).run();
}

}  // namespace rexnet_tools
