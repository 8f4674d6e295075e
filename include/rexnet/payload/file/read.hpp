// SPDX-License-Identifier: MIT
// A packed file's description as values of their own, for tools and for writing; view.hpp reads the
// same without the heap. Specification: docs/packed-format.md.
#ifndef REXNET_PAYLOAD_FILE_READ_HPP
#define REXNET_PAYLOAD_FILE_READ_HPP

#include "rexnet/payload/file/view.hpp"

#include <string>
#include <vector>

namespace rexnet {
inline namespace REXNET_BUILD {

/// An input and the outputs that the model must give for it, so that a copy can be checked where it runs.
struct self_test {
  int h = 0;                   ///< rows of the input; 0: the file has no self-test
  int w = 0;                   ///< columns of the input
  std::uint32_t seed = 1;      ///< of self_test_input(), when the file holds no input of its own
  std::vector<float> input;    ///< [h][w][3], or empty
  std::vector<float> outputs;  ///< self_test_outputs() of them
};

/// The input of a self-test that holds none: [h][w][3] values in [-1, 1) from a linear congruential
/// generator. x = 1664525 x + 1013904223 modulo 2^32, starting at `seed`; each new x gives (x >> 8) / 2^23 -
/// 1, exactly.
[[nodiscard]] inline std::vector<float> self_test_input(int h, int w, std::uint32_t seed) {
  std::vector<float> v(static_cast<std::size_t>(h) * static_cast<std::size_t>(w) * 3);
  for (float& x : v) {
    seed = seed * 1664525u + 1013904223u;
    x = static_cast<float>(seed >> 8) / 8388608.0f - 1.0f;
  }
  return v;
}

/// What a packed file says beside its weights.
struct packed_header {
  config shape;                           ///< of the network; of a detector its backbone
  ssd_part ssd;                           ///< classes 0: no detector
  detector_settings settings;             ///< of a detector
  preprocessing input;                    ///< how it wants its pictures; of a detector mean and std
  std::vector<std::string> labels;        ///< empty, or one per class (of a detector without the background)
  element_type type = element_type::f32;  ///< of the payload: f32 or f16
  self_test test;                         ///< what it must give on every machine
  int version = 0;                        ///< of the format; to write: 0 for the lowest that can say it
};

struct packed_file {
  packed_header header;
  byte_span payload;
};

/// Checks a packed file and gives its parts; the payload is a view of `bytes`. Memory: 40 bytes for a label
/// at most, of which the payload has at least 4 for each; the self-test once more. Errors: K1 to K13 of
/// docs/refusals.md.
[[nodiscard]] inline result<packed_file> read_packed(byte_span bytes, check depth = check::header) {
  packed_view v;
  std::string what = "packed file: ";
  if (const errc e = detail::parse_packed(bytes, depth, v, detail::report_text{what}); e != errc::ok)
    return error(e, what);
  packed_file file;
  file.payload = v.payload;
  packed_header& h = file.header;
  h.shape = v.shape;
  h.ssd = v.ssd;
  h.settings = v.settings;
  h.input = v.input;
  h.type = v.type;
  h.version = v.version;
  std::string_view labels = v.label_text;
  for (std::size_t end; (end = labels.find('\n')) != labels.npos; labels.remove_prefix(end + 1))
    h.labels.emplace_back(labels.substr(0, end));
  h.test.h = v.test.h, h.test.w = v.test.w, h.test.seed = v.test.seed;
  for (std::size_t i = 0; i < v.test.outputs.size(); ++i) h.test.outputs.push_back(v.test.outputs[i]);
  for (std::size_t i = 0; i < v.test.input.size(); ++i) h.test.input.push_back(v.test.input[i]);
  return file;
}

}  // namespace REXNET_BUILD
}  // namespace rexnet

#endif  // REXNET_PAYLOAD_FILE_READ_HPP
