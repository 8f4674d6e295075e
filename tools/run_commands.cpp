// SPDX-License-Identifier: MIT
// run, classify, preprocess, bench: the commands that compute.
#include "tools/commands.hpp"
#include "tools/image_io.hpp"
#include "tools/measure.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>

namespace rexnet_tools {

using nlohmann::ordered_json;
using rexnet::errc;
using rexnet::error;

void check_forward(errc e) {
  if (e != errc::ok) throw error(e, "forward failed with code " + std::to_string(static_cast<int>(e)));
}

std::vector<float> transposed(const std::vector<float>& in, std::int64_t n, std::int64_t a, std::int64_t b) {
  std::vector<float> out(in.size());
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t x = 0; x < a; ++x)
      for (std::int64_t y = 0; y < b; ++y)
        out[static_cast<std::size_t>((i * b + y) * a + x)] =
            in[static_cast<std::size_t>((i * a + x) * b + y)];
  return out;
}

image_batch read_images(const std::string& path, bool nchw) {
  const auto file = rexnet::file_bytes::map(path).value();
  auto read = rexnet::read_npy(file.bytes());
  if (!read) throw read.error().in(path);
  const rexnet::npy_array& a = *read;
  if (a.shape.size() != 4 || a.shape[nchw ? 1 : 3] != 3)
    throw error(errc::shape_mismatch, path + ": shape " + rexnet::shape_text(a.shape) + ", expected " +
                                          (nchw ? "[n,3,h,w]" : "[n,h,w,3]"));
  const auto side = [](std::int64_t v) { return static_cast<int>((std::min)(v, std::int64_t{1} << 20)); };
  image_batch b;
  b.n = side(a.shape[0]), b.h = side(a.shape[nchw ? 2 : 1]), b.w = side(a.shape[nchw ? 3 : 2]);
  b.data = nchw ? transposed(a.data, b.n, 3, std::int64_t{b.h} * b.w) : a.data;
  return b;
}

std::vector<float> forward(const rexnet::model& m, const image_batch& images, int threads,
                           const rexnet::forward_options& how) {
  const auto net = m.net();
  const rexnet::plan p = net.make_plan(images.h, images.w, threads).value();
  rexnet::aligned_buffer workspace(p.workspace_bytes());
  std::vector<float> out(static_cast<std::size_t>(images.n) *
                         static_cast<std::size_t>(rexnet::output_c(net.shape())));
  check_forward(net.forward(p, {images.data.data(), images.n, images.h, images.w, 3}, out,
                            {workspace.data(), workspace.size()}, how));
  return out;
}

void run(const options& o) {
  const rexnet::model m = rexnet::load(o.model).value();
  const bool nchw = o.layout == "nchw";
  const image_batch images = read_images(o.inputs[0], nchw);
  const int n = images.n;
  const rexnet::config& c = m.shape();
  struct tap {
    int index, h, w, c;
    std::vector<float> data;
  };
  std::vector<tap> taps;
  rexnet::feature_taps targets;
  rexnet::forward_options how;
  if (!o.layers.empty()) {
    std::filesystem::create_directories(std::filesystem::u8path(o.layers));
    const rexnet::plan p = m.net().make_plan(images.h, images.w).value();  // for the sizes of the maps
    const rexnet::block_plan& last = p.blocks[rexnet::block_count - 1];
    taps.push_back({2, p.blocks[0].h, p.blocks[0].w, c.stem_c, {}});
    for (int i = 0; i < rexnet::block_count; ++i)
      taps.push_back({i + 3, p.blocks[i].oh, p.blocks[i].ow, c.blocks[i].out_c, {}});
    taps.push_back({21, last.oh, last.ow, c.head_c, {}});
    taps.push_back({22, 1, 1, c.head_c, {}});
    for (tap& t : taps)
      t.data.resize(static_cast<std::size_t>(n) * static_cast<std::size_t>(t.h) *
                    static_cast<std::size_t>(t.w) * static_cast<std::size_t>(t.c));
    targets.stem = taps[0].data.data();
    for (int i = 0; i < rexnet::block_count; ++i)
      targets.blocks[i] = taps[static_cast<std::size_t>(i) + 1].data.data();
    targets.head = taps[17].data.data();
    targets.pooled = taps[18].data.data();
    how.taps = &targets;
  }
  const std::vector<float> logits = forward(m, images, o.thread_count(), how);
  write_file(o.output, rexnet::write_npy({n, rexnet::output_c(c)}, {logits.data(), logits.size()}));
  for (const tap& t : taps) {
    const std::vector<float> data = nchw ? transposed(t.data, n, std::int64_t{t.h} * t.w, t.c) : t.data;
    const std::vector<std::int64_t> shape =
        nchw ? std::vector<std::int64_t>{n, t.c, t.h, t.w} : std::vector<std::int64_t>{n, t.h, t.w, t.c};
    write_file(o.layers + "/features." + std::to_string(t.index) + ".npy",
               rexnet::write_npy(shape, {data.data(), data.size()}));
  }
}

void classify(const options& o) {
  const rexnet::model m = rexnet::load(o.model).value();
  const std::vector<std::string> labels = o.labels_of(m.header());
  auto classifier = rexnet::classifier::make(m, o.input_of(m.input()), o.thread_count()).value();
  ordered_json all = ordered_json::array();
  for (const std::string& path : o.inputs) {
    const rexnet::rgb_image picture = read_image(path, o.exif).value();
    const double start = seconds();
    auto top = classifier.classify(picture.view(), o.top);
    if (!top) throw top.error().in(path);
    const double ms = (seconds() - start) * 1e3;
    ordered_json entry{{"image", path}, {"ms", ms}, {"top", ordered_json::array()}};
    if (!o.json) std::printf("%s (%d x %d, %.1f ms)\n", path.c_str(), picture.width, picture.height, ms);
    for (const rexnet::scored_class& s : *top) {
      const std::string label =
          labels.empty() ? "class " + std::to_string(s.index) : labels[static_cast<std::size_t>(s.index)];
      entry["top"].push_back({{"class", s.index}, {"label", label}, {"probability", s.score}});
      if (!o.json) std::printf("  %6.2f %%  %s\n", 100.0 * static_cast<double>(s.score), label.c_str());
    }
    all.push_back(std::move(entry));
  }
  if (o.json) std::cout << all.dump(2) << '\n';
}

void preprocess(const options& o) {
  const rexnet::rgb_image picture = read_image(o.inputs[0], o.exif).value();
  const rexnet::rgb_image pixels = rexnet::preprocess_pixels(picture.view(), o.input_of({})).value();
  if (auto s = write_png(o.output, pixels); !s) throw s.error();
}

void bench(const options& o) {
  if (o.profile) return print_profile(o);
  const rexnet::model m = rexnet::load(o.model).value();
  const auto net = m.net();
  const int threads = o.thread_count();
  const int side = o.input_size != 0 ? o.input_size : m.input().input_size;
  const rexnet::plan p = net.make_plan(side, side, threads).value();
  rexnet::aligned_buffer workspace(
      (std::max)(p.workspace_bytes(), o.batch > 1 ? net.batch_workspace_bytes(p) : 0));
  std::vector<float> image(
      static_cast<std::size_t>(o.batch) * static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3,
      0.5f),
      logits(static_cast<std::size_t>(o.batch) * static_cast<std::size_t>(rexnet::output_c(net.shape())));
  std::vector<double> times;
  const measure_loops& loops = loops_for(net.instruction_set());
  double peak = fma_peak(loops);
  for (const double start = seconds(); times.size() < 10 || seconds() - start < 2.0;) {
    const double t = seconds();
    check_forward(
        net.forward(p, {image.data(), o.batch, side, side, 3}, logits, {workspace.data(), workspace.size()}));
    times.push_back((seconds() - t) * 1e3);
  }
  peak = (std::max)(peak, fma_peak(loops));
  std::sort(times.begin(), times.end());
  const double macs = static_cast<double>(rexnet::multiply_adds(net.shape(), side, side)) * o.batch,
               rate = macs / times[0] / 1e6;
  const ordered_json j{{"variant", rexnet::detail::variant_text(net.shape())},
                       {"input_size", side},
                       {"batch", o.batch},
                       {"threads", threads},
                       {"runs", times.size()},
                       {"min_ms", times[0]},
                       {"median_ms", times[times.size() / 2]},
                       {"gmac_per_s", rate},
                       {"peak_gmac_per_s_per_core", peak / 1e9},
                       {"share_of_peak", rate * 1e9 / (peak * threads)},
                       {"cpu", cpu_name()},
                       {"instruction_set", net.instruction_set()}};
  if (o.json)
    std::cout << j.dump(2) << '\n';
  else
    std::printf(
        "%s at %d x %d, batch %d, %d thread(s): min %.2f ms, median %.2f ms, %.1f GMAC/s, %.0f %% of the FMA "
        "peak (%s, %s)\n",
        j["variant"].get<std::string>().c_str(), side, side, o.batch, threads, times[0],
        times[times.size() / 2], rate, 100 * j["share_of_peak"].get<double>(),
        j["cpu"].get<std::string>().c_str(), j["instruction_set"].get<std::string>().c_str());
}

}  // namespace rexnet_tools
