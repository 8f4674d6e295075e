// SPDX-License-Identifier: MIT
// eval: accuracy of a model on pictures whose classes are known.
#include "tools/commands.hpp"
#include "tools/eval_report.hpp"
#include "tools/json_text.hpp"
#include "tools/measure.hpp"
#include "tools/output_guard.hpp"
#include "tools/predictions.hpp"
#include "tools/progress.hpp"
#include "tools/terminal.hpp"

#include "rexnet/core/cpus.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <optional>

namespace rexnet_tools {

using rexnet::errc;
using rexnet::error;

namespace {

std::atomic<int> stopped_by{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler writes it");

/// The pictures in flight are finished first; whoever asks twice does not wait for them.
extern "C" void stop_soon(int signal) {
  stopped_by = signal;
  std::signal(signal, SIG_DFL);
}

class signals_heeded {
 public:
  signals_heeded() {
    std::signal(SIGINT, stop_soon);
#if !defined(_WIN32)
    std::signal(SIGTERM, stop_soon);
#endif
  }
  ~signals_heeded() {
    std::signal(SIGINT, SIG_DFL);
#if !defined(_WIN32)
    std::signal(SIGTERM, SIG_DFL);
#endif
  }
};

/// The first broken files by name, and that there are more.
std::string broken_line(const tally& counts) {
  constexpr std::size_t named = 5;
  const std::size_t n = counts.broken().size();
  if (n > named + 1) return {};
  if (n == named + 1) return "more broken files: --json and --csv name them all";
  return "broken: " + counts.broken().back().path + ": " + counts.broken().back().why;
}

class_list classes_of(const options& o, const rexnet::model& m) {
  class_list c;
  c.count = m.shape().classes;
  c.names = o.labels_of(m.header());
  c.own = !c.names.empty() && (!o.labels.empty() || m.container() == "packed");
  return c;
}

}  // namespace

void eval(const options& o) {
  const rexnet::model m = load_model(o);
  if (m.shape().classes == 0)
    throw error(errc::unsupported, o.model + ": a backbone without classifier has no classes to evaluate");
  evaluation_report r;
  r.model = o.model;
  r.data = o.inputs[0];
  r.variant = rexnet::detail::variant_text(m.shape());
  r.instruction_set = m.net().instruction_set();
  r.classes = classes_of(o, m);
  r.how = {o.input_of(m.input(), m.origin()), o.exif, o.threads > 0 ? o.threads : rexnet::available_cpus(),
           o.pictures_at_a_time};
  r.how.threads = (std::min)(r.how.threads, rexnet::max_threads);
  const dataset data = read_dataset(o.inputs[0], r.classes);
  for (const std::string& note : data.notes) say(note);
  if (!o.csv.empty() || !o.confusion.empty())
    for (const sample& picture : data.samples) guard().input(data.file(picture), "the picture");
  r.labels = data.labels;
  r.pictures = data.samples.size();
  r.run = run_id(m, r.how.input, r.how.exif, r.classes, data);
  r.counts = tally(r.classes.count);

  const signals_heeded heeded;
  std::optional<predictions_file> rows;
  if (!o.csv.empty()) {
    if (o.resume)
      rows = predictions_file::resume(o.csv, r.run, r.classes, data, [&](std::size_t i, const prediction& p) {
        r.counts.add(data.samples[i].path, data.samples[i].label, p);
      });
    else
      rows = predictions_file::create(o.csv, r.run, r.classes);
    r.resumed = rows->rows();
    if (r.resumed > 0)
      say(o.csv + ": " + std::to_string(r.resumed) + " of " + std::to_string(r.pictures) +
          " pictures were finished before");
  }

  progress bar(r.resumed, r.pictures, error_is_terminal());
  const double start = seconds();
  r.times = evaluate(m, data, r.how, r.resumed, stopped_by, [&](std::size_t i, const prediction& p) {
    const sample& s = data.samples[i];
    r.counts.add(s.path, s.label, p);
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

  if (!o.confusion.empty()) write_file(o.confusion, confusion_svg(r));
  o.json ? print_json(json_text(json_report(r))) : print(text_report(r));
  if (r.interrupted) throw exit_with{130};
  if (r.counts.all().n == 0) throw error(errc::io_error, o.inputs[0] + ": every picture is broken");
}

}  // namespace rexnet_tools
