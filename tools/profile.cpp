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
  phase what = phase::tap;
  int block = 0;
  double macs = 0;     ///< multiply-adds of the network
  double lanes = 0;    ///< multiply-adds of the kernels: output channels fill whole vectors
  double silu = 0;     ///< elements that pass SiLU
  double bytes = 0;    ///< weights, read once
  double time = 0;     ///< seconds
  std::string part;    ///< of the network: "block 3", "head"
  std::string detail;  ///< "38 → 50, 28 × 28"

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
    if (clock.passes.empty()) {
      clock.phases.emplace_back();
      clock.phases.back().what = what, clock.phases.back().block = block;
    }
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

/// Channels in and out, and the map's size where there is one.
std::string detail_of(int in, int out, const rexnet::block_plan* map) {
  const auto number = [](int v) { return std::to_string(v); };
  return number(in) + " → " + number(out) +
         (map != nullptr ? ", " + number(map->oh) + " × " + number(map->ow) : std::string());
}

/// Fills in what a phase of a block computes and reads.
/// @param k     inputs of the convolution before the depthwise one; 0: there is none
/// @param silu  whether SiLU follows it
/// @param width floats of a vector
void count_block(work& w, const rexnet::block_config& b, const rexnet::block_plan& sizes, int k, bool silu,
                 int width) {
  const double in = static_cast<double>(sizes.h) * sizes.w, out = static_cast<double>(sizes.oh) * sizes.ow;
  switch (w.what) {
    case phase::bands: w.add_layer(out, b.mid_c, b.out_c, width); [[fallthrough]];
    case phase::slices:
      w.add_layer(in, k, b.mid_c, width);
      w.add_layer(out, b.kernel * b.kernel, b.mid_c, width);
      w.silu = silu ? in * b.mid_c : 0;
      break;
    case phase::squeeze: w.add_layer(1, b.mid_c, b.se_c, width); break;
    case phase::excite: w.add_layer(1, b.se_c, b.mid_c, width); break;
    case phase::project: w.add_layer(out, b.mid_c, b.out_c, width); break;
    default: break;
  }
}

/// The same of a phase of a classifier or backbone; names its part.
void count_work(work& w, const rexnet::config& c, const rexnet::plan& plan, int width) {
  const bool behind = w.block == c.block_count;
  const int block = behind ? c.block_count - 1 : w.block;
  const rexnet::block_plan& sizes = plan.blocks[block];
  const rexnet::block_config& b = c.blocks[block];
  if (!behind) {
    const bool silu = (b.expand ? b.expand_act : c.stem_act) == rexnet::activation::silu;
    count_block(w, b, sizes, b.expand ? b.in_c : 27, silu, width);  // block 0 holds the stem
    w.part = w.block == 0 ? "stem, block 0" : "block " + std::to_string(w.block);
    w.detail = detail_of(w.block == 0 ? 3 : b.in_c, b.out_c, &sizes);
    return;
  }
  const double pixels = static_cast<double>(sizes.oh) * sizes.ow;
  w.part = name_of(w.what);
  switch (w.what) {
    case phase::head:
      w.add_layer(pixels, b.out_c, c.head_c, width);
      w.silu = c.head_act == rexnet::activation::silu ? pixels * c.head_c : 0;
      w.detail = detail_of(b.out_c, c.head_c, &sizes);
      break;
    case phase::hidden:
      w.add_layer(1, c.head_c, c.hidden_c, width);
      w.detail = detail_of(c.head_c, c.hidden_c, nullptr);
      break;
    default:
      w.add_layer(1, rexnet::feature_c(c), c.classes, width);
      w.detail = detail_of(rexnet::feature_c(c), c.classes, nullptr);
      break;
  }
}

/// The same of a phase of a detector. @param codes of a level: whether it is the head of the codes
void count_work(work& w, const rexnet::detector_config& d, const rexnet::detector_plan& plan, bool codes,
                int width) {
  const int extra = w.block - d.backbone.block_count - 1, level = extra - rexnet::ssd_extra_blocks;
  if (extra < 0) return count_work(w, d.backbone, plan.backbone, width);
  const rexnet::block_config b = level < 0 ? d.extra[extra]
                                 : codes   ? rexnet::codes_head(d, level)
                                           : rexnet::logits_head(d, level);
  const rexnet::block_plan& sizes = level < 0 ? plan.extra[extra]
                                    : codes   ? plan.codes[level]
                                              : plan.logits[level];
  count_block(w, b, sizes, b.expand ? b.in_c : 0, false, width);
  w.part =
      level < 0 ? "extra " + std::to_string(extra) : (codes ? "codes " : "logits ") + std::to_string(level);
  w.detail = detail_of(b.in_c, b.out_c, &sizes);
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
  rexnet::model model;
  std::string instruction_set;
  int input_w = 0, input_h = 0, threads = 0;
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

/// Passes for two seconds, one at least: pass(observer). @return the phases with their times
template <class Pass>
std::vector<work> timed_phases(Pass&& pass) {
  pass_clock clock;
  for (const double start = seconds(); clock.passes.empty() || seconds() - start < 2.0;) {
    clock.last = seconds();
    pass(rexnet::phase_observer{&pass_clock::phase_done, &clock});
    clock.finish_pass();
  }
  return clock.chosen_phases();
}

/// A grey image's numbers.
std::vector<float> grey_image(int h, int w) {
  return std::vector<float>(static_cast<std::size_t>(h) * static_cast<std::size_t>(w) * 3, 0.5f);
}

void measure_classifier(profiled& found) {
  auto session = rexnet::session::make(found.model, found.threads).value();
  if (auto s = session.prepare(found.input_h, found.input_w); !s) throw s.error();
  const std::vector<float> image = grey_image(found.input_h, found.input_w);
  std::vector<float> out(static_cast<std::size_t>(rexnet::output_c(session.shape())));
  found.phases = timed_phases([&](const rexnet::phase_observer& observer) {
    rexnet::forward_options how;
    how.observer = observer;
    if (auto s = session.run({image.data(), 1, found.input_h, found.input_w, 3}, out, how); !s)
      throw s.error();
  });
  const rexnet::plan plan = session.plan_for(found.input_h, found.input_w).value();
  for (work& w : found.phases) count_work(w, session.shape(), plan, loops_for(found.instruction_set).width);
}

void measure_detector(profiled& found) {
  const rexnet::model_detector_network net = found.model.detector_net();
  const rexnet::detector_plan plan = net.make_plan(found.input_h, found.input_w, found.threads).value();
  rexnet::aligned_buffer workspace(plan.workspace_bytes());
  if (workspace.data() == nullptr)
    throw rexnet::error(rexnet::errc::out_of_memory,
                        "no memory for " + std::to_string(plan.workspace_bytes()) + " bytes of workspace");
  const std::vector<float> image = grey_image(found.input_h, found.input_w);
  const auto rows = static_cast<std::size_t>(plan.rows);
  std::vector<float> logits(rows * static_cast<std::size_t>(net.shape().classes)), codes(rows * 4);
  found.phases = timed_phases([&](const rexnet::phase_observer& observer) {
    const rexnet::errc e = net.forward(plan, {image.data(), 1, found.input_h, found.input_w, 3}, logits,
                                       codes, {workspace.data(), workspace.size()}, {}, observer);
    if (e != rexnet::errc::ok) throw rexnet::error(e, "detector");
  });
  for (std::size_t i = 0; i < found.phases.size(); ++i) {
    const bool codes_now = i >= 2 && found.phases[i - 2].block == found.phases[i].block;
    count_work(found.phases[i], net.shape(), plan, codes_now, loops_for(found.instruction_set).width);
  }
}

/// @param o with the size of the input
profiled measure(const rexnet::model& m, const options& o) {
  profiled found;
  found.model = m;
  found.instruction_set = m.net().instruction_set();
  found.threads = o.thread_count();
  found.input_w = found.input_h = o.input_size != 0 ? o.input_size : m.input().input_size;
  if (m.is_detector()) {
    const rexnet::detector_settings s = o.settings_of(m.header().settings);
    found.input_w = s.input_w, found.input_h = s.input_h;
  }
  const measure_loops& loops = loops_for(found.instruction_set);
  found.can = {fma_peak(loops), silu_time(loops), read_bandwidth(loops)};
  m.is_detector() ? measure_detector(found) : measure_classifier(found);
  found.can.peak = (std::max)(found.can.peak, fma_peak(loops));
  return found;
}

ordered_json json_of(const profiled& found) {
  ordered_json phases = ordered_json::array();
  for (const work& w : found.phases) {
    const bounds least(w, found.can, found.threads);
    phases.push_back({{"phase", name_of(w.what)},
                      {"block", w.block},
                      {"part", w.part},
                      {"macs", w.macs},
                      {"lanes", w.lanes},
                      {"silu", w.silu},
                      {"weight_bytes", w.bytes},
                      {"us", w.time * 1e6},
                      {"fma_us", least.fma * 1e6},
                      {"silu_us", least.silu * 1e6},
                      {"weights_us", least.read * 1e6}});
  }
  const bool detector = found.model.is_detector();
  return {{"kind", detector ? "detector" : "classifier"},
          {"variant", rexnet::detail::variant_text(found.model.shape())},
          {"input_size", detector ? ordered_json{found.input_w, found.input_h} : ordered_json(found.input_w)},
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
  chart.title = std::string(found.model.is_detector() ? "SSDLite on " : "") + "ReXNet " +
                rexnet::detail::variant_text(found.model.shape()) + ", " + std::to_string(found.input_w) +
                " × " + std::to_string(found.input_h) + ": time of every block";
  chart.subtitle = cpu_name() + ", " + found.instruction_set + ", " + std::to_string(found.threads) +
                   (found.threads == 1 ? " thread" : " threads") +
                   ", float32, batch 1, rexnet " REXNET_VERSION_STRING;
  chart.kinds.assign(std::begin(kinds), std::end(kinds));
  chart.peak_macs_per_us = found.can.peak * found.threads / 1e6;
  return chart;
}

/// Adds a phase to its part's bar.
void add_to_chart(profile_chart& chart, const work& w, double bound) {
  if (chart.bars.empty() || chart.bars.back().name != w.part)
    chart.bars.push_back({w.part, w.detail, {}, 0, 0});
  profile_bar& bar = chart.bars.back();
  const int kind = kind_of(w.what);
  if (bar.parts.empty() || bar.parts.back().kind != kind) bar.parts.push_back({kind, 0});
  bar.parts.back().us += w.time * 1e6;
  bar.bound_us += bound * 1e6;
  bar.macs += w.macs;
}

profile_chart chart_of(const profiled& found) {
  profile_chart chart = empty_chart(found);
  for (const work& w : found.phases) add_to_chart(chart, w, bounds(w, found.can, found.threads).all());
  return chart;
}

/// A row for each phase, and the sums.
std::string table_of(const profiled& found) {
  char line[160];
  // A detector's parts behind its backbone have names instead of numbers.
  const int behind = found.model.shape().block_count, columns = found.model.is_detector() ? 8 : 3;
  std::string table(static_cast<std::size_t>(columns), ' ');
  table += " phase           MMAC       us   FMA us  SiLU us weights us   share\n";
  for (const work& w : found.phases) {
    const bounds least(w, found.can, found.threads);
    const std::string part = w.block > behind ? w.part : std::to_string(w.block);
    std::snprintf(line, sizeof(line), "%*s %-10s %9.2f %8.1f %8.1f %8.1f %10.1f %6.0f%%\n", columns,
                  part.c_str(), name_of(w.what), w.macs / 1e6, w.time * 1e6, least.fma * 1e6,
                  least.silu * 1e6, least.read * 1e6, 100 * least.all() / w.time);
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
  const profiled found = measure(m, o);
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
