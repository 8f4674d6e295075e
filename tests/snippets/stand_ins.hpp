// SPDX-License-Identifier: MIT
// What the documents' fragments take for granted: a loaded model and a picture in memory.
#ifndef REXNET_TESTS_SNIPPETS_STAND_INS_HPP
#define REXNET_TESTS_SNIPPETS_STAND_INS_HPP

#include <rexnet/rexnet.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace stand_ins {

/// Your picture: RGB bytes, row after row.
inline constexpr int width = 64, height = 48;
inline const std::vector<std::uint8_t> picture_bytes(width* height * 3, 100);
inline const std::uint8_t* const pixels = picture_bytes.data();
inline const rexnet::image_view picture(pixels, width, height);

/// The bundled model, 112 pixels, ten classes; the test's folder has it under this name.
inline const rexnet::model model = rexnet::load("model.rexnet").value();

}  // namespace stand_ins

#endif  // REXNET_TESTS_SNIPPETS_STAND_INS_HPP
