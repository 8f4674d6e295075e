// SPDX-License-Identifier: MIT
#include "tools/coco_report.hpp"
#include "tools/table_text.hpp"

#include "rexnet/checkpoint/npy.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace rexnet_tools {
namespace {

constexpr const char* meanings[coco_numbers] = {"average precision, mean of IoU 0.50 to 0.95",
                                                "at IoU 0.50",
                                                "at IoU 0.75",
                                                "of boxes up to 32 x 32 pixels",
                                                "from there to 96 x 96",
                                                "from there on",
                                                "average recall with 1 detection a picture and category",
                                                "with 10",
                                                "with 100",
                                                "of boxes up to 32 x 32 pixels",
                                                "from there to 96 x 96",
                                                "from there on"};

/// After the point; or "-".
std::string four_digits(double v) {
  return v <= -1 ? right("-", 6) : format("%.4f", v);
}

struct count {
  std::size_t truths = 0, crowds = 0, found = 0;
};
std::vector<count> counts(const coco_truth& truth, const coco_detections& found) {
  std::vector<count> c(truth.categories.size());
  for (const coco_annotation& a : truth.annotations)
    ++(a.crowd ? c[a.category].crowds : c[a.category].truths);
  for (const coco_detection& d : found.boxes) ++c[d.category].found;
  return c;
}

std::string name_of(const coco_category& c) {
  return c.name.empty() ? std::to_string(c.id) : rexnet::printable(c.name);
}

void add_numbers(nlohmann::ordered_json& j, const std::array<double, coco_numbers>& numbers) {
  for (std::size_t i = 0; i < coco_numbers; ++i) j[coco_names[i]] = numbers[i];
}

}  // namespace

std::string coco_text(const coco_truth& truth, const coco_detections& found, const coco_result& r) {
  std::string text;
  const auto numbers = r.numbers();
  for (std::size_t i = 0; i < coco_numbers; ++i)
    text += format("%-9s %s  %s\n", coco_names[i], four_digits(numbers[i]).c_str(), meanings[i]);
  std::size_t width = 8;
  for (const coco_category& c : truth.categories)
    width = (std::max)(width, (std::min)(name_columns, columns(name_of(c))));
  text += '\n' + left("category", width) +
          "    boxes    found      AP    AP50    AP75  APsmall APmedium APlarge   AR100\n";
  const auto all = counts(truth, found);
  for (std::size_t c = 0; c < truth.categories.size(); ++c) {
    const auto of = r.numbers_of(c);
    text += left(name_of(truth.categories[c]), width) +
            format(" %8zu %8zu  %s  %s  %s   %s   %s  %s  %s\n", all[c].truths, all[c].found,
                   four_digits(of[0]).c_str(), four_digits(of[1]).c_str(), four_digits(of[2]).c_str(),
                   four_digits(of[3]).c_str(), four_digits(of[4]).c_str(), four_digits(of[5]).c_str(),
                   four_digits(of[8]).c_str());
  }
  return text;
}

nlohmann::ordered_json coco_json(const coco_truth& truth, const coco_detections& found,
                                 const coco_result& r) {
  nlohmann::ordered_json j;
  add_numbers(j, r.numbers());
  j["categories"] = nlohmann::ordered_json::array();
  const auto all = counts(truth, found);
  for (std::size_t c = 0; c < truth.categories.size(); ++c) {
    nlohmann::ordered_json entry = {{"id", truth.categories[c].id},
                                    {"name", truth.categories[c].name},
                                    {"boxes", all[c].truths},
                                    {"crowds", all[c].crowds},
                                    {"detections", all[c].found}};
    add_numbers(entry, r.numbers_of(c));
    j["categories"].push_back(std::move(entry));
  }
  return j;
}

std::string npy_of_doubles(const std::vector<std::int64_t>& shape, const std::vector<double>& data) {
  // As many floats fill the same header: only the type's name and the data differ.
  std::string file = rexnet::write_npy(shape, {});
  file.replace(file.find("<f4"), 3, "<f8");
  for (const double v : data) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &v, sizeof(bits));
    for (int shift = 0; shift < 64; shift += 8) file += static_cast<char>((bits >> shift) & 255u);
  }
  return file;
}

}  // namespace rexnet_tools
