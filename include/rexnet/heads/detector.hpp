// SPDX-License-Identifier: MIT
// Pictures in, boxes out: torchvision's SSDLite pipeline around a detector's network.
#ifndef REXNET_HEADS_DETECTOR_HPP
#define REXNET_HEADS_DETECTOR_HPP

#include "rexnet/core/checked.hpp"
#include "rexnet/heads/ssd.hpp"
#include "rexnet/image/resize_normalised.hpp"
#include "rexnet/model/model.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// Finds things in pictures: a detector model at work, with its memory and threads. It keeps the model's
/// weights alive, so it may be made of a temporary model; of load(bytes) and load_packed(bytes), which
/// borrow, the caller keeps the bytes. One per thread: no two calls at a time.
///
/// A picture becomes the network's input (normalised, then resized to settings().input_h x input_w, whatever
/// its aspect), the network's outputs become boxes in pixels of the picture. A picture's boxes have the same
/// bits for every number of threads, alone and among others. The boxes of one picture allocate nothing. A
/// detector that was moved from may be used again: it has its weights and makes new memory.
class detector {
 public:
  /// @param input   of which mean and standard deviation count
  /// @param how     size of the input, anchors, thresholds
  /// @param threads 1 to max_threads, of `pool` or of OpenMP
  /// Errors: invalid_argument (no weights, preprocessing, settings, threads), unsupported (not a detector, no
  /// kernels for this CPU), limit_exceeded, out_of_memory.
  [[nodiscard]] static result<detector> make(const model& m, const preprocessing& input,
                                             const detector_settings& how, int threads = 1,
                                             const executor& pool = {}) {
    if (m.payload().data() == nullptr)
      return error(errc::invalid_argument, "the model has no weights: it was not loaded");
    if (!m.is_detector())
      return error(errc::unsupported, "the model is not a detector: it has no heads that predict boxes");
    std::string what;
    const detail::report_text says{what};
    if (const errc e = detail::check_preprocessing(input, says); e != errc::ok) return error(e, what);
    if (const errc e = detail::check_settings(how, says); e != errc::ok) return error(e, what);
    detector d(m, input, how, threads, pool);
    auto shared = d.net_.make_plan(how.input_h, how.input_w, threads);
    if (!shared) return shared.error();
    auto alone = d.net_.make_plan(how.input_h, how.input_w, 1);
    if (!alone) return alone.error();
    if (shared->rows > max_ssd_rows)
      return error(errc::limit_exceeded, "an input of " + std::to_string(how.input_w) + " x " +
                                             std::to_string(how.input_h) + " pixels gives " +
                                             std::to_string(shared->rows) + " rows of outputs, at most " +
                                             std::to_string(max_ssd_rows));
    d.shared_ = *shared, d.alone_ = *alone;
    d.places_ = places(d.net_.shape(), how, d.shared_, d.alone_);
    if (status s = d.reserve(1); !s) return s.error();
    return d;
  }
  /// The same with the model's own mean and deviation, and with its own settings.
  /// @{
  [[nodiscard]] static result<detector> make(const model& m, const detector_settings& how, int threads = 1,
                                             const executor& pool = {}) {
    return make(m, m.input(), how, threads, pool);
  }
  [[nodiscard]] static result<detector> make(const model& m, int threads = 1, const executor& pool = {}) {
    return make(m, m.input(), m.header().settings, threads, pool);
  }
  /// @}

  /// Backbone, classes (with the background). Valid as long as the detector.
  [[nodiscard]] const detector_config& shape() const& noexcept { return net_.shape(); }
  [[nodiscard]] const detector_config& shape() const&& = delete;
  /// Size of the input, anchors, thresholds.
  [[nodiscard]] const detector_settings& settings() const& noexcept { return settings_; }
  [[nodiscard]] const detector_settings& settings() const&& = delete;
  /// Threads of a pass, at most.
  [[nodiscard]] int threads() const noexcept { return threads_; }
  /// Name of the kernels' set.
  [[nodiscard]] const char* instruction_set() const noexcept { return net_.instruction_set(); }

  /// What is in a picture, the most probable first; boxes in its pixels, not beyond its borders but for
  /// rounding. Valid until the next call.
  /// @param picture any size and format: sides of 1 to 65536 pixels
  /// Errors: invalid_argument (no pixels, sides, stride).
  [[nodiscard]] result<span<const detection>> detect(const image_view& picture) {
    if (status s = reserve(1); !s) return s.error();
    std::string what;
    if (const errc e = detail::check_pixels(picture, detail::report_text{what}); e != errc::ok)
      return error(e, what);
    span<detection> found;
    if (const errc e = run(shared_, picture, pool_, slot(0), found); e != errc::ok)
      return answered(e).error();
    return span<const detection>(found.data(), found.size());
  }
  /// The same of many, each with the bits that it has alone; none are fine. All are looked at before the
  /// first is computed. Each thread takes a picture at a time; of fewer pictures than threads each is shared.
  /// Memory, kept: what one picture needs, for each thread.
  /// Errors: invalid_argument, naming the picture by its index ("pictures[3]: ..."); out_of_memory.
  [[nodiscard]] result<std::vector<std::vector<detection>>> detect(span<const image_view> pictures) {
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      std::string what;
      if (const errc e = detail::check_pixels(pictures[i], detail::report_text{what}); e != errc::ok)
        return error(e, what).in("pictures[" + std::to_string(i) + "]");
    }
    std::vector<std::vector<detection>> all(pictures.size());
    const bool sharing = pictures.size() < static_cast<std::size_t>(threads_);
    const std::size_t at_a_time = sharing ? 1 : static_cast<std::size_t>(threads_);
    if (status s = reserve(static_cast<int>(at_a_time)); !s) return s.error();
    // The workers allocate nothing: what they found is copied when all of them are done.
    struct answer {
      errc code = errc::ok;
      span<detection> found;
    };
    std::vector<answer> answers(at_a_time);
    for (std::size_t first = 0; first < pictures.size(); first += at_a_time) {
      const std::size_t n = (std::min)(at_a_time, pictures.size() - first);
      auto work = [&](int worker) {
        const auto i = static_cast<std::size_t>(worker);
        answers[i].code = run(sharing ? shared_ : alone_, pictures[first + i], sharing ? pool_ : executor(),
                              slot(worker), answers[i].found);
      };
      if (sharing)
        work(0);
      else
        detail::run_tasks(
            pool_, static_cast<int>(n),
            [](void* context, int worker) { (*static_cast<decltype(work)*>(context))(worker); }, &work);
      for (std::size_t i = 0; i < n; ++i) {
        if (answers[i].code != errc::ok)
          return answered(answers[i].code).error().in("pictures[" + std::to_string(first + i) + "]");
        all[first + i].assign(answers[i].found.begin(), answers[i].found.end());
      }
    }
    return all;
  }

  /// Rows of the raw outputs of inputs of h x w pixels.
  [[nodiscard]] std::int64_t rows(int h, int w) const noexcept { return detector_rows(net_.shape(), h, w); }
  /// The network's raw outputs for normalised images of any size, without resize, softmax and suppression.
  /// @param images [n][h][w][3], any strides; n may be 0
  /// @param logits [n][rows(h, w)][shape().classes]
  /// @param codes  [n][rows(h, w)][4]
  /// Memory: the workspace of that size, made for each call.
  /// Errors: invalid_argument (null data, a side beyond 1 .. 16384), shape_mismatch (not three channels, too
  /// few floats), limit_exceeded, out_of_memory.
  [[nodiscard]] status run(nhwc_view<const float> images, span<float> logits, span<float> codes) {
    auto p = net_.make_plan(images.h, images.w, threads_);
    if (!p) return p.error();
    const auto room = [&](const span<float>& given, int numbers, const char* name) -> status {
      const auto n = static_cast<std::uint64_t>((std::max)(images.n, 0));
      const checked needed =
          checked(n) * static_cast<std::uint64_t>(p->rows) * static_cast<std::uint64_t>(numbers);
      if (needed.at_most(given.size())) return done;
      return error(errc::shape_mismatch, std::string(name) + " of " + std::to_string(given.size()) +
                                             " floats, " + std::to_string(n) + " images of " +
                                             std::to_string(images.w) + " x " + std::to_string(images.h) +
                                             " pixels need " + std::to_string(needed.get()));
    };
    if (status s = room(logits, net_.shape().classes, "logits"); !s) return s;
    if (status s = room(codes, 4, "codes"); !s) return s;
    aligned_buffer workspace(p->workspace_bytes());
    if (workspace.data() == nullptr) return no_memory(p->workspace_bytes());
    return answered(net_.forward(*p, images, logits, codes, {workspace.data(), workspace.size()}, pool_));
  }

 private:
  /// Where the parts of one picture's memory lie, in bytes.
  struct memory_places {
    std::size_t input = 0, scratch = 0, logits = 0, codes = 0, counts = 0, candidates = 0, bytes = 0;
    bool fits = true;
  };
  [[nodiscard]] static memory_places places(const detector_config& d, const detector_settings& s,
                                            const detector_plan& shared, const detector_plan& alone) {
    memory_places m;
    const std::size_t workspace = (std::max)(shared.workspace_bytes(), alone.workspace_bytes());
    const auto rows = static_cast<std::uint64_t>(shared.rows),
               pixels = static_cast<std::uint64_t>(s.input_h) * static_cast<std::uint64_t>(s.input_w);
    checked next = checked(workspace);
    const auto take = [&next, &m](checked bytes) {
      const std::uint64_t at = round_up(next.get(), 64);
      next = checked(at) + bytes;
      m.fits = m.fits && next.at_most(static_cast<std::size_t>(-1) / 4);
      return static_cast<std::size_t>(at);
    };
    m.input = take(checked(pixels) * 12);
    m.scratch = take(checked(resize_normalised_scratch(s.input_w)) * 4);
    m.logits = take(checked(rows) * static_cast<std::uint64_t>(d.classes) * 4);
    m.codes = take(checked(rows) * 16);
    m.counts = take(checked(static_cast<std::uint64_t>(d.classes)) * sizeof(int));
    m.candidates =
        take(checked(ssd_candidates(static_cast<std::size_t>(rows), d.classes, s.boxes)) * sizeof(detection));
    m.bytes = static_cast<std::size_t>(round_up(next.get(), 64));
    return m;
  }

  detector(const model& m, const preprocessing& input, const detector_settings& how, int threads,
           const executor& pool)
      : model_(m),
        net_(model_.detector_net()),
        settings_(how),
        threads_(threads),
        pool_(pool),
        table_(normalise_table(input)) {}

  /// Memory for `pictures` at the same time. Errors: out_of_memory.
  [[nodiscard]] status reserve(int pictures) {
    const std::uint64_t of_anchors = anchor_bytes();
    const checked bytes = checked(places_.bytes) * static_cast<std::uint64_t>(pictures) + of_anchors;
    if (!places_.fits || !bytes.at_most(static_cast<std::size_t>(-1) / 2)) return no_memory(bytes.get());
    if (memory_.size() >= bytes.get()) return done;
    aligned_buffer larger(static_cast<std::size_t>(bytes.get()));
    if (larger.data() == nullptr) return no_memory(bytes.get());
    memory_ = std::move(larger);
    return answered(ssd_anchors(ssd_shape_of(net_.shape(), settings_.input_h, settings_.input_w), anchors(),
                                settings_.anchors));
  }
  /// The anchors come first in the memory, then a slot for each picture at a time.
  [[nodiscard]] std::uint64_t anchor_bytes() const noexcept {
    return round_up(static_cast<std::uint64_t>(shared_.rows) * sizeof(box), 64);
  }
  [[nodiscard]] span<box> anchors() const noexcept {
    return {reinterpret_cast<box*>(const_cast<unsigned char*>(memory_.data())),
            static_cast<std::size_t>(shared_.rows)};
  }
  [[nodiscard]] unsigned char* slot(int i) noexcept {
    return memory_.data() + anchor_bytes() + static_cast<std::size_t>(i) * places_.bytes;
  }
  [[nodiscard]] static error no_memory(std::uint64_t bytes) {
    return error(errc::out_of_memory, "no memory for " + std::to_string(bytes) + " bytes of workspace");
  }
  [[nodiscard]] static status answered(errc e) {
    if (e != errc::ok) return error(e, std::string("detector: ") + to_string(e));
    return done;
  }

  /// One picture in one slot.
  [[nodiscard]] errc run(const detector_plan& p, const image_view& picture, const executor& pool,
                         unsigned char* memory, span<detection>& found) const noexcept {
    const int h = settings_.input_h, w = settings_.input_w, classes = net_.shape().classes;
    const auto floats = [memory](std::size_t at, std::size_t n) {
      return span<float>(reinterpret_cast<float*>(memory + at), n);
    };
    const auto rows = static_cast<std::size_t>(p.rows);
    const span<float> input = floats(places_.input,
                                     3 * static_cast<std::size_t>(h) * static_cast<std::size_t>(w)),
                      logits = floats(places_.logits, rows * static_cast<std::size_t>(classes)),
                      codes = floats(places_.codes, rows * 4);
    if (const errc e = resize_normalised(picture, {table_.data(), table_.size()}, h, w, input,
                                         floats(places_.scratch, resize_normalised_scratch(w)));
        e != errc::ok)
      return e;
    if (const errc e =
            net_.forward(p, {input.data(), 1, h, w, 3}, logits, codes, {memory, p.workspace_bytes()}, pool);
        e != errc::ok)
      return e;
    const span<detection> candidates(reinterpret_cast<detection*>(memory + places_.candidates),
                                     ssd_candidates(rows, classes, settings_.boxes));
    const span<int> counts(reinterpret_cast<int*>(memory + places_.counts),
                           static_cast<std::size_t>(classes));
    std::size_t n = 0;
    const errc e = ssd_detections({logits.data(), codes.data(), rows, classes}, anchors(), h, w,
                                  settings_.boxes, counts, candidates, n);
    if (e != errc::ok) return e;
    found = candidates.subspan(0, n);
    scale_boxes(found, h, w, picture.height, picture.width);
    return errc::ok;
  }

  model model_;  ///< for its weights, which net_ borrows
  model_detector_network net_;
  detector_settings settings_;
  int threads_;
  executor pool_;
  std::array<float, 768> table_;  ///< normalise_table() of mean and deviation
  detector_plan shared_, alone_;  ///< on all threads, and on one
  memory_places places_;
  aligned_buffer memory_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_HEADS_DETECTOR_HPP
