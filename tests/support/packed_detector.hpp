// SPDX-License-Identifier: MIT
// A detector's packed file, for tests of what reads one. No file of the project holds a detector.
#ifndef REXNET_TESTS_SUPPORT_PACKED_DETECTOR_HPP
#define REXNET_TESTS_SUPPORT_PACKED_DETECTOR_HPP

#include "rexnet/load.hpp"
#include "rexnet/payload/file/write.hpp"

#include "tests/support/must.hpp"
#include "tests/support/random_model.hpp"

#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace rexnet_test {

/// Random weights with 4 classes, of which the background and the second of the others have no name; its
/// memory is aligned. Most pictures have some boxes.
struct packed_detector {
  rexnet::packed_header header;
  std::string bytes;
  rexnet::aligned_buffer memory;

  explicit packed_detector(rexnet::element_type type = rexnet::element_type::f32, int width = 30) {
    const rexnet::detector_config d = rexnet::detector_for(rexnet::family::v1, width, 4);
    std::mt19937 engine(5);
    std::normal_distribution<float> value;
    const std::vector<float> weights = payload_from(d, [&] { return value(engine); });
    header.shape = d.backbone;
    header.ssd = d;
    header.settings.input_h = 96, header.settings.input_w = 130;
    header.settings.boxes.most = 40;
    header.settings.boxes.score = 0.3f;
    header.input = rexnet::detector_preprocessing();
    header.input.mean = {0.4f, 0.5f, 0.6f};
    header.labels = {"one", "", "three"};
    header.type = type;
    const auto written =
        rexnet::write_packed(header, rexnet::payload_layers({weights.data(), weights.size()}),
                             [this](rexnet::byte_span b) -> rexnet::status {
                               bytes.append(reinterpret_cast<const char*>(b.data()), b.size());
                               return rexnet::done;
                             });
    if (!written.ok()) give_up(written.error().message());
    memory = rexnet::aligned_buffer(bytes.size());
    std::memcpy(memory.data(), bytes.data(), bytes.size());
  }
  [[nodiscard]] rexnet::byte_span span() const { return {memory.data(), bytes.size()}; }
};

}  // namespace rexnet_test

#endif  // REXNET_TESTS_SUPPORT_PACKED_DETECTOR_HPP
