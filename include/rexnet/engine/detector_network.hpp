// SPDX-License-Identifier: MIT
// A detector: configuration + packed weights -> raw outputs, class logits and box codes of every anchor.
#ifndef REXNET_ENGINE_DETECTOR_NETWORK_HPP
#define REXNET_ENGINE_DETECTOR_NETWORK_HPP

#include "rexnet/core/checked.hpp"
#include "rexnet/engine/basic_network.hpp"
#include "rexnet/engine/detector_plan.hpp"
#include "rexnet/payload/detector_layout.hpp"

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {

template <class Config>
struct detector_storage {
  static constexpr detector_config net = Config::value;
  static constexpr detector_layout layout = layout_of(Config::value);
};
template <>
struct detector_storage<dynamic_config> {
  detector_config net;
  detector_layout layout;
};

/// One image through all phases, as forward_pass.
struct detector_pass {
  forward_pass backbone;
  const detector_config* net;
  const detector_layout* layout;
  const detector_plan* how;
  float* logits;  ///< [rows][classes]
  float* codes;   ///< [rows][4]

  void work(int worker) const noexcept {
    auto* states = reinterpret_cast<phase_state*>(backbone.workspace + how->phases);
    int next = 0;
    const phase_observer& observer = backbone.observer;
    const auto each = [&](phase what, int block, int chunks, auto&& body) {
      run_phase(states[next++], chunks, how->backbone.threads == 1, body);
      if (observer.function != nullptr && worker == 0) observer.function(observer.context, what, block);
    };
    const config& c = net->backbone;
    backbone.blocks(each, 0, net->tap + 1, worker);
    heads(each, 0);
    backbone.blocks(each, net->tap + 1, c.block_count, worker);
    each(phase::head, c.block_count, ceil_div(c.head_c, slice_channels), [&](int chunk) {
      const int first_c = chunk * slice_channels;
      backbone.head_pixels_to(backbone.workspace + how->head_map + first_c, 0, backbone.last_pixels(),
                              first_c, smaller(slice_channels, padded_c(c.head_c) - first_c),
                              padded_c(c.head_c));
    });
    heads(each, 1);
    for (int k = 0; k < ssd_extra_blocks; ++k) {
      const int number = c.block_count + 1 + k;
      const block_context b = context(net->extra[k], layout->extra[k], how->extra[k], nullptr);
      if (b.sizes().bands) {
        each(phase::bands, number, b.sizes().chunks,
             [&](int chunk) { band_chunk(b, chunk, worker, backbone.input); });
      } else {
        each(phase::slices, number, b.sizes().chunks, [&](int chunk) { slice_chunk(b, chunk, worker); });
        each(phase::project, number, b.sizes().groups, [&](int chunk) { project_chunk(b, chunk); });
      }
      heads(each, k + 2);
    }
  }

  /// Resets the phase counters; before the workers start.
  void prepare() const noexcept {
    auto* states = reinterpret_cast<phase_state*>(backbone.workspace + how->phases);
    for (std::int64_t i = 0; i < phase_slots(*net); ++i) {
      states[i].claimed.reset();
      states[i].finished.reset();
    }
  }

 private:
  [[nodiscard]] block_context context(const block_config& b, const block_layout& l, const block_plan& sizes,
                                      float* outputs) const noexcept {
    return {static_cast<const network_context&>(backbone), &b, &l, &sizes, outputs};
  }

  /// Both heads of a level. Its map is there.
  template <class Each>
  void heads(const Each& each, int level) const noexcept {
    const int number = net->backbone.block_count + 1 + ssd_extra_blocks + level;
    const auto head = [&](const block_config& shape, const block_layout& l, const block_plan& sizes,
                          float* out, int step) {
      const block_context b = context(shape, l, sizes, out + sizes.out * step);
      each(phase::slices, number, sizes.chunks, [&](int chunk) { depthwise_slice(b, chunk); });
      each(phase::project, number, sizes.groups, [&](int chunk) { project_chunk(b, chunk); });
    };
    head(logits_head(*net, level), layout->logits[level], how->logits[level], logits, net->classes);
    head(codes_head(*net, level), layout->codes[level], how->codes[level], codes, 4);
  }
};

}  // namespace detail

/// A detector bound to packed weights, which it borrows: whoever made them keeps them alive. Immutable and
/// shareable between threads; every call brings its own workspace and allocates nothing.
/// @tparam Config  static_detector<...>, or dynamic_config
/// @tparam Backend as basic_network's
template <class Config, class Backend>
class basic_detector_network : private detail::detector_storage<Config>, private Backend {
  using storage = detail::detector_storage<Config>;

 public:
  /// Precondition: layout().bytes bytes, 64-byte aligned, alive as long as the network is used.
  explicit basic_detector_network(const float* payload) noexcept(noexcept(Backend())) : payload_(payload) {}
  /// The same for dynamic_config.
  basic_detector_network(const detector_config& d, const float* payload) noexcept(noexcept(Backend()))
      : storage{d, layout_of(d)}, payload_(payload) {}

  /// What kind of detector it is.
  [[nodiscard]] const detector_config& shape() const noexcept { return storage::net; }
  /// Where the layers stand in the payload.
  [[nodiscard]] const detector_layout& layout() const noexcept { return storage::layout; }
  /// Name of the kernels' set, "none" where none runs on this CPU.
  [[nodiscard]] const char* instruction_set() const noexcept {
    return kernels() != nullptr ? kernels()->name : "none";
  }
  /// All its kernels; null: none runs on this CPU.
  [[nodiscard]] const kernel_table* kernels() const noexcept { return Backend::kernels(); }

  /// The plan for images of h x w pixels. Errors: as basic_network::make_plan().
  [[nodiscard]] result<detector_plan> make_plan(int h, int w, int threads = 1) const {
    if (status s = Backend::ready(); !s) return s.error();
    if (h < 1 || w < 1 || h > max_input_side || w > max_input_side)
      return detail::refused_input(errc::invalid_argument, h, w,
                                   "each side must be 1 to " + std::to_string(max_input_side));
    if (threads < 1 || threads > max_threads)
      return error(errc::invalid_argument,
                   std::to_string(threads) + " threads: must be 1 to " + std::to_string(max_threads));
    const detector_plan p = rexnet::make_plan(storage::net, h, w, threads);
    if (!p.fits_memory())
      return detail::refused_input(errc::limit_exceeded, h, w,
                                   "the workspace is larger than the address space");
    return p;
  }

  /// Raw outputs of a batch of normalised images, in torchvision's order: level by level, row by row, six
  /// anchors for each place.
  /// @param input  [n][h][w][3] floats, any strides, normalised; n may be 0
  /// @param logits [n][p.rows][classes]
  /// @param codes  [n][p.rows][4]
  /// @param observer its block is the backbone's block, block_count for the head, then the extra blocks, then
  ///                 the levels: a level's first two phases are the logits', the others the codes'
  /// @return as basic_network::forward(). On an error nothing was written.
  [[nodiscard]] errc forward(const detector_plan& p, nhwc_view<const float> input, span<float> logits,
                             span<float> codes, span<unsigned char> workspace, const executor& threads = {},
                             const phase_observer& observer = {}) const noexcept {
    if (input.data == nullptr && input.n != 0) return errc::invalid_argument;
    if (input.c != 3 || input.h != p.backbone.h || input.w != p.backbone.w || input.n < 0)
      return errc::shape_mismatch;
    if (p.fingerprint != layout().fingerprint) return errc::shape_mismatch;
    const auto n = static_cast<std::size_t>(input.n), rows = static_cast<std::size_t>(p.rows);
    const checked all_rows = checked(n) * rows;
    if (!(all_rows * static_cast<std::uint64_t>(shape().classes)).at_most(logits.size()) ||
        !(all_rows * 4).at_most(codes.size()))
      return errc::shape_mismatch;
    if (payload_ == nullptr) return errc::invalid_argument;
    if (kernels() == nullptr) return errc::unsupported;
    if (workspace.size() < p.workspace_bytes()) return errc::workspace_too_small;
    if (!is_aligned(workspace.data()) || !is_aligned(payload_)) return errc::misaligned;
    detail::input_rows rows_of;
    rows_of.floats = input.data;
    rows_of.pixel_step = input.pixel_stride;
    rows_of.row_step = input.row_stride;
    rows_of.h = input.h;
    rows_of.w = input.w;
    auto* const floats = reinterpret_cast<float*>(workspace.data());
    for (int image = 0; image < input.n; ++image) {
      detail::detector_pass pass{
          {{kernels(), &shape().backbone, &layout().backbone, payload_, &p.backbone, floats},
           rows_of,
           nullptr,
           {},
           observer},
          &shape(),
          &layout(),
          &p,
          logits.data() + static_cast<std::ptrdiff_t>(image) * p.rows * shape().classes,
          codes.data() + static_cast<std::ptrdiff_t>(image) * p.rows * 4};
      pass.backbone.input.floats += image * input.image_stride;
      if (p.backbone.threads > 1) pass.prepare();
      detail::run_tasks(
          threads, p.backbone.threads,
          [](void* context, int index) { static_cast<detail::detector_pass*>(context)->work(index); }, &pass);
    }
    return errc::ok;
  }

 private:
  const float* payload_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_DETECTOR_NETWORK_HPP
