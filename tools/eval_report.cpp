// SPDX-License-Identifier: MIT
#include "tools/eval_report.hpp"
#include "tools/table_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace rexnet_tools {
namespace {

using nlohmann::ordered_json;

/// More classes than this: the worst alone, and no matrix.
constexpr std::size_t many_classes = 40, matrix_classes = 20, worst_classes = 20;

std::string class_table(const evaluation_report& r, std::vector<int> classes) {
  const auto& counts = r.counts.classes();
  const auto count_of = [&counts](int c) -> const class_count& {
    return counts[static_cast<std::size_t>(c)];
  };
  const auto none = [&](int c) { return count_of(c).n == 0; };
  classes.erase(std::remove_if(classes.begin(), classes.end(), none), classes.end());
  std::string text;
  if (classes.size() > many_classes) {
    std::sort(classes.begin(), classes.end(), [&](int a, int b) {
      const double x = share(count_of(a).top1, count_of(a).n), y = share(count_of(b).top1, count_of(b).n);
      return x != y ? x < y : a < b;
    });
    text = format("\nthe %zu worst of %zu classes with pictures (--json has all)\n", worst_classes,
                  classes.size());
    classes.resize(worst_classes);
  }
  std::size_t width = 5;
  for (const int c : classes) width = (std::max)(width, (std::min)(name_columns, columns(r.name(c))));
  text += '\n' + left("class", width) + "        n     top-1     top-5  most often taken for\n";
  for (const int c : classes) {
    const class_count& n = count_of(c);
    const tally::mistake m = r.counts.worst_mistake(c);
    text +=
        left(r.name(c), width) +
        format(" %8lld  %6.2f %%  %6.2f %%", static_cast<long long>(n.n), 100 * share(n.top1, n.n),
               100 * share(n.top5, n.n)) +
        (m.predicted < 0 ? "" : "  " + r.name(m.predicted) + format(" (%lld)", static_cast<long long>(m.n))) +
        '\n';
  }
  return text;
}

std::string speed(const evaluation_report& r) {
  const std::size_t n = r.finished() - r.resumed;
  if (n == 0 || r.seconds <= 0) return {};
  const double all = r.times.decode + r.times.preprocess + r.times.network,
               each = 1e3 / static_cast<double>(n);
  const auto part = [&](double seconds) {
    return format("%.2f ms (%.0f %%)", seconds * each, all > 0 ? 100 * seconds / all : 0.0);
  };
  return format("\n%.1f pictures a second on %d thread(s); a thread's %.1f ms for each: ",
                static_cast<double>(n) / r.seconds, r.how.threads, all * each) +
         "decode " + part(r.times.decode) + ", preprocess " + part(r.times.preprocess) + ", network " +
         part(r.times.network) + '\n';
}

/// The words for pictures. They borrow the report.
confusion_words words_of(const evaluation_report& r) {
  const class_count& all = r.counts.all();
  return {format("%lld pictures: top-1 %.2f %%, top-5 %.2f %%", static_cast<long long>(all.n),
                 100 * share(all.top1, all.n), 100 * share(all.top5, all.n)),
          "class of the picture",
          "taken for",
          "rows are the pictures' classes, columns what they were taken for",
          [&r](int c) { return r.name(c); },
          -1};
}

}  // namespace

std::vector<int> occurring_classes(const tally& t) {
  std::vector<int> found;
  for (const auto& entry : t.confusion()) found.insert(found.end(), {entry.first.first, entry.first.second});
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::string evaluation_report::name(int label) const {
  return classes.names.empty() ? "class " + std::to_string(label)
                               : classes.names[static_cast<std::size_t>(label)];
}

std::string confusion_text(const confusion_words& w, const tally& counts, const std::vector<int>& classes) {
  if (classes.size() < 2 || classes.size() > matrix_classes) return {};
  const auto& confusion = counts.confusion();
  std::size_t width = 5, cell = 4;
  for (const int c : classes) width = (std::max)(width, (std::min)(name_columns, columns(w.name(c))));
  for (const auto& entry : confusion) cell = (std::max)(cell, std::to_string(entry.second).size());
  std::string text = "\nconfusion: " + w.heading + '\n' + left("", width);
  for (const int c : classes) text += ' ' + right(shortened(w.name(c), cell), cell);
  text += '\n';
  for (const int row : classes) {
    text += left(w.name(row), width);
    for (const int column : classes) {
      const auto at = confusion.find({row, column});
      text += ' ' + right(at == confusion.end() ? "." : std::to_string(at->second), cell);
    }
    text += '\n';
  }
  return text;
}

std::string confusion_svg(const evaluation_report& r) {
  return confusion_svg(words_of(r), r.counts);
}

std::string text_report(const evaluation_report& r) {
  const class_count& all = r.counts.all();
  const auto n = [](std::int64_t v) { return static_cast<long long>(v); };
  std::string text;
  if (r.interrupted) text = format("interrupted after %zu of %zu pictures\n", r.finished(), r.pictures);
  text += rexnet::printable(r.model) + " (" + r.variant + format(", %d px) on ", r.how.input.input_size) +
          rexnet::printable(r.data) + " (" + r.labels + ")\n";
  text += format("%lld pictures, and %zu broken files that are not counted\n", n(all.n),
                 r.counts.broken().size());
  text += format("top-1  %6.2f %%  (%lld of %lld)\n", 100 * share(all.top1, all.n), n(all.top1), n(all.n));
  text += format("top-5  %6.2f %%  (%lld of %lld)\n", 100 * share(all.top5, all.n), n(all.top5), n(all.n));
  const std::vector<int> classes = occurring_classes(r.counts);
  return text + class_table(r, classes) + confusion_text(words_of(r), r.counts, classes) + speed(r);
}

namespace {

/// What below the class folders was not evaluated and is not among broken_files.
ordered_json left_out(const evaluation_report& r) {
  kind_counts kinds;
  ordered_json j{{"files", r.others.size()},
                 {"kinds", ordered_json::object()},
                 {"names", ordered_json::array()},
                 {"unread", ordered_json::array()},
                 {"notes", r.notes}};
  for (const left_out_file& f : r.others) {
    ++kinds[f.what];
    j["names"].push_back({{"path", f.path}, {"kind", f.what}});
  }
  for (const left_out_file& f : r.unread) j["unread"].push_back({{"path", f.path}, {"error", f.what}});
  j["kinds"] = kinds;
  return j;
}

}  // namespace

ordered_json json_report(const evaluation_report& r) {
  const class_count& all = r.counts.all();
  ordered_json j{{"model", r.model},
                 {"variant", r.variant},
                 {"data", r.data},
                 {"labels", r.labels},
                 {"run", r.run},
                 {"classes", r.classes.count},
                 {"input_size", r.how.input.input_size},
                 {"crop_pct", r.how.input.crop_pct},
                 {"interpolation",
                  r.how.input.interpolation == rexnet::interpolation::bilinear ? "bilinear" : "bicubic"},
                 {"exif", r.how.exif},
                 {"pictures", r.pictures},
                 {"finished", r.finished()},
                 {"interrupted", r.interrupted},
                 {"evaluated", all.n},
                 {"broken", r.counts.broken().size()},
                 {"top1_correct", all.top1},
                 {"top5_correct", all.top5},
                 {"top1", share(all.top1, all.n)},
                 {"top5", share(all.top5, all.n)},
                 {"per_class", ordered_json::array()},
                 {"confusion", ordered_json::array()},
                 {"broken_files", ordered_json::array()}};
  for (int c = 0; c < r.classes.count; ++c) {
    const class_count& n = r.counts.classes()[static_cast<std::size_t>(c)];
    const tally::mistake m = r.counts.worst_mistake(c);
    ordered_json entry{{"class", c}, {"n", n.n}, {"top1_correct", n.top1}, {"top5_correct", n.top5}};
    if (!r.classes.names.empty()) entry["name"] = r.name(c);
    if (m.predicted >= 0) entry["most_often_taken_for"] = {{"class", m.predicted}, {"n", m.n}};
    j["per_class"].push_back(std::move(entry));
  }
  for (const auto& entry : r.counts.confusion())
    j["confusion"].push_back({entry.first.first, entry.first.second, entry.second});
  for (const broken_file& b : r.counts.broken())
    j["broken_files"].push_back({{"path", b.path}, {"error", b.why}});
  j["left_out"] = left_out(r);
  const std::size_t here = r.finished() - r.resumed;
  j["speed"] = {{"threads", r.how.threads},
                {"batch", r.how.batch},
                {"instruction_set", r.instruction_set},
                {"pictures", here},
                {"seconds", r.seconds},
                {"pictures_per_second", r.seconds > 0 ? static_cast<double>(here) / r.seconds : 0.0},
                {"decode_thread_seconds", r.times.decode},
                {"preprocess_thread_seconds", r.times.preprocess},
                {"network_thread_seconds", r.times.network}};
  // As speed, of this run: --csv does not keep it for a run in parts.
  ordered_json orientations = ordered_json::object();
  for (const auto& [orientation, n] : r.here.orientations) orientations[std::to_string(orientation)] = n;
  j["files"] = {{"kinds", r.here.kinds},
                {"broken_kinds", r.here.broken_kinds},
                {"orientations", std::move(orientations)}};
  return j;
}

}  // namespace rexnet_tools
