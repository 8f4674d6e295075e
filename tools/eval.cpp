// SPDX-License-Identifier: MIT
// eval: accuracy of a model on pictures whose classes are known.
#include "tools/commands.hpp"
#include "tools/eval_report.hpp"
#include "tools/image_list.hpp"
#include "tools/json_text.hpp"
#include "tools/measure.hpp"
#include "tools/output_guard.hpp"
#include "tools/predictions.hpp"
#include "tools/progress.hpp"
#include "tools/stop_signals.hpp"
#include "tools/terminal.hpp"

#include "rexnet/system/cpus.hpp"

#include <algorithm>
#include <optional>

namespace rexnet_tools {

using rexnet::errc;
using rexnet::error;

namespace {

/// The first broken files by name, and that there are more.
std::string broken_line(const tally& counts) {
  constexpr std::size_t named = 5;
  const std::size_t n = counts.broken().size();
  if (n > named + 1) return {};
  if (n == named + 1) return "more broken files: --json and --csv name them all";
  return "broken: " + counts.broken().back().path + ": " + counts.broken().back().why;
}

/// What was left out: notes, what cannot be read, how many of each kind, or all by name.
std::vector<std::string> left_out_lines(const dataset& data, bool all) {
  std::vector<std::string> lines = data.notes;
  for (const left_out_file& f : data.unread)
    lines.push_back("cannot be evaluated: " + f.path + ": " + f.what);
  kind_counts kinds;
  for (const left_out_file& f : data.others) {
    ++kinds[f.what];
    if (all) lines.push_back("left out: " + f.path + ": " + f.what);
  }
  if (!kinds.empty())
    lines.push_back("left out: " + std::to_string(data.others.size()) + " files that are no pictures (" +
                    kinds_text(kinds) + ")" + (all ? "" : "; --left-out and --json name each"));
  return lines;
}

/// "" where every picture was evaluated.
std::string without_answer(const evaluation_report& r) {
  const std::size_t broken = r.counts.broken().size(), unread = r.unread.size();
  if (broken + unread == 0) return {};
  return std::to_string(broken) + " of " + std::to_string(r.pictures) + " pictures are broken" +
         (unread == 0 ? "" : ", and " + std::to_string(unread) + " files or folders cannot be read");
}

class_list classes_of(const options& o, const rexnet::model& m) {
  class_list c;
  c.count = m.shape().classes;
  c.names = o.labels_of(m.header());
  c.own = !c.names.empty() && (!o.labels.empty() || m.container() == "packed");
  return c;
}

/// What is evaluated, how and on what; the numbers are to come.
evaluation_report begin_report(const options& o, const rexnet::model& m) {
  evaluation_report r;
  r.model = o.model;
  r.data = o.inputs[0];
  r.variant = rexnet::detail::variant_text(m.shape());
  r.instruction_set = m.net().instruction_set();
  r.classes = classes_of(o, m);
  r.how = {o.input_of(m.input(), m.origin()), o.exif, o.threads > 0 ? o.threads : rexnet::available_cpus(),
           o.pictures_at_a_time > 0 ? o.pictures_at_a_time : 8};
  r.how.threads = (std::min)(r.how.threads, rexnet::max_threads);
  r.counts = tally(r.classes.count);
  return r;
}

void add_dataset(evaluation_report& r, const rexnet::model& m, const dataset& data) {
  r.notes = data.notes;
  r.others = data.others;
  r.unread = data.unread;
  r.labels = data.labels;
  r.pictures = data.samples.size();
  r.run = run_id(m, r.how.input, r.how.exif, r.classes, data);
}

/// The rows of --csv, if it is given; with --resume, those of the interrupted run are counted.
std::optional<predictions_file> open_rows(const options& o, evaluation_report& r, const dataset& data) {
  if (o.csv.empty()) return std::nullopt;
  if (!o.resume) return predictions_file::create(o.csv, r.run, r.classes);
  auto rows =
      predictions_file::resume(o.csv, r.run, r.classes, data, [&](std::size_t i, const prediction& p) {
        r.counts.add(data.samples[i].path, data.samples[i].label, p);
      });
  r.resumed = rows.rows();
  if (r.resumed > 0)
    say(o.csv + ": " + std::to_string(r.resumed) + " of " + std::to_string(r.pictures) +
        " pictures were finished before");
  return rows;
}

/// Evaluates what is not in `rows` yet, counts it and appends it there.
void run_pictures(const options& o, const rexnet::model& m, const dataset& data, evaluation_report& r,
                  std::optional<predictions_file>& rows) {
  progress bar(r.resumed, r.pictures, error_is_terminal());
  const double start = seconds();
  r.times = evaluate(m, data, r.how, r.resumed, stopped_by, [&](std::size_t i, const prediction& p) {
    const sample& s = data.samples[i];
    r.counts.add(s.path, s.label, p);
    r.here.add(p, o.exif);
    if (rows) {
      rows->append(s, p);
      rows->flush();
    }
    if (p.count == 0)
      if (const std::string line = broken_line(r.counts); !line.empty()) {
        draw(bar.away());
        say(line);
      }
    if (const std::string text = bar.at(i + 1, seconds() - start); !text.empty()) draw(text);
  });
  r.seconds = seconds() - start;
  draw(bar.away());
  if (rows) rows->close();
  r.interrupted = r.finished() < r.pictures;
}

/// Throws where the evaluation did not reach every picture.
void say_what_is_missing(const evaluation_report& r) {
  if (r.here.on_their_side > 0)
    say(std::to_string(r.here.on_their_side) +
        " pictures say that they were taken with the camera turned: --exif turns upright");
  if (r.interrupted) throw exit_with{interrupted_exit};
  if (r.counts.all().n == 0) throw error(errc::io_error, r.data + ": every picture is broken");
  if (const std::string why = without_answer(r); !why.empty()) throw error(errc::io_error, why);
}

/// Throws where an option was given that this kind of model has no use for.
void refuse_foreign_options(const options& o, bool detector) {
  const struct {
    const char* name;
    bool given, of_detectors;
  } all[] = {{"--batch", o.pictures_at_a_time != 0, false},
             {"--csv", !o.csv.empty(), false},
             {"--null", o.null_separated, false},
             {"--left-out", o.left_out, false},
             {"--crop-pct", o.crop_pct != 0, false},
             {"--interpolation", !o.interpolation.empty(), false},
             {"--images", !o.images.empty(), true},
             {"--detections", !o.detections.empty(), true},
             {"--min-score", o.least_score >= 0, true},
             {"--max", o.most != 0, true},
             {"--nms", o.overlap >= 0, true},
             {"--candidates", o.candidates != 0, true},
             {"--by-id", o.by_id, true}};
  for (const auto& option : all)
    if (option.given && option.of_detectors != detector)
      throw error(errc::invalid_argument, std::string(option.name) + ": is for " +
                                              (detector ? "classifiers, and " : "detectors, and ") + o.model +
                                              (detector ? " is a detector" : " is none"));
  if (!detector && o.input_w != 0)
    throw error(errc::invalid_argument, "--input-size " + std::to_string(o.input_w) + "x" +
                                            std::to_string(o.input_h) +
                                            ": a classifier's input is a square, a detector's need not be");
}

}  // namespace

void eval(const options& o) {
  if (o.resume && o.csv.empty() && o.detections.empty()) {
    say("--resume needs --csv, or --detections of a detector");
    throw exit_with{2};
  }
  const rexnet::model m = load_model(o);
  refuse_foreign_options(o, m.is_detector());
  if (m.is_detector()) return eval_detector(o, m);
  if (m.shape().classes == 0)
    throw error(errc::unsupported, o.model + ": a backbone without classifier has no classes to evaluate");
  evaluation_report r = begin_report(o, m);
  const dataset data = read_dataset(o.inputs[0], r.classes, o.null_separated);
  for (const std::string& line : left_out_lines(data, o.left_out)) say(line);
  if (!o.csv.empty() || !o.confusion.empty())
    for (const sample& picture : data.samples) guard().input(data.file(picture), "the picture");
  add_dataset(r, m, data);

  const signals_heeded heeded;
  std::optional<predictions_file> rows = open_rows(o, r, data);
  run_pictures(o, m, data, r, rows);

  if (!o.confusion.empty()) write_file(o.confusion, confusion_svg(r));
  o.json ? print_json(json_text(json_report(r))) : print(text_report(r));
  finish_output();
  say_what_is_missing(r);
}

}  // namespace rexnet_tools
