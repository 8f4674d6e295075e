// SPDX-License-Identifier: MIT
#include "tools/box_rows.hpp"
#include "tools/json_text.hpp"
#include "tools/output_guard.hpp"
#include "tools/predictions.hpp"

#include "rexnet/system/file_bytes.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>

namespace rexnet_tools {
namespace {

using nlohmann::ordered_json;
using rexnet::errc;
using rexnet::error;

constexpr std::size_t row_numbers = 6;  // category's id, x, y, width, height, score

/// The box of a row's array; nothing where it cannot be one.
std::optional<coco_detection> read_box(const ordered_json& j, std::size_t picture, const coco_truth& truth) {
  if (!j.is_array() || j.size() != row_numbers || !j[0].is_number_integer()) return {};
  for (const ordered_json& v : j)
    if (!v.is_number()) return {};
  const auto id = j[0].get<std::int64_t>();
  const auto at = std::lower_bound(truth.categories.begin(), truth.categories.end(), id,
                                   [](const coco_category& c, std::int64_t v) { return c.id < v; });
  if (at == truth.categories.end() || at->id != id) return {};
  coco_detection d;
  d.picture = picture;
  d.category = static_cast<std::size_t>(at - truth.categories.begin());
  d.box = {j[1].get<double>(), j[2].get<double>(), j[3].get<double>(), j[4].get<double>()};
  d.score = j[5].get<double>();
  if (!(d.box.w >= 0 && d.box.h >= 0)) return {};
  return d;
}

/// What a row says of a picture; nothing where it is damaged.
std::optional<picture_boxes> read_row(const ordered_json& row, std::size_t picture, const coco_truth& truth) {
  picture_boxes p;
  if (const auto why = row.find("error"); why != row.end()) {
    if (row.size() != 2 || !why->is_string()) return {};
    p.broken = why->get<std::string>();
    if (p.broken.empty()) return {};
    return p;
  }
  const auto boxes = row.find("boxes");
  if (row.size() != 2 || boxes == row.end() || !boxes->is_array()) return {};
  for (const ordered_json& j : *boxes) {
    const auto box = read_box(j, picture, truth);
    if (!box) return {};
    p.boxes.push_back(*box);
  }
  return p;
}

/// The next line, without its end; false where none follows that has one. `at` moves behind it.
bool next_line(std::string_view text, std::size_t& at, std::string_view& line) {
  const std::size_t end = text.find('\n', at);
  if (end == text.npos) return false;
  line = text.substr(at, end - at);
  at = end + 1;
  return true;
}

}  // namespace

void box_rows::begin(const std::string& run) {
  file_.append(json_text({{"run", run}}, -1));
  file_.flush();
}

box_rows box_rows::create(const std::string& path, const std::string& run, const coco_truth& truth) {
  guard().writing(path);
  std::error_code unknown;
  if (std::filesystem::exists(std::filesystem::u8path(path), unknown))
    throw error(errc::io_error, path +
                                    ": exists already, of a run that was interrupted: remove it, or "
                                    "continue with --resume");
  box_rows f(path, truth);
  f.begin(run);
  return f;
}

box_rows box_rows::resume(const std::string& path, const std::string& run, const coco_truth& truth,
                          const seen_function& seen) {
  guard().writing(path);
  std::error_code unknown;
  const std::uintmax_t size = std::filesystem::file_size(std::filesystem::u8path(path), unknown);
  if (unknown || size == 0) {
    box_rows f(path, truth);
    f.begin(run);
    return f;
  }
  std::size_t rows = 0, whole = 0;
  {
    const auto bytes = rexnet::file_bytes::map(path).value();
    const std::string_view text = rexnet::detail::text(bytes.bytes());
    const auto refuse = [&path](const std::string& why) {
      return error(errc::invalid_argument, path + ": cannot be continued: " + why);
    };
    const auto parsed = [](std::string_view line) {
      return ordered_json::parse(line.begin(), line.end(), nullptr, false);
    };
    std::string_view line;
    if (next_line(text, whole, line)) {
      const ordered_json head = parsed(line);
      if (!head.is_object() || head.count("run") == 0 || !head["run"].is_string())
        throw refuse("it is no file of rexnet eval");
      if (const auto found = head["run"].get<std::string>(); found != run)
        throw refuse(
            "it is of " +
            run_difference(found, run, "input, thresholds, EXIF, classes' categories or instruction set"));
    } else if (text.front() != '{') {
      throw refuse("it is no file of rexnet eval");
    }
    for (; next_line(text, whole, line); ++rows) {
      const std::string at = "line " + std::to_string(rows + 2) + " ";
      if (rows >= truth.pictures.size()) throw refuse("it has more lines than there are pictures");
      const ordered_json row = parsed(line);
      if (!row.is_object() || row.count("image_id") == 0) throw refuse(at + "is damaged");
      if (row["image_id"] != truth.pictures[rows].id)
        throw refuse(at + "is of another picture than id " + std::to_string(truth.pictures[rows].id));
      const auto p = read_row(row, rows, truth);
      if (!p) throw refuse(at + "is damaged");
      seen(rows, *p);
    }
  }
  if (whole < size) growing_file::cut(path, whole);
  box_rows f(path, truth);
  f.rows_ = rows;
  if (whole == 0) f.begin(run);
  return f;
}

void box_rows::append(const picture_boxes& p) {
  ordered_json row{{"image_id", truth_->pictures[rows_].id}};
  if (p.broken.empty()) {
    ordered_json& boxes = row["boxes"] = ordered_json::array();
    for (const coco_detection& d : p.boxes)
      boxes.push_back({truth_->categories[d.category].id, d.box.x, d.box.y, d.box.w, d.box.h, d.score});
  } else {
    row["error"] = p.broken;
  }
  file_.append(json_text(row, -1));
  file_.flush();
  ++rows_;
}

}  // namespace rexnet_tools
