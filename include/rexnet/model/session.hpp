// SPDX-License-Identifier: MIT
// Pictures and images of any size through a model, alone or many at once: the one place that owns plan,
// workspace and threads. classifier, feature_extractor, the C interface and the command are made of it.
#ifndef REXNET_MODEL_SESSION_HPP
#define REXNET_MODEL_SESSION_HPP

#include "rexnet/image/preprocess.hpp"
#include "rexnet/model/model.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// A batch may have at most this many pictures.
inline constexpr std::size_t max_batch_pictures = std::size_t{1} << 30;

/// A model at work: its network, how pictures are prepared, the threads, and plan and workspace for one size
/// of input at a time. It gives the network's outputs as they are; classifier and feature_extractor make
/// answers of them. It keeps the model's weights alive, so it may be made of a temporary model; of
/// load(bytes) and load_packed(bytes), which borrow, the caller keeps the bytes. One per thread: no two calls
/// at a time. A session that was moved from may be used again: it has its weights and makes a new workspace.
///
/// The outputs of an image are output_c(shape()) floats: logits, or features where the model has no
/// classifier. `out` takes those of n images one after the other. They have the same bits for every number of
/// threads, and for an image alone and in a batch.
///
/// All run() take forward_options for taps and observer; `how.threads` is not used, the session's executor
/// is. Their errors: shape_mismatch (out has room for fewer images), unsupported (no kernels for this CPU),
/// limit_exceeded, out_of_memory (the workspace of a size that was not prepared).
class session {
 public:
  /// Reserves nothing: prepare() does, or the first run().
  /// @param input   how pictures are prepared
  /// @param threads 1 to max_threads, of `pool` or of OpenMP
  /// Errors: invalid_argument (no weights, preprocessing, threads), unsupported (no kernels for this CPU).
  [[nodiscard]] static result<session> make(const model& m, const preprocessing& input, int threads = 1,
                                            const executor& pool = {}) {
    std::string what;
    if (const errc e = detail::check_preprocessing(input, detail::report_text{what}); e != errc::ok)
      return error(e, what);
    session s(m, input, threads, pool);
    if (!s.net_.has_weights())
      return error(errc::invalid_argument, "the model has no weights: it was not loaded");
    if (auto any = s.plan_for(1, 1); !any) return any.error();  // threads and kernels
    return s;
  }
  /// The same with the model's own preprocessing.
  [[nodiscard]] static result<session> make(const model& m, int threads = 1, const executor& pool = {}) {
    return make(m, m.input(), threads, pool);
  }

  /// Family, width, classes. Valid as long as the session, as are input() and net().
  [[nodiscard]] const config& shape() const& noexcept { return net_.shape(); }
  [[nodiscard]] const config& shape() const&& = delete;
  /// How pictures are prepared.
  [[nodiscard]] const preprocessing& input() const& noexcept { return input_; }
  [[nodiscard]] const preprocessing& input() const&& = delete;
  /// The network on the model's weights.
  [[nodiscard]] const model_network& net() const& noexcept { return net_; }
  [[nodiscard]] const model_network& net() const&& = delete;
  /// Threads of a pass, at most.
  [[nodiscard]] int threads() const noexcept { return threads_; }

  /// The plan of images of h x w pixels on the session's threads: bytes of workspace, sizes of all maps.
  /// Errors: those of basic_network::make_plan().
  [[nodiscard]] result<plan> plan_for(int h, int w) const { return net_.make_plan(h, w, threads_); }

  /// Makes ready for images of h x w pixels: the next run() of that size allocates no workspace. The
  /// workspace grows where that is needed and never shrinks. Errors: those of plan_for(), out_of_memory.
  [[nodiscard]] status prepare(int h, int w) {
    if (plan_.h == h && plan_.w == w && workspace_.data() != nullptr) return done;
    auto made = plan_for(h, w);
    if (!made) return made.error();
    if (status s = reserve(made->workspace_bytes()); !s) return s;
    plan_ = *made;
    return done;
  }
  /// The same for pictures, which become input().input_size pixels high and wide.
  [[nodiscard]] status prepare() { return prepare(input_.input_size, input_.input_size); }
  /// The same for batches of normalised images, of which each thread takes one at a time: faster than sharing
  /// each, for a workspace of plan.workspace_bytes() on one thread for each of the threads.
  [[nodiscard]] status prepare_batch(int h, int w) {
    if (status s = prepare(h, w); !s) return s;
    return reserve(net_.batch_workspace_bytes(plan_));
  }

  /// The pixels that the network sees of a picture of any size: resized and cropped, not yet normalised.
  /// Errors: those of preprocess_pixels().
  [[nodiscard]] result<rgb_image> pixels_of(const image_view& picture) const {
    return preprocess_pixels(picture, input_, net_.resample());
  }

  /// A picture of any size and format, preprocessed. Errors: also those of preprocess_pixels().
  /// @param out output_c(shape()) floats
  [[nodiscard]] status run(const image_view& picture, span<float> out, const forward_options& how = {}) {
    auto pixels = pixels_of(picture);
    if (!pixels) return pixels.error();
    return run_pixels(pixels->view(), out, how);
  }
  /// Pixels as pixels_of() gives them: normalised on the way, not resized. Any size from 1 x 1 to 16384 x
  /// 16384. Errors: also invalid_argument (null data, a side beyond that).
  /// @param out output_c(shape()) floats
  [[nodiscard]] status run_pixels(const image_view& pixels, span<float> out,
                                  const forward_options& how = {}) {
    if (status s = prepare(pixels.height, pixels.width); !s) return s;
    return answered(net_.forward_u8(plan_, pixels, table_, out, workspace(), with_threads(how)));
  }
  /// Normalised images, [n][h][w][3] of any strides and any size; n may be 0. Errors: also invalid_argument
  /// (null data, a side beyond 1 .. 16384), shape_mismatch (not three channels).
  /// @param out n * output_c(shape()) floats
  [[nodiscard]] status run(nhwc_view<const float> images, span<float> out, const forward_options& how = {}) {
    if (status s = prepare(images.h, images.w); !s) return s;
    return answered(net_.forward(plan_, images, out, workspace(), with_threads(how)));
  }
  /// Pictures, each with the bits that it has alone; none are fine. All are looked at before the first is
  /// computed, so that one which is refused costs nothing.
  /// @param out n * output_c(shape()) floats
  /// @param how its observer is not called where a thread takes a picture at a time
  /// Memory, kept: where there are as many pictures as threads, workspace_bytes(side, side, 1) for each
  /// thread. For the call: the pixels of one input and the scratch of the largest picture for each thread.
  /// Errors: invalid_argument, naming the picture by its index; limit_exceeded, out_of_memory.
  [[nodiscard]] status run(span<const image_view> pictures, span<float> out,
                           const forward_options& how = {}) {
    auto scratch = checked_scratch(pictures);
    if (!scratch) return scratch.error();
    if (pictures.empty()) return done;
    if (out.size() / static_cast<std::size_t>(output_c(shape())) < pictures.size())
      return error(errc::limit_exceeded, "the outputs of " + std::to_string(pictures.size()) +
                                             " pictures are larger than the address space");
    if (status s = prepare(); !s) return s;
    return run_checked(pictures, *scratch, out, how);
  }

 private:
  session(const model& m, const preprocessing& input, int threads, const executor& pool)
      : model_(m),
        net_(model_.net()),
        input_(input),
        threads_(threads),
        pool_(pool),
        table_(normalise_table(input)) {}

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
      const image_view& picture = pictures[i];
      std::string what;
      if (const errc e = detail::check_picture(picture, input_, detail::report_text{what}); e != errc::ok)
        return error(e, what).in("pictures[" + std::to_string(i) + "]");
      const std::size_t bytes =
          preprocess_scratch_bytes(picture.width, picture.height, picture.format, input_);
      most = bytes > most ? bytes : most;
    }
    return most;
  }

  /// As many pictures as threads or more: each thread takes one at a time, which beats sharing one. Fewer:
  /// they are preprocessed at the same time, and then all threads share every pass.
  [[nodiscard]] status run_checked(span<const image_view> pictures, std::size_t scratch_bytes,
                                   span<float> out, const forward_options& how) {
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

    const auto forward = [&](const plan& of, int i, const unsigned char* pixels, unsigned char* workspace) {
      const auto outputs = static_cast<std::size_t>(output_c(shape()));
      const feature_taps taps = detail::taps_of(shape(), of, how.taps, i);
      forward_options mine = with_threads(how);
      if (how.taps != nullptr) mine.taps = &taps;
      if (!sharing) mine.observer = {};
      return net_.forward_u8(of, {pixels, side, side}, table_,
                             out.subspan(static_cast<std::size_t>(i) * outputs, outputs),
                             {workspace, of.workspace_bytes()}, mine);
    };
    detail::shared_counter next;
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
    detail::run_tasks(
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
  [[nodiscard]] forward_options with_threads(forward_options how) const noexcept {
    how.threads = pool_;
    return how;
  }
  [[nodiscard]] static status answered(errc e) {
    if (e != errc::ok) return error(e, std::string("forward: ") + to_string(e));
    return done;
  }

  model model_;  ///< for its weights, which net_ borrows
  model_network net_;
  preprocessing input_;
  int threads_;
  executor pool_;
  std::array<float, 768> table_;  ///< normalise_table() of input_
  plan plan_;                     ///< of 0 x 0 pixels before the first prepare()
  aligned_buffer workspace_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_MODEL_SESSION_HPP
