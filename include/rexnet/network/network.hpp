// SPDX-License-Identifier: MIT
// The network: configuration + packed weights -> logits. Immutable and shareable between threads; every call
// brings its own workspace and allocates nothing.
#ifndef REXNET_NETWORK_NETWORK_HPP
#define REXNET_NETWORK_NETWORK_HPP

#include "rexnet/core/aligned_buffer.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/core/views.hpp"
#include "rexnet/image/pixels.hpp"
#include "rexnet/network/forward.hpp"

#include <algorithm>
#include <string>

namespace rexnet {
inline namespace REXNET_BUILD {

/// A configuration known at run time only.
struct dynamic_config {};

namespace detail {
template <class Config>
struct config_storage {
  static constexpr config net = Config::value;
  static constexpr weights_layout layout = layout_of(Config::value);
};
template <>
struct config_storage<dynamic_config> {
  config net;
  weights_layout layout;
};
}  // namespace detail

/// How forward() runs. The defaults suit most callers.
struct forward_options {
  executor threads{};  ///< OpenMP, or a pool of the caller's
  const feature_taps* taps = nullptr;
  phase_observer observer{};  ///< not called for images of a batch that run one per thread
};

/// A ReXNet bound to packed weights, which it does not own.
/// @tparam Config static_config<family::v1, 100, 1000>: sizes are compile-time constants; or dynamic_config
/// @tparam Arch   instruction set, one that the translation unit is compiled for
template <class Config, class Arch = simd::default_arch>
class network : private detail::config_storage<Config> {
  using storage = detail::config_storage<Config>;

 public:
  /// Floats of the packed payload (static configurations).
  static constexpr std::int64_t packed_floats() noexcept { return storage::layout.floats; }
  /// Bytes of workspace (static configurations): a constant expression.
  static constexpr std::size_t workspace_bytes(int h, int w, int threads) noexcept {
    return rexnet::workspace_bytes(storage::net, h, w, threads);
  }

  /// Binds weights of the layout in network/layout.hpp (weights/pack.hpp makes them, packed_view opens them).
  /// Precondition: packed_floats() floats, 64-byte aligned, alive as long as the network is used.
  explicit network(const float* payload) noexcept : payload_(payload) {}
  /// The same for dynamic_config.
  network(const config& c, const float* payload) noexcept : storage{c, layout_of(c)}, payload_(payload) {}

  [[nodiscard]] const config& shape() const noexcept { return storage::net; }
  [[nodiscard]] const weights_layout& layout() const noexcept { return storage::layout; }

  /// The plan for images of h x w pixels. Compute it once, use it for every call.
  /// Errors: invalid_argument when a side is not in 1 .. 16384 or threads not in 1 .. 64.
  [[nodiscard]] result<rexnet::plan> make_plan(int h, int w, int threads = 1) const {
    if (h < 1 || w < 1 || h > max_input_side || w > max_input_side)
      return error(errc::invalid_argument, "input of " + std::to_string(h) + " x " + std::to_string(w) +
                                               " pixels: each side must be 1 to " +
                                               std::to_string(max_input_side));
    if (threads < 1 || threads > max_threads)
      return error(errc::invalid_argument,
                   std::to_string(threads) + " threads: must be 1 to " + std::to_string(max_threads));
    return rexnet::make_plan(storage::net, h, w, threads);
  }

  /// Logits of a batch of normalised images.
  /// @param p         from make_plan() of this network
  /// @param input     [n][h][w][3] floats, any strides; R, G, B normalised as the model was trained
  /// @param logits    [n][output_c(shape())], written densely: logits, or features where classes is 0
  /// @param workspace p.workspace_bytes() bytes or more, 64-byte aligned; not shared between concurrent
  /// calls.
  ///                  With batch_workspace_bytes() a batch runs one image per thread.
  /// @return ok; shape_mismatch (input against plan, or logits too small), workspace_too_small, misaligned
  ///         (workspace or weights), invalid_argument (null data). On an error nothing was written.
  [[nodiscard]] errc forward(const plan& p, nhwc_view<const float> input, span<float> logits,
                             span<unsigned char> workspace,
                             const forward_options& options = {}) const noexcept {
    if (input.data == nullptr) return errc::invalid_argument;
    if (input.c != 3 || input.h != p.h || input.w != p.w || input.n < 0) return errc::shape_mismatch;
    detail::input_rows rows;
    rows.pixel_step = input.pixel_stride;
    rows.row_step = input.row_stride;
    return run(p, input.n, logits, workspace, options, [&](int image) {
      detail::input_rows r = rows;
      r.floats = input.data + image * input.image_stride;
      return r;
    });
  }

  /// The same from one picture of 8-bit pixels, normalised on the way: bit-identical to normalising first.
  /// @param picture exactly p.w x p.h pixels (preprocess_pixels() gives them)
  /// @param table   [256][3]: the normalised value of byte v in channel c at 3 v + c (normalise_table())
  [[nodiscard]] errc forward_u8(const plan& p, const image_view& picture, span<const float> table,
                                span<float> logits, span<unsigned char> workspace,
                                const forward_options& options = {}) const noexcept {
    if (picture.data == nullptr || table.data() == nullptr) return errc::invalid_argument;
    if (picture.width != p.w || picture.height != p.h || table.size() != 768) return errc::shape_mismatch;
    detail::input_rows rows;
    rows.bytes = picture.data;
    rows.table = table.data();
    rows.pixel_step = bytes_per_pixel(picture.format);
    rows.row_step = static_cast<std::ptrdiff_t>(picture.stride);
    for (int c = 0; c < 3; ++c) rows.channel[c] = channel_offset(picture.format, c);
    return run(p, 1, logits, workspace, options, [&](int) { return rows; });
  }

  /// Workspace for batches on p.threads threads, one image per thread at a time.
  [[nodiscard]] std::size_t batch_workspace_bytes(const plan& p) const noexcept {
    return rexnet::workspace_bytes(storage::net, p.h, p.w, 1) * static_cast<std::size_t>(p.threads);
  }

 private:
  template <class Rows>
  errc run(const plan& p, int n, span<float> logits, span<unsigned char> workspace,
           const forward_options& options, Rows&& rows) const noexcept {
    if (logits.size() < static_cast<std::size_t>(n) * static_cast<std::size_t>(output_c(storage::net)))
      return errc::shape_mismatch;
    if (workspace.size() < p.workspace_bytes()) return errc::workspace_too_small;
    if (!is_aligned(workspace.data()) || !is_aligned(payload_)) return errc::misaligned;
    auto* floats = reinterpret_cast<float*>(workspace.data());
    const auto pass_for = [&](const plan& image_plan, int image, float* image_workspace,
                              const phase_observer& observer) {
      detail::forward_pass<Arch> pass{
          &shape(),
          &layout(),
          payload_,
          &image_plan,
          image_workspace,
          rows(image),
          logits.data() + static_cast<std::ptrdiff_t>(image) * output_c(storage::net),
          taps_of(options.taps, image, p),
          observer};
      pass.input.h = p.h;
      pass.input.w = p.w;
      return pass;
    };

    if (n > 1 && p.threads > 1 && workspace.size() >= batch_workspace_bytes(p)) {
      const plan alone = rexnet::make_plan(storage::net, p.h, p.w, 1);
      std::atomic<int> next{0};
      auto worker = [&](int index) {
        for (int image; (image = next.fetch_add(1, std::memory_order_relaxed)) < n;)
          pass_for(alone, image, floats + index * alone.total_floats, {}).work(0);
      };
      detail::run_tasks(
          options.threads, p.threads < n ? p.threads : n,
          [](void* context, int index) { (*static_cast<decltype(worker)*>(context))(index); }, &worker);
      return errc::ok;
    }
    for (int image = 0; image < n; ++image) {
      auto pass = pass_for(p, image, floats, options.observer);
      if (p.threads > 1) pass.prepare();
      detail::run_tasks(
          options.threads, p.threads,
          [](void* context, int index) { static_cast<decltype(pass)*>(context)->work(index); }, &pass);
    }
    return errc::ok;
  }

  /// The taps of image `image` of the batch.
  feature_taps taps_of(const feature_taps* taps, int image, const plan& p) const noexcept {
    feature_taps t;
    if (taps == nullptr) return t;
    const auto shift = [image](float* base, std::int64_t floats) {
      return base == nullptr ? nullptr : base + image * floats;
    };
    const config& c = storage::net;
    t.stem = shift(taps->stem, std::int64_t{p.blocks[0].h} * p.blocks[0].w * c.stem_c);
    for (int i = 0; i < block_count; ++i)
      t.blocks[i] = shift(taps->blocks[i], std::int64_t{p.blocks[i].oh} * p.blocks[i].ow * c.blocks[i].out_c);
    const block_plan& last = p.blocks[block_count - 1];
    t.head = shift(taps->head, std::int64_t{last.oh} * last.ow * c.head_c);
    t.pooled = shift(taps->pooled, c.head_c);
    return t;
  }

  const float* payload_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_NETWORK_NETWORK_HPP
