// SPDX-License-Identifier: MIT
// inspect: what a model's file holds, and where what is not in it comes from.
#include "tools/commands.hpp"
#include "tools/json_text.hpp"
#include "tools/terminal.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace rexnet_tools {

using nlohmann::ordered_json;

namespace {

std::string quoted(const std::string& name) {
  return "\"" + rexnet::printable(name) + "\"";
}
std::string number(double v) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", v);
  return text;
}
/// The decimal number that was meant: 0.485 and not 0.48500001430511475.
std::vector<double> decimal(const std::array<float, 3>& values) {
  std::vector<double> out;
  for (const float v : values) {
    const double rounded = std::strtod(number(static_cast<double>(v)).c_str(), nullptr);
    out.push_back(static_cast<float>(rounded) == v ? rounded : static_cast<double>(v));
  }
  return out;
}
/// A list of names for people: the first eight.
std::string some(const std::vector<std::string>& names) {
  std::string s;
  for (std::size_t i = 0; i < names.size() && i < 8; ++i) s += (i > 0 ? ", " : "") + quoted(names[i]);
  return names.size() > 8 ? s + " and " + std::to_string(names.size() - 8) + " more" : s;
}
const char* name_of(rexnet::interpolation i) {
  return i == rexnet::interpolation::bilinear ? "bilinear" : "bicubic";
}
/// The options that took the place of the model's own preprocessing.
std::vector<std::string> given(const options& o) {
  std::vector<std::string> names;
  if (o.input_size != 0 || o.input_w != 0) names.push_back("--input-size");
  if (o.crop_pct != 0) names.push_back("--crop-pct");
  if (!o.interpolation.empty()) names.push_back("--interpolation");
  if (!o.mean.empty()) names.push_back("--mean");
  if (!o.deviation.empty()) names.push_back("--std");
  return names;
}
std::string labels_source(const options& o, const rexnet::model_origin& origin) {
  return o.labels.empty() ? origin.labels_from : o.labels == "none" ? std::string() : "--labels";
}
std::string sides(int w, int h) {
  return std::to_string(w) + " x " + std::to_string(h);
}
/// How a detector is used, in lines.
std::string settings_text(const rexnet::detector_settings& s) {
  return "  anchors: scales " + number(s.anchors.least) + " to " + number(s.anchors.most) +
         "\n  boxes: score above " + number(static_cast<double>(s.boxes.score)) + ", overlap up to " +
         number(s.boxes.iou) + ", " + std::to_string(s.boxes.candidates) + " candidates of a class, " +
         std::to_string(s.boxes.most) + " of a picture\n";
}

}  // namespace

std::string model_text(const rexnet::packed_header& h) {
  const std::string variant = "ReXNet " + rexnet::detail::variant_text(h.shape);
  if (h.ssd.classes == 0) return variant + ", " + std::to_string(h.shape.classes) + " classes";
  return "SSDLite on " + variant + ", " + std::to_string(rexnet::named_classes(h)) +
         (rexnet::named_classes(h) == 1 ? " class" : " classes") + " and the background";
}

std::string origin_text(const options& o, const rexnet::model_origin& origin,
                        const rexnet::packed_header& h) {
  std::string s;
  if (!origin.key.empty()) s += "  key " + quoted(origin.key) + '\n';
  if (!origin.prefix.empty()) s += "  prefix " + quoted(origin.prefix) + " removed\n";
  if (!origin.others.empty()) s += "  not taken: " + some(origin.others) + " (--key)\n";
  if (!origin.left_out.empty()) s += "  left out: " + some(origin.left_out) + '\n';
  const rexnet::preprocessing& p = h.input;
  const bool detector = h.ssd.classes > 0;
  s += detector
           ? "  pictures: resized to " + sides(h.settings.input_w, h.settings.input_h) + ", bilinear, mean"
           : "  pictures: " + sides(p.input_size, p.input_size) + ", crop " + number(p.crop_pct) + ", " +
                 name_of(p.interpolation) + ", mean";
  for (const float v : p.mean) s += " " + number(static_cast<double>(v));
  s += ", std";
  for (const float v : p.std) s += " " + number(static_cast<double>(v));
  s += " (" + origin.input_from;
  for (const std::string& name : given(o)) s += ", " + name;
  s += ")\n";
  if (detector) s += settings_text(h.settings);
  if (origin.test_size != 0 && o.input_size == 0)
    s += "  measured at " + std::to_string(origin.test_size) + " x " + std::to_string(origin.test_size) +
         ", crop " + number(origin.test_crop_pct) + ": --input-size " + std::to_string(origin.test_size) +
         '\n';
  const std::string names = labels_source(o, origin);
  if (rexnet::named_classes(h) > 0) s += "  names: " + (names.empty() ? std::string("none") : names) + '\n';
  for (const std::string& note : origin.notes) s += "  note: " + rexnet::printable(note) + '\n';
  return s;
}

namespace {

/// What inspect prints.
struct inspected {
  rexnet::model model;
  rexnet::packed_header header;     ///< with the options' preprocessing
  std::size_t workspace_bytes = 0;  ///< of one thread
  int w = 0, h = 0;                 ///< of the network's input
  std::int64_t parameters = 0, multiply_adds = 0;

  explicit inspected(const options& o) : model(load_model(o)), header(model.header()) {
    o.check_kind(header);
    header.input = o.input_of(header.input, model.origin());
    if (model.is_detector()) {
      header.settings = o.settings_of(header.settings);
      w = header.settings.input_w, h = header.settings.input_h;
      workspace_bytes = model.detector_net().make_plan(h, w, 1).value().workspace_bytes();
      count(model.detector_shape());
    } else {
      w = h = header.input.input_size;
      workspace_bytes = model.net().make_plan(h, w, 1).value().workspace_bytes();
      count(model.shape());
    }
  }
  [[nodiscard]] std::int64_t rows() const { return rexnet::detector_rows(model.detector_shape(), h, w); }

 private:
  template <class Config>
  void count(const Config& c) {
    parameters = rexnet::parameter_count(c);
    multiply_adds = rexnet::multiply_adds(c, h, w);
  }
};

int layer_count(const rexnet::model& m) {
  int layers = 0;
  rexnet::weights_layout layout;
  rexnet::for_each_layer(m.shape(), layout,
                         [&layers](rexnet::layer_layout&, int, int out_c) { layers += out_c > 0; });
  if (!m.is_detector()) return layers;
  rexnet::detector_layout behind;
  rexnet::for_each_detector_layer(
      m.detector_shape(), behind,
      [&layers](rexnet::layer_layout&, const rexnet::block_config&, int, int) { ++layers; });
  return layers;
}

/// What only a detector has.
ordered_json detector_json(const inspected& found) {
  const rexnet::detector_config d = found.model.detector_shape();
  const rexnet::detector_settings& s = found.header.settings;
  ordered_json maps = ordered_json::array();
  for (int k = 0; k < rexnet::ssd_levels; ++k)
    maps.push_back({{"height", rexnet::level_side(d, k, found.h)},
                    {"width", rexnet::level_side(d, k, found.w)},
                    {"channels", rexnet::level_c(d, k)}});
  return {{"classes_with_background", d.classes},
          {"first_class", 1},
          {"tap_block", d.tap},
          {"input_width", found.w},
          {"input_height", found.h},
          {"maps", std::move(maps)},
          {"rows", found.rows()},
          {"anchor_scales", {s.anchors.least, s.anchors.most}},
          {"min_score", decimal({s.boxes.score, 0, 0})[0]},
          {"nms", s.boxes.iou},
          {"candidates", s.boxes.candidates},
          {"max", s.boxes.most}};
}

/// What only a checkpoint has. The file is read again for its list of tensors, which the model does not keep.
void add_checkpoint(ordered_json& j, const options& o, const rexnet::model_origin& origin) {
  const auto file = open_checkpoint(o);
  j["state_key"] = origin.key;
  j["prefix"] = origin.prefix;
  j["other_keys"] = origin.others;
  j["left_out"] = origin.left_out;
  j["tensors"] = ordered_json::array();
  for (const rexnet::tensor& t : file.tensors())
    j["tensors"].push_back({{"name", t.name}, {"dtype", rexnet::dtype_name(t.type)}, {"shape", t.shape}});
}

ordered_json json_of(const inspected& found, const options& o) {
  const rexnet::model& m = found.model;
  const rexnet::config& c = m.shape();
  const rexnet::model_origin& origin = m.origin();
  const rexnet::preprocessing& input = found.header.input;
  const bool detector = m.is_detector();
  const std::int64_t outputs = detector ? found.rows() * (m.detector_shape().classes + 4) : output_c(c);
  ordered_json j{{"kind", detector        ? "detector"
                          : c.classes > 0 ? "classifier"
                                          : "backbone"},
                 {"variant", rexnet::detail::variant_text(c)},
                 {"family", rexnet::family_name(c.family)},
                 {"width", c.width_hundredths / 100.0},
                 {"classes", rexnet::named_classes(found.header)},
                 {"outputs", outputs},
                 {"container", m.container()},
                 {"number_type", origin.number_type},
                 {"layers", layer_count(m)},
                 {"parameters", found.parameters},
                 {"multiply_adds", found.multiply_adds},
                 {"input_size", detector ? ordered_json{found.w, found.h} : ordered_json(found.w)},
                 {"preprocessing",
                  {{"input_size", detector ? ordered_json{found.w, found.h} : ordered_json(found.w)},
                   {"crop_pct", input.crop_pct},
                   {"interpolation", name_of(input.interpolation)},
                   {"mean", decimal(input.mean)},
                   {"std", decimal(input.std)},
                   {"from", origin.input_from},
                   {"options", given(o)}}},
                 {"packed_bytes", m.payload().size() * 4},
                 {"workspace_bytes", found.workspace_bytes},
                 {"labels", m.labels()},
                 {"labels_from", origin.labels_from},
                 {"self_test", found.header.test.h > 0},
                 {"notes", origin.notes}};
  if (origin.test_size != 0)
    j["preprocessing"]["measured_at"] = {{"input_size", origin.test_size},
                                         {"crop_pct", origin.test_crop_pct}};
  if (detector) j["detector"] = detector_json(found);
  if (m.container() != "packed") add_checkpoint(j, o, origin);
  return j;
}

/// The maps that a detector's heads see, in a line, and what comes of them.
std::string maps_text(const inspected& found) {
  const rexnet::detector_config d = found.model.detector_shape();
  std::string s = "  maps:";
  for (int k = 0; k < rexnet::ssd_levels; ++k)
    s += (k > 0 ? ", " : " ") + sides(rexnet::level_side(d, k, found.w), rexnet::level_side(d, k, found.h)) +
         " of " + std::to_string(rexnet::level_c(d, k)) + " channels" +
         (k == 0   ? " (block " + std::to_string(d.tap) + ")"
          : k == 1 ? std::string(" (head)")
                   : std::string());
  return s + "\n  outputs: " + std::to_string(found.rows()) + " rows of " + std::to_string(d.classes) +
         " classes and 4 codes; class 0 is the background\n";
}

void print_text(const inspected& found, const options& o, const ordered_json& j) {
  const rexnet::model& m = found.model;
  print(rexnet::printable(o.model) + ": " + model_text(found.header) + " (" + m.container() + ", " +
        m.origin().number_type + ")\n");
  char text[256];
  std::snprintf(text, sizeof(text),
                "%.2f M parameters, %.1f M multiply-adds at %d x %d, workspace %.2f MB, packed %.1f MB\n",
                static_cast<double>(found.parameters) / 1e6, static_cast<double>(found.multiply_adds) / 1e6,
                found.w, found.h, static_cast<double>(found.workspace_bytes) / 1e6,
                static_cast<double>(m.payload().size()) * 4 / 1e6);
  print(text);
  if (m.is_detector()) print(maps_text(found));
  print(origin_text(o, m.origin(), found.header));
  const rexnet::self_test& test = found.header.test;
  if (m.container() == "packed")
    print(test.h > 0
              ? "  self-test: " + std::to_string(test.h) + " x " + std::to_string(test.w) + " (verify)\n"
              : std::string("  self-test: none\n"));
  if (!j.contains("tensors")) return;
  for (const auto& t : j["tensors"]) {
    std::string name = rexnet::printable(t["name"].get<std::string>());
    if (name.size() < 50) name.resize(50, ' ');
    std::snprintf(text, sizeof(text), " %-8s %s\n", t["dtype"].get<std::string>().c_str(),
                  t["shape"].dump().c_str());
    print("  " + name + text);
  }
}

}  // namespace

void inspect(const options& o) {
  const inspected found(o);
  const ordered_json j = json_of(found, o);
  o.json ? print_json(json_text(j)) : print_text(found, o, j);
}

}  // namespace rexnet_tools
