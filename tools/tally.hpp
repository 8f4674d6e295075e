// SPDX-License-Identifier: MIT
// What is counted when pictures with known classes are classified. Broken files count nowhere but in
// broken(): accuracy is of the pictures that could be read.
#ifndef REXNET_TOOLS_TALLY_HPP
#define REXNET_TOOLS_TALLY_HPP

#include "rexnet/heads/scores.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace rexnet_tools {

/// What became of a picture.
struct prediction {
  std::array<rexnet::scored_class, 5> top{};  ///< the most probable first
  std::size_t count = 0;                      ///< of top; 0: broken
  std::string broken;                         ///< why, without the picture's name
  // Known of pictures of this run alone, not of those that an earlier one left in --csv:
  std::string kind;     ///< "JPEG", or what a broken file is; "" where it is unknown
  int orientation = 1;  ///< that the file states
};

struct class_count {
  std::int64_t n = 0, top1 = 0, top5 = 0;
};

struct broken_file {
  std::string path, why;
};

class tally {
 public:
  explicit tally(int classes) : classes_(static_cast<std::size_t>(classes)) {}

  void add(const std::string& path, int label, const prediction& p) {
    if (p.count == 0) {
      broken_.push_back({path, p.broken});
      return;
    }
    class_count& c = classes_[static_cast<std::size_t>(label)];
    ++c.n, ++all_.n;
    ++confusion_[{label, p.top[0].index}];
    for (std::size_t k = 0; k < p.count; ++k) {
      if (p.top[k].index != label) continue;
      ++c.top5, ++all_.top5;
      if (k == 0) ++c.top1, ++all_.top1;
    }
  }

  /// All pictures that could be read.
  [[nodiscard]] const class_count& all() const { return all_; }
  [[nodiscard]] const std::vector<class_count>& classes() const { return classes_; }
  [[nodiscard]] const std::vector<broken_file>& broken() const { return broken_; }
  /// {label, predicted} -> pictures, without zeros: a matrix of thousands of classes is mostly empty.
  [[nodiscard]] const std::map<std::pair<int, int>, std::int64_t>& confusion() const { return confusion_; }

  struct mistake {
    int predicted = -1;  ///< -1: none
    std::int64_t n = 0;
  };
  /// What pictures of a class are most often taken for; of equals the first.
  [[nodiscard]] mistake worst_mistake(int label) const {
    mistake m;
    for (auto it = confusion_.lower_bound({label, 0}); it != confusion_.end() && it->first.first == label;
         ++it)
      if (it->first.second != label && it->second > m.n) m = {it->first.second, it->second};
    return m;
  }

 private:
  class_count all_;
  std::vector<class_count> classes_;
  std::map<std::pair<int, int>, std::int64_t> confusion_;
  std::vector<broken_file> broken_;
};

/// A part of a whole, 0 of an empty one.
inline double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0.0;
}

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_TALLY_HPP
