// SPDX-License-Identifier: MIT
// One network, one image, every instruction set of this CPU: logits within the rounding that tests/support
// derives for random networks, and resized pictures bit by bit. The input chooses family, channels, size,
// weights and values.
#include "tests/fuzz/networks.hpp"
#include "tests/support/random_model.hpp"

#include "rexnet/image/preprocess.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace {

using namespace rexnet_fuzz;

/// A published shape of small width with a few channels changed.
rexnet::config some_config(choices& c) {
  const auto family = static_cast<rexnet::family>(c.between(0, 2));
  rexnet::config net = rexnet::config_for(family, c.between(10, 24), c.between(0, 40));
  net.stem_c = c.between(1, 30);
  net.head_c = c.between(16, 100);
  if (net.hidden_c > 0) net.hidden_c = c.between(16, 100);
  // Narrow, because making weights takes longer than running them.
  const int widest = c.between(8, 32);
  for (rexnet::block_config& b : net.blocks) b.out_c = (std::min)(b.out_c, widest);
  for (int changes = c.between(0, 6); changes > 0; --changes) {
    rexnet::block_config& b = net.blocks[c.between(0, rexnet::rexnet_blocks - 1)];
    b.out_c = c.between(8, 40);
    b.kernel = c.flag() ? 5 : 3;
  }
  net.stem_c += net.blocks[0].out_c;  // block 0 has no residual
  rexnet::connect_blocks(net);
  for (rexnet::block_config& b : net.blocks)
    if (b.se_c > 0) b.se_c = c.between(4, 24);
  return net;
}

/// The largest logit, or what its sum is made of where that cancels.
double scale_of(const rexnet::config& net, const std::vector<float>& payload,
                const std::vector<float>& logits, const float* features) {
  double scale = 0;
  for (const float v : logits) scale = (std::max)(scale, std::fabs(static_cast<double>(v)));
  if (net.classes == 0) return scale;
  const rexnet::layer_layout& layer = rexnet::layout_of(net).classifier;
  for (int o = 0; o < layer.out_c; ++o) {
    double sum = 0;
    for (int k = 0; k < layer.k; ++k) {
      const double weight = static_cast<double>(rexnet::numbers_of(payload.data(), layer).weight(o, k));
      sum += weight * weight * static_cast<double>(features[k]) * static_cast<double>(features[k]);
    }
    scale = (std::max)(scale, std::sqrt(sum));
  }
  return scale;
}

void compare_networks(choices& c) {
  const rexnet::config net = some_config(c);
  const int h = c.between(1, 40), w = c.between(1, 40);
  if (rexnet::multiply_adds(net, h, w) > 1000000) return;
  const std::vector<float> payload = rexnet_test::random_payload(net, static_cast<unsigned>(c.bytes(4)));
  rexnet::aligned_buffer weights(payload.size() * sizeof(float));
  std::copy(payload.begin(), payload.end(), weights.floats().begin());
  std::vector<float> image(static_cast<std::size_t>(h * w * 3));
  std::mt19937 engine(static_cast<unsigned>(c.bytes(4)));
  std::normal_distribution<float> value(static_cast<float>(c.between(-2, 2)),
                                        static_cast<float>(c.between(1, 16)) / 8.0f);
  for (float& v : image) v = value(engine);
  const int threads = c.between(1, 4);

  pass p{net, weights.floats().data(), image.data(), 1, h, w};
  const auto& sets = running_sets();
  const std::vector<float> first = forward(*sets[0], p, threads);
  rexnet::config backbone = net;  // its weights are the same up to the classifier, which comes last
  backbone.classes = 0;
  p.c = backbone;
  const std::vector<float> features = forward(*sets[0], p, 1);
  p.c = net;
  REXNET_FUZZ_CHECK(net.classes > 0 || same_bits(first, features));
  // Both may be off by as much as one may be from the exact value.
  const double most =
      2 * rexnet_test::rounding_tolerance(net) * scale_of(net, payload, first, features.data());
  for (std::size_t i = 1; i < sets.size(); ++i) {
    const std::vector<float> other = forward(*sets[i], p, threads);
    for (std::size_t k = 0; k < first.size(); ++k) {
      const double apart = std::fabs(static_cast<double>(first[k]) - static_cast<double>(other[k]));
      if (!(apart <= most))
        std::fprintf(stderr, "logit %zu: %s %.9g, %s %.9g, %.3g apart, at most %.3g\n", k, sets[0]->name,
                     static_cast<double>(first[k]), sets[i]->name, static_cast<double>(other[k]), apart,
                     most);
      REXNET_FUZZ_CHECK(apart <= most);
    }
  }
}

void compare_pictures(choices& c) {
  const int width = c.between(1, 90), height = c.between(1, 90);
  rexnet::preprocessing p;
  p.input_size = c.between(1, 70);
  p.crop_pct = c.between(8, 64) / 64.0;
  if (c.flag()) p.interpolation = rexnet::interpolation::bilinear;
  if (c.flag()) p.order = rexnet::pass_order::horizontal_first;
  const auto format = static_cast<rexnet::pixel_format>(c.between(0, 4));
  std::vector<std::uint8_t> pixels(
      static_cast<std::size_t>(width * height * rexnet::bytes_per_pixel(format)));
  dice d(c.bytes(4));
  const bool extreme = c.flag();
  for (std::uint8_t& v : pixels) v = static_cast<std::uint8_t>(extreme ? (d.one_in(2) ? 255 : 0) : d.next());
  const rexnet::image_view picture(pixels.data(), width, height, format);
  const auto plain = rexnet::preprocess_pixels(picture, p);
  for (const rexnet::kernel_table* set : running_sets()) {
    const auto found = rexnet::preprocess_pixels(picture, p, set->resample);
    REXNET_FUZZ_CHECK(found.code() == plain.code() && (!found.ok() || found->data == plain->data));
  }
}

void run(rexnet::byte_span input) {
  choices c(input);
  if (c.between(0, 3) == 0)
    compare_pictures(c);
  else
    compare_networks(c);
}

/// The bytes are choices: no structure can break.
void mutate(std::string& input, dice& d) {
  while (input.size() < 64) input += static_cast<char>(d.next());
  mutate_bytes(input, d);
}

const registered here{{"isa_agree", run, mutate}};

}  // namespace
