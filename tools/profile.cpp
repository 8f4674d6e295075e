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

const char* name_of(phase what) {
  constexpr const char* names[] = {"bands", "slices", "squeeze",    "excite", "project",
                                   "head",  "hidden", "classifier", "tap"};
  return names[static_cast<int>(what)];
}

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

/// The clock of the passes, on the calling thread.
struct pass_clock {
  struct pass {
    double total = 0;
    std::vector<double> times;  ///< of each phase
  };
  std::vector<work> phases;
  std::vector<pass> passes;
  pass now;
  double last = 0;  ///< when the phase began

  static void phase_done(void* context, phase what, int block) noexcept {
    auto& clock = *static_cast<pass_clock*>(context);
    const double time = seconds();
    if (clock.passes.empty()) clock.phases.push_back({what, block});
    clock.now.times.push_back(time - clock.last);
    clock.now.total += time - clock.last;
    clock.last = time;
  }
  void finish_pass() {
    passes.push_back(now);
    now = {0, {}};
    now.times.reserve(phases.size());
  }
  /// The phases with their times: the median over the fastest tenth of the passes. Not the least of all
  /// passes: where the system took this thread off its core for a while, the other threads have finished the
  /// next phases, which then seem to take no time.
  [[nodiscard]] std::vector<work> chosen_phases() {
    std::sort(passes.begin(), passes.end(), [](const pass& a, const pass& b) { return a.total < b.total; });
    std::vector<double> times((std::max)(passes.size() / 10, std::size_t{1}));
    for (std::size_t i = 0; i < phases.size(); ++i) {
      for (std::size_t k = 0; k < times.size(); ++k) times[k] = passes[k].times[i];
      std::sort(times.begin(), times.end());
      phases[i].time = times[times.size() / 2];
    }
    return phases;
  }
};

/// Fills in what a phase computes and reads. @param width floats of a vector
void count_work(work& w, const rexnet::config& c, const rexnet::plan& plan, int width) {
  const auto add_layer = [&w, width](double pixels, int k, int out_c) {
    w.add_layer(pixels, k, out_c, width);
  };
  const bool behind = w.block == c.block_count;
  const int block = behind ? c.block_count - 1 : w.block;
  const rexnet::block_plan& sizes = plan.blocks[block];
  const rexnet::block_config& b = c.blocks[block];
  const double in = static_cast<double>(sizes.h) * sizes.w, out = static_cast<double>(sizes.oh) * sizes.ow;
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

/// What the machine can do, measured around the passes.
struct machine {
  double peak = 0;          ///< multiply-adds per second of one core
  double silu_seconds = 0;  ///< of an element
  double bandwidth = 0;     ///< bytes per second that one core reads from memory
};

/// Seconds that a phase takes at least.
struct bounds {
  double fma = 0, silu = 0, read = 0;

  bounds(const work& w, const machine& can, int threads)
      : fma(w.lanes / can.peak / threads),
        silu(w.silu * can.silu_seconds / threads),
        read(w.bytes / can.bandwidth / threads) {}
  [[nodiscard]] double all() const { return (std::max)(fma + silu, read); }
};

/// A model's profile: what was asked for, and what was measured.
struct profiled {
  rexnet::config net;
  rexnet::plan plan;
  std::string instruction_set;
  int side = 0, threads = 0;
  machine can;
  std::vector<work> phases;

  [[nodiscard]] double time() const {
    return sum([](const work& w) { return w.time; });
  }
  [[nodiscard]] double bound() const {
    return sum([this](const work& w) { return bounds(w, can, threads).all(); });
  }
  /// Whether a phase took less than half of what its multiply-adds need at the measured peak: then the peak
  /// is that of a core which other programs held.
  [[nodiscard]] bool disturbed() const {
    return std::any_of(phases.begin(), phases.end(),
                       [this](const work& w) { return 2 * w.time < bounds(w, can, threads).fma; });
  }

 private:
  template <class Value>
  [[nodiscard]] double sum(Value&& value) const {
    double all = 0;
    for (const work& w : phases) all += value(w);
    return all;
  }
};

/// Passes over a grey image for two seconds, one at least. @return the phases with their times
std::vector<work> timed_phases(rexnet::session& session, int side) {
  if (auto s = session.prepare(side, side); !s) throw s.error();
  const std::vector<float> image(static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3, 0.5f);
  std::vector<float> out(static_cast<std::size_t>(rexnet::output_c(session.shape())));
  pass_clock clock;
  rexnet::forward_options how;
  how.observer = {&pass_clock::phase_done, &clock};
  for (const double start = seconds(); clock.passes.empty() || seconds() - start < 2.0;) {
    clock.last = seconds();
    if (auto s = session.run({image.data(), 1, side, side, 3}, out, how); !s) throw s.error();
    clock.finish_pass();
  }
  return clock.chosen_phases();
}

profiled measure(const rexnet::model& m, int side, int threads) {
  auto session = rexnet::session::make(m, threads).value();
  profiled found{
      m.shape(), session.plan_for(side, side).value(), session.net().instruction_set(), side, threads, {},
      {}};
  const measure_loops& loops = loops_for(found.instruction_set);
  found.can = {fma_peak(loops), silu_time(loops), read_bandwidth(loops)};
  found.phases = timed_phases(session, side);
  found.can.peak = (std::max)(found.can.peak, fma_peak(loops));
  for (work& w : found.phases) count_work(w, found.net, found.plan, loops.width);
  return found;
}

ordered_json json_of(const profiled& found) {
  ordered_json phases = ordered_json::array();
  for (const work& w : found.phases) {
    const bounds least(w, found.can, found.threads);
    phases.push_back({{"phase", name_of(w.what)},
                      {"block", w.block},
                      {"macs", w.macs},
                      {"lanes", w.lanes},
                      {"silu", w.silu},
                      {"weight_bytes", w.bytes},
                      {"us", w.time * 1e6},
                      {"fma_us", least.fma * 1e6},
                      {"silu_us", least.silu * 1e6},
                      {"weights_us", least.read * 1e6}});
  }
  return {{"variant", rexnet::detail::variant_text(found.net)},
          {"input_size", found.side},
          {"threads", found.threads},
          {"peak_gmac_per_s_per_core", found.can.peak / 1e9},
          {"silu_ns", found.can.silu_seconds * 1e9},
          {"read_gb_per_s", found.can.bandwidth / 1e9},
          {"cpu", cpu_name()},
          {"instruction_set", found.instruction_set},
          {"phases", std::move(phases)},
          {"us", found.time() * 1e6},
          {"bound_us", found.bound() * 1e6},
          {"disturbed", found.disturbed()}};
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

profile_chart empty_chart(const profiled& found) {
  profile_chart chart;
  const std::string side = std::to_string(found.side);
  chart.title = "ReXNet " + rexnet::detail::variant_text(found.net) + ", " + side + " × " + side +
                ": time of every block";
  chart.subtitle = cpu_name() + ", " + found.instruction_set + ", " + std::to_string(found.threads) +
                   (found.threads == 1 ? " thread" : " threads") +
                   ", float32, batch 1, rexnet " REXNET_VERSION_STRING;
  chart.kinds.assign(std::begin(kinds), std::end(kinds));
  chart.peak_macs_per_us = found.can.peak * found.threads / 1e6;
  return chart;
}

/// An empty bar for a block, or for a layer behind the blocks.
profile_bar bar_for(const work& w, const std::string& name, const profiled& found) {
  const rexnet::config& c = found.net;
  const bool behind = w.block == c.block_count;
  const int block = behind ? c.block_count - 1 : w.block;
  const rexnet::block_config& b = c.blocks[block];
  const rexnet::block_plan& sizes = found.plan.blocks[block];
  const int in = w.block == 0              ? 3
                 : !behind                 ? b.in_c
                 : w.what == phase::head   ? b.out_c
                 : w.what == phase::hidden ? c.head_c
                                           : rexnet::feature_c(c);
  const int out = !behind                   ? b.out_c
                  : w.what == phase::head   ? c.head_c
                  : w.what == phase::hidden ? c.hidden_c
                                            : c.classes;
  const auto number = [](int v) { return std::to_string(v); };
  profile_bar bar{name, number(in) + " → " + number(out), {}, 0, 0};
  if (!behind || w.what == phase::head) bar.detail += ", " + number(sizes.oh) + " × " + number(sizes.ow);
  return bar;
}

/// Adds a phase to its block's bar; what follows the blocks has bars of its own.
void add_to_chart(profile_chart& chart, const work& w, const profiled& found, double bound) {
  const std::string name = w.block == found.net.block_count ? name_of(w.what)
                           : w.block == 0                   ? "stem, block 0"
                                                            : "block " + std::to_string(w.block);
  if (chart.bars.empty() || chart.bars.back().name != name) chart.bars.push_back(bar_for(w, name, found));
  profile_bar& bar = chart.bars.back();
  const int kind = kind_of(w.what);
  if (bar.parts.empty() || bar.parts.back().kind != kind) bar.parts.push_back({kind, 0});
  bar.parts.back().us += w.time * 1e6;
  bar.bound_us += bound * 1e6;
  bar.macs += w.macs;
}

profile_chart chart_of(const profiled& found) {
  profile_chart chart = empty_chart(found);
  for (const work& w : found.phases) add_to_chart(chart, w, found, bounds(w, found.can, found.threads).all());
  return chart;
}

/// A row for each phase, and the sums.
std::string table_of(const profiled& found) {
  char line[160];
  std::string table = "    phase           MMAC       us   FMA us  SiLU us weights us   share\n";
  for (const work& w : found.phases) {
    const bounds least(w, found.can, found.threads);
    std::snprintf(line, sizeof(line), "%3d %-10s %9.2f %8.1f %8.1f %8.1f %10.1f %6.0f%%\n", w.block,
                  name_of(w.what), w.macs / 1e6, w.time * 1e6, least.fma * 1e6, least.silu * 1e6,
                  least.read * 1e6, 100 * least.all() / w.time);
    table += line;
  }
  std::snprintf(
      line, sizeof(line),
      "sum of phases %.0f us, bound %.0f us (%.0f %%); one core: %.1f GMAC/s, SiLU %.2f ns, %.0f GB/s "
      "from memory (",
      found.time() * 1e6, found.bound() * 1e6, 100 * found.bound() / found.time(), found.can.peak / 1e9,
      found.can.silu_seconds * 1e9, found.can.bandwidth / 1e9);
  return table + line + rexnet::printable(cpu_name()) + ", " + found.instruction_set + ")\n";
}

}  // namespace

void print_profile(const options& o) {
  const rexnet::model m = load_model(o);
  o.check_kind(m.header());
  if (m.is_detector())
    throw rexnet::error(rexnet::errc::unsupported,
                        o.model +
                            ": --profile has no phases of detectors: bench without it times the "
                            "network, and what is before and behind it");
  const profiled found =
      measure(m, o.input_size != 0 ? o.input_size : m.input().input_size, o.thread_count());
  profile_chart chart = chart_of(found);
  if (found.disturbed()) {
    chart.warning =
        "Not to be trusted: other programs held the cores. Measure on an idle machine, or with --threads 1.";
    say(chart.warning);
  }
  if (!o.svg.empty()) write_file(o.svg, profile_svg(chart));
  o.json ? print_json(json_text(json_of(found))) : print(table_of(found));
}

}  // namespace rexnet_tools
