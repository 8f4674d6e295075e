// SPDX-License-Identifier: MIT
// rexnet's side of the comparison with other runtimes.
// Usage: rexnet_worker MODEL INPUT.npy BATCH THREADS    (INPUT: [n][3][h][w] float32; MODEL "-": no model)
#include "bench/peers/worker.hpp"

namespace {

/// A model with everything that a pass needs.
struct runner {
  int batch, h = 0, w = 0;
  rexnet::model model;
  rexnet::plan plan;
  rexnet::aligned_buffer workspace;
  std::vector<float> images, logits;

  runner(const std::string& path, const std::string& input, int count, int threads)
      : batch(count),
        model(rexnet::load_copy(path).value()),
        images(rexnet_bench::read_images(input, count, h, w)) {
    const auto net = model.net();
    plan = net.make_plan(h, w, threads).value();
    // A batch runs one image per thread where the workspace allows it.
    const std::size_t together = batch > 1 ? net.batch_workspace_bytes(plan) : 0;
    workspace = rexnet::aligned_buffer((std::max)(plan.workspace_bytes(), together));
    logits.resize(static_cast<std::size_t>(batch) * static_cast<std::size_t>(rexnet::output_c(net.shape())));
  }

  void run() {
    rexnet_bench::check(model.net().forward(plan, {images.data(), batch, h, w, 3}, logits,
                                            {workspace.data(), workspace.size()}),
                        "forward");
  }
  [[nodiscard]] const std::vector<float>& outputs() const { return logits; }
  static bool answer(const std::string& /*command*/, const std::string& /*argument*/) { return false; }
  static std::string facts() { return {}; }
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) throw std::runtime_error("usage: rexnet_worker MODEL INPUT.npy BATCH THREADS");
  const int threads = std::stoi(argv[4]);
  if (argv[1] == std::string("-")) {
    rexnet_bench::serve<runner>(nullptr, threads);
    return 0;
  }
  runner net(argv[1], argv[2], std::stoi(argv[3]), threads);
  net.run();
  rexnet_bench::serve(&net, threads);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
