// SPDX-License-Identifier: MIT
// eval of a detector: COCO's numbers on pictures whose boxes are known.
#include "tools/box_rows.hpp"
#include "tools/coco_report.hpp"
#include "tools/commands.hpp"
#include "tools/eval_report.hpp"
#include "tools/json_text.hpp"
#include "tools/measure.hpp"
#include "tools/output_guard.hpp"
#include "tools/predictions.hpp"
#include "tools/progress.hpp"
#include "tools/stop_signals.hpp"
#include "tools/table_text.hpp"
#include "tools/terminal.hpp"

#include "rexnet/system/cpus.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>

namespace rexnet_tools {

std::string rows_file(const std::string& detections) {
  return detections + ".rows";
}

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using rexnet::errc;
using rexnet::error;

struct broken_picture {
  std::int64_t id = 0;
  std::string path, why;
};

/// The truth and the pictures that belong to it.
struct box_data {
  std::string path, folder;
  coco_truth truth;
};

box_data read_box_data(const options& o) {
  box_data d;
  d.path = o.inputs[0];
  std::error_code unknown;
  if (fs::is_directory(fs::u8path(d.path), unknown))
    throw error(errc::invalid_argument,
                d.path + ": is a folder: a detector is evaluated on a file of boxes as COCO has them, .json");
  const std::string beside = fs::u8path(d.path).parent_path().u8string();
  d.folder = !o.images.empty() ? o.images : beside.empty() ? "." : beside;
  if (!fs::is_directory(fs::u8path(d.folder), unknown))
    throw error(errc::io_error, d.folder + ": is no folder of pictures");
  d.truth = read_coco_truth_file(d.path);
  if (d.truth.pictures.empty()) throw error(errc::invalid_argument, d.path + ": lists no pictures");
  if (d.truth.categories.size() > coco_most_categories)
    static_cast<void>(evaluate_coco(d.truth, {}));  // throws, before any work
  try {
    check_picture_names(d.truth, o.images.empty());
  } catch (const error& e) {
    throw e.in(d.path);
  }
  return d;
}

/// The run's id: weights; all that the boxes depend on beside them; the pictures.
std::string box_run_id(const rexnet::model& m, const box_settings& how, const class_map& classes,
                       const coco_truth& truth) {
  std::string settings = m.net().instruction_set();
  const auto add = [&settings](double v) { settings += format(" %.17g", v); };
  for (const float v : how.input.mean) add(static_cast<double>(v));
  for (const float v : how.input.std) add(static_cast<double>(v));
  for (const int v : {how.how.input_h, how.how.input_w, how.how.boxes.candidates, how.how.boxes.most,
                      static_cast<int>(how.exif)})
    add(v);
  for (const double v : {how.how.anchors.least, how.how.anchors.most, how.how.boxes.iou,
                         static_cast<double>(how.how.boxes.score)})
    add(v);
  for (const std::size_t c : classes.category)
    settings += c == no_category ? " -" : ' ' + std::to_string(truth.categories[c].id);
  std::string pictures;
  for (const coco_picture& p : truth.pictures)
    pictures += std::to_string(p.id) + ' ' + std::to_string(p.width) + ' ' + std::to_string(p.height) + ' ' +
                p.file_name + '\n';
  return run_id(m, settings, pictures);
}

/// One `rexnet eval` with a detector.
class box_evaluation {
 public:
  box_evaluation(const options& o, const rexnet::model& m)
      : o_(o), model_(m), data_(read_box_data(o)), classes_(mapped()), how_(settings()) {
    run_ = box_run_id(model_, how_, classes_, data_.truth);
    for (const std::string& note : coco_notes(data_.truth)) say(data_.path + ": " + note);
    if (const std::size_t n = classes_.without_category(); n > 0)
      say(std::to_string(n) + " of the model's classes are no category of " + data_.path +
          ": their boxes are left out");
    if (!o_.detections.empty() || !o_.confusion.empty())
      for (const coco_picture& p : data_.truth.pictures)
        guard().input(picture_file(data_.folder, p), "the picture");
  }

  void run() {
    const signals_heeded heeded;
    open_rows();
    find();
    if (!interrupted() && !o_.detections.empty()) write_detections();
    if (interrupted()) data_.truth = truth_of_first(data_.truth, finished_);
    const coco_result result = evaluate_coco(data_.truth, found_);
    const tally confusion = confusion_of(data_.truth, found_);
    if (!o_.confusion.empty()) write_file(o_.confusion, confusion_svg(words(confusion), confusion));
    o_.json ? print_json(json_text(in_json(result, confusion))) : print(in_words(result, confusion));
    finish_output();
    say_what_is_missing();
  }

 private:
  [[nodiscard]] bool interrupted() const { return finished_ < pictures_; }
  [[nodiscard]] std::size_t evaluated() const { return finished_ - broken_.size(); }

  [[nodiscard]] class_map mapped() const try {
    return map_classes(o_.labels_of(model_.header()), model_.detector_shape().classes, data_.truth, o_.by_id);
  } catch (const error& e) {
    throw e.in(data_.path);
  }
  [[nodiscard]] box_settings settings() const {
    box_settings s;
    s.folder = data_.folder;
    s.input = o_.input_of(model_.input());
    s.how = o_.settings_of(model_.header().settings);
    std::string why;
    if (const errc e = rexnet::detail::check_settings(s.how, rexnet::detail::report_text{why}); e != errc::ok)
      throw error(e, why);
    s.exif = o_.exif;
    const int threads = o_.threads > 0 ? o_.threads : rexnet::available_cpus();
    s.threads = (std::min)(threads, rexnet::max_threads);
    return s;
  }

  /// The rows beside --detections, if it is given; with --resume, those of the interrupted run are counted.
  void open_rows() {
    if (o_.detections.empty()) return;
    guard().writing(o_.detections);
    std::error_code unknown;
    if (fs::exists(fs::u8path(o_.detections), unknown))
      throw error(errc::io_error, o_.detections +
                                      ": exists already, of a run that came to its end: remove "
                                      "it, or look at it with rexnet coco");
    const std::string path = rows_file(o_.detections);
    if (!o_.resume) {
      rows_ = box_rows::create(path, run_, data_.truth);
      return;
    }
    rows_ = box_rows::resume(path, run_, data_.truth,
                             [this](std::size_t i, const picture_boxes& p) { take(i, p); });
    resumed_ = rows_->rows();
    if (resumed_ > 0)
      say(path + ": " + std::to_string(resumed_) + " of " + std::to_string(pictures_) +
          " pictures were finished before");
  }

  void take(std::size_t i, const picture_boxes& p) {
    ++finished_;
    found_.boxes.insert(found_.boxes.end(), p.boxes.begin(), p.boxes.end());
    if (!p.broken.empty())
      broken_.push_back({data_.truth.pictures[i].id, data_.truth.pictures[i].file_name, p.broken});
  }

  /// Looks at what is not in the rows yet.
  void find() {
    progress bar(resumed_, pictures_, error_is_terminal());
    const double start = seconds();
    times_ = find_boxes(model_, data_.truth, classes_, how_, resumed_, stopped_by,
                        [&](std::size_t i, const picture_boxes& p) {
                          take(i, p);
                          on_their_side_ += p.broken.empty() && p.orientation > 1 && !how_.exif ? 1u : 0u;
                          if (rows_) rows_->append(p);
                          if (!p.broken.empty())
                            if (const std::string line = broken_line(); !line.empty()) {
                              draw(bar.away());
                              say(line);
                            }
                          if (const std::string text = bar.at(i + 1, seconds() - start); !text.empty())
                            draw(text);
                        });
    seconds_ = seconds() - start;
    draw(bar.away());
    if (rows_) rows_->close();
  }

  /// The first broken pictures by name, and that there are more.
  [[nodiscard]] std::string broken_line() const {
    constexpr std::size_t named = 5;
    if (broken_.size() > named + 1) return {};
    if (broken_.size() == named + 1) return "more broken pictures: --json names them all";
    return "broken: " + broken_.back().path + ": " + broken_.back().why;
  }

  /// COCO's list of results; the rows, which are all in it, go.
  void write_detections() {
    auto file = create_output(o_.detections);
    const auto put = [&file](const std::string& text) {
      if (auto s = file.write({reinterpret_cast<const unsigned char*>(text.data()), text.size()}); !s)
        throw s.error();
    };
    put("[");
    bool first = true;
    for (const coco_detection& d : found_.boxes) {
      std::string line = json_text({{"image_id", data_.truth.pictures[d.picture].id},
                                    {"category_id", data_.truth.categories[d.category].id},
                                    {"bbox", {d.box.x, d.box.y, d.box.w, d.box.h}},
                                    {"score", d.score}},
                                   -1);
      line.pop_back();
      put((first ? "\n" : ",\n") + line);
      first = false;
    }
    put(first ? "]\n" : "\n]\n");
    commit_output(file, o_.detections);
    rows_.reset();
    std::error_code unknown;
    fs::remove(fs::u8path(rows_file(o_.detections)), unknown);
  }

  /// The name of a class of the confusion matrix.
  [[nodiscard]] std::string name(int c) const {
    const auto& categories = data_.truth.categories;
    const auto at = static_cast<std::size_t>(c);
    if (at >= categories.size()) return "nothing";
    return categories[at].name.empty() ? "id " + std::to_string(categories[at].id) : categories[at].name;
  }
  [[nodiscard]] confusion_words words(const tally& t) const {
    confusion_words w;
    w.title = format("%zu pictures: %lld of %lld boxes found as what they are", finished_,
                     static_cast<long long>(t.all().top1), static_cast<long long>(truths(t)));
    w.rows = "what is there";
    w.columns = "found";
    w.heading = format("rows are what is there, columns what was found (IoU from %.1f, score from %.1f on)",
                       confusion_overlap, confusion_score);
    w.name = [this](int c) { return name(c); };
    w.nothing = static_cast<int>(data_.truth.categories.size());
    return w;
  }
  /// Boxes that are there.
  [[nodiscard]] std::int64_t truths(const tally& t) const {
    return t.all().n - t.classes()[data_.truth.categories.size()].n;
  }

  [[nodiscard]] std::string in_words(const coco_result& r, const tally& confusion) const {
    std::string text;
    if (interrupted())
      text = format("interrupted after %zu of %zu pictures, whose numbers these are\n", finished_, pictures_);
    text += rexnet::printable(o_.model) + " (" + rexnet::detail::network_text(model_.header()) +
            format(", %d x %d px) on ", how_.how.input_w, how_.how.input_h) + rexnet::printable(data_.path) +
            " (" + classes_.how + "), pictures in " + rexnet::printable(data_.folder) + '\n';
    text += std::to_string(evaluated()) + " of " + std::to_string(finished_) + " pictures evaluated";
    if (!broken_.empty())
      text += "; the boxes of the " + std::to_string(broken_.size()) + " broken ones count as not found";
    text += '\n' + coco_text(data_.truth, found_, r);
    text += confusion_text(words(confusion), confusion, occurring_classes(confusion));
    const std::size_t here = finished_ - resumed_;
    if (here == 0 || seconds_ <= 0) return text;
    const double each = 1e3 / static_cast<double>(here);
    return text + format(
                      "\n%.1f pictures a second on %d thread(s); a thread's %.1f ms for each: decode %.2f "
                      "ms, detect %.2f ms\n",
                      static_cast<double>(here) / seconds_, how_.threads,
                      (times_.decode + times_.detect) * each, times_.decode * each, times_.detect * each);
  }

  [[nodiscard]] ordered_json in_json(const coco_result& r, const tally& confusion) const {
    ordered_json j{{"model", o_.model},
                   {"variant", rexnet::detail::network_text(model_.header())},
                   {"data", data_.path},
                   {"images", data_.folder},
                   {"mapping", classes_.how},
                   {"run", run_},
                   {"input_size", {how_.how.input_w, how_.how.input_h}},
                   {"min_score", how_.how.boxes.score},
                   {"nms", how_.how.boxes.iou},
                   {"max", how_.how.boxes.most},
                   {"exif", how_.exif},
                   {"pictures", pictures_},
                   {"finished", finished_},
                   {"interrupted", interrupted()},
                   {"evaluated", evaluated()},
                   {"broken", broken_.size()},
                   {"boxes", data_.truth.annotations.size()},
                   {"detections", found_.boxes.size()}};
    const ordered_json numbers = coco_json(data_.truth, found_, r);
    for (const char* key : coco_names) j[key] = numbers[key];
    j["classes"] = numbers["categories"];
    j["confusion"] = {
        {"iou", confusion_overlap}, {"score", confusion_score}, {"pairs", ordered_json::array()}};
    const auto id = [this](int c) {
      const auto at = static_cast<std::size_t>(c);
      return at < data_.truth.categories.size() ? ordered_json(data_.truth.categories[at].id)
                                                : ordered_json(nullptr);
    };
    for (const auto& [pair, n] : confusion.confusion())
      j["confusion"]["pairs"].push_back({id(pair.first), id(pair.second), n});
    j["broken_files"] = ordered_json::array();
    for (const broken_picture& b : broken_)
      j["broken_files"].push_back({{"id", b.id}, {"path", b.path}, {"error", b.why}});
    const std::size_t here = finished_ - resumed_;
    const double n = static_cast<double>(here);
    j["speed"] = {{"threads", how_.threads},
                  {"instruction_set", model_.net().instruction_set()},
                  {"pictures", here},
                  {"seconds", seconds_},
                  {"pictures_per_second", seconds_ > 0 ? n / seconds_ : 0.0},
                  {"ms_per_picture", here > 0 ? 1e3 * seconds_ / n : 0.0},
                  {"decode_thread_seconds", times_.decode},
                  {"detect_thread_seconds", times_.detect}};
    return j;
  }

  /// Throws where the evaluation did not reach every picture.
  void say_what_is_missing() const {
    if (on_their_side_ > 0)
      say(std::to_string(on_their_side_) +
          " pictures say that they were taken with the camera turned: --exif turns upright");
    if (interrupted()) throw exit_with{interrupted_exit};
    if (broken_.empty()) return;
    throw error(errc::io_error, std::to_string(broken_.size()) + " of " + std::to_string(pictures_) +
                                    " pictures are broken: their boxes count as not found");
  }

  const options& o_;
  const rexnet::model& model_;
  box_data data_;
  std::size_t pictures_ = data_.truth.pictures.size();
  class_map classes_;
  box_settings how_;
  std::string run_;
  std::optional<box_rows> rows_;
  coco_detections found_;
  std::vector<broken_picture> broken_;
  std::size_t resumed_ = 0, finished_ = 0, on_their_side_ = 0;
  box_times times_;
  double seconds_ = 0;
};

}  // namespace

void eval_detector(const options& o, const rexnet::model& m) {
  box_evaluation(o, m).run();
}

}  // namespace rexnet_tools
