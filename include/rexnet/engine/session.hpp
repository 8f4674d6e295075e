// SPDX-License-Identifier: MIT
// Pictures of any size through a network, alone or many at once: what classifier, feature_extractor and the C
// interface are made of.
#ifndef REXNET_ENGINE_SESSION_HPP
#define REXNET_ENGINE_SESSION_HPP

#if defined(REXNET_DISPATCH)
#include "rexnet/engine/any_network.hpp"
#else
#include "rexnet/engine/network.hpp"
#endif
#include "rexnet/image/preprocess.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// What runs a model: kernels chosen when the program runs, where rexnet_add_dispatch() built some; else
/// those of the instruction set that this translation unit is compiled for. It borrows its weights.
#if defined(REXNET_DISPATCH)
using model_network = any_network;
#else
using model_network = network<dynamic_config>;
#endif

/// A batch may have at most this many pictures.
inline constexpr std::size_t max_batch_pictures = std::size_t{1} << 30;

namespace detail {

/// A network, how it wants its pictures, threads, and plan and workspace for one size of input at a time.
class picture_runner {
 public:
  /// To be started. @param net  whose weights the caller keeps alive
  /// @param pool where the threads come from; `threads` tasks at a time at most
  picture_runner(const model_network& net, const preprocessing& input, int threads, const executor& pool)
      : net_(net), input_(input), threads_(threads), pool_(pool), table_(normalise_table(input)) {}

  /// Errors: invalid_argument (no weights, preprocessing, threads), limit_exceeded, unsupported (no kernels
  /// for this CPU), out_of_memory.
  [[nodiscard]] status start() {
    std::string what;
    report_text report{what};
    if (const errc e = check_preprocessing(input_, report); e != errc::ok) return error(e, what);
    if (!net_.has_weights())
      return error(errc::invalid_argument, "the model has no weights: it was not loaded");
    return prepare(input_.input_size, input_.input_size);
  }

  [[nodiscard]] const config& shape() const noexcept { return net_.shape(); }
  [[nodiscard]] const preprocessing& input() const noexcept { return input_; }

  /// Whether images of h x w pixels can be run; a workspace for them is kept. Errors: those of make_plan(),
  /// out_of_memory.
  [[nodiscard]] status prepare(int h, int w) {
    if (plan_.h == h && plan_.w == w) return done;
    auto p = net_.make_plan(h, w, threads_);
    if (!p) return p.error();
    if (status s = reserve(p->workspace_bytes()); !s) return s;
    plan_ = *p;
    return done;
  }

  /// A picture, preprocessed. @param out output_c(shape()) floats
  [[nodiscard]] status run(const image_view& picture, span<float> out, const feature_taps* taps = nullptr) {
    auto pixels = preprocess_pixels(picture, input_, net_.resample());
    if (!pixels) return pixels.error();
    if (status s = prepare(input_.input_size, input_.input_size); !s) return s;
    return answered(net_.forward_u8(plan_, pixels->view(), table_, out, workspace(), options(taps)));
  }
  /// Normalised images. @param out n * output_c(shape()) floats
  [[nodiscard]] status run(nhwc_view<const float> images, span<float> out,
                           const feature_taps* taps = nullptr) {
    if (status s = prepare(images.h, images.w); !s) return s;
    return answered(net_.forward(plan_, images, out, workspace(), options(taps)));
  }
  /// Pictures, each with the bits that it has alone; none are fine. All are looked at before the first is
  /// computed, so that one which is refused costs nothing.
  /// @param out n * output_c(shape()) floats
  /// Memory, kept: where there are as many pictures as threads, workspace_bytes(side, side, 1) for each
  /// thread. For the call: the pixels of one input and the scratch of the largest picture for each thread.
  /// Errors: invalid_argument, naming the picture by its index; limit_exceeded, out_of_memory.
  [[nodiscard]] status run(span<const image_view> pictures, span<float> out,
                           const feature_taps* taps = nullptr) {
    auto scratch = checked_scratch(pictures);
    if (!scratch) return scratch.error();
    if (pictures.empty()) return done;
    if (out.size() / static_cast<std::size_t>(output_c(shape())) < pictures.size())
      return error(errc::limit_exceeded, "the outputs of " + std::to_string(pictures.size()) +
                                             " pictures are larger than the address space");
    if (status s = prepare(input_.input_size, input_.input_size); !s) return s;
    return run_checked(pictures, *scratch, out, taps);
  }

 private:
  /// A workspace that is large enough stays. Errors: out_of_memory.
  [[nodiscard]] status reserve(std::size_t bytes) {
    if (workspace_.size() >= bytes) return done;
    aligned_buffer larger(bytes);
    if (larger.data() == nullptr)
      return error(errc::out_of_memory, "no memory for a workspace of " + std::to_string(bytes) + " bytes");
    workspace_ = std::move(larger);
    return done;
  }

  /// Bytes of scratch that each of the pictures can be preprocessed in.
  [[nodiscard]] result<std::size_t> checked_scratch(span<const image_view> pictures) const {
    if (pictures.size() > max_batch_pictures)
      return error(errc::limit_exceeded, std::to_string(pictures.size()) + " pictures at once, at most " +
                                             std::to_string(max_batch_pictures));
    std::size_t most = 0;
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      const image_view& p = pictures[i];
      std::string what;
      if (const errc e = check_picture(p, input_, report_text{what}); e != errc::ok)
        return error(e, what).in("pictures[" + std::to_string(i) + "]");
      const std::size_t bytes = preprocess_scratch_bytes(p.width, p.height, p.format, input_);
      most = bytes > most ? bytes : most;
    }
    return most;
  }

  /// As many pictures as threads or more: each thread takes one at a time, which beats sharing one. Fewer:
  /// they are preprocessed at the same time, and then all threads share every pass.
  [[nodiscard]] status run_checked(span<const image_view> pictures, std::size_t scratch_bytes,
                                   span<float> out, const feature_taps* taps) {
    const int n = static_cast<int>(pictures.size()), side = input_.input_size;
    const bool sharing = n < threads_;
    const int workers = sharing ? n : threads_;
    auto alone = net_.make_plan(side, side, 1);
    if (!alone) return alone.error();
    if (!sharing)
      if (status s = reserve(net_.batch_workspace_bytes(plan_)); !s) return s;
    const std::size_t pixel_bytes = preprocess_output_bytes(input_), bytes = pixel_bytes + scratch_bytes;
    std::vector<unsigned char> memory(static_cast<std::size_t>(workers) * bytes);
    std::vector<errc> codes(pictures.size(), errc::ok);

    const auto forward = [&](const plan& p, int i, const unsigned char* pixels, unsigned char* workspace) {
      const auto outputs = static_cast<std::size_t>(output_c(shape()));
      const feature_taps own = taps_of(shape(), p, taps, i);
      return net_.forward_u8(p, {pixels, side, side}, table_,
                             out.subspan(static_cast<std::size_t>(i) * outputs, outputs),
                             {workspace, p.workspace_bytes()}, options(taps != nullptr ? &own : nullptr));
    };
    shared_counter next;
    auto work = [&](int worker) {
      for (int i; (i = next.take()) < n;) {
        const auto place = static_cast<std::size_t>(sharing ? i : worker);
        unsigned char* const pixels = memory.data() + place * bytes;
        errc e = preprocess_pixels_into(pictures[static_cast<std::size_t>(i)], input_, {pixels, pixel_bytes},
                                        {pixels + pixel_bytes, scratch_bytes}, net_.resample());
        if (e == errc::ok && !sharing)
          e = forward(*alone, i, pixels, workspace_.data() + place * alone->workspace_bytes());
        codes[static_cast<std::size_t>(i)] = e;
      }
    };
    run_tasks(
        pool_, workers, [](void* context, int worker) { (*static_cast<decltype(work)*>(context))(worker); },
        &work);
    for (int i = 0; i < n; ++i) {
      errc e = codes[static_cast<std::size_t>(i)];
      if (e == errc::ok && sharing)
        e = forward(plan_, i, memory.data() + static_cast<std::size_t>(i) * bytes, workspace_.data());
      if (e != errc::ok) return answered(e).error().in("pictures[" + std::to_string(i) + "]");
    }
    return done;
  }

  [[nodiscard]] span<unsigned char> workspace() noexcept { return {workspace_.data(), workspace_.size()}; }
  [[nodiscard]] forward_options options(const feature_taps* taps) const noexcept {
    forward_options how;
    how.threads = pool_;
    how.taps = taps;
    return how;
  }
  [[nodiscard]] static status answered(errc e) {
    if (e != errc::ok) return error(e, std::string("forward: ") + to_string(e));
    return done;
  }

  model_network net_;
  preprocessing input_;
  int threads_;
  executor pool_;
  std::array<float, 768> table_;
  plan plan_;  ///< of 0 x 0 pixels before the first prepare()
  aligned_buffer workspace_;
};

}  // namespace detail
}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_ENGINE_SESSION_HPP
