// SPDX-License-Identifier: MIT
// What is behind the pointers that C programs hold.
#ifndef REXNET_BINDINGS_C_HANDLES_HPP
#define REXNET_BINDINGS_C_HANDLES_HPP

#include "rexnet.h"

#include "rexnet/load.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rexnet_c {

struct loaded {
  rexnet::model model;
  std::string variant;

  explicit loaded(const rexnet::model& m) : model(m), variant(rexnet::detail::variant_text(m.shape())) {}
};

/// Marks a classifier as used for the length of one call; `mine` is false where another call uses it.
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

#endif  // REXNET_BINDINGS_C_HANDLES_HPP
