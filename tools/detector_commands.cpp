// SPDX-License-Identifier: MIT
// What run, features and bench do with a detector: raw outputs, the maps that its heads see, its times.
#include "tools/commands.hpp"
#include "tools/json_text.hpp"
#include "tools/measure.hpp"
#include "tools/system.hpp"
#include "tools/terminal.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>

namespace rexnet_tools {

using nlohmann::ordered_json;
using rexnet::errc;
using rexnet::error;

namespace {

[[noreturn]] void fail_as_detector(errc e) {
  throw error(e, std::string("detector: ") + rexnet::to_string(e));
}

/// A detector's network for inputs of one size, with the memory that it works in.
struct prepared_detector {
  rexnet::model model;  ///< for its weights
  rexnet::model_detector_network net;
  rexnet::detector_plan plan;
  rexnet::aligned_buffer workspace;

  prepared_detector(const rexnet::model& m, int h, int w, int threads)
      : model(m),
        net(model.detector_net()),
        plan(net.make_plan(h, w, threads).value()),
        workspace(plan.workspace_bytes()) {
    if (workspace.data() == nullptr)
      throw error(errc::out_of_memory,
                  "no memory for " + std::to_string(plan.workspace_bytes()) + " bytes of workspace");
  }
  void run(const rexnet::nhwc_view<const float>& images, std::vector<float>& logits,
           std::vector<float>& codes) {
    const errc e = net.forward(plan, images, logits, codes, {workspace.data(), workspace.size()});
    if (e != errc::ok) fail_as_detector(e);
  }
  /// The map behind an extra block, of the last image that ran: nothing in the workspace takes its place.
  [[nodiscard]] const float* extra_map(int k) const {
    return reinterpret_cast<const float*>(workspace.data()) + plan.extra[k].out;
  }
};

/// Room for the raw outputs of n images.
raw_outputs room_for(const rexnet::detector_config& d, std::int64_t rows, int n) {
  raw_outputs out;
  out.rows = rows;
  const std::size_t all = static_cast<std::size_t>(n) * static_cast<std::size_t>(rows);
  out.logits.resize(all * static_cast<std::size_t>(d.classes));
  out.codes.resize(all * 4);
  return out;
}

rexnet::nhwc_view<const float> view_of(const image_batch& images) {
  return {images.data.data(), images.n, images.h, images.w, 3};
}

}  // namespace

raw_outputs raw_outputs_of(const rexnet::model& m, const image_batch& images, int threads) {
  prepared_detector detector(m, images.h, images.w, threads);
  raw_outputs out = room_for(detector.net.shape(), detector.plan.rows, images.n);
  detector.run(view_of(images), out.logits, out.codes);
  return out;
}

image_batch detector_input(const rexnet::image_view& picture, const rexnet::preprocessing& input,
                           const rexnet::detector_settings& settings) {
  const auto table = rexnet::normalise_table(input);
  image_batch b;
  b.n = 1, b.h = settings.input_h, b.w = settings.input_w;
  b.data.resize(3 * static_cast<std::size_t>(b.h) * static_cast<std::size_t>(b.w));
  std::vector<float> scratch(rexnet::resize_normalised_scratch(b.w));
  const errc e = rexnet::resize_normalised(picture, {table.data(), table.size()}, b.h, b.w, b.data, scratch);
  if (e != errc::ok) fail_as_detector(e);
  return b;
}

std::vector<std::string> raw_output_files() {
  return {"cls_logits.npy", "bbox_regression.npy"};
}

void write_raw_outputs(const options& o, const rexnet::model& m, const image_batch& images) {
  const raw_outputs out = raw_outputs_of(m, images, o.thread_count());
  std::filesystem::create_directories(std::filesystem::u8path(o.output));
  const std::vector<std::string> names = raw_output_files();
  write_file(o.output + "/" + names[0],
             rexnet::write_npy({images.n, out.rows, m.detector_shape().classes}, out.logits));
  write_file(o.output + "/" + names[1], rexnet::write_npy({images.n, out.rows, 4}, out.codes));
}

void write_level_maps(const options& o, const rexnet::model& m, const image_batch& images) {
  const rexnet::detector_config d = m.detector_shape();
  std::vector<rexnet::feature_map> maps;
  for (int k = 0; k < rexnet::ssd_levels; ++k) {
    rexnet::feature_map map{images.n,
                            rexnet::level_side(d, k, images.h),
                            rexnet::level_side(d, k, images.w),
                            rexnet::level_c(d, k),
                            {}};
    map.data.resize(static_cast<std::size_t>(map.n) * static_cast<std::size_t>(map.h) *
                    static_cast<std::size_t>(map.w) * static_cast<std::size_t>(map.c));
    maps.push_back(std::move(map));
  }
  // The backbone's maps through its taps, the others out of the workspace, an image at a time.
  rexnet::feature_taps taps;
  taps.blocks[d.tap] = maps[0].data.data();
  taps.head = maps[1].data.data();
  rexnet::forward_options how;
  how.taps = &taps;
  auto backbone = rexnet::session::make(m, o.thread_count()).value();
  static_cast<void>(forward(backbone, images, how));
  prepared_detector detector(m, images.h, images.w, o.thread_count());
  raw_outputs out = room_for(d, detector.plan.rows, 1);
  for (int i = 0; i < images.n; ++i) {
    rexnet::nhwc_view<const float> image = view_of(images);
    image.data += i * image.image_stride;
    image.n = 1;
    detector.run(image, out.logits, out.codes);
    for (int k = 2; k < rexnet::ssd_levels; ++k) {
      rexnet::feature_map& map = maps[static_cast<std::size_t>(k)];
      const float* from = detector.extra_map(k - 2);
      const std::int64_t pixels = std::int64_t{map.h} * map.w;
      float* to = map.data.data() + i * pixels * map.c;
      for (std::int64_t p = 0; p < pixels; ++p, from += rexnet::padded_c(map.c), to += map.c)
        std::copy(from, from + map.c, to);
    }
  }
  for (std::size_t k = 0; k < maps.size(); ++k)
    write_map(o.output + "/map" + std::to_string(k) + ".npy", maps[k], o.layout == "nchw");
}

namespace {

/// Of several calls, the shortest first.
using milliseconds = std::vector<double>;

/// Calls `what` for so many seconds, ten times at least.
template <class What>
milliseconds timed_calls(double least, What&& what) {
  milliseconds found;
  for (const double start = seconds(); found.size() < 10 || seconds() - start < least;) {
    const double t = seconds();
    what();
    found.push_back((seconds() - t) * 1e3);
  }
  std::sort(found.begin(), found.end());
  return found;
}
double median_of(const milliseconds& t) {
  return t[t.size() / 2];
}

/// What bench measures of a detector.
struct detector_times {
  static constexpr int picture_w = 640, picture_h = 480;
  milliseconds network;         ///< one input through the network
  milliseconds before, behind;  ///< resize and normalise one picture; boxes of its raw outputs
  milliseconds whole;           ///< detect() of `batch` pictures
  std::size_t boxes = 0;        ///< of the picture
  double peak = 0;              ///< multiply-adds per second of one core
  std::string instruction_set;
};

/// Of grey pictures. @param s with the options' input size
detector_times times_of(const rexnet::model& m, const rexnet::detector_settings& s, int threads, int batch) {
  constexpr int w = detector_times::picture_w, h = detector_times::picture_h;
  rexnet::rgb_image grey;
  grey.width = w, grey.height = h;
  grey.data.assign(std::size_t{3} * w * h, 128);
  auto detector = rexnet::detector::make(m, s, threads).value();
  prepared_detector alone(m, s.input_h, s.input_w, threads);
  const rexnet::detector_config& d = alone.net.shape();
  const image_batch input = detector_input(grey.view(), m.input(), s);
  raw_outputs out = room_for(d, alone.plan.rows, 1);

  detector_times found;
  found.instruction_set = detector.instruction_set();
  const measure_loops& loops = loops_for(found.instruction_set);
  found.peak = fma_peak(loops);
  alone.run(view_of(input), out.logits, out.codes);
  found.network = timed_calls(2.0, [&] { alone.run(view_of(input), out.logits, out.codes); });
  const std::vector<rexnet::image_view> pictures(static_cast<std::size_t>(batch), grey.view());
  const auto whole = [&] {
    if (batch > 1)
      static_cast<void>(detector.detect(pictures).value());
    else
      static_cast<void>(detector.detect(grey.view()).value());
  };
  found.boxes = detector.detect(grey.view()).value().size();
  found.whole = timed_calls(2.0, whole);
  found.before = timed_calls(0.3, [&] { static_cast<void>(detector_input(grey.view(), m.input(), s)); });

  const auto rows = static_cast<std::size_t>(out.rows);
  std::vector<rexnet::box> anchors(rows);
  std::vector<rexnet::detection> candidates(rexnet::ssd_candidates(rows, d.classes, s.boxes));
  std::vector<int> counts(static_cast<std::size_t>(d.classes));
  if (const errc e = rexnet::ssd_anchors(rexnet::ssd_shape_of(d, s.input_h, s.input_w),
                                         {anchors.data(), anchors.size()}, s.anchors);
      e != errc::ok)
    fail_as_detector(e);
  found.behind = timed_calls(0.3, [&] {
    std::size_t n = 0;
    const errc e = rexnet::ssd_detections({out.logits.data(), out.codes.data(), rows, d.classes},
                                          {anchors.data(), anchors.size()}, s.input_h, s.input_w, s.boxes,
                                          counts, {candidates.data(), candidates.size()}, n);
    if (e != errc::ok) fail_as_detector(e);
  });
  found.peak = (std::max)(found.peak, fma_peak(loops));
  return found;
}

}  // namespace

void bench_detector(const options& o, const rexnet::model& m) {
  const rexnet::detector_settings s = o.settings_of(m.header().settings);
  const int threads = o.thread_count();
  constexpr int picture_w = detector_times::picture_w, picture_h = detector_times::picture_h;
  const detector_times t = times_of(m, s, threads, o.batch);
  const double macs = static_cast<double>(rexnet::multiply_adds(m.detector_shape(), s.input_h, s.input_w)),
               rate = macs / t.network[0] / 1e6;
  if (o.json)
    return print_json(json_text({{"kind", "detector"},
                                 {"variant", rexnet::detail::variant_text(m.shape())},
                                 {"input_size", {s.input_w, s.input_h}},
                                 {"batch", 1},
                                 {"threads", threads},
                                 {"runs", t.network.size()},
                                 {"min_ms", t.network[0]},
                                 {"median_ms", median_of(t.network)},
                                 {"gmac_per_s", rate},
                                 {"peak_gmac_per_s_per_core", t.peak / 1e9},
                                 {"share_of_peak", rate * 1e9 / (t.peak * threads)},
                                 {"detect",
                                  {{"picture_size", {picture_w, picture_h}},
                                   {"pictures", o.batch},
                                   {"runs", t.whole.size()},
                                   {"min_ms", t.whole[0]},
                                   {"median_ms", median_of(t.whole)},
                                   {"preprocess_ms", median_of(t.before)},
                                   {"network_ms", median_of(t.network)},
                                   {"postprocess_ms", median_of(t.behind)},
                                   {"boxes", t.boxes}}},
                                 {"cpu", cpu_name()},
                                 {"instruction_set", t.instruction_set}}));
  char text[256];
  std::snprintf(text, sizeof(text),
                " at %d x %d, %d thread(s): network min %.2f ms, median %.2f ms, %.1f GMAC/s, %.0f %% of the "
                "FMA peak (",
                s.input_w, s.input_h, threads, t.network[0], median_of(t.network), rate,
                100 * rate * 1e9 / (t.peak * threads));
  std::string all = "SSDLite on ReXNet " + rexnet::detail::variant_text(m.shape()) + text +
                    rexnet::printable(cpu_name()) + ", " + t.instruction_set + ")\n";
  const double before = median_of(t.before), behind = median_of(t.behind),
               one = before + median_of(t.network) + behind;
  std::snprintf(
      text, sizeof(text),
      "  %d grey picture(s) of %d x %d to boxes: min %.2f ms, median %.2f ms; of one picture %.2f ms "
      "(%.0f %%) before the network, %.2f ms (%.0f %%) behind it, %zu boxes\n",
      o.batch, picture_w, picture_h, t.whole[0], median_of(t.whole), before, 100 * before / one, behind,
      100 * behind / one, t.boxes);
  print(all + text);
}

}  // namespace rexnet_tools
