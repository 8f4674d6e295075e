// SPDX-License-Identifier: MIT
// What every network does, whatever kernels it has: sizes, plans, checks of a call's arguments. No kernel is
// seen here; network.hpp adds those of one instruction set, any_network.hpp those of several.
#ifndef REXNET_ENGINE_BASIC_NETWORK_HPP
#define REXNET_ENGINE_BASIC_NETWORK_HPP

#include "rexnet/core/aligned_buffer.hpp"
#include "rexnet/core/error.hpp"
#include "rexnet/core/views.hpp"
#include "rexnet/engine/forward.hpp"
#include "rexnet/image/pixels.hpp"
#include "rexnet/kernels/resample.hpp"
#include "rexnet/payload/layout.hpp"

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

[[nodiscard]] REXNET_NOINLINE inline error refused_input(errc code, int h, int w, const std::string& why) {
  return error(code, "input of " + std::to_string(h) + " x " + std::to_string(w) + " pixels: " + why);
}
}  // namespace detail

/// A ReXNet bound to packed weights, which it borrows: whoever made them keeps them alive. Immutable and
/// shareable between threads; every call brings its own workspace and allocates nothing.
/// @tparam Config  static_config<family::v1, 100, 1000>: sizes are compile-time constants; or dynamic_config
/// @tparam Backend whose kernels: ready(), and kernels(), a kernel_table or null
template <class Config, class Backend>
class basic_network : private detail::config_storage<Config>, private Backend {
  using storage = detail::config_storage<Config>;

 public:
  /// Floats of the packed payload (static configurations).
  static constexpr std::int64_t packed_floats() noexcept { return storage::layout.bytes / 4; }
  /// Bytes of workspace (static configurations): a constant expression.
  static constexpr std::size_t workspace_bytes(int h, int w, int threads) noexcept {
    return rexnet::workspace_bytes(storage::net, h, w, threads);
  }

  /// Binds weights of the layout in payload/layout.hpp (payload/pack.hpp makes them, packed_view opens them).
  /// Precondition: packed_floats() floats, 64-byte aligned, alive as long as the network is used.
  explicit basic_network(const float* payload) noexcept(noexcept(Backend())) : payload_(payload) {}
  /// The same for dynamic_config.
  basic_network(const config& c, const float* payload) noexcept(noexcept(Backend()))
      : storage{c, layout_of(c)}, payload_(payload) {}

  /// Whether it was bound to any.
  [[nodiscard]] bool has_weights() const noexcept { return payload_ != nullptr; }
  /// What kind of network it is.
  [[nodiscard]] const config& shape() const noexcept { return storage::net; }
  /// Where the layers stand in the payload.
  [[nodiscard]] const weights_layout& layout() const noexcept { return storage::layout; }
  /// "sse2", "fma3_avx2", "avx512bw", "neon64" or "neon": whose kernels forward() runs.
  [[nodiscard]] const char* instruction_set() const noexcept {
    return kernels() != nullptr ? kernels()->name : "none";
  }
  /// The resize's loops on that set, for preprocess_pixels().
  [[nodiscard]] resample_kernels resample() const noexcept {
    return kernels() != nullptr ? kernels()->resample : detail::own_resample;
  }
  /// All its kernels, for operators (ops.hpp); null: none runs on this CPU.
  [[nodiscard]] const kernel_table* kernels() const noexcept { return Backend::kernels(); }

  /// The plan for images of h x w pixels. Compute it once, use it for every call.
  /// Errors: invalid_argument when a side is not in 1 .. 16384 or threads not in 1 .. 64; limit_exceeded when
  /// the workspace is larger than a 32-bit address space; unsupported when dispatch found no kernels for this
  /// CPU.
  [[nodiscard]] result<rexnet::plan> make_plan(int h, int w, int threads = 1) const {
    if (status s = Backend::ready(); !s) return s.error();
    if (h < 1 || w < 1 || h > max_input_side || w > max_input_side)
      return detail::refused_input(errc::invalid_argument, h, w,
                                   "each side must be 1 to " + std::to_string(max_input_side));
    if (threads < 1 || threads > max_threads)
      return error(errc::invalid_argument,
                   std::to_string(threads) + " threads: must be 1 to " + std::to_string(max_threads));
    const rexnet::plan p = rexnet::make_plan(storage::net, h, w, threads);
    if (!p.fits_memory())
      return detail::refused_input(errc::limit_exceeded, h, w,
                                   "the workspace is larger than the address space");
    return p;
  }

  /// Logits of a batch of normalised images.
  /// @param p         from make_plan() of this network
  /// @param input     [n][h][w][3] floats, any strides; R, G, B normalised as the model was trained. n may
  ///                  be 0, without data then; nothing is written
  /// @param logits    [n][output_c(shape())], written densely: logits, or features where classes is 0
  /// @param workspace p.workspace_bytes() bytes or more, 64-byte aligned; not shared between concurrent
  /// calls.
  ///                  With batch_workspace_bytes() a batch runs one image per thread.
  /// Stack: below 8 kB on one thread at -O2 (docs/embedded.md).
  /// @return ok; shape_mismatch (input against plan, a plan of another network, or logits too small),
  /// workspace_too_small, misaligned
  ///         (workspace or weights), invalid_argument (null data, no weights), unsupported (as make_plan()).
  ///         On an error nothing was written.
  [[nodiscard]] errc forward(const plan& p, nhwc_view<const float> input, span<float> logits,
                             span<unsigned char> workspace,
                             const forward_options& options = {}) const noexcept {
    if (input.data == nullptr && input.n != 0) return errc::invalid_argument;
    if (input.c != 3 || input.h != p.h || input.w != p.w || input.n < 0) return errc::shape_mismatch;
    detail::forward_request r;
    r.input.floats = input.data;
    r.input.pixel_step = input.pixel_stride;
    r.input.row_step = input.row_stride;
    r.image_stride = input.image_stride;
    r.n = input.n;
    return run(p, r, logits, workspace, options);
  }

  /// The same from one picture of 8-bit pixels, normalised on the way: bit-identical to normalising first.
  /// @param picture exactly p.w x p.h pixels (preprocess_pixels() gives them)
  /// @param table   [256][3]: the normalised value of byte v in channel c at 3 v + c (normalise_table())
  [[nodiscard]] errc forward_u8(const plan& p, const image_view& picture, span<const float> table,
                                span<float> logits, span<unsigned char> workspace,
                                const forward_options& options = {}) const noexcept {
    if (picture.data == nullptr || table.data() == nullptr) return errc::invalid_argument;
    if (picture.width != p.w || picture.height != p.h || table.size() != 768) return errc::shape_mismatch;
    detail::forward_request r;
    r.input.bytes = picture.data;
    r.input.table = table.data();
    r.input.pixel_step = bytes_per_pixel(picture.format);
    r.input.row_step = static_cast<std::ptrdiff_t>(picture.stride);
    for (int c = 0; c < 3; ++c) r.input.channel[c] = channel_offset(picture.format, c);
    r.n = 1;
    return run(p, r, logits, workspace, options);
  }

  /// Workspace for batches on p.threads threads, one image per thread at a time.
  [[nodiscard]] std::size_t batch_workspace_bytes(const plan& p) const noexcept {
    const std::size_t one = rexnet::workspace_bytes(storage::net, p.h, p.w, 1),
                      threads = static_cast<std::size_t>(p.threads);
    return one <= static_cast<std::size_t>(-1) / threads ? one * threads : static_cast<std::size_t>(-1);
  }

 private:
  errc run(const plan& p, detail::forward_request& r, span<float> logits, span<unsigned char> workspace,
           const forward_options& options) const noexcept {
    if (logits.size() < static_cast<std::size_t>(r.n) * static_cast<std::size_t>(output_c(shape())))
      return errc::shape_mismatch;
    if (p.fingerprint != layout().fingerprint) return errc::shape_mismatch;
    if (!has_weights()) return errc::invalid_argument;
    if (kernels() == nullptr) return errc::unsupported;
    if (workspace.size() < p.workspace_bytes()) return errc::workspace_too_small;
    if (!is_aligned(workspace.data()) || !is_aligned(payload_)) return errc::misaligned;
    r.input.h = p.h;
    r.input.w = p.w;
    r.image_per_thread = r.n > 1 && p.threads > 1 && workspace.size() >= batch_workspace_bytes(p);
    r.logits = logits.data();
    r.workspace = workspace.data();
    r.options = options;
    detail::forward_images(*kernels(), shape(), layout(), payload_, p, r);
    return errc::ok;
  }

  const float* payload_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_BASIC_NETWORK_HPP
