// SPDX-License-Identifier: MIT
#include "tools/coco_evaluation.hpp"

#include "rexnet/core/error.hpp"

#include <algorithm>
#include <string>

namespace rexnet_tools {
namespace {

// In double and by these formulas: numpy.linspace's values, of which some differ from the decimal fraction's.
double threshold(std::size_t i) {
  return i + 1 == coco_thresholds ? 0.95 : 0.5 + static_cast<double>(i) * ((0.95 - 0.5) / 9);
}
double recall_at(std::size_t i) {
  return static_cast<double>(i) * 0.01;
}
struct area_range {
  double least, most;  ///< both included
  [[nodiscard]] bool outside(double area) const { return area < least || area > most; }
};
constexpr area_range areas[coco_areas] = {{0, 1e10}, {0, 1024}, {1024, 9216}, {9216, 1e10}};
constexpr std::size_t limits[coco_limits] = {1, 10, 100};

/// What became of a detection at one threshold and range of areas.
enum class fate : unsigned char { false_positive, true_positive, ignored };

/// The detections of a picture and category, at most 100, by score.
struct matched {
  std::vector<double> scores;
  std::vector<fate> fates[coco_areas];  ///< [threshold][detection]
  std::size_t truths[coco_areas] = {};  ///< that are to be found

  [[nodiscard]] fate at(std::size_t area, std::size_t t, std::size_t d) const {
    return fates[area][t * scores.size() + d];
  }
};

struct candidate {
  std::size_t truth;
  double overlap;
};

/// Which truth a detection takes. Truths that are ignored come last: with one that is not in hand they are
/// not looked at. The last of equal overlaps wins.
std::size_t best_match(const std::vector<candidate>& candidates, double least,
                       const std::vector<char>& ignored, const std::vector<char>& taken,
                       const std::vector<const coco_annotation*>& truths) {
  std::size_t best = truths.size();
  double most = (std::min)(least, 1 - 1e-10);
  for (const bool among_ignored : {false, true}) {
    if (among_ignored && best < truths.size()) break;
    for (const candidate& c : candidates) {
      if ((ignored[c.truth] != 0) != among_ignored || (taken[c.truth] != 0 && !truths[c.truth]->crowd))
        continue;
      if (c.overlap < most) continue;
      most = c.overlap;
      best = c.truth;
    }
  }
  return best;
}

matched match(const std::vector<const coco_annotation*>& truths, std::vector<const coco_detection*> found) {
  matched m;
  std::stable_sort(found.begin(), found.end(),
                   [](const coco_detection* a, const coco_detection* b) { return a->score > b->score; });
  if (found.size() > coco_most) found.resize(coco_most);
  for (const coco_detection* d : found) m.scores.push_back(d->score);

  std::vector<char> ignored[coco_areas];
  std::vector<char> taken[coco_areas][coco_thresholds];
  for (std::size_t a = 0; a < coco_areas; ++a) {
    for (const coco_annotation* t : truths)
      ignored[a].push_back(t->crowd || areas[a].outside(t->area) ? 1 : 0);
    m.truths[a] = static_cast<std::size_t>(std::count(ignored[a].begin(), ignored[a].end(), 0));
    m.fates[a].resize(coco_thresholds * found.size());
    for (auto& t : taken[a]) t.resize(truths.size());
  }
  std::vector<candidate> candidates;
  for (std::size_t d = 0; d < found.size(); ++d) {
    // Less than the least threshold is never taken.
    candidates.clear();
    for (std::size_t i = 0; i < truths.size(); ++i)
      if (const double o = coco_overlap(found[d]->box, *truths[i]); o >= threshold(0))
        candidates.push_back({i, o});
    const double area = found[d]->box.w * found[d]->box.h;
    for (std::size_t a = 0; a < coco_areas; ++a)
      for (std::size_t t = 0; t < coco_thresholds; ++t) {
        const std::size_t best = best_match(candidates, threshold(t), ignored[a], taken[a][t], truths);
        fate& f = m.fates[a][t * found.size() + d];
        if (best == truths.size()) {
          f = areas[a].outside(area) ? fate::ignored : fate::false_positive;
        } else {
          taken[a][t][best] = 1;
          f = ignored[a][best] != 0 ? fate::ignored : fate::true_positive;
        }
      }
  }
  return m;
}

/// A detection in the order of all pictures.
struct ranked {
  double score;
  std::size_t group, index;
};

class accumulator {
 public:
  accumulator(coco_result& to, std::size_t category) : result_(to), category_(category) {}

  /// @param groups pictures in ascending order
  void run(const std::vector<matched>& groups) {
    for (std::size_t limit = 0; limit < coco_limits; ++limit) {
      std::vector<ranked> order;
      for (std::size_t g = 0; g < groups.size(); ++g)
        for (std::size_t i = 0; i < (std::min)(limits[limit], groups[g].scores.size()); ++i)
          order.push_back({groups[g].scores[i], g, i});
      std::stable_sort(order.begin(), order.end(),
                       [](const ranked& a, const ranked& b) { return a.score > b.score; });
      for (std::size_t area = 0; area < coco_areas; ++area) {
        std::size_t truths = 0;
        for (const matched& m : groups) truths += m.truths[area];
        if (truths == 0) continue;  // all stays -1
        for (std::size_t t = 0; t < coco_thresholds; ++t) curve(groups, order, limit, area, t, truths);
      }
    }
  }

 private:
  void curve(const std::vector<matched>& groups, const std::vector<ranked>& order, std::size_t limit,
             std::size_t area, std::size_t t, std::size_t truths) {
    precision_.clear(), recall_.clear();
    double tp = 0, fp = 0;
    for (const ranked& r : order) {
      const fate f = groups[r.group].at(area, t, r.index);
      tp += f == fate::true_positive ? 1 : 0;
      fp += f == fate::false_positive ? 1 : 0;
      recall_.push_back(tp / static_cast<double>(truths));
      precision_.push_back(tp / (fp + tp + 2.220446049250313e-16));
    }
    for (std::size_t i = precision_.size(); i-- > 1;)
      precision_[i - 1] = (std::max)(precision_[i - 1], precision_[i]);
    const std::size_t at = (t * result_.categories + category_) * coco_areas + area;
    result_.recall[at * coco_limits + limit] = recall_.empty() ? 0 : recall_.back();
    std::size_t i = 0;
    for (std::size_t r = 0; r < coco_recalls; ++r) {
      while (i < recall_.size() && recall_[i] < recall_at(r)) ++i;
      const std::size_t to =
          (((t * coco_recalls + r) * result_.categories + category_) * coco_areas + area) * coco_limits +
          limit;
      const bool reached = i < recall_.size();
      result_.precision[to] = reached ? precision_[i] : 0;
      result_.scores[to] = reached ? order[i].score : 0;
    }
  }

  coco_result& result_;
  std::size_t category_;
  std::vector<double> precision_, recall_;
};

/// Mean of what is not -1, or -1.
struct mean {
  double sum = 0, lost = 0;  ///< Kahan's: a hundred thousand terms keep their digits
  std::size_t n = 0;
  void add(double v) {
    if (v <= -1) return;
    const double y = v - lost, t = sum + y;
    lost = (t - sum) - y;
    sum = t;
    ++n;
  }
  [[nodiscard]] double value() const { return n == 0 ? -1 : sum / static_cast<double>(n); }
};

/// What one of the twelve numbers is a mean of.
struct number_of {
  bool precision;
  int threshold;  ///< -1: all
  std::size_t area, limit;
};
constexpr number_of definitions[coco_numbers] = {{true, -1, 0, 2},  {true, 0, 0, 2},   {true, 5, 0, 2},
                                                 {true, -1, 1, 2},  {true, -1, 2, 2},  {true, -1, 3, 2},
                                                 {false, -1, 0, 0}, {false, -1, 0, 1}, {false, -1, 0, 2},
                                                 {false, -1, 1, 2}, {false, -1, 2, 2}, {false, -1, 3, 2}};

std::array<double, coco_numbers> means(const coco_result& r, std::size_t first, std::size_t last) {
  std::array<double, coco_numbers> out{};
  for (std::size_t n = 0; n < coco_numbers; ++n) {
    const number_of& what = definitions[n];
    const std::size_t rows = what.precision ? coco_recalls : 1;
    const std::vector<double>& from = what.precision ? r.precision : r.recall;
    mean m;
    for (std::size_t t = 0; t < coco_thresholds; ++t) {
      if (what.threshold >= 0 && t != static_cast<std::size_t>(what.threshold)) continue;
      for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t c = first; c < last; ++c)
          m.add(from[(((t * rows + row) * r.categories + c) * coco_areas + what.area) * coco_limits +
                     what.limit]);
    }
    out[n] = m.value();
  }
  return out;
}

/// By category, then picture, then in the file's order.
template <class T>
std::vector<const T*> sorted(const std::vector<T>& from) {
  std::vector<const T*> v(from.size());
  std::transform(from.begin(), from.end(), v.begin(), [](const T& x) { return &x; });
  std::stable_sort(v.begin(), v.end(), [](const T* a, const T* b) {
    return a->category != b->category ? a->category < b->category : a->picture < b->picture;
  });
  return v;
}
/// The run of elements from `at` on that are of this category and picture; `at` moves behind it.
template <class T>
std::vector<const T*> take(const std::vector<const T*>& from, std::size_t& at, std::size_t category,
                           std::size_t picture) {
  const std::size_t first = at;
  while (at < from.size() && from[at]->category == category && from[at]->picture == picture) ++at;
  return {from.begin() + static_cast<std::ptrdiff_t>(first), from.begin() + static_cast<std::ptrdiff_t>(at)};
}

}  // namespace

double coco_overlap(const coco_box& d, const coco_annotation& t) {
  const coco_box& g = t.box;
  const double w = (std::min)(d.w + d.x, g.w + g.x) - (std::max)(d.x, g.x);
  if (w <= 0) return 0;
  const double h = (std::min)(d.h + d.y, g.h + g.y) - (std::max)(d.y, g.y);
  if (h <= 0) return 0;
  const double shared = w * h, of_detection = d.w * d.h;
  return shared / (t.crowd ? of_detection : of_detection + g.w * g.h - shared);
}

std::array<double, coco_numbers> coco_result::numbers() const {
  return means(*this, 0, categories);
}
std::array<double, coco_numbers> coco_result::numbers_of(std::size_t category) const {
  return means(*this, category, category + 1);
}

coco_result evaluate_coco(const coco_truth& truth, const coco_detections& found) {
  coco_result r;
  r.categories = truth.categories.size();
  if (r.categories > coco_most_categories)
    throw rexnet::error(rexnet::errc::invalid_argument,
                        std::to_string(r.categories) + " categories, at most " +
                            std::to_string(coco_most_categories) + " can be evaluated");
  const std::size_t rows = coco_thresholds * r.categories * coco_areas * coco_limits;
  r.recall.assign(rows, -1);
  r.precision.assign(rows * coco_recalls, -1);
  r.scores.assign(rows * coco_recalls, -1);

  const std::vector<const coco_annotation*> truths = sorted(truth.annotations);
  const std::vector<const coco_detection*> detections = sorted(found.boxes);
  std::size_t t = 0, d = 0;
  for (std::size_t category = 0; category < r.categories; ++category) {
    std::vector<matched> groups;
    const auto picture_at = [category](const auto& v, std::size_t at) {
      return at < v.size() && v[at]->category == category ? v[at]->picture : static_cast<std::size_t>(-1);
    };
    for (;;) {
      const std::size_t picture = (std::min)(picture_at(truths, t), picture_at(detections, d));
      if (picture == static_cast<std::size_t>(-1)) break;
      const auto in_truth = take(truths, t, category, picture);
      groups.push_back(match(in_truth, take(detections, d, category, picture)));
    }
    accumulator(r, category).run(groups);
  }
  return r;
}

}  // namespace rexnet_tools
