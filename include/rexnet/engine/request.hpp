// SPDX-License-Identifier: MIT
// What a caller asks of a forward pass: threads, intermediate maps, progress.
#ifndef REXNET_ENGINE_REQUEST_HPP
#define REXNET_ENGINE_REQUEST_HPP

#include "rexnet/engine/input.hpp"
#include "rexnet/engine/plan.hpp"
#include "rexnet/system/parallel.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {

/// Intermediate maps to copy out while forward() runs, dense NHWC of one image after the other; null for
/// none. Asking for them does not change a bit of anything.
struct feature_taps {
  float* stem = nullptr;           ///< [n][ceil(h/2)][ceil(w/2)][stem_c], after its activation
  float* blocks[max_blocks] = {};  ///< [n][oh][ow][out_c]
  float* head = nullptr;           ///< [n][oh][ow][head_c], after its activation
  float* pooled = nullptr;         ///< [n][head_c]: the mean over the head's pixels
  float* features = nullptr;       ///< [n][feature_c(config)], what the classifier sees: pooled, or lite's
                                   ///< hidden layer after its activation
};

/// What a forward pass does, step by step.
enum class phase : unsigned char {
  bands,       ///< a whole block in row bands; block 0 with the stem
  slices,      ///< expand and depthwise of a block, and its means
  squeeze,     ///< squeeze-excite's first dense layer
  excite,      ///< and its second
  project,     ///< scale, ReLU6, project, residual
  head,        ///< the last 1x1 convolution and the global mean
  hidden,      ///< lite's extra layer
  classifier,  ///< or the copy of the features
  tap          ///< copies for feature_taps
};

/// A function that the calling thread calls after each phase: for profiles. `function` must not throw.
struct phase_observer {
  void (*function)(void* context, phase what,
                   int block) noexcept = nullptr;  ///< block: its index, or config::block_count behind them
  void* context = nullptr;                         ///< handed to the function as it is
};

/// How forward() runs. The defaults suit most callers.
struct forward_options {
  executor threads{};                  ///< OpenMP, or a pool of the caller's
  const feature_taps* taps = nullptr;  ///< maps to copy out; null for none
  phase_observer observer{};           ///< not called for images of a batch that run one per thread
};

namespace detail {

/// A checked call of forward().
struct forward_request {
  input_rows input;                 ///< of the first image
  std::ptrdiff_t image_stride = 0;  ///< floats from one image to the next
  int n = 0;
  bool image_per_thread = false;  ///< the workspace has room for that
  float* logits = nullptr;
  unsigned char* workspace = nullptr;
  forward_options options;
};

/// The taps of image `image` of the batch.
[[nodiscard]] inline feature_taps taps_of(const config& c, const plan& p, const feature_taps* taps,
                                          int image) noexcept {
  feature_taps t;
  if (taps == nullptr) return t;
  const auto shift = [image](float* base, std::int64_t floats) {
    return base == nullptr ? nullptr : base + image * floats;
  };
  t.stem = shift(taps->stem, std::int64_t{p.blocks[0].h} * p.blocks[0].w * c.stem_c);
  for (int i = 0; i < c.block_count; ++i)
    t.blocks[i] = shift(taps->blocks[i], std::int64_t{p.blocks[i].oh} * p.blocks[i].ow * c.blocks[i].out_c);
  const block_plan& last = p.blocks[c.block_count - 1];
  t.head = shift(taps->head, std::int64_t{last.oh} * last.ow * c.head_c);
  t.pooled = shift(taps->pooled, c.head_c);
  t.features = shift(taps->features, feature_c(c));
  return t;
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_REQUEST_HPP
