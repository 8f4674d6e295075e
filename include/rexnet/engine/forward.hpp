// SPDX-License-Identifier: MIT
// One image through all phases. Every worker runs the same list; chunks are claimed (system/parallel.hpp).
#ifndef REXNET_ENGINE_FORWARD_HPP
#define REXNET_ENGINE_FORWARD_HPP

#include "rexnet/engine/block.hpp"
#include "rexnet/engine/request.hpp"

#include <cstring>

namespace rexnet {
inline namespace REXNET_BUILD {

namespace detail {

struct forward_pass : network_context {
  input_rows input;
  float* logits;
  feature_taps taps;  ///< of this image
  phase_observer observer;

  /// Precondition: at most how->threads workers at a time, each with its own index; prepare() was called.
  void work(int worker) const noexcept {
    auto* states = reinterpret_cast<phase_state*>(workspace);
    int next = 0;
    const auto each = [&](phase what, int block, int chunks, auto&& body) {
      run_phase(states[next++], chunks, how->threads == 1, body);
      if (observer.function != nullptr && worker == 0) observer.function(observer.context, what, block);
    };
    const int behind = net->block_count;

    // Before block 0 the arena is free, so the stem's map may use the head's scratch.
    if (taps.stem != nullptr) each(phase::tap, 0, 1, [&](int) { stem_map(worker); });
    blocks(each, 0, net->block_count, worker);
    if (taps.head != nullptr)
      each(phase::tap, behind, 1,
           [&](int) { head_pixels_to(taps.head, 0, last_pixels(), 0, net->head_c, net->head_c); });
    each(phase::head, behind, ceil_div(net->head_c, slice_channels),
         [&](int chunk) { head_chunk(chunk, worker); });
    const float* features = at_offset(how->pooled);
    if (net->hidden_c > 0) {
      each(phase::hidden, behind, dense_chunks(layout->hidden), [&](int chunk) {
        dense_chunk(*kernels, payload, layout->hidden, features, at_offset(how->hidden), chunk,
                    net->hidden_act);
      });
      features = at_offset(how->hidden);
    }
    // Both in one phase: the plan reserves a counter for each.
    if (taps.pooled != nullptr || taps.features != nullptr)
      each(phase::tap, behind, 1, [&](int) {
        copy_vector(taps.pooled, at_offset(how->pooled), net->head_c);
        copy_vector(taps.features, features, feature_c(*net));
      });
    if (net->classes == 0)
      each(phase::classifier, behind, 1, [&](int) {
        std::memcpy(logits, features, static_cast<std::size_t>(output_c(*net)) * sizeof(float));
      });
    each(phase::classifier, behind, dense_chunks(layout->classifier), [&](int chunk) {
      dense_chunk(*kernels, payload, layout->classifier, features, logits, chunk, activation::none);
    });
  }

  /// Blocks [first, last), the phases of each by each(phase, block, chunks, body).
  template <class Each>
  void blocks(const Each& each, int first, int last, int worker) const noexcept {
    for (int i = first; i < last; ++i) {
      const block_context b{static_cast<const network_context&>(*this), &net->blocks[i], &layout->blocks[i],
                            &how->blocks[i]};
      const block_plan& sizes = b.sizes();
      if (sizes.bands) {
        each(phase::bands, i, sizes.chunks, [&](int chunk) { band_chunk(b, chunk, worker, input); });
      } else {
        each(phase::slices, i, sizes.chunks, [&](int chunk) { slice_chunk(b, chunk, worker); });
        if (b.block().se_c > 0) {
          const block_layout& l = b.weights();
          each(phase::squeeze, i, dense_chunks(l.squeeze), [&](int chunk) {
            dense_chunk(*kernels, payload, l.squeeze, at_offset(how->sums), at_offset(how->squeezed), chunk,
                        activation::relu);
          });
          each(phase::excite, i, dense_chunks(l.excite), [&](int chunk) { excite_chunk(b, chunk); });
        }
        each(phase::project, i, sizes.groups, [&](int chunk) { project_chunk(b, chunk); });
      }
      if (taps.blocks[i] != nullptr) each(phase::tap, i, 1, [&](int) { copy_map(i); });
    }
  }

  /// Resets the phase counters; before the workers start.
  void prepare() const noexcept {
    auto* states = reinterpret_cast<phase_state*>(workspace);
    for (std::int64_t i = 0; i < phase_slots(*net); ++i) {
      states[i].claimed.reset();
      states[i].finished.reset();
    }
  }

  [[nodiscard]] std::ptrdiff_t last_pixels() const noexcept {
    const block_plan& last = how->blocks[net->block_count - 1];
    return static_cast<std::ptrdiff_t>(last.oh) * last.ow;
  }

  /// The last 1x1 convolution for some pixels and the channels [first_c, first_c + channels).
  void head_pixels_to(float* out, std::ptrdiff_t first, std::ptrdiff_t count, int first_c, int channels,
                      std::ptrdiff_t step) const noexcept {
    const std::ptrdiff_t in_step = padded_c(last_block(*net).out_c);
    pointwise_layer(*kernels, at(payload, layout->head, first_c), layout->head.k,
                    at_offset(how->blocks[net->block_count - 1].out) + first * in_step, in_step, count, out,
                    step, channels, net->head_act, how->threads);
  }

 private:
  static_assert(sizeof(phase_state) == 64, "plan.hpp reserves 64 bytes a phase");

  [[nodiscard]] float* at_offset(std::int64_t offset) const noexcept { return workspace + offset; }
  [[nodiscard]] static int dense_chunks(const layer_layout& l) noexcept {
    return ceil_div(l.out_c, dense_chunk_c);
  }
  /// Head and global mean for a slice of channels: the head's map never exists.
  void head_chunk(int chunk, int worker) const noexcept {
    const int first_c = chunk * slice_channels, channels = smaller(slice_channels, net->head_c - first_c);
    float* const tile = at_offset(how->head_scratch) + worker * how->head_scratch_floats;
    float* const sums = at_offset(how->pooled) + first_c;
    for (int c = 0; c < channels; ++c) sums[c] = 0.0f;
    mean_of_pixels mean;
    for (std::ptrdiff_t first = 0; first < last_pixels(); first += head_pixels) {
      const std::ptrdiff_t count = smaller<std::ptrdiff_t>(head_pixels, last_pixels() - first);
      head_pixels_to(tile, first, count, first_c, channels, slice_channels);
      mean.add(sums, channels, count);
      kernels->add_pixels({tile, count, slice_channels, sums, channels, activation::none});
    }
    mean.finish(sums, channels);
  }

  void stem_map(int worker) const noexcept {
    stem_rows stem{
        kernels,     input,         at(payload, layout->stem),
        net->stem_c, net->stem_act, at_offset(how->head_scratch) + worker * how->head_scratch_floats};
    const block_plan& first = how->blocks[0];
    for (int y = 0; y < first.h; ++y)
      stem.compute(y, taps.stem + static_cast<std::ptrdiff_t>(y) * first.w * net->stem_c, net->stem_c);
  }

  static void copy_vector(float* to, const float* from, int count) noexcept {
    if (to != nullptr) std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
  }

  void copy_map(int i) const noexcept {
    const block_plan& b = how->blocks[i];
    const int c = net->blocks[i].out_c;
    const std::ptrdiff_t pixels = static_cast<std::ptrdiff_t>(b.oh) * b.ow;
    for (std::ptrdiff_t pixel = 0; pixel < pixels; ++pixel)
      std::memcpy(taps.blocks[i] + pixel * c, at_offset(b.out) + pixel * padded_c(c),
                  static_cast<std::size_t>(c) * sizeof(float));
  }
};

/// All images of a request, which basic_network has checked.
inline void forward_images(const kernel_table& kernels, const config& net, const weights_layout& layout,
                           const float* payload, const plan& p, const forward_request& r) noexcept {
  auto* floats = reinterpret_cast<float*>(r.workspace);
  const auto pass_for = [&](const plan& image_plan, int image, float* workspace,
                            const phase_observer& observer) {
    forward_pass pass{{&kernels, &net, &layout, payload, &image_plan, workspace},
                      r.input,
                      r.logits + static_cast<std::ptrdiff_t>(image) * output_c(net),
                      taps_of(net, p, r.options.taps, image),
                      observer};
    if (r.input.floats != nullptr) pass.input.floats += image * r.image_stride;
    return pass;
  };

  if (r.image_per_thread) {
    const plan alone = make_plan(net, p.h, p.w, 1);
    shared_counter next;
    auto worker = [&](int index) {
      for (int image; (image = next.take()) < r.n;)
        pass_for(alone, image, floats + index * alone.total_floats, {}).work(0);
    };
    run_tasks(
        r.options.threads, smaller(p.threads, r.n),
        [](void* context, int index) { (*static_cast<decltype(worker)*>(context))(index); }, &worker);
    return;
  }
  for (int image = 0; image < r.n; ++image) {
    auto pass = pass_for(p, image, floats, r.options.observer);
    if (p.threads > 1) pass.prepare();
    run_tasks(
        r.options.threads, p.threads,
        [](void* context, int index) { static_cast<decltype(pass)*>(context)->work(index); }, &pass);
  }
}

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_FORWARD_HPP
