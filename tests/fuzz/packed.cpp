// SPDX-License-Identifier: MIT
// Packed files: the header with a right checksum more often than not. An input may end with its header: it is
// also read with the payload of zeros that it announces, where that is not large.
#include "rexnet/payload/file/read.hpp"

#include "tests/fuzz/memory.hpp"
#include "tests/fuzz/packed_header.hpp"
#include "tests/fuzz/tensors.hpp"

#include <cstring>

namespace {

using namespace rexnet_fuzz;

bool inside(rexnet::byte_span whole, std::string_view part) {
  return part.empty() ||
         rexnet_fuzz::inside(whole, reinterpret_cast<const unsigned char*>(part.data()), part.size());
}

/// Reads `bytes` in every way; all must say the same. @return of the header's check
rexnet::errc read(rexnet::byte_span bytes) {
  rexnet::packed_view v;
  const rexnet::errc e = rexnet::open_packed(bytes, rexnet::check::header, v);
  if (e != rexnet::errc::ok) return e;
  REXNET_FUZZ_CHECK(rexnet_fuzz::inside(bytes, v.payload.data(), v.payload.size()));
  REXNET_FUZZ_CHECK(v.payload.size() == static_cast<std::size_t>(rexnet::payload_numbers(v)) *
                                            static_cast<std::size_t>(rexnet::element_bytes(v.type)));
  REXNET_FUZZ_CHECK(v.floats() == nullptr || rexnet::is_aligned(v.floats()));
  REXNET_FUZZ_CHECK(inside(bytes, v.label_text));
  REXNET_FUZZ_CHECK(rexnet::detail::check_preprocessing(v.input, rexnet::detail::report_code()) ==
                    rexnet::errc::ok);
  REXNET_FUZZ_CHECK(rexnet::printable(v.label_text, "\n") == v.label_text);
  // All that it points to can be read, and stays in front of the payload.
  float sum = 0;
  for (std::size_t i = 0; i < v.test.outputs.size(); ++i) sum += v.test.outputs[i];
  for (std::size_t i = 0; i < v.test.input.size(); ++i) sum += v.test.input[i];
  REXNET_FUZZ_CHECK(64 + v.label_text.size() + 4 * (v.test.outputs.size() + v.test.input.size()) +
                        v.payload.size() <=
                    bytes.size());
  REXNET_FUZZ_CHECK(v.test.h == 0 ||
                    v.test.outputs.size() == static_cast<std::size_t>(rexnet::self_test_outputs(v)));
  const auto file = rexnet::read_packed(bytes);
  REXNET_FUZZ_CHECK(file.ok() && rexnet::same_shape(file->header.shape, v.shape));
  REXNET_FUZZ_CHECK(file->header.labels.size() == static_cast<std::size_t>(v.label_count));
  for (int i = -1; i <= (std::min)(v.label_count, 40); ++i) {
    const bool named = i >= 0 && i < v.label_count;
    REXNET_FUZZ_CHECK(
        v.label(i) ==
        (named ? std::string_view(file->header.labels[static_cast<std::size_t>(i)]) : std::string_view()));
  }
  REXNET_FUZZ_CHECK(rexnet::open_packed(bytes, rexnet::check::header, file->header.shape, v) ==
                    rexnet::errc::ok);
  const rexnet::errc full = rexnet::open_packed(bytes, rexnet::check::full, v);
  REXNET_FUZZ_CHECK(full == rexnet::errc::ok || full == rexnet::errc::packed_payload_checksum);
  if (v.type == rexnet::element_type::f16 && v.payload.size() <= 32768) {
    std::vector<float> wide(v.payload.size() / 2);
    REXNET_FUZZ_CHECK(rexnet::expand_half(v.payload, wide) == rexnet::errc::ok);
    REXNET_FUZZ_CHECK(rexnet::expand_half(v.payload, {wide.data(), wide.size() - 1}) ==
                      rexnet::errc::shape_mismatch);
  }
  return sum == sum ? e : rexnet::errc::ok;
}

/// In a block of exactly the right size; aligned, or 4 bytes beyond.
rexnet::errc read_placed(rexnet::byte_span input, std::size_t size, std::size_t offset) {
  rexnet::aligned_buffer memory(size + offset);
  std::memset(memory.data(), 0, size + offset);
  if (!input.empty()) std::memcpy(memory.data() + offset, input.data(), (std::min)(input.size(), size));
  return read({memory.data() + offset, size});
}

void run(rexnet::byte_span input) {
  const memory_watch watch;
  std::size_t held = input.size();
  const rexnet::errc alone = read(input);
  const auto text = rexnet::read_packed(input);
  REXNET_FUZZ_CHECK(text.code() == alone);
  if (rexnet::is_packed(input)) {
    const std::uint64_t payload = announced_payload(input);
    if (payload > 0 && payload <= 32768) {
      held += static_cast<std::size_t>(payload);
      // The second place takes as long as the first: where four of the checksum's bits say so.
      const rexnet::errc placed = read_placed(input, held, 0);
      const rexnet::errc moved = input[packed_header_crc] % 16 == 0 ? read_placed(input, held, 4) : placed;
      REXNET_FUZZ_CHECK(placed == moved || moved == rexnet::errc::packed_misaligned);
    }
  }
  REXNET_FUZZ_CHECK(watch.peak() <= 65536 + 64 * held);
}

void mutate(std::string& input, dice& d) {
  if ((!has_sections(input) && input.size() < packed_labels) || d.one_in(64)) {
    input = packed_header_of(small_config(d), d);
    return;
  }
  for (std::size_t rounds = 1 + d.below(3); rounds > 0; --rounds) mutate_packed_field(input, d);
  if (!d.one_in(16)) repair_packed(input, !d.one_in(4));
}

const registered here{{"packed", run, mutate}};

}  // namespace
