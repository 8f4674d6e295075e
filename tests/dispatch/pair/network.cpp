// SPDX-License-Identifier: MIT
// Half of a program: compiled for one instruction set, and with PAIR_FUNCTION as its only name.
#include "rexnet/model.hpp"
#include "rexnet/ops.hpp"

#include "tests/dispatch/pair/pair.hpp"

pair_answer PAIR_FUNCTION(const char* path) {
  pair_answer answer;
  const auto model = rexnet::load_packed(std::string(path));
  if (!model) return answer.error = model.error().message(), answer;
  const std::vector<std::uint8_t> grey(std::size_t{64} * 48 * 3, 128);
  auto classifier = rexnet::classifier::make(*model);
  if (!classifier) return answer.error = classifier.error().message(), answer;
  auto logits = classifier->logits({grey.data(), 64, 48});
  if (!logits) return answer.error = logits.error().message(), answer;
  answer.set = model->net().instruction_set();
  answer.logits = std::move(*logits);
  // Operators as well: 1 / 3 is rounded once with FMA and twice without.
  const float third = 1.0f / 3.0f, in = 0.7f;
  const auto filter = rexnet::pack_filter({&third, 1}, {&third, 1}, 1, 1);
  float out = 0;
  if (!filter || rexnet::dense({&in, 1}, filter->view(), {&out, 1}) != rexnet::errc::ok)
    return answer.error = "dense", answer;
  answer.logits.push_back(out);
  return answer;
}
