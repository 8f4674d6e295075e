// SPDX-License-Identifier: MIT
// inspect: what a model's file holds.
#include "tools/commands.hpp"
#include "tools/json_text.hpp"
#include "tools/terminal.hpp"

#include <cstdio>

namespace rexnet_tools {

using nlohmann::ordered_json;

void inspect(const options& o) {
  const rexnet::model m = load_model(o);
  const rexnet::config& c = m.shape();
  const int side = o.input_size != 0 ? o.input_size : m.input().input_size;
  const rexnet::plan p = m.net().make_plan(side, side, 1).value();
  int layers = 0;
  rexnet::weights_layout layout;
  rexnet::for_each_layer(c, layout,
                         [&layers](rexnet::layer_layout&, int, int out_c) { layers += out_c > 0; });
  ordered_json j{{"variant", rexnet::detail::variant_text(c)},
                 {"family", rexnet::family_name(c.family)},
                 {"width", c.width_hundredths / 100.0},
                 {"classes", c.classes},
                 {"outputs", rexnet::output_c(c)},
                 {"container", m.container()},
                 {"layers", layers},
                 {"parameters", rexnet::parameter_count(c)},
                 {"multiply_adds", rexnet::multiply_adds(c, side, side)},
                 {"input_size", side},
                 {"packed_bytes", m.payload().size() * 4},
                 {"workspace_bytes", p.workspace_bytes()},
                 {"labels", m.labels()},
                 {"self_test", m.header().test.h > 0}};
  if (m.container() != "packed") {
    // Read again, for the list of tensors alone: the model has let go of the file.
    const auto file = open_checkpoint(o);
    j["state_key"] = file.state_key();
    j["tensors"] = ordered_json::array();
    for (const rexnet::tensor& t : file.tensors())
      j["tensors"].push_back({{"name", t.name}, {"dtype", rexnet::dtype_name(t.type)}, {"shape", t.shape}});
  }
  if (o.json) return print_json(json_text(j));
  print(rexnet::printable(o.model) + ": ReXNet " + rexnet::detail::variant_text(c) + ", " +
        std::to_string(c.classes) + " classes (" + m.container() + ")\n");
  char text[256];
  std::snprintf(text, sizeof(text),
                "%.2f M parameters, %.1f M multiply-adds at %d x %d, workspace %.2f MB, packed %.1f MB\n",
                static_cast<double>(rexnet::parameter_count(c)) / 1e6,
                static_cast<double>(rexnet::multiply_adds(c, side, side)) / 1e6, side, side,
                static_cast<double>(p.workspace_bytes()) / 1e6,
                static_cast<double>(m.payload().size()) * 4 / 1e6);
  print(text);
  if (j.contains("tensors"))
    for (const auto& t : j["tensors"]) {
      std::string name = rexnet::printable(t["name"].get<std::string>());
      if (name.size() < 50) name.resize(50, ' ');
      std::snprintf(text, sizeof(text), " %-8s %s\n", t["dtype"].get<std::string>().c_str(),
                    t["shape"].dump().c_str());
      print("  " + name + text);
    }
}

}  // namespace rexnet_tools
