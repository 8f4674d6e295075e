// SPDX-License-Identifier: MIT
// Packed files for the fuzzers: small networks, headers whose checksum is right, payloads that an input need
// not hold.
#ifndef REXNET_TESTS_FUZZ_PACKED_HEADER_HPP
#define REXNET_TESTS_FUZZ_PACKED_HEADER_HPP

#include "rexnet/payload/file/write.hpp"

#include "tests/fuzz/fuzz.hpp"
#include "tests/support/packed_table.hpp"

#include <algorithm>
#include <string>

namespace rexnet_fuzz {

// Positions in the file: docs/packed-format.md.
inline constexpr std::size_t packed_header_crc = 16, packed_fields_begin = 20, packed_label_count = 296,
                             packed_label_bytes = 300, packed_test_values = 304, packed_payload_crc = 308,
                             packed_payload_at = 312, packed_payload_bytes = 320, packed_labels = 384;

/// What version 2 alone can say: other numbers of blocks, strides, activations, expanded channels.
inline void leave_version_1(rexnet::config& c, dice& d) {
  using act = rexnet::activation;
  c.block_count = static_cast<int>(1 + d.below(rexnet::max_blocks));
  const auto any = [&d] { return static_cast<act>(d.below(4)); };
  const auto clip = [&d] { return static_cast<act>(d.below(3)); };
  c.stem_act = any(), c.head_act = any(), c.hidden_act = clip();
  for (int i = 0; i < c.block_count; ++i) {
    rexnet::block_config& b = c.blocks[i];
    if (b.out_c == 0) b.out_c = static_cast<int>(1 + d.below(4));
    b.in_c = i == 0 ? c.stem_c : c.blocks[i - 1].out_c;
    b.expand = i > 0;
    b.mid_c = i == 0 ? b.in_c : static_cast<int>(1 + d.below(20));
    b.stride = i > 0 && d.one_in(4) ? 2 : 1;
    b.residual_c = i > 0 && b.stride == 1 && b.in_c <= b.out_c && !d.one_in(4) ? b.in_c : 0;
    b.expand_act = any(), b.depthwise_act = clip(), b.project_act = any();
    b.se_first = !d.one_in(3);
  }
}

/// A network of a few channels, as no family has it but every reader must take it.
inline rexnet::config small_config(dice& d) {
  rexnet::config c = rexnet::config_for(d.one_in(3) ? rexnet::family::lite : rexnet::family::v1, 10,
                                        static_cast<int>(d.below(20)));
  const auto channels = [&d] { return static_cast<int>(1 + d.below(d.one_in(4) ? 40 : 4)); };
  c.stem_c = channels(), c.head_c = channels();
  c.hidden_c = c.family == rexnet::family::lite ? static_cast<int>(d.below(20)) : 0;
  for (rexnet::block_config& b : c.blocks) {
    b.out_c = channels();
    b.se_c = d.one_in(3) ? static_cast<int>(d.below(20)) : 0;
    b.kernel = d.one_in(4) ? 5 : 3;
  }
  // Block 0 has neither residual nor squeeze-excite, in any ReXNet.
  if (!d.one_in(32)) c.stem_c += c.blocks[0].out_c, c.blocks[0].se_c = 0;
  rexnet::connect_blocks(c);
  if (d.one_in(3)) leave_version_1(c, d);
  return c;
}

/// The header that describes such a network; the payload is missing.
inline std::string packed_header_of(const rexnet::config& c, dice& d) {
  rexnet::packed_header h;
  h.shape = c;
  h.type = d.one_in(2) ? rexnet::element_type::f16 : rexnet::element_type::f32;
  if (d.one_in(4)) h.version = 2;
  h.input.input_size = static_cast<int>(1 + d.below(40));
  if (d.one_in(2))
    for (int i = 0; i < c.classes; ++i)
      h.labels.push_back(std::string(1 + d.below(3), static_cast<char>('a' + i)));
  if (d.one_in(2)) {
    h.test.h = static_cast<int>(1 + d.below(5)), h.test.w = static_cast<int>(1 + d.below(5));
    h.test.outputs.assign(static_cast<std::size_t>(rexnet::output_c(c)), 0.5f);
    if (d.one_in(2)) h.test.input.assign(static_cast<std::size_t>(3 * h.test.h * h.test.w), 0.25f);
  }
  const std::vector<float> payload(static_cast<std::size_t>(rexnet::packed_numbers(c)));
  std::string file;
  const auto written = rexnet::write_packed(h, rexnet::payload_layers(payload),
                                            [&file](rexnet::byte_span b) -> rexnet::status {
                                              file.append(reinterpret_cast<const char*>(b.data()), b.size());
                                              return rexnet::done;
                                            });
  if (!written) return {};
  const std::size_t weights = payload.size() * static_cast<std::size_t>(rexnet::element_bytes(h.type));
  file.resize(file.size() - weights);
  return file;
}

using rexnet_test::field, rexnet_test::repair_sections, rexnet_test::section_row, rexnet_test::sections_at,
    rexnet_test::sections_file_bytes, rexnet_test::set_field;

inline bool has_sections(const std::string& file) {
  return file.size() >= sections_at && field(file, 8, 4) == 2;
}

/// The weights that a file which ends with its header announces; 0: none, or it does not end there.
inline std::uint64_t announced_payload(rexnet::byte_span input) {
  const std::string file(reinterpret_cast<const char*>(input.data()), input.size());
  if (has_sections(file)) {
    const std::uint64_t whole = field(file, sections_file_bytes, 8);
    return whole > file.size() ? whole - file.size() : 0;
  }
  if (file.size() < packed_labels || field(file, packed_payload_at, 8) != file.size()) return 0;
  return field(file, packed_payload_bytes, 8);
}

/// Makes right what was right before a change: the header's size and checksum, the payload's size.
inline void repair_packed(std::string& file, bool sizes) {
  if (has_sections(file)) {
    file.replace(0, 8, "REXNETPK");
    repair_sections(file);
    return;
  }
  if (file.size() < packed_labels) return;
  file.replace(0, 8, "REXNETPK");
  if (sizes) {
    file.resize((file.size() + 63) / 64 * 64);
    set_field(file, packed_payload_at, file.size(), 8);
    rexnet::packed_view v;
    rexnet::detail::field_reader r{rexnet_test::bytes_of(file).data() + packed_fields_begin};
    rexnet::detail::packed_fields(r, v);
    if (!r.bad) rexnet::connect_blocks(v.shape);
    if (!r.bad && rexnet::is_runnable(v.shape))
      set_field(file, packed_payload_bytes,
                static_cast<std::uint64_t>(rexnet::packed_numbers(v.shape)) *
                    static_cast<std::size_t>(rexnet::element_bytes(v.type)),
                8);
  }
  const auto end =
      static_cast<std::size_t>((std::min)(field(file, packed_payload_at, 8), std::uint64_t{file.size()}));
  if (end < packed_labels) return;
  set_field(
      file, packed_header_crc,
      rexnet::crc32(rexnet_test::bytes_of(file).subspan(packed_fields_begin, end - packed_fields_begin)), 4);
}

/// Changes one field of a header, or a byte of the labels and the self-test.
inline void mutate_packed_field(std::string& file, dice& d) {
  if (has_sections(file)) {
    const std::size_t word = 5 + d.below(file.size() / 4 - 5);
    set_field(file, 4 * word, d.one_in(3) ? d.number() : d.below(24), 4);
    return;
  }
  if (d.one_in(3) && file.size() > packed_labels) {
    std::string rest = file.substr(packed_labels);
    mutate_bytes(rest, d);
    file.resize(packed_labels);
    file += rest;
  } else if (d.one_in(4)) {
    set_field(file, d.one_in(2) ? packed_label_count : packed_test_values,
              d.one_in(2) ? d.number() : d.below(20), 4);
  } else {
    set_field(file, packed_fields_begin - 12 + 4 * d.below(79), d.one_in(3) ? d.number() : d.below(24), 4);
  }
}

}  // namespace rexnet_fuzz

#endif  // REXNET_TESTS_FUZZ_PACKED_HEADER_HPP
