// SPDX-License-Identifier: MIT
// bench --profile: where the time of a forward pass goes, phase by phase, against what the machine could do.
#include "tools/commands.hpp"
#include "tools/json_text.hpp"
#include "tools/measure.hpp"
#include "tools/profile_svg.hpp"
#include "tools/terminal.hpp"

#include <algorithm>
#include <cstdio>
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
  double macs = 0;   ///< multiply-adds of the network
  double lanes = 0;  ///< multiply-adds of the kernels: output channels fill whole vectors
  double silu = 0;   ///< elements that pass SiLU
  double bytes = 0;  ///< weights, read once
  double time = 0;   ///< seconds

  /// A layer of k inputs for each of out_c outputs, on so many pixels.
  void add_layer(double pixels, int k, int out_c, int width) {
    macs += pixels * k * out_c;
    lanes += pixels * k * rexnet::round_up(out_c, width);
    bytes += 4.0 * k * rexnet::round_up(out_c, rexnet::panel_c);
  }
};

/// The clock of a pass, on the calling thread. A thread that was taken off the CPU finds the next phases done
/// by the others and takes no time for them, so a phase's least time over all passes would be a lie.
struct profile {
  struct pass {
    double total = 0;
    std::vector<double> times;
  };
  std::vector<work> phases;
  std::vector<pass> passes;
  pass now;
  double last = 0;

  static void done(void* context, phase what, int block) noexcept {
    auto& p = *static_cast<profile*>(context);
    const double time = seconds();
    if (p.passes.empty()) p.phases.push_back({what, block});
    p.now.times.push_back(time - p.last);
    p.now.total += time - p.last;
    p.last = time;
  }
  void finish_pass() {
    passes.push_back(now);
    now = {0, {}};
    now.times.reserve(phases.size());
  }
  /// Each phase's time: the median over the fastest tenth of the passes.
  void choose() {
    std::sort(passes.begin(), passes.end(), [](const pass& a, const pass& b) { return a.total < b.total; });
    std::vector<double> times((std::max)(passes.size() / 10, std::size_t{1}));
    for (std::size_t i = 0; i < phases.size(); ++i) {
      for (std::size_t k = 0; k < times.size(); ++k) times[k] = passes[k].times[i];
      std::sort(times.begin(), times.end());
      phases[i].time = times[times.size() / 2];
    }
  }
};

/// @param width floats of a vector
void count_work(work& w, const rexnet::config& c, const rexnet::plan& p, int width) {
  const auto add_layer = [&w, width](double pixels, int k, int out_c) {
    w.add_layer(pixels, k, out_c, width);
  };
  const auto behind = w.block == c.block_count;
  const rexnet::block_plan& bp = p.blocks[behind ? c.block_count - 1 : w.block];
  const rexnet::block_config& b = c.blocks[behind ? c.block_count - 1 : w.block];
  const double in = static_cast<double>(bp.h) * bp.w, out = static_cast<double>(bp.oh) * bp.ow;
  const int taps = b.kernel * b.kernel;
  const bool silu = (behind ? c.head_act : b.expand ? b.expand_act : c.stem_act) == rexnet::activation::silu;
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

constexpr const char* kinds[] = {
    "bands (a whole block)", "slices (expand, depthwise)", "squeeze-excite", "project", "head", "classifier"};

int kind_of(phase what) {
  switch (what) {
    case phase::bands: return 0;
    case phase::slices: return 1;
    case phase::squeeze:
    case phase::excite: return 2;
    case phase::project: return 3;
    case phase::head: return 4;
    default: return 5;
  }
}

profile_chart empty_chart(const rexnet::model& m, const char* set, int side, int threads) {
  profile_chart chart;
  const std::string sides = std::to_string(side) + " × " + std::to_string(side);
  chart.title = "ReXNet " + rexnet::detail::variant_text(m.shape()) + ", " + sides + ": time of every block";
  chart.subtitle = cpu_name() + ", " + set + ", " + std::to_string(threads) +
                   (threads == 1 ? " thread" : " threads") +
                   ", float32, batch 1, rexnet " REXNET_VERSION_STRING;
  chart.kinds.assign(std::begin(kinds), std::end(kinds));
  return chart;
}

/// Adds a phase to its block's bar; what follows the blocks has bars of its own.
void add_to_chart(profile_chart& chart, const work& w, const rexnet::config& c, const rexnet::plan& p,
                  double bound) {
  const bool behind = w.block == c.block_count;
  const auto number = [](int v) { return std::to_string(v); };
  const std::string name = behind         ? phase_names[static_cast<int>(w.what)]
                           : w.block == 0 ? "stem, block 0"
                                          : "block " + number(w.block);
  if (chart.bars.empty() || chart.bars.back().name != name) {
    chart.bars.push_back({name, {}, {}, 0, 0});
    const rexnet::block_config& b = c.blocks[behind ? c.block_count - 1 : w.block];
    const rexnet::block_plan& bp = p.blocks[behind ? c.block_count - 1 : w.block];
    const int in = w.block == 0              ? 3
                   : !behind                 ? b.in_c
                   : w.what == phase::head   ? b.out_c
                   : w.what == phase::hidden ? c.head_c
                                             : rexnet::feature_c(c);
    const int out = !behind                   ? b.out_c
                    : w.what == phase::head   ? c.head_c
                    : w.what == phase::hidden ? c.hidden_c
                                              : c.classes;
    chart.bars.back().detail = number(in) + " → " + number(out);
    if (!behind || w.what == phase::head)
      chart.bars.back().detail += ", " + number(bp.oh) + " × " + number(bp.ow);
  }
  profile_bar& bar = chart.bars.back();
  const int kind = kind_of(w.what);
  if (bar.parts.empty() || bar.parts.back().kind != kind) bar.parts.push_back({kind, 0});
  bar.parts.back().us += w.time * 1e6;
  bar.bound_us += bound * 1e6;
  bar.macs += w.macs;
}

}  // namespace

void print_profile(const options& o) {
  const rexnet::model m = load_model(o);
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
  for (const double start = seconds(); times.passes.empty() || seconds() - start < 2.0;) {
    times.last = seconds();
    check_forward(
        net.forward(p, {image.data(), 1, side, side, 3}, out, {workspace.data(), workspace.size()}, how));
    times.finish_pass();
  }
  times.choose();
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
  bool disturbed = false;
  profile_chart chart = empty_chart(m, net.instruction_set(), side, threads);
  chart.peak_macs_per_us = peak * threads / 1e6;
  char line[160];
  std::string table = "    phase           MMAC       us   FMA us  SiLU us weights us   share\n";
  for (work& w : times.phases) {
    count_work(w, c, p, loops.width);
    const double fma = w.lanes / peak / threads, silu = w.silu * silu_seconds / threads,
                 read = w.bytes / bandwidth / threads, bound = (std::max)(fma + silu, read);
    total += w.time, total_bound += bound;
    disturbed = disturbed || 2 * w.time < fma;  // nobody is twice as fast as the peak
    add_to_chart(chart, w, c, p, bound);
    const char* name = phase_names[static_cast<int>(w.what)];
    j["phases"].push_back({{"phase", name},
                           {"block", w.block},
                           {"macs", w.macs},
                           {"lanes", w.lanes},
                           {"silu", w.silu},
                           {"weight_bytes", w.bytes},
                           {"us", w.time * 1e6},
                           {"fma_us", fma * 1e6},
                           {"silu_us", silu * 1e6},
                           {"weights_us", read * 1e6}});
    std::snprintf(line, sizeof(line), "%3d %-10s %9.2f %8.1f %8.1f %8.1f %10.1f %6.0f%%\n", w.block, name,
                  w.macs / 1e6, w.time * 1e6, fma * 1e6, silu * 1e6, read * 1e6, 100 * bound / w.time);
    table += line;
  }
  j["us"] = total * 1e6, j["bound_us"] = total_bound * 1e6, j["disturbed"] = disturbed;
  if (disturbed) {
    chart.warning =
        "Not to be trusted: other programs held the cores. Measure on an idle machine, or with --threads 1.";
    say(chart.warning);
  }
  if (!o.svg.empty()) write_file(o.svg, profile_svg(chart));
  if (o.json) return print_json(json_text(j));
  std::snprintf(
      line, sizeof(line),
      "sum of phases %.0f us, bound %.0f us (%.0f %%); one core: %.1f GMAC/s, SiLU %.2f ns, %.0f GB/s "
      "from memory (",
      total * 1e6, total_bound * 1e6, 100 * total_bound / total, peak / 1e9, silu_seconds * 1e9,
      bandwidth / 1e9);
  print(table + line + rexnet::printable(cpu_name()) + ", " + net.instruction_set() + ")\n");
}

}  // namespace rexnet_tools
