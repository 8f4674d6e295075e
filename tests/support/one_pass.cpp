// SPDX-License-Identifier: MIT
// What a program pays for a model: peak resident memory, and the time from opening a mapped file to the first
// logits against a warm pass. one_pass.sh compares it with itself without a model.
// Usage: one_pass [PACKED_MODEL]; prints "peak_kb payload_kb workspace_kb first_ms warm_ms".
#include "rexnet/model.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace {

long peak_kb() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("VmHWM:", 0) == 0) return std::stol(line.substr(6));
  return -1;
}

double milliseconds() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::printf("%ld 0 0 0 0\n", peak_kb()), 0;
  const double start = milliseconds();
  const auto model = rexnet::load_packed(argv[1]);
  if (!model) return std::fprintf(stderr, "%s\n", model.error().what()), 1;
  const auto net = model->net();
  const auto plan = net.make_plan(224, 224);
  rexnet::aligned_buffer workspace(plan->workspace_bytes());
  std::vector<std::uint8_t> pixels(224 * 224 * 3, 100);
  std::vector<float> logits(static_cast<std::size_t>(rexnet::output_c(model->shape())));
  const auto table = rexnet::normalise_table(model->input());
  const auto pass = [&] {
    return net.forward_u8(*plan, rexnet::image_view(pixels.data(), 224, 224), table, logits,
                          {workspace.data(), workspace.size()});
  };
  if (pass() != rexnet::errc::ok) return 1;
  const double first = milliseconds() - start;
  double warm = 1e9;
  for (int i = 0; i < 20; ++i) {
    const double before = milliseconds();
    if (pass() != rexnet::errc::ok) return 1;
    warm = (std::min)(warm, milliseconds() - before);
  }
  std::printf("%ld %zu %zu %.2f %.2f\n", peak_kb(), model->payload().size() * sizeof(float) / 1024,
              workspace.size() / 1024, first, warm);
}
