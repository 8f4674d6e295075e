// SPDX-License-Identifier: MIT
// `rexnet coco`: COCO's numbers from two files.
#include "tools/coco_report.hpp"
#include "tools/commands.hpp"
#include "tools/json_text.hpp"
#include "tools/terminal.hpp"

#include <filesystem>

namespace rexnet_tools {
std::vector<std::string> coco_files() {
  return {"precision.npy", "recall.npy", "scores.npy"};
}

void coco(const options& o) {
  const std::string &truth_path = o.inputs[0], &found_path = o.inputs[1];
  const coco_truth truth = read_coco_truth_file(truth_path);
  const coco_detections found = read_coco_detections_file(found_path, truth);
  for (const std::string& note : coco_notes(truth)) say(truth_path + ": " + note);
  if (const std::size_t n = found.of_unknown_categories; n > 0)
    say(found_path + ": " + std::to_string(n) +
        " detections of categories that the ground truth does not list are left out");
  const coco_result r = evaluate_coco(truth, found);
  if (!o.arrays.empty()) {
    std::filesystem::create_directories(std::filesystem::u8path(o.arrays));
    const auto k = static_cast<std::int64_t>(r.categories);
    const auto write = [&](const char* name, const std::vector<std::int64_t>& shape,
                           const std::vector<double>& data) {
      write_file(o.arrays + "/" + name, npy_of_doubles(shape, data));
    };
    write("precision.npy", {10, 101, k, 4, 3}, r.precision);
    write("recall.npy", {10, k, 4, 3}, r.recall);
    write("scores.npy", {10, 101, k, 4, 3}, r.scores);
  }
  if (o.json) {
    print_json(json_text(coco_json(truth, found, r)));
    return;
  }
  print(rexnet::printable(truth_path) + ": " + std::to_string(truth.pictures.size()) + " pictures, " +
        std::to_string(truth.annotations.size()) + " boxes, " + std::to_string(truth.categories.size()) +
        " categories; " + rexnet::printable(found_path) + ": " + std::to_string(found.boxes.size()) +
        " detections\n" + coco_text(truth, found, r));
}

}  // namespace rexnet_tools
