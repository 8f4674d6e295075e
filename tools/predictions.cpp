// SPDX-License-Identifier: MIT
#include "tools/predictions.hpp"
#include "tools/csv.hpp"
#include "tools/output_guard.hpp"

#include "rexnet/core/bytes.hpp"

#include <cstdio>
#include <filesystem>
#include <sstream>

namespace rexnet_tools {
namespace {

namespace fs = std::filesystem;
using rexnet::errc;
using rexnet::error;

constexpr const char* header =
    "path,label,predicted,probability,top5,top5_probability,label_name,predicted_name,error,run\n";
enum column {
  path_column,
  label_column,
  predicted_column,
  probability_column,
  top5_column,
  error_column = 8
};
constexpr std::size_t run_column = 9, column_count = 10;

std::uint32_t add(std::uint32_t crc, const std::string& text) {
  const std::string line = text + '\n';
  return rexnet::crc32({reinterpret_cast<const unsigned char*>(line.data()), line.size()}, crc);
}

std::uint32_t crc_of(const std::string& text) {
  return rexnet::crc32({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
}

/// Nine digits tell all floats apart.
std::string exact(float v) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", static_cast<double>(v));
  return text;
}

/// A class of a row; -1 where it is none.
int class_of(const std::string& text, const class_list& classes) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != text.npos) return -1;
  const int index = std::stoi(text);
  return index < classes.count ? index : -1;
}

/// The prediction of a row; false where it cannot be one.
bool read_prediction(const std::vector<std::string>& row, const class_list& classes, prediction& p) {
  p = {};
  p.broken = row[error_column];
  std::istringstream top(row[top5_column]);
  for (std::string word; top >> word;) {
    const int index = class_of(word, classes);
    if (index < 0 || p.count == p.top.size()) return false;
    p.top[p.count++].index = index;
  }
  if (p.count == 0) return !p.broken.empty() && row[predicted_column].empty();
  return p.broken.empty() && class_of(row[predicted_column], classes) == p.top[0].index;
}

}  // namespace

std::string run_id(const rexnet::model& m, const std::string& settings, const std::string& data) {
  std::uint32_t weights =
      rexnet::crc32({reinterpret_cast<const unsigned char*>(m.payload().data()), m.payload().size() * 4});
  const rexnet::config& c = m.shape();
  std::ostringstream shape;
  shape << static_cast<int>(c.family) << ' ' << c.width_hundredths << ' ' << c.classes << ' ' << c.stem_c
        << ' ' << c.head_c << ' ' << c.hidden_c;
  if (m.is_detector()) shape << ' ' << rexnet::fingerprint(m.detector_shape());
  weights = add(weights, shape.str());
  char id[32];
  std::snprintf(id, sizeof(id), "%08x-%08x-%08x", static_cast<unsigned>(weights),
                static_cast<unsigned>(crc_of(settings)), static_cast<unsigned>(crc_of(data)));
  return id;
}

std::string run_difference(const std::string& found, const std::string& expected, const char* settings) {
  if (found.size() != expected.size()) return "no run of rexnet eval";
  if (found.compare(0, 8, expected, 0, 8) != 0) return "another model";
  if (found.compare(9, 8, expected, 9, 8) != 0) return std::string("other settings (") + settings + ")";
  return "another data set";
}

std::string run_id(const rexnet::model& m, const rexnet::preprocessing& input, bool exif,
                   const class_list& classes, const dataset& data) {
  std::ostringstream settings;
  settings << input.input_size << ' ' << exact(static_cast<float>(input.crop_pct)) << ' '
           << static_cast<int>(input.interpolation) << ' ' << static_cast<int>(input.order) << ' ' << exif
           << ' ' << m.net().instruction_set();
  for (const float v : input.mean) settings << ' ' << exact(v);
  for (const float v : input.std) settings << ' ' << exact(v);
  settings << '\n';
  for (const std::string& name : classes.names) settings << name << '\n';
  std::string pictures;
  for (const sample& s : data.samples) pictures += s.path + '\n' + std::to_string(s.label) + '\n';
  return run_id(m, settings.str(), pictures);
}

predictions_file::predictions_file(const std::string& path, std::string run, const class_list& classes)
    : run_(std::move(run)), classes_(&classes), file_(path) {}

predictions_file predictions_file::create(const std::string& path, std::string run,
                                          const class_list& classes) {
  guard().writing(path);
  std::error_code unknown;
  if (fs::exists(fs::u8path(path), unknown))
    throw error(errc::io_error, path + ": exists already: remove it, or continue it with --resume");
  predictions_file f(path, std::move(run), classes);
  f.file_.append(header);
  f.flush();
  return f;
}

predictions_file predictions_file::resume(const std::string& path, std::string run, const class_list& classes,
                                          const dataset& data,
                                          const std::function<void(std::size_t, const prediction&)>& seen) {
  guard().writing(path);
  std::error_code unknown;
  const std::uintmax_t size = fs::file_size(fs::u8path(path), unknown);
  if (unknown || size == 0) {
    predictions_file f(path, std::move(run), classes);
    f.file_.append(header);
    f.flush();
    return f;
  }
  std::size_t rows = 0, whole = 0;
  {
    const auto bytes = rexnet::file_bytes::map(path).value();
    const std::string_view text = rexnet::detail::text(bytes.bytes());
    csv_reader reader(text);
    std::vector<std::string> row;
    const auto refuse = [&](const std::string& why) {
      return error(errc::invalid_argument, path + ": cannot be continued: " + why);
    };
    const std::string_view expected(header);
    if (text.substr(0, expected.size()) != expected.substr(0, text.size()))
      throw refuse("it is no file of rexnet eval");
    if (reader.next(row)) {
      prediction p;
      for (; reader.next(row); ++rows) {
        const std::string at = "row " + std::to_string(rows + 1) + " ";
        for (const std::string& field : row)
          if (field.find('\0') != field.npos) throw refuse(at + "holds a NUL byte");
        if (row.size() != column_count) throw refuse(at + "has " + std::to_string(row.size()) + " columns");
        if (row[run_column] != run)
          throw refuse(
              at + "is of " +
              run_difference(row[run_column], run, "preprocessing, EXIF, class names or instruction set"));
        if (rows >= data.samples.size()) throw refuse("it has more rows than the data set has pictures");
        const sample& s = data.samples[rows];
        if (row[path_column] != s.path || row[label_column] != std::to_string(s.label))
          throw refuse(at + "is of " + row[path_column] + ", expected " + s.path);
        if (!read_prediction(row, classes, p)) throw refuse(at + "is damaged");
        seen(rows, p);
      }
    }
    whole = reader.position();
  }
  if (whole < size) growing_file::cut(path, whole);
  predictions_file f(path, std::move(run), classes);
  f.rows_ = rows;
  if (whole == 0) f.file_.append(header);
  f.flush();
  return f;
}

std::string predictions_file::name_of(int label) const {
  return classes_->names.empty() ? std::string()
                                 : csv_field(classes_->names[static_cast<std::size_t>(label)]);
}

void predictions_file::append(const sample& s, const prediction& p) {
  std::string top, scores;
  for (std::size_t k = 0; k < p.count; ++k) {
    top += (k > 0 ? " " : "") + std::to_string(p.top[k].index);
    scores += (k > 0 ? " " : "") + exact(p.top[k].score);
  }
  const bool good = p.count > 0;
  std::ostringstream row;
  row << csv_field(s.path) << ',' << s.label << ',' << (good ? std::to_string(p.top[0].index) : "") << ','
      << (good ? exact(p.top[0].score) : "") << ',' << top << ',' << scores << ',' << name_of(s.label) << ','
      << (good ? name_of(p.top[0].index) : "") << ',' << csv_field(p.broken) << ',' << run_ << '\n';
  file_.append(row.str());
  ++rows_;
}

}  // namespace rexnet_tools
