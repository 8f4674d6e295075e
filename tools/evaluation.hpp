// SPDX-License-Identifier: MIT
// The pictures of a data set through the network. Each thread reads, decodes, resizes and classifies pictures
// of its own, which overlaps them all without a queue. 372 photographs at 112 px on two cores: 1.40 s of CPU
// time in batches of 8 and 1.49 one by one (the weights stay in the cache); decoding threads that fill
// batches for one network thread take 1.51, for a network on both cores 1.60 to 2.0.
#ifndef REXNET_TOOLS_EVALUATION_HPP
#define REXNET_TOOLS_EVALUATION_HPP

#include "tools/dataset.hpp"
#include "tools/tally.hpp"

#include "rexnet/model.hpp"

#include <atomic>
#include <functional>

namespace rexnet_tools {

/// Seconds, summed over the threads.
struct picture_times {
  double decode = 0;  ///< reading included
  double preprocess = 0, network = 0;
};

struct evaluation_settings {
  rexnet::preprocessing input;
  bool exif = false;
  int threads = 1;
  /// Pictures that a thread claims at a time: it prepares all of them, then runs the network over them.
  int batch = 1;
};

/// Called for each picture in the data set's order, never by two threads at once. What it throws ends the
/// evaluation.
using finished_function = std::function<void(std::size_t index, const prediction&)>;

/// Classifies the samples from `first` on, until the end or until `stop` is set; then it finishes the batches
/// that were begun. The predictions do not depend on threads and batch. Memory: a workspace, a decoded
/// picture and `batch` prepared ones for each thread.
/// Throws rexnet::error (as make_plan(), out_of_memory) and what finished() throws.
[[nodiscard]] picture_times evaluate(const rexnet::model& m, const dataset& data,
                                     const evaluation_settings& how, std::size_t first,
                                     const std::atomic<int>& stop, const finished_function& finished);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_EVALUATION_HPP
