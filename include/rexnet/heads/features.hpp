// SPDX-License-Identifier: MIT
// A model as a backbone: the maps that detectors and segmenters take, the head's map, and the vectors before
// the classifier. Names as in timm: features_only, forward_features, forward_head(pre_logits=True).
#ifndef REXNET_HEADS_FEATURES_HPP
#define REXNET_HEADS_FEATURES_HPP

#include "rexnet/core/checked.hpp"
#include "rexnet/model/session.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// One map of a backbone: the last one of its resolution. Its pixel (y, x) looks around pixel
/// (stride * y, stride * x) of the input.
struct feature_stage {
  int stride = 0;  ///< input pixels per pixel of the map, in each direction: 2, 4, 8, 16 or 32
  int block = 0;   ///< whose output it is, 0 to config::block_count - 1
  int h = 0;       ///< rows
  int w = 0;       ///< columns
  int c = 0;       ///< channels; 0: the network has no such stage
};

inline constexpr int feature_stage_count = 5;

/// The five stages for an input of h x w pixels: the output of the block before each one that halves the map,
/// and of the last block, as timm's features_only=True gives them. These outputs are linear: no activation
/// follows the project convolution. A network that halves its maps less often has fewer stages, which come
/// first; of one that does so more often these are the first five. Precondition: h, w >= 1.
[[nodiscard]] constexpr std::array<feature_stage, feature_stage_count> feature_stages(const config& c, int h,
                                                                                      int w) noexcept {
  std::array<feature_stage, feature_stage_count> stages{};
  std::size_t next = 0;
  int stride = 2;
  h = strided(h, 2), w = strided(w, 2);
  for (int i = 0; i < c.block_count; ++i) {
    const block_config& b = c.blocks[i];
    h = strided(h, b.stride), w = strided(w, b.stride), stride *= b.stride;
    const bool last = i + 1 == c.block_count || c.blocks[i + 1].stride == 2;
    if (last && next < stages.size()) stages[next++] = {stride, i, h, w, b.out_c};
  }
  return stages;
}

/// A batch of maps that owns its floats.
struct feature_map {
  int n = 0;                ///< images
  int h = 0;                ///< rows
  int w = 0;                ///< columns
  int c = 0;                ///< channels
  std::vector<float> data;  ///< [n][h][w][c]; empty when it was not asked for

  /// Valid as long as the map stays as it is; not of a temporary.
  [[nodiscard]] nhwc_view<const float> view() const& noexcept { return {data.data(), n, h, w, c}; }
  [[nodiscard]] nhwc_view<const float> view() const&& = delete;
};

/// What a backbone gives for n images.
struct feature_maps {
  int n = 0;                                            ///< images
  std::array<feature_map, feature_stage_count> stages;  ///< of feature_stages()
  feature_map head;           ///< after the last 1x1 convolution and its activation: timm's forward_features
  std::vector<float> pooled;  ///< [n][head_c]: the head's mean over its pixels
  std::vector<float> features;  ///< [n][feature_c(config)]: what the classifier sees (pre-logits)
  std::vector<float> logits;    ///< [n][classes]; empty for a backbone without classifier
};

/// Which maps to make. The vectors cost nothing and always come.
struct feature_choice {
  bool stages = true;  ///< copies of the five stages
  bool head = true;    ///< computes the last 1x1 convolution twice: without taps its map never exists
};

/// Maps and vectors of pictures: like classifier, a session and what is made of its outputs. One per thread.
class feature_extractor {
 public:
  /// @param threads 1 to max_threads, of `pool` or of OpenMP
  /// Errors: those of classifier::make().
  [[nodiscard]] static result<feature_extractor> make(const model& m, const preprocessing& input,
                                                      int threads = 1, const executor& pool = {}) {
    auto made = session::make(m, input, threads, pool);
    if (!made) return made.error();
    if (status s = made->prepare(); !s) return s.error();
    return feature_extractor(*std::move(made));
  }
  /// The same with the model's own preprocessing.
  [[nodiscard]] static result<feature_extractor> make(const model& m, int threads = 1,
                                                      const executor& pool = {}) {
    return make(m, m.input(), threads, pool);
  }

  /// Of a picture of any size, resized and cropped as for classification. Errors: those of
  /// preprocess_pixels().
  [[nodiscard]] result<feature_maps> extract(const image_view& picture, const feature_choice& choice = {}) {
    const int side = session_.input().input_size;
    return collect(1, side, side, choice, picture);
  }
  /// The same of many, computed as classifier::logits() does it; an empty batch has empty maps.
  /// Errors: those of classifier::logits() of many pictures.
  [[nodiscard]] result<feature_maps> extract(span<const image_view> pictures,
                                             const feature_choice& choice = {}) {
    if (pictures.size() > max_batch_pictures)
      return error(errc::limit_exceeded, std::to_string(pictures.size()) + " pictures at once");
    const int side = session_.input().input_size;
    return collect(static_cast<int>(pictures.size()), side, side, choice, pictures);
  }

  /// Of images that are normalised already, [n][h][w][3] of any strides and any size: nothing is resized. The
  /// workspace is kept for the size of the last call and grows where that needs more. n may be 0.
  /// Errors: invalid_argument (null data, a side beyond 1 .. 16384), shape_mismatch (not three channels),
  /// limit_exceeded, out_of_memory.
  [[nodiscard]] result<feature_maps> extract(nhwc_view<const float> images,
                                             const feature_choice& choice = {}) {
    if (images.n < 0)
      return error(errc::invalid_argument, "a batch of " + std::to_string(images.n) + " images");
    if (status s = session_.prepare(images.h, images.w); !s) return s.error();  // before maps of that size
    if (images.c != 3)
      return error(errc::shape_mismatch,
                   "images of " + std::to_string(images.c) + " channels: 3 are expected");
    if (images.data == nullptr && images.n > 0)
      return error(errc::invalid_argument, "images: no data (null pointer)");
    return collect(images.n, images.h, images.w, choice, images);
  }

 private:
  explicit feature_extractor(session made) : session_(std::move(made)) {}

  /// Runs `input`, whose n images reach the network with h x w pixels, and taps what was chosen.
  template <class Input>
  [[nodiscard]] result<feature_maps> collect(int n, int h, int w, const feature_choice& choice,
                                             const Input& input) {
    const config& c = session_.shape();
    const auto stages = feature_stages(c, h, w);
    feature_maps out;
    out.n = n;
    feature_taps taps;
    bool fits = true;  // small pictures have large maps: many of them pass a 32-bit address space
    const auto sized = [n, &fits](int floats, int rows = 1, int columns = 1) {
      const checked all = checked(static_cast<std::uint64_t>(n)) * static_cast<std::uint64_t>(floats) *
                          static_cast<std::uint64_t>(rows) * static_cast<std::uint64_t>(columns);
      const bool good = all.at_most(static_cast<std::size_t>(-1) / 2 / sizeof(float));
      fits = fits && good;
      return good ? static_cast<std::size_t>(all.get()) : std::size_t{0};
    };
    const auto tap = [&sized, n](feature_map& map, int mh, int mw, int mc) {
      map.n = n, map.h = mh, map.w = mw, map.c = mc;
      map.data.resize(sized(mc, mh, mw));
      return map.data.data();
    };
    for (std::size_t i = 0; choice.stages && i < stages.size() && stages[i].c > 0; ++i)
      taps.blocks[stages[i].block] = tap(out.stages[i], stages[i].h, stages[i].w, stages[i].c);
    if (choice.head) taps.head = tap(out.head, last_side(c, h), last_side(c, w), c.head_c);
    out.pooled.resize(sized(c.head_c));
    out.features.resize(sized(feature_c(c)));
    out.logits.resize(sized(output_c(c)));
    if (!fits)
      return error(errc::limit_exceeded,
                   "the maps of " + std::to_string(n) + " images are larger than the address space");
    taps.pooled = out.pooled.data();
    taps.features = out.features.data();
    forward_options how;
    how.taps = &taps;
    if (status s = session_.run(input, out.logits, how); !s) return s.error();
    if (c.classes == 0) out.logits.clear();
    return out;
  }

  session session_;
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_HEADS_FEATURES_HPP
