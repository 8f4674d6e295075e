// SPDX-License-Identifier: MIT
// How an image goes through a detector: the backbone by its own plan (plan.hpp); behind its workspace the map
// of the last convolution, those of the extra blocks, and what lies between the two layers of a block or a
// head. The heads of a map run as soon as it is there: the backbone's own maps give way to later ones.
#ifndef REXNET_ENGINE_DETECTOR_PLAN_HPP
#define REXNET_ENGINE_DETECTOR_PLAN_HPP

#include "rexnet/arch/detector.hpp"
#include "rexnet/engine/plan.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {

/// Trivially copyable; valid for one detector, input size and thread count.
struct detector_plan {
  plan backbone;                            ///< of which total_floats is the workspace's first part
  block_plan extra[ssd_extra_blocks] = {};  ///< each on the map before
  block_plan logits[ssd_levels] = {};       ///< heads; `out` is the first row of the level's outputs
  block_plan codes[ssd_levels] = {};        ///< likewise
  std::int64_t rows = 0;                    ///< of the raw outputs
  /// @cond internal
  std::int64_t phases = 0, head_map = 0;  ///< offsets in floats
  /// @endcond
  std::int64_t total_floats = 0;  ///< of the workspace
  std::uint64_t fingerprint = 0;  ///< of the detector; 0: a plan that make_plan() did not make

  /// False only on 32-bit machines, for huge inputs.
  [[nodiscard]] constexpr bool fits_memory() const noexcept {
    return total_floats <= static_cast<std::int64_t>(static_cast<std::size_t>(-1) / 2 / sizeof(float));
  }
  /// More than any memory where it does not fit.
  [[nodiscard]] constexpr std::size_t workspace_bytes() const noexcept {
    return fits_memory() ? static_cast<std::size_t>(total_floats) * sizeof(float)
                         : static_cast<std::size_t>(-1);
  }
};

namespace detail {

/// Phase counters: those of the backbone, two for each head, two for each extra block.
constexpr std::int64_t phase_slots(const detector_config& d) noexcept {
  return phase_slots(d.backbone) + std::int64_t{4} * ssd_levels + std::int64_t{2} * ssd_extra_blocks;
}

constexpr block_plan plan_head(const block_config& b, int h, int w, int threads) noexcept {
  block_plan sizes;
  sizes.h = sizes.oh = h;
  sizes.w = sizes.ow = w;
  return plan_slices(b, sizes, threads);
}

}  // namespace detail

/// The plan for h x w pixels on `threads` threads.
/// Precondition: 1 <= h, w <= max_input_side, 1 <= threads <= max_threads; a detector that is_runnable().
[[nodiscard]] constexpr detector_plan make_plan(const detector_config& d, int h, int w,
                                                int threads) noexcept {
  using namespace detail;
  detector_plan p;
  p.backbone = make_plan(d.backbone, h, w, threads);
  p.fingerprint = fingerprint(d);
  std::int64_t next = p.backbone.total_floats;
  const auto take = [&next](std::int64_t floats) {
    const std::int64_t offset = next;
    next += pad16(floats);
    return offset;
  };
  p.phases = take(phase_slots(d) * 16);

  // Of whatever block or head is being computed; they come one after the other.
  std::int64_t mid = 0, scratch = 0;
  std::int64_t in = 0;
  int y = 0, x = 0;
  for (int k = 0; k < ssd_levels; ++k) {
    if (k < 2) {
      const block_plan& from = p.backbone.blocks[k == 0 ? d.tap : d.backbone.block_count - 1];
      y = from.oh, x = from.ow;
      in = k == 0 ? from.out : take(std::int64_t{y} * x * padded_c(d.backbone.head_c));
      if (k == 1) p.head_map = in;
    } else {
      const block_config& b = d.extra[k - 2];
      block_plan& sizes = p.extra[k - 2];
      sizes = plan_block(b, 1, y, x, threads);
      sizes.in = in;
      y = sizes.oh, x = sizes.ow;
      in = sizes.out = take(std::int64_t{y} * x * padded_c(b.out_c));
      sizes.scratch_floats = block_scratch(b, sizes, 1, w);
      scratch = larger(scratch, sizes.scratch_floats * threads);
      if (!sizes.bands) mid = larger(mid, std::int64_t{y} * x * mid_step(b.mid_c));
    }
    for (int which = 0; which < 2; ++which) {
      block_plan& sizes = which == 0 ? p.logits[k] : p.codes[k];
      sizes = plan_head(which == 0 ? logits_head(d, k) : codes_head(d, k), y, x, threads);
      sizes.in = in;
      sizes.out = p.rows;
    }
    mid = larger(mid, std::int64_t{y} * x * mid_step(level_c(d, k)));
    p.rows += std::int64_t{ssd_anchors_a_place} * y * x;
  }
  const std::int64_t mid_at = take(mid), scratch_at = take(scratch);
  for (block_plan& sizes : p.extra) sizes.mid = mid_at, sizes.scratch = scratch_at;
  for (block_plan& sizes : p.logits) sizes.mid = mid_at;
  for (block_plan& sizes : p.codes) sizes.mid = mid_at;
  p.total_floats = next;
  return p;
}

/// Bytes of workspace that forward() needs: a constant expression for a constant detector.
[[nodiscard]] constexpr std::size_t workspace_bytes(const detector_config& d, int h, int w,
                                                    int threads) noexcept {
  return make_plan(d, h, w, threads).workspace_bytes();
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_DETECTOR_PLAN_HPP
