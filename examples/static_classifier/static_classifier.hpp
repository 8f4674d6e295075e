// SPDX-License-Identifier: MIT
// A classifier for one model and one camera, without heap, exceptions, threads or files: all memory is
// static, its sizes are compile-time constants. The programs in bare_metal/ and embedded_linux/ are built on
// it.
#ifndef REXNET_EXAMPLES_STATIC_CLASSIFIER_HPP
#define REXNET_EXAMPLES_STATIC_CLASSIFIER_HPP

#include <rexnet/embedded.hpp>

#include <cstddef>
#include <string_view>

/// Largest picture of the camera, RGB.
inline constexpr int camera_width = 400, camera_height = 400;

/// Checks the packed file, which must outlive the classifier's use, and expands its weights if they are
/// float16. @return ok, what open_packed() says, or shape_mismatch: not the network that this is made for
[[nodiscard]] rexnet::errc load_model(rexnet::byte_span file) noexcept;

struct answer {
  std::string_view label;  ///< empty where the model has no labels
  float probability = 0;
};

/// The most probable class. Precondition: load_model() was ok.
/// @return ok, or what preprocess_pixels_into() says of a picture that is not the camera's
[[nodiscard]] rexnet::errc classify(const rexnet::image_view& picture, answer& best) noexcept;

/// Bytes of static memory that this takes: weights, workspace, scratch and pixels.
[[nodiscard]] std::size_t static_memory() noexcept;

#endif  // REXNET_EXAMPLES_STATIC_CLASSIFIER_HPP
