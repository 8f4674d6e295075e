// SPDX-License-Identifier: MIT
// bench --profile: where the time of a forward pass goes, phase by phase, against what the machine could do.
#include "tools/commands.hpp"
#include "tools/measure.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>

namespace rexnet_tools {

namespace {

using nlohmann::ordered_json;
using rexnet::phase;

constexpr const char* phase_names[] = {"bands", "slices", "squeeze",    "excite", "project",
                                       "head",  "hidden", "classifier", "tap"};

/// The work of one phase.
struct work {
  phase what;
  int block;
  double macs = 0;    ///< multiply-adds of the network
  double lanes = 0;   ///< multiply-adds of the kernels: output channels fill whole vectors
  double silu = 0;    ///< elements that pass SiLU
  double bytes = 0;   ///< weights, read once
  double best = 1e9;  ///< seconds

  /// A layer of k inputs for each of out_c outputs, on so many pixels.
  void add_layer(double pixels, int k, int out_c, int width) {
    macs += pixels * k * out_c;
    lanes += pixels * k * rexnet::round_up(out_c, width);
    bytes += 4.0 * k * rexnet::round_up(out_c, rexnet::panel_c);
  }
};

/// The clock of a pass: each phase's best time over all passes.
struct profile {
  std::vector<work> phases;
  std::size_t at = 0;
  double last = 0;

  static void done(void* context, phase what, int block) noexcept {
    auto& p = *static_cast<profile*>(context);
    const double now = seconds();
    if (p.at == p.phases.size()) p.phases.push_back({what, block});
    work& w = p.phases[p.at++];
    w.best = (std::min)(w.best, now - p.last);
    p.last = now;
  }
};

/// @param width floats of a vector
void count_work(work& w, const rexnet::config& c, const rexnet::plan& p, int width) {
  const auto add_layer = [&w, width](double pixels, int k, int out_c) {
    w.add_layer(pixels, k, out_c, width);
  };
  const auto behind = w.block == rexnet::block_count;
  const rexnet::block_plan& bp = p.blocks[behind ? rexnet::block_count - 1 : w.block];
  const rexnet::block_config& b = c.blocks[behind ? rexnet::block_count - 1 : w.block];
  const double in = static_cast<double>(bp.h) * bp.w, out = static_cast<double>(bp.oh) * bp.ow;
  const int taps = b.kernel * b.kernel;
  const bool silu = c.family != rexnet::family::lite;
  switch (w.what) {
    case phase::bands: add_layer(out, b.mid_c, b.out_c); [[fallthrough]];
    case phase::slices:
      add_layer(in, b.expand ? b.in_c : 27, b.mid_c);  // block 0 holds the stem
      add_layer(out, taps, b.mid_c);
      w.silu = silu ? in * b.mid_c : 0;
      break;
    case phase::squeeze: add_layer(1, b.mid_c, b.se_c); break;
    case phase::excite: add_layer(1, b.se_c, b.mid_c); break;
    case phase::project: add_layer(out, b.mid_c, b.out_c); break;
    case phase::head:
      add_layer(out, b.out_c, c.head_c);
      w.silu = silu ? out * c.head_c : 0;
      break;
    case phase::hidden: add_layer(1, c.head_c, c.hidden_c); break;
    case phase::classifier: add_layer(1, rexnet::feature_c(c), c.classes); break;
    case phase::tap: break;
  }
}

}  // namespace

void print_profile(const options& o) {
  const rexnet::model m = rexnet::load(o.model).value();
  const auto net = m.net();
  const rexnet::config& c = net.shape();
  const int side = o.input_size != 0 ? o.input_size : m.input().input_size, threads = o.thread_count();
  const rexnet::plan p = net.make_plan(side, side, threads).value();
  rexnet::aligned_buffer workspace(p.workspace_bytes());
  std::vector<float> image(static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3, 0.5f),
      out(static_cast<std::size_t>(rexnet::output_c(c)));
  profile times;
  rexnet::forward_options how;
  how.observer = {&profile::done, &times};
  const measure_loops& loops = loops_for(net.instruction_set());
  double peak = fma_peak(loops);
  const double silu_seconds = silu_time(loops), bandwidth = read_bandwidth(loops);
  for (const double start = seconds(); seconds() - start < 2.0;) {
    times.at = 0;
    times.last = seconds();
    check_forward(
        net.forward(p, {image.data(), 1, side, side, 3}, out, {workspace.data(), workspace.size()}, how));
  }
  peak = (std::max)(peak, fma_peak(loops));

  ordered_json j{{"variant", rexnet::detail::variant_text(c)},
                 {"input_size", side},
                 {"threads", threads},
                 {"peak_gmac_per_s_per_core", peak / 1e9},
                 {"silu_ns", silu_seconds * 1e9},
                 {"read_gb_per_s", bandwidth / 1e9},
                 {"cpu", cpu_name()},
                 {"instruction_set", net.instruction_set()},
                 {"phases", ordered_json::array()}};
  double total = 0, total_bound = 0;
  if (!o.json)
    std::printf("%-3s %-10s %9s %8s %8s %8s %10s %7s\n", "", "phase", "MMAC", "us", "FMA us", "SiLU us",
                "weights us", "share");
  for (work& w : times.phases) {
    count_work(w, c, p, loops.width);
    const double fma = w.lanes / peak / threads, silu = w.silu * silu_seconds / threads,
                 read = w.bytes / bandwidth / threads, bound = (std::max)(fma + silu, read);
    total += w.best, total_bound += bound;
    const char* name = phase_names[static_cast<int>(w.what)];
    j["phases"].push_back({{"phase", name},
                           {"block", w.block},
                           {"macs", w.macs},
                           {"lanes", w.lanes},
                           {"silu", w.silu},
                           {"weight_bytes", w.bytes},
                           {"us", w.best * 1e6},
                           {"fma_us", fma * 1e6},
                           {"silu_us", silu * 1e6},
                           {"weights_us", read * 1e6}});
    if (!o.json)
      std::printf("%3d %-10s %9.2f %8.1f %8.1f %8.1f %10.1f %6.0f%%\n", w.block, name, w.macs / 1e6,
                  w.best * 1e6, fma * 1e6, silu * 1e6, read * 1e6, 100 * bound / w.best);
  }
  j["us"] = total * 1e6, j["bound_us"] = total_bound * 1e6;
  if (o.json)
    std::cout << j.dump(2) << '\n';
  else
    std::printf(
        "sum of best phases %.0f us, bound %.0f us (%.0f %%); one core: %.1f GMAC/s, SiLU %.2f ns, %.0f GB/s "
        "from "
        "memory (%s, %s)\n",
        total * 1e6, total_bound * 1e6, 100 * total_bound / total, peak / 1e9, silu_seconds * 1e9,
        bandwidth / 1e9, j["cpu"].get<std::string>().c_str(),
        j["instruction_set"].get<std::string>().c_str());
}

}  // namespace rexnet_tools
