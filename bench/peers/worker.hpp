// SPDX-License-Identifier: MIT
// What rexnet's workers have in common: the line protocol of worker.py, and `peak`.
#ifndef REXNET_BENCH_PEERS_WORKER_HPP
#define REXNET_BENCH_PEERS_WORKER_HPP

#include "rexnet/checkpoint/npy.hpp"
#include "rexnet/rexnet.hpp"
#include "tools/measure.hpp"

#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace rexnet_bench {

using rexnet_tools::seconds;

/// Peak resident memory in KiB.
inline long peak_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) return std::stol(line.substr(6));
  return 0;
}

/// Multiply-adds per second of all cores together, measured at the same time.
inline double peak_of(int threads) {
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
inline std::vector<float> read_images(const std::string& path, int count, int& h, int& w) {
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

inline void write_floats(const std::string& path, const std::vector<float>& values) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(float)));
  if (!file.flush()) throw std::runtime_error(path + ": cannot write");
}

inline void check(rexnet::errc e, const char* what) {
  if (e != rexnet::errc::ok) throw std::runtime_error(std::string(what) + ": " + to_string(e));
}

/// Answers until `quit`.
/// @tparam Runner run(): a pass; outputs(): what it computed, as floats; answer(command, argument): whether
/// it
///                answered a line of its own; facts(): more of the last answer's JSON, ", " in front
/// @param runner null: no model, to see what the program alone needs
template <class Runner>
void serve(Runner* runner, int threads) {
  double wall = 0, processor = 0;
  std::puts("READY");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line) && line != "quit";) {
    std::istringstream words(line);
    std::string command, argument;
    words >> command >> argument;
    if (command == "run" && runner != nullptr) {
      std::vector<double> times(std::stoul(argument));
      const std::clock_t busy = std::clock();
      for (double& t : times) {
        const double start = seconds();
        runner->run();
        t = seconds() - start;
        wall += t;
      }
      processor += static_cast<double>(std::clock() - busy) / CLOCKS_PER_SEC;
      for (const double t : times) std::printf("%.9f ", t);
      std::puts("");
    } else if (command == "logits" && runner != nullptr) {
      runner->run();
      write_floats(argument, runner->outputs());
      std::puts("DONE");
    } else if (command == "peak") {
      std::printf("%.6g\n", peak_of(threads));
    } else if (runner == nullptr || !runner->answer(command, argument)) {
      throw std::runtime_error("unknown command: " + line);
    }
    std::fflush(stdout);
  }
  std::printf(
      "{\"peak_kib\": %ld, \"cores_busy\": %.3f, \"isa\": \"%s\", \"cpu\": \"%s\", \"compiler\": \"%s\"%s}\n",
      peak_kib(), wall > 0 ? processor / wall : 0.0, rexnet::simd::name<rexnet::simd::default_arch>(),
      rexnet_tools::cpu_name().c_str(), __VERSION__, runner != nullptr ? runner->facts().c_str() : "");
}

}  // namespace rexnet_bench

#endif  // REXNET_BENCH_PEERS_WORKER_HPP
