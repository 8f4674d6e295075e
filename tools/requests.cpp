// SPDX-License-Identifier: MIT
#include "tools/requests.hpp"
#include "tools/image_list.hpp"
#include "tools/stop_signals.hpp"
#include "tools/system.hpp"

#include "rexnet/core/error.hpp"
#include "rexnet/core/text.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

namespace rexnet_tools {
namespace {

namespace fs = std::filesystem;
using rexnet::errc;
using rexnet::error;

/// A request that has no answer.
request without_answer(std::string path, std::string why) {
  request r;
  r.path = std::move(path);
  r.why = std::move(why);
  return r;
}

}  // namespace

request_source::request_source(std::vector<std::string> inputs, bool null_separated)
    : inputs_(std::move(inputs)) {
  const auto standard = std::count(inputs_.begin(), inputs_.end(), "-");
  if (standard > 1)
    throw error(errc::invalid_argument,
                "- is given " + std::to_string(standard) +
                    " times: standard input can be read once (a file of that name: ./-)");
  if (null_separated && standard == 0)
    throw error(errc::invalid_argument, "--null is for a list on standard input, which - asks for");
  try {
    if (standard > 0) standard_input_.emplace(null_separated);
  } catch (const input_lost& e) {
    throw e.why;
  }
  several_ = inputs_.size() > 1 || std::any_of(inputs_.begin(), inputs_.end(), is_directory) ||
             (standard > 0 && !standard_input_->is_picture());
}

void request_source::each_known_path(const std::function<void(const std::string& path)>& visit) const {
  for (const std::string& input : inputs_) {
    if (input == "-") continue;
    if (!is_directory(input)) {
      visit(input);
      continue;
    }
    each_file_below(input, [&visit](const found_file& f) {
      if (f.what == found_file::as::picture) visit(f.path);
      return true;
    });
  }
}

void request_source::each(const visitor& visit) {
  for (const std::string& input : inputs_)
    if (stopped_by != 0 || !(input == "-" ? add_standard_input(visit) : add(input, true, visit))) return;
}

bool request_source::add(const std::string& path, bool given, const visitor& visit) {
#if defined(_WIN32)
  if (!rexnet::detail::is_utf8(path)) {  // no file has such a name, and std::filesystem throws
    request r = without_answer(path, path + ": the path is not UTF-8");
    return visit(r);
  }
#endif
  if (is_directory(path)) return add_directory(path, visit);
  request r;
  r.path = path;
  r.name = fs::u8path(path).filename().u8string();
  r.given = given;
  return visit(r);
}

bool request_source::add_directory(const std::string& path, const visitor& visit) {
  const std::size_t prefix = (fs::u8path(path) / "").u8string().size();
  bool on = true, any = false;
  kind_counts others;
  each_file_below(path, [&](const found_file& f) {
    using as = found_file::as;
    request r;
    r.path = f.path;
    r.name = f.path.size() > prefix ? f.path.substr(prefix) : f.path;
    r.loop = f.what == as::loop;
    if (f.what == as::failed) r.why = f.text;
    if (f.what == as::other || f.what == as::loop) {
      r.left_out = f.text;
      ++others[f.text];
    }
    any = any || r.left_out.empty();
    return on = visit(r);
  });
  if (any || !on || stopped_by != 0) return on;
  const std::string instead = others.empty() ? "" : " (" + kinds_text(others) + ")";
  request none = without_answer(path, path + ": no pictures below this directory" + instead);
  return visit(none);
}

bool request_source::add_standard_input(const visitor& visit) {
  try {
    return standard_input_->is_picture() ? add_picture(visit) : add_list(visit);
  } catch (const input_lost& e) {
    request r = without_answer("-", e.why.message());
    return visit(r);
  }
}

bool request_source::add_picture(const visitor& visit) {
  request r;
  r.path = "-";
  r.name = "stdin";
  r.in_memory = true;
  r.bytes = standard_input_->read_picture();
  return stopped_by == 0 && visit(r);  // half a picture, after a signal
}

bool request_source::add_list(const visitor& visit) {
  bool any = false;
  for (line_splitter::line line; standard_input_->next(line);) {
    any = true;
    if (line.why.empty()) {
      if (!add(line.text, false, visit)) return false;
      continue;
    }
    request r =
        without_answer(line.text, "standard input: line " + std::to_string(line.number) + ": " + line.why);
    if (!visit(r)) return false;
  }
  if (any || stopped_by != 0) return true;
  request none = without_answer("-", "the list on standard input names no pictures");
  return visit(none);
}

}  // namespace rexnet_tools
