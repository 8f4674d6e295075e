// SPDX-License-Identifier: MIT
// A picture and a model, both in the program's constants; the answer goes to the debugger's console.
#include "board.hpp"
#include "static_classifier.hpp"

extern "C" const unsigned char clothing_model[], clothing_model_end[], picture[];

namespace {

int give_up(const char* what, rexnet::errc code) {
  print(what);
  print(": ");
  print(to_string(code));
  print(" (error ");
  print(static_cast<unsigned long>(code));
  print(")\n");
  return 1;
}

}  // namespace

int main() {
  const rexnet::byte_span file(clothing_model, static_cast<std::size_t>(clothing_model_end - clothing_model));
  if (const rexnet::errc e = load_model(file); e != rexnet::errc::ok) return give_up("model", e);
  answer best;
  if (const rexnet::errc e = classify({picture, camera_width, camera_height}, best); e != rexnet::errc::ok)
    return give_up("picture", e);

  const auto per_mille = static_cast<unsigned long>(best.probability * 1000 + 0.5f);
  print(best.label);
  print(" ");
  print(per_mille / 10);
  print(".");
  print(per_mille % 10);
  print(" %\n");

  const memory_use m = measure_memory();
  print("flash ");
  print(m.flash);
  print(" bytes; RAM ");
  print(m.variables);
  print(" bytes (");
  print(static_memory());
  print(" of the classifier) and ");
  print(m.stack);
  print(" bytes of stack, ");
  print(m.stack_used);
  print(" used\n");
  return 0;
}
