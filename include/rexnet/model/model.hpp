// SPDX-License-Identifier: MIT
// A model: shape, preprocessing, names and weights, shared by its copies. load.hpp and load_packed.hpp make
// them from files.
#ifndef REXNET_MODEL_MODEL_HPP
#define REXNET_MODEL_MODEL_HPP

#include "rexnet/checkpoint/origin.hpp"
#include "rexnet/core/aligned_buffer.hpp"
#if defined(REXNET_DISPATCH)
#include "rexnet/engine/any_network.hpp"
#else
#include "rexnet/engine/network.hpp"
#endif
#include "rexnet/payload/file/read.hpp"
#include "rexnet/system/file_bytes.hpp"

#include <memory>
#include <string>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// What runs a model: kernels chosen when the program runs, where rexnet_add_dispatch() built some; else
/// those of the instruction set that this translation unit is compiled for. It borrows its weights.
#if defined(REXNET_DISPATCH)
using model_network = any_network;
using model_detector_network = any_detector_network;
#else
using model_network = network<dynamic_config>;
using model_detector_network = detector_network<dynamic_config>;
#endif

namespace detail {

struct model_maker;

/// What every copy of a model shares.
struct model_state {
  packed_header header;
  model_origin origin;
  std::string container;
  file_bytes file;
  aligned_buffer owned;
  span<const float> payload;
};

}  // namespace detail

/// A model, made by load() or load_packed(): immutable, shareable between threads. A copy is another
/// handle of the same weights, which live as long as one of the handles. A move copies, so that a model that
/// was moved from still has its weights. Members of a temporary model give copies; those that would only
/// point into it do not compile.
class model {
 public:
  /// Family, width, classes; of a detector its backbone, without classes.
  /// @{
  [[nodiscard]] const config& shape() const& noexcept { return state_->header.shape; }
  [[nodiscard]] config shape() const&& noexcept { return state_->header.shape; }
  /// @}
  /// Whether it finds boxes: see detector. Else it is a classifier or a backbone.
  [[nodiscard]] bool is_detector() const noexcept { return state_->header.ssd.classes > 0; }
  /// The whole detector; its classes are 0 where the model is none.
  [[nodiscard]] detector_config detector_shape() const noexcept {
    return join(state_->header.shape, state_->header.ssd);
  }
  /// How its pictures are prepared; origin().input_from says where that comes from.
  /// @{
  [[nodiscard]] const preprocessing& input() const& noexcept { return state_->header.input; }
  [[nodiscard]] preprocessing input() const&& noexcept { return state_->header.input; }
  /// @}
  /// One name per class, of a detector the background excepted; empty where there are none.
  /// @{
  [[nodiscard]] const std::vector<std::string>& labels() const& noexcept { return state_->header.labels; }
  [[nodiscard]] std::vector<std::string> labels() const&& { return state_->header.labels; }
  /// @}
  /// All that the file says beside its weights.
  /// @{
  [[nodiscard]] const packed_header& header() const& noexcept { return state_->header; }
  [[nodiscard]] packed_header header() const&& { return state_->header; }
  /// @}
  /// "packed", or checkpoint::container().
  /// @{
  [[nodiscard]] const std::string& container() const& noexcept { return state_->container; }
  [[nodiscard]] std::string container() const&& { return state_->container; }
  /// @}
  /// Where its weights, preprocessing and names come from, and what was left out.
  /// @{
  [[nodiscard]] const model_origin& origin() const& noexcept { return state_->origin; }
  [[nodiscard]] model_origin origin() const&& { return state_->origin; }
  /// @}

  /// The packed payload, payload_numbers(header()) floats, 64-byte aligned. It is borrowed: keep the model.
  [[nodiscard]] span<const float> payload() const& noexcept { return state_->payload; }
  [[nodiscard]] span<const float> payload() const&& = delete;
  /// The network on these weights, which it borrows: keep the model. Of a detector its backbone, which gives
  /// features.
  [[nodiscard]] model_network net() const& noexcept { return {shape(), state_->payload.data()}; }
  [[nodiscard]] model_network net() const&& = delete;
  /// The whole detector, likewise. Precondition: is_detector().
  [[nodiscard]] model_detector_network detector_net() const& noexcept {
    return {detector_shape(), state_->payload.data()};
  }
  [[nodiscard]] model_detector_network detector_net() const&& = delete;

  /// Without weights, to be assigned to: sessions, classifiers, extractors and detectors refuse it.
  model() : state_(std::make_shared<detail::model_state>()) {}
  /// Another handle of the same weights.
  /// @{
  model(const model&) noexcept = default;
  model& operator=(const model&) noexcept = default;
  /// @}
  ~model() = default;

 private:
  friend struct detail::model_maker;
  std::shared_ptr<detail::model_state> state_;  ///< changed by model_maker alone, before there is a copy
};

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_MODEL_MODEL_HPP
