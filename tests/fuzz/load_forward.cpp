// SPDX-License-Identifier: MIT
// From a file to logits: a packed header of a network as no family has it gets random weights, is loaded and
// run, for any channels, kernels and input, on every instruction set. Anything else goes through load() as it
// is.
#include "rexnet/load.hpp"

#include "tests/fuzz/networks.hpp"
#include "tests/fuzz/packed_header.hpp"
#include "tests/support/random_model.hpp"

#include <algorithm>
#include <cstring>

namespace {

using namespace rexnet_fuzz;

constexpr std::uint64_t most_payload = 1 << 18, most_multiply_adds = 400000;

/// Fills in the weights of a file that has room for them.
void put_weights(rexnet::aligned_buffer& file, const rexnet::packed_view& v, unsigned seed) {
  const std::vector<float> payload = rexnet_test::random_payload(v.shape, seed);
  const std::size_t bytes = payload.size() * static_cast<std::size_t>(rexnet::element_bytes(v.type));
  REXNET_FUZZ_CHECK(v.payload.size() == bytes);
  unsigned char* out = file.data() + (v.payload.data() - file.data());
  if (v.type == rexnet::element_type::f32) std::memcpy(out, payload.data(), bytes);
  if (v.type == rexnet::element_type::f16)
    for (const float f : payload) {
      const std::uint16_t h = rexnet::float_to_half(f);
      *out++ = static_cast<unsigned char>(h & 255), *out++ = static_cast<unsigned char>(h >> 8);
    }
}

void run_model(const rexnet::model& m, int h, int w, unsigned seed) {
  std::vector<float> images(static_cast<std::size_t>(2 * h * w * 3));
  dice d(seed);
  for (float& v : images) v = static_cast<float>(static_cast<int>(d.below(4096)) - 2048) / 1024.0f;
  const pass p{m.shape(), m.payload().data(), images.data(), 2, h, w};
  for (const rexnet::kernel_table* set : running_sets()) {
    const std::vector<float> logits = forward(*set, p, 1);
    for (const float v : logits) REXNET_FUZZ_CHECK(std::isfinite(v));
    REXNET_FUZZ_CHECK(same_bits(logits, forward(*set, p, 2 + static_cast<int>(d.below(3)))));
    pass second = p;
    second.images += h * w * 3, second.n = 1;
    REXNET_FUZZ_CHECK(
        std::equal(logits.begin() + rexnet::output_c(p.c), logits.end(), forward(*set, second, 1).begin()));
  }
  REXNET_FUZZ_CHECK(rexnet::use_instruction_set("").ok());
  if (m.input().input_size > 32 || m.input().input_size < 1) return;
  const std::vector<std::uint8_t> pixels(static_cast<std::size_t>(h * w * 3), std::uint8_t{77});
  auto classifier = rexnet::classifier::make(m);
  REXNET_FUZZ_CHECK(classifier.ok());
  const auto logits = classifier->logits({pixels.data(), w, h});
  REXNET_FUZZ_CHECK(logits.ok() || logits.code() == rexnet::errc::invalid_argument);
}

void run(rexnet::byte_span input) {
  const auto as_it_is = rexnet::load_copy(input, rexnet::check::full);
  static_cast<void>(as_it_is);
  if (!rexnet::is_packed(input)) return;
  const std::uint64_t payload = announced_payload(input);
  if (payload == 0 || payload > most_payload) return;
  // A block of exactly the right size. What the header says decides: zeros do for that, also where the input
  // ends before its last section does.
  rexnet::aligned_buffer file(input.size() + static_cast<std::size_t>(payload));
  std::memset(file.data(), 0, file.size());
  std::memcpy(file.data(), input.data(), input.size());
  rexnet::packed_view v;
  if (rexnet::open_packed({file.data(), file.size()}, rexnet::check::header, v) != rexnet::errc::ok) return;

  const std::uint32_t seed = v.test.seed;
  const int h = 1 + static_cast<int>(seed % 23), w = 1 + static_cast<int>(seed / 23 % 23);
  if (rexnet::multiply_adds(v.shape, h, w) > static_cast<std::int64_t>(most_multiply_adds)) return;
  put_weights(file, v, seed);
  const auto m = rexnet::load({file.data(), file.size()});
  REXNET_FUZZ_CHECK(m.ok() && rexnet::same_shape(m->shape(), v.shape));
  run_model(*m, h, w, seed);
}

void mutate(std::string& input, dice& d) {
  if ((!has_sections(input) && input.size() < packed_labels) || d.one_in(12)) {
    input = packed_header_of(small_config(d), d);
    return;
  }
  for (std::size_t rounds = 1 + d.below(3); rounds > 0; --rounds) mutate_packed_field(input, d);
  if (!has_sections(input) && d.one_in(2))
    set_field(input, 292, d.next(), 4);  // the seed: size and values of the input
  repair_packed(input, true);
}

const registered here{{"load_forward", run, mutate}};

}  // namespace
