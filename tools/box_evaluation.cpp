// SPDX-License-Identifier: MIT
#include "tools/box_evaluation.hpp"
#include "tools/coco_evaluation.hpp"
#include "tools/image_io.hpp"
#include "tools/in_order.hpp"
#include "tools/unicode_form.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <new>

namespace rexnet_tools {
namespace {

using rexnet::errc;
using rexnet::error;

/// A few of many, with commas between.
std::string first_of(const std::vector<std::string>& names) {
  constexpr std::size_t enough = 10;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < enough; ++i) text += (i > 0 ? ", " : "") + names[i];
  return names.size() > enough ? text + " and " + std::to_string(names.size() - enough) + " more" : text;
}

/// Positions by name. Throws where a name stands twice. @param whose says whose names they are
template <class T, class Name>
std::map<std::string, std::size_t> positions_by_name(const std::vector<T>& all, Name&& name,
                                                     const char* whose) {
  std::map<std::string, std::size_t> at;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!at.emplace(composed(name(all[i])), i).second)
      throw error(errc::invalid_argument, std::string("two ") + whose + " have the name \"" + name(all[i]) +
                                              "\": --by-id goes by numbers");
  return at;
}

class_map map_by_name(const std::vector<std::string>& names, const coco_truth& truth) {
  const auto classes = positions_by_name(
      names, [](const std::string& name) -> const std::string& { return name; }, "classes of the model");
  const auto categories = positions_by_name(
      truth.categories, [](const coco_category& c) -> const std::string& { return c.name; },
      "categories of the file");
  std::vector<std::string> of_model, of_file;
  class_map m;
  m.how = "categories by name";
  m.category.assign(names.size() + 1, no_category);
  for (std::size_t k = 0; k < names.size(); ++k)
    if (const auto at = categories.find(composed(names[k])); at != categories.end())
      m.category[k + 1] = at->second;
    else
      of_model.push_back(names[k]);
  for (const coco_category& c : truth.categories)
    if (classes.count(composed(c.name)) == 0)
      of_file.push_back(c.name.empty() ? "(id " + std::to_string(c.id) + ", without a name)" : c.name);
  if (of_model.empty() && of_file.empty()) return m;
  throw error(errc::invalid_argument,
              "the model's classes and the file's categories have other names: " +
                  (of_model.empty() ? std::string() : "only the model has " + first_of(of_model)) +
                  (of_model.empty() || of_file.empty() ? "" : "; ") +
                  (of_file.empty() ? std::string() : "only the file has " + first_of(of_file)) +
                  ". --labels FILE gives other names, --by-id takes class k for the category with id k");
}

bool is_absolute(const std::string& name) {
  return std::filesystem::u8path(name).has_root_path();
}
/// Whether a path goes up on its way, or is none.
bool goes_up(const std::string& name) {
  const std::filesystem::path path = std::filesystem::u8path(name);
  return name.find('\0') != name.npos ||
         std::any_of(path.begin(), path.end(),
                     [](const std::filesystem::path& part) { return part == ".."; });
}

double seconds_since_then(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

std::string sides(int width, int height) {
  return std::to_string(width) + " x " + std::to_string(height) + " pixels";
}

/// A thread's part: its detector, which every picture uses again.
class box_worker {
 public:
  box_worker(const rexnet::model& m, const coco_truth& truth, const class_map& classes,
             const box_settings& how)
      : detector_(rexnet::detector::make(m, how.input, how.how).value()),
        truth_(truth),
        classes_(classes),
        how_(how) {}

  void work(in_order<picture_boxes>& order) {
    for (std::size_t begin = 0, end = 0; order.claim(begin, end);) {
      std::vector<picture_boxes> results(end - begin);
      for (std::size_t i = begin; i < end; ++i) results[i - begin].broken = look_at(i, results[i - begin]);
      order.deliver(begin, std::move(results));
    }
  }
  [[nodiscard]] const box_times& times() const { return times_; }

 private:
  /// @return why there are no boxes, or ""
  std::string look_at(std::size_t index, picture_boxes& to) try {
    const coco_picture& p = truth_.pictures[index];
    const std::string file = picture_file(how_.folder, p);
    auto start = std::chrono::steady_clock::now();
    const auto picture = read_picture(file, how_.exif);
    times_.decode += seconds_since_then(start);
    if (!picture) {
      if (const auto kind = kind_of(file)) to.kind = kind->name;
      const std::string& text = picture.error().message();
      return text.compare(0, file.size() + 2, file + ": ") == 0 ? text.substr(file.size() + 2) : text;
    }
    to.kind = picture->kind;
    to.orientation = picture->orientation;
    const rexnet::image_view view = picture->image.view();
    if ((p.width != 0 && p.width != view.width) || (p.height != 0 && p.height != view.height))
      return "has " + sides(view.width, view.height) + ", the ground truth is of a picture of " +
             sides(p.width != 0 ? p.width : view.width, p.height != 0 ? p.height : view.height);
    start = std::chrono::steady_clock::now();
    const auto found = detector_.detect(view);
    times_.detect += seconds_since_then(start);
    if (!found) return found.error().message();
    for (const rexnet::detection& d : *found) add(index, d, to);
    return "";
  } catch (const std::bad_alloc&) {
    return "no memory for the picture";
  }

  void add(std::size_t index, const rexnet::detection& d, picture_boxes& to) const {
    coco_detection c;
    c.picture = index;
    c.category = classes_.category[static_cast<std::size_t>(d.label)];
    c.score = static_cast<double>(d.score);
    const double x1 = static_cast<double>(d.at.x1), y1 = static_cast<double>(d.at.y1);
    c.box = {x1, y1, static_cast<double>(d.at.x2) - x1, static_cast<double>(d.at.y2) - y1};
    for (const double v : {c.box.x, c.box.y, c.box.w, c.box.h})
      if (!std::isfinite(v))
        throw error(errc::model_not_finite,
                    truth_.pictures[index].file_name + ": the model finds a box that is no number");
    if (c.category != no_category) to.boxes.push_back(c);
  }

  rexnet::detector detector_;
  const coco_truth& truth_;
  const class_map& classes_;
  const box_settings& how_;
  box_times times_;
};

/// What is in a picture and what was found there.
struct one_picture {
  std::vector<const coco_annotation*> truths;
  std::vector<const coco_detection*> found;
};

void add_confusion(tally& to, const one_picture& p, int nothing) {
  const auto add = [&to](int truth, int found) {
    prediction pair;
    pair.top[0].index = found;
    pair.count = 1;
    to.add({}, truth, pair);
  };
  std::vector<char> taken(p.truths.size());
  for (const coco_detection* d : p.found) {
    std::size_t best = p.truths.size();
    double most = confusion_overlap;
    bool in_crowd = false;
    for (std::size_t i = 0; i < p.truths.size(); ++i) {
      const double o = coco_overlap(d->box, *p.truths[i]);
      if (p.truths[i]->crowd)
        in_crowd = in_crowd || o >= confusion_overlap;
      else if (taken[i] == 0 && o >= most && (best == p.truths.size() || o > most))
        best = i, most = o;
    }
    const auto category = static_cast<int>(d->category);
    if (best < p.truths.size()) {
      taken[best] = 1;
      add(static_cast<int>(p.truths[best]->category), category);
    } else if (!in_crowd) {
      add(nothing, category);
    }
  }
  for (std::size_t i = 0; i < p.truths.size(); ++i)
    if (taken[i] == 0 && !p.truths[i]->crowd) add(static_cast<int>(p.truths[i]->category), nothing);
}

}  // namespace

std::size_t class_map::without_category() const {
  return static_cast<std::size_t>(std::count(category.begin() + 1, category.end(), no_category));
}

class_map map_classes(const std::vector<std::string>& names, int classes, const coco_truth& truth,
                      bool by_id) {
  if (!names.empty() && !by_id) return map_by_name(names, truth);
  class_map m;
  m.how = "categories by id";
  m.category.assign(static_cast<std::size_t>(classes), no_category);
  for (std::size_t i = 0; i < truth.categories.size(); ++i) {
    const std::int64_t id = truth.categories[i].id;
    if (id < 1 || id >= classes) {
      const std::size_t n = truth.categories.size(), own = static_cast<std::size_t>(classes) - 1;
      throw error(errc::invalid_argument,
                  "category id " + std::to_string(id) + " is no class of the model, which has 1 to " +
                      std::to_string(own) +
                      (n == own && names.empty() ? ": --labels FILE gives the classes names, one a line, and "
                                                   "they go by name then"
                                                 : ", and the file " + std::to_string(n) + " categories"));
    }
    m.category[static_cast<std::size_t>(id)] = i;
  }
  return m;
}

std::string picture_file(const std::string& folder, const coco_picture& p) {
  return is_absolute(p.file_name) ? p.file_name : folder + "/" + p.file_name;
}

void check_picture_names(const coco_truth& truth, bool absolute) {
  for (const coco_picture& p : truth.pictures) {
    const std::string which = "images: id " + std::to_string(p.id);
    if (p.file_name.empty()) throw error(errc::invalid_argument, which + " has no file_name");
    const std::string named = which + ": file_name \"" + p.file_name + "\" ";
    if (goes_up(p.file_name))
      throw error(errc::invalid_argument, named + "leads out of the folder of pictures");
    if (!absolute && is_absolute(p.file_name))
      throw error(errc::invalid_argument, named + "is absolute: that goes without --images only");
  }
}

box_times find_boxes(const rexnet::model& m, const coco_truth& truth, const class_map& classes,
                     const box_settings& how, std::size_t first, const std::atomic<int>& stop,
                     const std::function<void(std::size_t, const picture_boxes&)>& finished) {
  in_order<picture_boxes> order(first, truth.pictures.size(), 1, how.threads, stop, finished);
  std::vector<box_worker> workers;
  workers.reserve(static_cast<std::size_t>(how.threads));
  for (int i = 0; i < how.threads; ++i) workers.emplace_back(m, truth, classes, how);
  work_in_threads(workers, order);
  box_times sum;
  for (const box_worker& w : workers) {
    sum.decode += w.times().decode;
    sum.detect += w.times().detect;
  }
  return sum;
}

coco_truth truth_of_first(const coco_truth& truth, std::size_t n) {
  coco_truth t;
  t.pictures.assign(truth.pictures.begin(), truth.pictures.begin() + static_cast<std::ptrdiff_t>(n));
  t.categories = truth.categories;
  std::copy_if(truth.annotations.begin(), truth.annotations.end(), std::back_inserter(t.annotations),
               [n](const coco_annotation& a) { return a.picture < n; });
  return t;
}

tally confusion_of(const coco_truth& truth, const coco_detections& found) {
  std::vector<one_picture> pictures(truth.pictures.size());
  for (const coco_annotation& a : truth.annotations) pictures[a.picture].truths.push_back(&a);
  for (const coco_detection& d : found.boxes)
    if (d.score >= confusion_score) pictures[d.picture].found.push_back(&d);
  const auto nothing = static_cast<int>(truth.categories.size());
  tally t(nothing + 1);
  for (one_picture& p : pictures) {
    std::stable_sort(p.found.begin(), p.found.end(),
                     [](const coco_detection* a, const coco_detection* b) { return a->score > b->score; });
    add_confusion(t, p, nothing);
  }
  return t;
}

}  // namespace rexnet_tools
