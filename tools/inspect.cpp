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
  if (o.input_size != 0) names.push_back("--input-size");
  if (o.crop_pct != 0) names.push_back("--crop-pct");
  if (!o.interpolation.empty()) names.push_back("--interpolation");
  if (!o.mean.empty()) names.push_back("--mean");
  if (!o.deviation.empty()) names.push_back("--std");
  return names;
}
std::string labels_source(const options& o, const rexnet::model_origin& origin) {
  return o.labels.empty() ? origin.labels_from : o.labels == "none" ? std::string() : "--labels";
}

}  // namespace

std::string origin_text(const options& o, const rexnet::model_origin& origin,
                        const rexnet::packed_header& h) {
  std::string s;
  if (!origin.key.empty()) s += "  key " + quoted(origin.key) + '\n';
  if (!origin.prefix.empty()) s += "  prefix " + quoted(origin.prefix) + " removed\n";
  if (!origin.others.empty()) s += "  not taken: " + some(origin.others) + " (--key)\n";
  if (!origin.left_out.empty()) s += "  left out: " + some(origin.left_out) + '\n';
  const rexnet::preprocessing& p = h.input;
  s += "  pictures: " + std::to_string(p.input_size) + " x " + std::to_string(p.input_size) + ", crop " +
       number(p.crop_pct) + ", " + name_of(p.interpolation) + ", mean";
  for (const float v : p.mean) s += " " + number(static_cast<double>(v));
  s += ", std";
  for (const float v : p.std) s += " " + number(static_cast<double>(v));
  s += " (" + origin.input_from;
  for (const std::string& name : given(o)) s += ", " + name;
  s += ")\n";
  if (origin.test_size != 0 && o.input_size == 0)
    s += "  measured at " + std::to_string(origin.test_size) + " x " + std::to_string(origin.test_size) +
         ", crop " + number(origin.test_crop_pct) + ": --input-size " + std::to_string(origin.test_size) +
         '\n';
  const std::string names = labels_source(o, origin);
  if (h.shape.classes > 0) s += "  names: " + (names.empty() ? std::string("none") : names) + '\n';
  for (const std::string& note : origin.notes) s += "  note: " + rexnet::printable(note) + '\n';
  return s;
}

namespace {

/// What inspect prints.
struct inspected {
  rexnet::model model;
  rexnet::packed_header header;     ///< with the options' preprocessing
  std::size_t workspace_bytes = 0;  ///< of one thread

  explicit inspected(const options& o) : model(load_model(o)), header(model.header()) {
    header.input = o.input_of(header.input, model.origin());
    workspace_bytes = model.net().make_plan(side(), side(), 1).value().workspace_bytes();
  }
  [[nodiscard]] int side() const { return header.input.input_size; }
};

int layer_count(const rexnet::config& c) {
  int layers = 0;
  rexnet::weights_layout layout;
  rexnet::for_each_layer(c, layout,
                         [&layers](rexnet::layer_layout&, int, int out_c) { layers += out_c > 0; });
  return layers;
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
  const int side = found.side();
  ordered_json j{{"variant", rexnet::detail::variant_text(c)},
                 {"family", rexnet::family_name(c.family)},
                 {"width", c.width_hundredths / 100.0},
                 {"classes", c.classes},
                 {"outputs", rexnet::output_c(c)},
                 {"container", m.container()},
                 {"number_type", origin.number_type},
                 {"layers", layer_count(c)},
                 {"parameters", rexnet::parameter_count(c)},
                 {"multiply_adds", rexnet::multiply_adds(c, side, side)},
                 {"input_size", side},
                 {"preprocessing",
                  {{"input_size", side},
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
  if (m.container() != "packed") add_checkpoint(j, o, origin);
  return j;
}

void print_text(const inspected& found, const options& o, const ordered_json& j) {
  const rexnet::model& m = found.model;
  const rexnet::config& c = m.shape();
  const int side = found.side();
  print(rexnet::printable(o.model) + ": ReXNet " + rexnet::detail::variant_text(c) + ", " +
        std::to_string(c.classes) + " classes (" + m.container() + ", " + m.origin().number_type + ")\n");
  char text[256];
  std::snprintf(text, sizeof(text),
                "%.2f M parameters, %.1f M multiply-adds at %d x %d, workspace %.2f MB, packed %.1f MB\n",
                static_cast<double>(rexnet::parameter_count(c)) / 1e6,
                static_cast<double>(rexnet::multiply_adds(c, side, side)) / 1e6, side, side,
                static_cast<double>(found.workspace_bytes) / 1e6,
                static_cast<double>(m.payload().size()) * 4 / 1e6);
  print(text);
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
