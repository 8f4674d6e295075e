// SPDX-License-Identifier: MIT
// COCO's numbers, for people (text), for programs (JSON) and for numpy.
#ifndef REXNET_TOOLS_COCO_REPORT_HPP
#define REXNET_TOOLS_COCO_REPORT_HPP

#include "tools/coco_evaluation.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace rexnet_tools {

/// The twelve numbers with what each is of, and a row for each category; "-" where there is no truth.
[[nodiscard]] std::string coco_text(const coco_truth& truth, const coco_detections& found,
                                    const coco_result& r);

/// AP to ARlarge under their names, -1 where there is no truth, and "categories": id, name, how many boxes
/// are true and found, and the same twelve.
[[nodiscard]] nlohmann::ordered_json coco_json(const coco_truth& truth, const coco_detections& found,
                                               const coco_result& r);

/// The bytes of a .npy file of float64, version 1.0. Precondition: product(shape) == data.size()
[[nodiscard]] std::string npy_of_doubles(const std::vector<std::int64_t>& shape,
                                         const std::vector<double>& data);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_COCO_REPORT_HPP
