// SPDX-License-Identifier: MIT
// How an image goes through the network: which blocks run in row bands and which in channel slices, how work
// is cut into chunks, and where every buffer lies in the workspace. A value computed from configuration,
// input size and thread count alone; constexpr, so that a workspace can be a static array.
//
// Row bands (blocks without squeeze-excite on wide maps, and the stem with block 0): a chunk of output rows
// goes through expand -> depthwise -> project with a rolling ring of expanded rows; the expanded map never
// exists. Channel slices (all others): a chunk of channels is expanded and convolved over the whole map, with
// its sums for squeeze-excite; then the two dense layers; then project over groups of pixels.
#ifndef REXNET_ENGINE_PLAN_HPP
#define REXNET_ENGINE_PLAN_HPP

#include "rexnet/arch/config.hpp"
#include "rexnet/core/padding.hpp"

#include <cstddef>
#include <cstdint>

namespace rexnet {
inline namespace REXNET_BUILD {

inline constexpr int max_threads = 64;
inline constexpr int max_input_side = 1 << 14;

struct block_plan {
  bool bands = false;
  int h = 0, w = 0, oh = 0, ow = 0;
  int step_rows = 0;  ///< output rows per turn of the ring
  int ring_rows = 0;  ///< input rows that the ring holds
  int chunks = 0;     ///< bands: chunks of output rows; slices: chunks of channels
  int slice_c = 0;    ///< slices: channels per chunk, a multiple of 16
  int groups = 0;     ///< slices: chunks of the project phase, of pixels or (by_columns) of output channels
  bool by_columns = false;
  // Offsets into the workspace, in floats.
  std::int64_t in = 0, mid = 0, out = 0;
  std::int64_t scratch = 0, scratch_floats = 0;  ///< of worker 0, and floats per worker
};

/// Trivially copyable; valid for one configuration, input size and thread count.
struct plan {
  int h = 0;                           ///< rows of the input
  int w = 0;                           ///< columns of the input
  int threads = 1;                     ///< workers that it is cut for
  block_plan blocks[max_blocks] = {};  ///< in the order of the network
  /// @cond internal
  std::int64_t sums = 0, squeezed = 0, scale = 0, pooled = 0, hidden = 0;  ///< vectors, offsets in floats
  std::int64_t head_scratch = 0, head_scratch_floats = 0;  ///< of worker 0, and floats per worker
  /// @endcond
  std::int64_t total_floats = 0;  ///< of the workspace
  std::uint64_t fingerprint = 0;  ///< of the network; 0: a plan that make_plan() did not make

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

/// Phase counters at the workspace's start, 16 floats each: at most 5 phases a block (slices, squeeze,
/// excite, project, tap), and stem tap, head tap, head, hidden, tap, two for the classifier.
constexpr std::int64_t phase_slots(const config& c) noexcept {
  return 5 * std::int64_t{c.block_count} + 7;
}
/// A slice's ring of expanded rows: 100 kB holds 32 channels of a whole 28 x 28 map and stays in any L2.
inline constexpr std::int64_t slice_ring_floats = 25600;
inline constexpr int slice_channels = 32;  ///< at most mean_channels
/// Pixels of the head's intermediate tile.
inline constexpr int head_pixels = 56;
/// A project group's input, 640 kB, stays in L2 (or L3) while the weights stream past it: a 7 x 7 map of
/// v1 3.0x in one group reads them once (2 % of the pass against 256 kB).
inline constexpr std::int64_t group_floats = 163840;

/// Buffers start on a cache line: 16 floats.
constexpr std::int64_t pad16(std::int64_t v) noexcept {
  return round_up(v, 16);
}
constexpr int ceil_div(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<int>((a + b - 1) / b);
}
template <class T>
constexpr T larger(T a, T b) noexcept {
  return a > b ? a : b;
}
template <class T>
constexpr T smaller(T a, T b) noexcept {
  return a < b ? a : b;
}

/// Floats of the three zero-padded input rows that the stem reads.
constexpr std::int64_t stem_rows_floats(int w) noexcept {
  return 3 * pad16((std::int64_t{w} + 2) * 3);
}

/// A block in slices. @param sizes with the sides of its maps
constexpr block_plan plan_slices(const block_config& b, block_plan sizes, int threads) noexcept {
  const std::int64_t pixels = std::int64_t{sizes.oh} * sizes.ow;
  const int h = sizes.h, w = sizes.w;
  sizes.slice_c = slice_channels;
  sizes.chunks = ceil_div(b.mid_c, sizes.slice_c);
  const int fitting = static_cast<int>(slice_ring_floats / (std::int64_t{w} * sizes.slice_c));
  sizes.ring_rows = smaller(h, larger(fitting, b.kernel));
  sizes.step_rows =
      sizes.ring_rows == h ? sizes.oh : smaller(sizes.oh, (sizes.ring_rows - b.kernel) / b.stride + 1);
  // Two threads with half of a 7 x 7 map each would both read all weights, up to 5 MB of them: where there
  // are enough columns to share, each thread reads its own. (v1 3.0x, two threads: 1.4 % of the pass.)
  if (threads > 1 && pixels <= 64 && ceil_div(b.out_c, slice_channels) >= 6 * threads) {
    sizes.by_columns = true;
    sizes.groups = ceil_div(b.out_c, slice_channels);
    return sizes;
  }
  sizes.groups =
      smaller(static_cast<int>(pixels), larger(threads, ceil_div(pixels * mid_step(b.mid_c), group_floats)));
  return sizes;
}

constexpr block_plan plan_block(const block_config& b, int index, int h, int w, int threads) noexcept {
  block_plan sizes;
  sizes.h = h;
  sizes.w = w;
  sizes.oh = strided(h, b.stride);
  sizes.ow = strided(w, b.stride);
  const std::int64_t pixels = std::int64_t{sizes.oh} * sizes.ow;
  sizes.bands = index == 0 || (b.se_c == 0 && (sizes.ow >= 24 || pixels >= 576));
  if (sizes.bands) {
    // At least 28 pixels a turn: two or more full register tiles in every kernel.
    sizes.step_rows = smaller(sizes.oh, ceil_div(28, sizes.ow));
    // Each chunk but the first expands kernel - stride rows twice: no chunk below 14 rows.
    const int rows = threads == 1
                         ? sizes.oh
                         : larger(ceil_div(sizes.oh, std::int64_t{2} * threads), smaller(sizes.oh, 14));
    sizes.chunks = ceil_div(sizes.oh, rows);
    sizes.ring_rows = smaller(h, (sizes.step_rows - 1) * b.stride + b.kernel);
    return sizes;
  }
  return plan_slices(b, sizes, threads);
}

/// Scratch that one worker needs for a block.
constexpr std::int64_t block_scratch(const block_config& b, const block_plan& sizes, int index,
                                     int input_w) noexcept {
  if (!sizes.bands) return pad16(std::int64_t{sizes.ring_rows} * sizes.w * sizes.slice_c);
  const std::int64_t ring = pad16(std::int64_t{sizes.ring_rows} * sizes.w * mid_step(b.mid_c));
  return ring + pad16(std::int64_t{sizes.step_rows} * sizes.ow * mid_step(b.mid_c)) +
         (index == 0 ? stem_rows_floats(input_w) : 0);
}

}  // namespace detail

/// The plan for h x w pixels on `threads` threads.
/// Precondition: 1 <= h, w <= max_input_side, 1 <= threads <= max_threads (network::make_plan checks).
[[nodiscard]] constexpr plan make_plan(const config& c, int h, int w, int threads) noexcept {
  using namespace detail;
  plan p;
  p.h = h;
  p.w = w;
  p.threads = threads;
  p.fingerprint = fingerprint(c);

  // Sizes first: the maps of one block share an arena in which input and output stand at opposite ends, with
  // the workers' scratch in the gap. The output of slices without a residual takes the place of their input.
  std::int64_t in_floats[max_blocks + 1] = {}, mid_floats[max_blocks] = {};
  std::int64_t arena = 0, max_mid = 0, max_se = 0;
  int y = strided(h, 2), x = strided(w, 2);
  for (int i = 0; i < c.block_count; ++i) {
    const block_config& b = c.blocks[i];
    p.blocks[i] = plan_block(b, i, y, x, threads);
    y = p.blocks[i].oh;
    x = p.blocks[i].ow;
    const std::int64_t pixels = std::int64_t{y} * x;
    in_floats[i + 1] = pad16(pixels * padded_c(b.out_c));
    mid_floats[i] = p.blocks[i].bands ? 0 : pad16(pixels * mid_step(b.mid_c));
    const bool in_place = !p.blocks[i].bands && !b.residual();
    p.blocks[i].scratch_floats = block_scratch(b, p.blocks[i], i, w);
    arena = larger(arena,
                   p.blocks[i].scratch_floats * threads + mid_floats[i] +
                       (in_place ? larger(in_floats[i], in_floats[i + 1]) : in_floats[i] + in_floats[i + 1]));
    max_mid = larger(max_mid, pad16(b.mid_c));
    max_se = larger(max_se, pad16(b.se_c));
  }
  p.head_scratch_floats = larger(std::int64_t{head_pixels} * slice_channels, stem_rows_floats(w));
  arena = larger(arena, in_floats[c.block_count] + p.head_scratch_floats * threads);

  std::int64_t next = phase_slots(c) * 16;
  const auto take = [&next](std::int64_t floats) {
    const std::int64_t offset = next;
    next += pad16(floats);
    return offset;
  };
  p.sums = take(max_mid);
  p.squeezed = take(max_se);
  p.scale = take(max_mid);
  p.pooled = take(c.head_c);
  p.hidden = take(c.hidden_c);
  const std::int64_t low = take(arena), high = low + arena;
  bool at_low = true;  // where the current block's input stands
  for (int i = 0; i < c.block_count; ++i) {
    block_plan& b = p.blocks[i];
    const std::int64_t in = in_floats[i], out = in_floats[i + 1], mid = mid_floats[i];
    const bool in_place = !b.bands && !c.blocks[i].residual();
    const bool out_low = in_place ? at_low : !at_low;
    const std::int64_t kept = larger(in, in_place ? out : 0);  // at the input's end until the block is done
    b.in = at_low ? low : high - in;
    b.out = out_low ? low : high - out;
    b.mid = at_low ? low + kept : high - kept - mid;
    b.scratch = low + (at_low ? kept + mid : in_place ? 0 : out);
    at_low = out_low;
  }
  p.head_scratch = at_low ? high - p.head_scratch_floats * threads : low;
  p.total_floats = next;
  return p;
}

/// Bytes of workspace that forward() needs for one configuration, input size and thread count: a constant
/// expression, e.g. `alignas(64) static unsigned char workspace[workspace_bytes(c, 224, 224, 1)];`.
[[nodiscard]] constexpr std::size_t workspace_bytes(const config& c, int h, int w, int threads) noexcept {
  return make_plan(c, h, w, threads).workspace_bytes();
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_PLAN_HPP
