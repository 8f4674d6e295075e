// SPDX-License-Identifier: MIT
// COCO's files: ground truth, a NUL, detections. What is read is finite and refers to what is there; the
// numbers that come of it are between 0 and 1, or -1.
#include "tools/coco_evaluation.hpp"

#include "rexnet/core/error.hpp"

#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/memory.hpp"

#include <cmath>

namespace {

using namespace rexnet_fuzz;
using namespace rexnet_tools;

/// As for every parser: README.md.
constexpr std::size_t bytes_of_memory = 256;

void run(rexnet::byte_span input) {
  const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
  const std::string_view first = text.substr(0, text.find('\0'));
  const std::string_view second =
      first.size() == text.size() ? std::string_view() : text.substr(first.size() + 1);
  coco_truth truth;
  coco_detections found;
  try {
    const memory_watch watch;
    truth = read_coco_truth(first);
    REXNET_FUZZ_CHECK(watch.peak() <= 65536 + bytes_of_memory * input.size());
    found = read_coco_detections(second, truth);
  } catch (const rexnet::error& e) {
    REXNET_FUZZ_CHECK(!e.message().empty());
  }
  for (const coco_annotation& a : truth.annotations) {
    REXNET_FUZZ_CHECK(a.picture < truth.pictures.size() && a.category < truth.categories.size());
    REXNET_FUZZ_CHECK(std::isfinite(a.box.x) && std::isfinite(a.area) && a.box.w >= 0 && a.box.h >= 0);
  }
  for (const coco_detection& d : found.boxes)
    REXNET_FUZZ_CHECK(d.picture < truth.pictures.size() && d.category < truth.categories.size());
  const coco_result r = evaluate_coco(truth, found);
  for (const double v : r.numbers()) REXNET_FUZZ_CHECK(v == -1 || (v >= 0 && v <= 1));
}

std::string number(dice& d) {
  static constexpr const char* odd[] = {"-1",  "0",      "1e308", "-1e308",
                                        "0.5", "1e-320", "1.0",   "18446744073709551615"};
  return d.one_in(12) ? d.pick(odd) : std::to_string(d.below(6) * 10);
}
std::string id(dice& d) {
  return d.one_in(16) ? number(d) : std::to_string(1 + d.below(4));
}
std::string record(dice& d, const std::vector<const char*>& keys) {
  std::string text = "{";
  for (const char* key : keys) {
    if (d.one_in(40)) continue;
    const std::string name = key;
    text += (text.size() > 1 ? ",\"" : "\"") + name + "\":";
    if (name == "bbox")
      text += "[" + number(d) + "," + number(d) + "," + number(d) + "," + number(d) + "]";
    else if (name == "iscrowd")
      text += d.one_in(3) ? "1" : "0";
    else if (name == "score" || name == "area")
      text += number(d);
    else
      text += id(d);
  }
  return text + "}";
}
std::string array(dice& d, std::size_t most, const std::vector<const char*>& keys) {
  std::string text = "[";
  for (std::size_t n = d.below(most); n > 0; --n) text += (text.size() > 1 ? "," : "") + record(d, keys);
  return text + "]";
}

void mutate(std::string& input, dice& d) {
  if (!input.empty() && !d.one_in(3)) {
    mutate_bytes(input, d);
    return;
  }
  std::string annotations = "[";
  for (std::size_t i = 0, n = d.below(6); i < n; ++i) {
    std::string a = record(d, {"image_id", "category_id", "bbox", "area", "iscrowd"});
    a.insert(1, "\"id\":" + std::to_string(i + 1) + (a.size() > 2 ? "," : ""));
    annotations += (i > 0 ? "," : "") + a;
  }
  input =
      R"({"images":[{"id":1},{"id":2},{"id":3},{"id":4}],"categories":[{"id":1},{"id":2}],"annotations":)" +
      annotations + "]}" + std::string(1, '\0') + array(d, 7, {"image_id", "category_id", "bbox", "score"});
}

const registered here{{"coco", run, mutate}};

}  // namespace
