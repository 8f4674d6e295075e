// SPDX-License-Identifier: MIT
// Google Benchmark of every operator on the shapes of one network:
//   operators [--model v1|lite|rexnetr:WIDTH_IN_HUNDREDTHS] [--size PIXELS] [--benchmark_...]
// bench/summary.py runs it and compares the answers with the targets.
#include "bench/operators.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

/// Takes `--name VALUE` out of the arguments; null where it is not there.
const char* take_option(int& argc, char** argv, const char* name) {
  for (int i = 1; i + 1 < argc; ++i)
    if (std::strcmp(argv[i], name) == 0) {
      const char* value = argv[i + 1];
      for (int j = i; j + 2 <= argc; ++j) argv[j] = argv[j + 2];
      argc -= 2;
      return value;
    }
  return nullptr;
}

bool read_model(const std::string& text, rexnet::config& c) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return false;
  const int width = std::atoi(text.c_str() + colon + 1);
  if (width < rexnet::min_width_hundredths || width > rexnet::max_width_hundredths) return false;
  for (const auto family : {rexnet::family::v1, rexnet::family::lite, rexnet::family::rexnetr})
    if (text.substr(0, colon) == rexnet::family_name(family)) {
      c = rexnet::config_for(family, width, 1000);
      return true;
    }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const char* model = take_option(argc, argv, "--model");
  const char* size = take_option(argc, argv, "--size");
  if (model == nullptr) model = "v1:100";
  const int side = size == nullptr ? 224 : std::atoi(size);
  rexnet::config c;
  if (!read_model(model, c) || side < 1 || side > 4096) {
    std::fprintf(stderr,
                 "--model: v1, lite or rexnetr, a colon and the width in hundredths; --size: 1 to 4096\n");
    return 2;
  }
  const rexnet_bench::shapes shapes = rexnet_bench::shapes_of(c, side);
  rexnet_bench::register_pointwise(shapes);
  rexnet_bench::register_depthwise(shapes);
  rexnet_bench::register_others(shapes);

  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  using traits = rexnet::detail::kernel_traits<rexnet_bench::arch>;
  benchmark::AddCustomContext("cpu", rexnet_tools::cpu_name());
  benchmark::AddCustomContext("instruction_set", rexnet::simd::name<rexnet_bench::arch>());
  benchmark::AddCustomContext("compiler", REXNET_BENCH_COMPILER);
  benchmark::AddCustomContext("model", std::string(model) + " at " + std::to_string(side));
  // Of a full tile: a load for each pixel and each of the two weight vectors.
  benchmark::AddCustomContext("loads_per_fma", std::to_string((traits::rows + 2) / (2.0 * traits::rows)));
  benchmark::RunSpecifiedBenchmarks();
}
