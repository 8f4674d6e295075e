// SPDX-License-Identifier: MIT
#include "static_classifier.hpp"

namespace {

using shape = rexnet::static_config<rexnet::family::v1, 100, 10>;
using network = rexnet::network<shape>;

/// What the model was packed with; load_model() compares.
constexpr rexnet::preprocessing input = [] {
  rexnet::preprocessing p;
  p.input_size = 112;
  return p;
}();
constexpr int side = input.input_size;
constexpr auto format = rexnet::pixel_format::rgb;
constexpr rexnet::plan plan = rexnet::make_plan(shape::value, side, side, /*threads=*/1);
constexpr std::array<float, 768> table = rexnet::normalise_table(input);

alignas(64) float weights[network::packed_floats()];  // not needed for a float32 file
alignas(64) unsigned char workspace[network::workspace_bytes(side, side, /*threads=*/1)];
unsigned char scratch[rexnet::preprocess_scratch_bytes(camera_width, camera_height, format, input)];
std::uint8_t pixels[rexnet::preprocess_output_bytes(input)];

rexnet::packed_view model;
const float* payload = weights;

}  // namespace

rexnet::errc load_model(rexnet::byte_span file) noexcept {
  if (const rexnet::errc e = rexnet::open_packed(file, rexnet::check::full, shape::value, model);
      e != rexnet::errc::ok)
    return e;
  if (model.input.input_size != side || model.input.crop_pct != input.crop_pct ||
      model.input.mean != input.mean || model.input.std != input.std)
    return rexnet::errc::shape_mismatch;
  payload = model.floats() != nullptr ? model.floats() : weights;
  return model.floats() != nullptr ? rexnet::errc::ok : rexnet::expand_half(model.payload, weights);
}

rexnet::errc classify(const rexnet::image_view& picture, answer& best) noexcept {
  if (const rexnet::errc e = rexnet::preprocess_pixels_into(picture, input, pixels, scratch);
      e != rexnet::errc::ok)
    return e;
  float scores[10];
  if (const rexnet::errc e =
          network(payload).forward_u8(plan, {pixels, side, side}, table, scores, workspace);
      e != rexnet::errc::ok)
    return e;
  rexnet::softmax(scores);
  rexnet::scored_class top[1];
  rexnet::top_k_into(scores, top);
  best = {model.label(top[0].index), top[0].score};
  return rexnet::errc::ok;
}

std::size_t static_memory() noexcept {
  return sizeof(weights) + sizeof(workspace) + sizeof(scratch) + sizeof(pixels);
}
