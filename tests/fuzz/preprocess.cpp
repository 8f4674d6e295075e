// SPDX-License-Identifier: MIT
// Pictures of any size, order of bytes and stride through any preprocessing, in blocks of exactly the bytes
// that are promised to be enough. Every picture must give what a plain RGB copy of it gives.
#include "rexnet/image/preprocess.hpp"
#include "rexnet/image/resize_normalised.hpp"

#include "tests/fuzz/fuzz.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace {

using namespace rexnet_fuzz;

double any_double(choices& c) {
  const std::uint64_t bits = c.bytes(8);
  double v = 0;
  std::memcpy(&v, &bits, sizeof(v));
  return v;
}

rexnet::preprocessing some_preprocessing(choices& c) {
  rexnet::preprocessing p;
  p.input_size = c.between(1, 40);
  p.crop_pct = c.between(1, 64) / 64.0;
  p.interpolation = c.flag() ? rexnet::interpolation::bilinear : rexnet::interpolation::bicubic;
  p.order = c.flag() ? rexnet::pass_order::horizontal_first : rexnet::pass_order::pillow_13;
  const int odd = c.between(0, 15);
  if (odd == 1) p.crop_pct = any_double(c);
  if (odd == 2) p.input_size = static_cast<int>(c.bytes(4));
  if (odd == 3) p.mean[1] = static_cast<float>(any_double(c)), p.std[2] = static_cast<float>(any_double(c));
  return p;
}

std::ptrdiff_t some_stride(choices& c, std::ptrdiff_t row, int height) {
  constexpr std::ptrdiff_t most = (std::numeric_limits<std::ptrdiff_t>::max)();
  const std::ptrdiff_t limit = most / (height > 0 ? height : 1);  // at which sums of rows overflow
  const auto around = [&c](std::ptrdiff_t v) {
    return static_cast<std::ptrdiff_t>(static_cast<std::size_t>(v) +
                                       static_cast<std::size_t>(c.between(-2, 2)));
  };
  switch (c.between(0, 11)) {
    case 0: return row + c.between(0, 9);
    case 1: return -row - c.between(0, 9);
    case 2: return -row;
    case 3: return static_cast<std::ptrdiff_t>(c.bytes(8));
    case 4: return around(limit);
    case 5: return around(-limit);
    case 6: return around(most);
    case 7: return around(row);
    default: return row;
  }
}

struct block {
  std::vector<unsigned char> memory;  ///< exactly as large as asked for
  std::size_t offset;
  block(std::size_t bytes, std::size_t offset_, unsigned char value)
      : memory(bytes + offset_, value), offset(offset_) {
    memory.shrink_to_fit();
  }
  rexnet::span<unsigned char> bytes() { return {memory.data() + offset, memory.size() - offset}; }
};

/// The result in exact blocks, filled with `value` before.
std::vector<unsigned char> result_of(const rexnet::image_view& picture, const rexnet::preprocessing& p,
                                     std::size_t offset, unsigned char value) {
  const std::size_t needed =
      rexnet::preprocess_scratch_bytes(picture.width, picture.height, picture.format, p);
  block out(rexnet::preprocess_output_bytes(p), 0, value),
      scratch(needed, offset, static_cast<unsigned char>(~value));
  REXNET_FUZZ_CHECK(rexnet::preprocess_pixels_into(picture, p, out.bytes(), scratch.bytes()) ==
                    rexnet::errc::ok);
  block small(out.memory.size() - 1, 0, 0), little(needed - 1, 0, 0);
  REXNET_FUZZ_CHECK(rexnet::preprocess_pixels_into(picture, p, small.bytes(), scratch.bytes()) ==
                    rexnet::errc::shape_mismatch);
  REXNET_FUZZ_CHECK(rexnet::preprocess_pixels_into(picture, p, out.bytes(), little.bytes()) ==
                    rexnet::errc::workspace_too_small);
  return out.memory;
}

/// A detector's input of h x w in exact blocks, filled with `value` before.
std::vector<float> detector_input(const rexnet::image_view& picture, int h, int w, float value) {
  static const auto table = rexnet::normalise_table(rexnet::preprocessing());
  std::vector<float> out(static_cast<std::size_t>(3 * h * w), value),
      scratch(rexnet::resize_normalised_scratch(w), value);
  out.shrink_to_fit(), scratch.shrink_to_fit();
  REXNET_FUZZ_CHECK(rexnet::resize_normalised(picture, table, h, w, out, scratch) == rexnet::errc::ok);
  for (const float v : out) REXNET_FUZZ_CHECK(std::fabs(v) < 3);
  return out;
}

void run(rexnet::byte_span input) {
  choices c(input);
  const rexnet::preprocessing p = some_preprocessing(c);
  const auto format = static_cast<rexnet::pixel_format>(c.between(0, 4));
  int width = c.between(1, 48), height = c.between(1, 48);
  const int odd = c.between(0, 31);
  if (odd == 1) width = static_cast<int>(c.bytes(4));
  if (odd == 2) height = static_cast<int>(c.bytes(4));
  const bool small = width >= 1 && height >= 1 && width <= 4096 && height <= 4096;
  const std::ptrdiff_t row = small ? static_cast<std::ptrdiff_t>(width) * rexnet::bytes_per_pixel(format) : 1;
  const std::ptrdiff_t stride = some_stride(c, row, height);

  // One pixel's worth of memory is enough to ask whether the picture would be taken.
  unsigned char one[4] = {};
  rexnet::image_view picture(one, width, height, format, stride);
  const rexnet::errc answer = rexnet::preprocess_pixels_into(picture, p, {}, {});
  REXNET_FUZZ_CHECK(answer == rexnet::errc::invalid_argument || answer == rexnet::errc::shape_mismatch);
  const bool good = answer == rexnet::errc::shape_mismatch;
  if (!good)
    REXNET_FUZZ_CHECK(rexnet::preprocess_pixels(picture, p).code() == rexnet::errc::invalid_argument);
  // No table: what a detector's resize says to the picture alone.
  const rexnet::errc direct = rexnet::resize_normalised(picture, {}, 1, 1, {}, {});
  REXNET_FUZZ_CHECK(direct == rexnet::errc::shape_mismatch ||
                    (direct == rexnet::errc::invalid_argument && !good));
  const rexnet::picture_box seen = rexnet::seen_part(width, height, p);
  REXNET_FUZZ_CHECK(std::isfinite(seen.x) && std::isfinite(seen.y) && std::isfinite(seen.width) &&
                    std::isfinite(seen.height));
  if (!good || !small || p.input_size > 64 || width * height > 4096) return;
  const std::ptrdiff_t step = stride < 0 ? -stride : stride;
  if (height > 1 && step > 4096) return;

  // The first row in memory is the last one of a bottom-up picture.
  const std::ptrdiff_t rows = height > 1 ? (height - 1) * step : 0;
  block pixels(static_cast<std::size_t>(rows + row), 0, 0);
  dice d(c.bytes(4));
  for (unsigned char& v : pixels.memory) v = static_cast<unsigned char>(d.next());
  picture.data = pixels.memory.data() + (stride < 0 ? rows : 0);
  rexnet::rgb_image copy;
  copy.width = width, copy.height = height;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int channel = 0; channel < 3; ++channel)
        copy.data.push_back(picture.data[y * stride + x * rexnet::bytes_per_pixel(format) +
                                         rexnet::channel_offset(format, channel)]);

  const std::vector<unsigned char> found = result_of(picture, p, d.below(8), 0x55);
  REXNET_FUZZ_CHECK(found == result_of(picture, p, d.below(8), 0xaa));  // no byte is left as it was
  REXNET_FUZZ_CHECK(found == result_of(copy.view(), p, 0, 0));
  const auto owned = rexnet::preprocess_pixels(picture, p);
  REXNET_FUZZ_CHECK(owned.ok() && owned->data == found);
  std::vector<float> normal(found.size());
  REXNET_FUZZ_CHECK(rexnet::normalise(*owned, p, normal).ok());

  const int h = 1 + static_cast<int>(d.below(20)), w = 1 + static_cast<int>(d.below(20));
  const std::vector<float> resized = detector_input(picture, h, w, NAN);
  REXNET_FUZZ_CHECK(resized == detector_input(copy.view(), h, w, 7));
}

/// The bytes are choices: no structure can break.
void mutate(std::string& input, dice& d) {
  if (input.size() < 48) input.resize(48, static_cast<char>(d.next()));
  mutate_bytes(input, d);
}

const registered here{{"preprocess", run, mutate}};

}  // namespace
