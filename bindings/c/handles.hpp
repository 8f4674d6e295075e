// SPDX-License-Identifier: MIT
// What is behind the pointers that C programs hold.
#ifndef REXNET_BINDINGS_C_HANDLES_HPP
#define REXNET_BINDINGS_C_HANDLES_HPP

#include "rexnet.h"

#include "rexnet/heads/detector.hpp"
#include "rexnet/load.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rexnet_c {

struct loaded {
  rexnet::model model;
  std::string variant;

  explicit loaded(const rexnet::model& m) : model(m), variant(rexnet::detail::network_text(m.header())) {}
};

/// Marks a classifier or detector as used for the length of one call; `mine` is false where another call uses
/// it.
class in_use {
 public:
  explicit in_use(std::atomic_flag& flag) noexcept
      : flag_(flag), mine(!flag.test_and_set(std::memory_order_acquire)) {}
  ~in_use() {
    if (mine) flag_.clear(std::memory_order_release);
  }
  in_use(const in_use&) = delete;
  in_use& operator=(const in_use&) = delete;

 private:
  std::atomic_flag& flag_;

 public:
  const bool mine;
};

}  // namespace rexnet_c

struct rexnet_model {
  std::shared_ptr<const rexnet_c::loaded> data;
};

struct rexnet_classifier {
  rexnet::session session;
  std::vector<float> outputs;  ///< of the last call, kept for the next
  std::atomic_flag busy = ATOMIC_FLAG_INIT;

  explicit rexnet_classifier(rexnet::session made) : session(std::move(made)) {}
};

struct rexnet_detector {
  rexnet::detector detector;
  std::size_t capacity;  ///< boxes that a picture can have
  std::atomic_flag busy = ATOMIC_FLAG_INIT;

  explicit rexnet_detector(rexnet::detector made)
      : detector(std::move(made)), capacity(capacity_of(detector)) {}

 private:
  [[nodiscard]] static std::size_t capacity_of(const rexnet::detector& d) noexcept {
    const rexnet::detector_settings& s = d.settings();
    const auto rows = static_cast<std::size_t>(d.rows(s.input_h, s.input_w)),
               most = static_cast<std::size_t>(s.boxes.most);
    return (std::min)(most, rexnet::ssd_candidates(rows, d.shape().classes, s.boxes));
  }
};

#endif  // REXNET_BINDINGS_C_HANDLES_HPP
