// SPDX-License-Identifier: MIT
#include "tools/picture_run.hpp"
#include "tools/output_guard.hpp"
#include "tools/stop_signals.hpp"
#include "tools/system.hpp"
#include "tools/terminal.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>
#include <system_error>
#include <utility>

namespace rexnet_tools {

namespace {

namespace fs = std::filesystem;
using rexnet::errc;
using rexnet::error;

/// Declares a path that is read to the output guard: those of the arguments before any work, those of a list
/// as they come.
void known_input(const std::string& path) {
  guard().input(path, "the picture");
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

bool is_list(const std::string& path) {
  const auto file = rexnet::file_bytes::map(path);
  if (!file) return false;
  const std::string_view all = rexnet::detail::text(file->bytes());
  const auto what = judge_stream(all.substr(0, kind_bytes), false, all.size() <= kind_bytes).what;
  return what == stream_start::as::list;
}

/// A list of pictures given as a picture is a frequent mistake: the message says what to do.
std::string hinted(const request& r, const std::string& why) {
  if (!r.given || !is_list(r.path)) return why;
  return why + " (it is text: a list of pictures is read from standard input, which is written -)";
}

answer_format format_of(const options& o) {
  return o.jsonl ? answer_format::json_lines : o.json ? answer_format::json : answer_format::text;
}

}  // namespace

drawn_files::drawn_files(const std::string& option, std::string out, const std::vector<std::string>& endings,
                         bool several)
    : out_(std::move(out)), ending_(endings.front()) {
  directory_ = several || is_directory(out_);
  if (out_.empty()) return;
  const std::string ending = fs::u8path(out_).extension().u8string();
  const bool file = std::find(endings.begin(), endings.end(), ending) != endings.end();
  if (!directory_ && !file) {
    std::string all;
    for (const std::string& e : endings) all.append(all.empty() ? "" : " or ").append(e);
    throw error(errc::invalid_argument, option + " " + out_ + ": must end in " + all + ", or be a directory");
  }
  if (several && file && !is_directory(out_))
    throw error(errc::invalid_argument, option + " " + out_ + ": must be a directory for several pictures");
}

std::string drawn_files::path_for(const request& r) {
  if (!directory_) return out_;
  const std::string stem = (fs::u8path(out_) / fs::u8path(r.name).replace_extension()).generic_u8string();
  std::string path = stem + ending_;
  for (int i = 2; !used_.insert(path).second; ++i) path = stem + "_" + std::to_string(i) + ending_;
  fs::create_directories(fs::u8path(path).parent_path());
  return path;
}

picture_run::picture_run(const options& o)
    : o_(o), requests_(o.inputs, o.null_separated), out_(format_of(o)) {}

void picture_run::declare_pictures() const {
  requests_.each_known_path(known_input);
}

std::string picture_run::head_line(const request& r, const picture& p, double ms) {
  char line[96];
  std::snprintf(line, sizeof(line), " (%d x %d, %.1f ms)", p.image.width, p.image.height, ms);
  return rexnet::printable(r.path) + line;
}

void picture_run::run() {
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
  keep_on([this] { end(); });
  if (lost) std::rethrow_exception(lost);
  say_sums();
}

void picture_run::take(request& r) {
  if (!r.left_out.empty()) return leave_out(r);
  const std::string why = r.why.empty() ? try_answer(r) : r.why;
  if (why.empty()) return;
  const std::string kind = kind_without_answer(r);
  ++failed_[kind.empty() ? "cannot be read" : kind];
  if (first_failure_.empty()) first_failure_ = why;
  if (requests_.several()) say(why);
  nlohmann::ordered_json entry{{"image", r.path}, {"error", why}};
  if (!kind.empty()) entry["kind"] = kind;
  if (!out_.text()) out_.add(entry, {});
}

void picture_run::leave_out(const request& r) {
  ++left_out_[r.left_out];
  if (o_.left_out || r.loop) say("left out: " + r.path + ": " + r.left_out);
  if (!out_.text()) out_.add({{"image", r.path}, {"left_out", r.left_out}}, {});
}

/// Answers and prints. @return what is wrong with the picture, or ""
std::string picture_run::try_answer(const request& r) {
  picture_answer a;
  try {
    if (!r.in_memory) known_input(r.path);
    const auto read = read_request(r, o_.exif);
    if (!read) return hinted(r, read.error().message());
    answer(r, *read, a);
    if (read->orientation > 1 && !read->turned) ++on_their_side_;
  } catch (const std::bad_alloc&) {
    return r.path + ": not enough memory for this picture";
  } catch (const error& e) {  // also: its drawing cannot be written, or an output is this picture
    clash_ = clash_ || e.code() == errc::output_is_input;
    return r.path + ": " + e.message();
  } catch (const std::exception& e) {
    return r.path + ": " + e.what();
  }
  keep(a);
  ++answered_;
  out_.add(a.entry, a.text);
  return "";
}

void picture_run::say_sums() const {
  const std::size_t failed = sum_of(failed_), others = sum_of(left_out_);
  if (others > 0)
    say("left out: " + std::to_string(others) + (others == 1 ? " file" : " files") + " below directories (" +
        kinds_text(left_out_) + ")" + (o_.left_out ? "" : "; --left-out names each"));
  if (on_their_side_ > 0)
    say(std::to_string(on_their_side_) +
        (on_their_side_ == 1 ? " picture says that it was" : " pictures say that they were") +
        " taken with the camera turned: --exif turns upright");
  finish_output();
  if (stopped_by != 0) {
    say("interrupted after " + std::to_string(answered_ + failed) + " pictures");
    throw exit_with{interrupted_exit};
  }
  if (failed == 0) return;
  if (!requests_.several()) throw error(errc::io_error, first_failure_);
  if (answered_ + failed == 1) throw exit_with{1};  // take() has printed the reason
  throw error(errc::io_error, std::to_string(failed) + " of " + std::to_string(answered_ + failed) +
                                  " pictures have no answer (" + kinds_text(failed_) + ")");
}

}  // namespace rexnet_tools
