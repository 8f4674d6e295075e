// SPDX-License-Identifier: MIT
// rexnet's side of the comparison with other runtimes: the line protocol of worker.py, and `peak`.
// Usage: rexnet_worker MODEL INPUT.npy BATCH THREADS    (INPUT: [n][3][h][w] float32; MODEL "-": no model)
#include "rexnet/checkpoint/npy.hpp"
#include "rexnet/rexnet.hpp"
#include "tools/measure.hpp"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <thread>

namespace {

using rexnet_tools::seconds;

/// Peak resident memory in KiB.
long peak_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) return std::stol(line.substr(6));
  return 0;
}

/// Multiply-adds per second of all cores together, measured at the same time.
double peak_of(int threads) {
  std::vector<double> rates(static_cast<std::size_t>(threads));
  std::vector<std::thread> team;
  for (double& rate : rates)
    team.emplace_back(
        [&rate] { rate = rexnet_tools::fma_peak(rexnet_tools::loops_of<rexnet::simd::default_arch>); });
  for (std::thread& t : team) t.join();
  double sum = 0;
  for (const double rate : rates) sum += rate;
  return sum;
}

/// The first `count` images of an NCHW file, channels last.
std::vector<float> read_images(const std::string& path, int count, int& h, int& w) {
  const auto file = rexnet::file_bytes::map(path).value();
  const rexnet::npy_array a = rexnet::read_npy(file.bytes()).value();
  if (a.shape.size() != 4 || a.shape[0] < count || a.shape[1] != 3)
    throw std::runtime_error(path + ": expected [n][3][h][w] with n of at least " + std::to_string(count));
  h = static_cast<int>(a.shape[2]), w = static_cast<int>(a.shape[3]);
  const auto pixels = static_cast<std::size_t>(h) * static_cast<std::size_t>(w);
  std::vector<float> out(static_cast<std::size_t>(count) * pixels * 3);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t image = i / (3 * pixels), pixel = i / 3 % pixels, channel = i % 3;
    out[i] = a.data[(image * 3 + channel) * pixels + pixel];
  }
  return out;
}

/// A model with everything that a pass needs.
struct runner {
  int batch, h = 0, w = 0;
  rexnet::model model;
  rexnet::plan plan;
  rexnet::aligned_buffer workspace;
  std::vector<float> images, logits;

  runner(const std::string& path, const std::string& input, int count, int threads)
      : batch(count), model(rexnet::load_copy(path).value()), images(read_images(input, count, h, w)) {
    const auto net = model.net();
    plan = net.make_plan(h, w, threads).value();
    // A batch runs one image per thread where the workspace allows it.
    const std::size_t together = batch > 1 ? net.batch_workspace_bytes(plan) : 0;
    workspace = rexnet::aligned_buffer((std::max)(plan.workspace_bytes(), together));
    logits.resize(static_cast<std::size_t>(batch) * static_cast<std::size_t>(rexnet::output_c(net.shape())));
  }

  void run() {
    const rexnet::errc e = model.net().forward(plan, {images.data(), batch, h, w, 3}, logits,
                                               {workspace.data(), workspace.size()});
    if (e != rexnet::errc::ok) throw std::runtime_error(std::string("forward: ") + to_string(e));
  }
};

void write_logits(const std::string& path, const std::vector<float>& logits) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(logits.data()),
             static_cast<std::streamsize>(logits.size() * sizeof(float)));
  if (!file.flush()) throw std::runtime_error(path + ": cannot write");
}

void serve(runner* net, int threads) {
  double wall = 0, processor = 0;
  std::puts("READY");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line) && line != "quit";) {
    std::istringstream words(line);
    std::string command, argument;
    words >> command >> argument;
    if (command == "run" && net != nullptr) {
      std::vector<double> times(std::stoul(argument));
      const std::clock_t busy = std::clock();
      for (double& t : times) {
        const double start = seconds();
        net->run();
        t = seconds() - start;
        wall += t;
      }
      processor += static_cast<double>(std::clock() - busy) / CLOCKS_PER_SEC;
      for (const double t : times) std::printf("%.9f ", t);
      std::puts("");
    } else if (command == "logits" && net != nullptr) {
      net->run();
      write_logits(argument, net->logits);
      std::puts("DONE");
    } else if (command == "peak") {
      std::printf("%.6g\n", peak_of(threads));
    } else {
      throw std::runtime_error("unknown command: " + line);
    }
    std::fflush(stdout);
  }
  std::printf(
      "{\"peak_kib\": %ld, \"cores_busy\": %.3f, \"isa\": \"%s\", \"cpu\": \"%s\", \"compiler\": \"%s\"}\n",
      peak_kib(), wall > 0 ? processor / wall : 0.0, rexnet::simd::name<rexnet::simd::default_arch>(),
      rexnet_tools::cpu_name().c_str(), __VERSION__);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) throw std::runtime_error("usage: rexnet_worker MODEL INPUT.npy BATCH THREADS");
  const int threads = std::stoi(argv[4]);
  if (argv[1] == std::string("-")) {
    serve(nullptr, threads);
    return 0;
  }
  runner net(argv[1], argv[2], std::stoi(argv[3]), threads);
  net.run();
  serve(&net, threads);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
