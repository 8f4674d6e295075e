// SPDX-License-Identifier: MIT
// run, preprocess, bench: the commands that compute (classify.cpp has classify).
#include "tools/commands.hpp"
#include "tools/image_codecs.hpp"
#include "tools/image_io.hpp"
#include "tools/json_text.hpp"
#include "tools/measure.hpp"
#include "tools/terminal.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace rexnet_tools {

using nlohmann::ordered_json;
using rexnet::errc;
using rexnet::error;

void check_forward(errc e) {
  if (e != errc::ok) throw error(e, std::string("forward: ") + to_string(e));
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

void write_map(const std::string& path, const rexnet::feature_map& map, bool nchw) {
  const std::vector<float> data =
      nchw ? transposed(map.data, map.n, std::int64_t{map.h} * map.w, map.c) : map.data;
  const std::vector<std::int64_t> shape = nchw ? std::vector<std::int64_t>{map.n, map.c, map.h, map.w}
                                               : std::vector<std::int64_t>{map.n, map.h, map.w, map.c};
  write_file(path, rexnet::write_npy(shape, data));
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

std::vector<std::string> layer_files() {
  std::vector<std::string> names;
  for (int i = 2; i <= 22; ++i)
    if (i != 19 && i != 20) names.push_back("features." + std::to_string(i) + ".npy");
  return names;
}

void run(const options& o) {
  const rexnet::model m = load_model(o);
  const bool nchw = o.layout == "nchw";
  const image_batch images = read_images(o.inputs[0], nchw);
  const int n = images.n;
  const rexnet::config& c = m.shape();
  struct tap {
    int index;
    rexnet::feature_map map;
  };
  std::vector<tap> taps;
  rexnet::feature_taps targets;
  rexnet::forward_options how;
  if (!o.layers.empty()) {
    std::filesystem::create_directories(std::filesystem::u8path(o.layers));
    const rexnet::plan p = m.net().make_plan(images.h, images.w).value();  // for the sizes of the maps
    const rexnet::block_plan& last = p.blocks[c.block_count - 1];
    taps.push_back({2, {n, p.blocks[0].h, p.blocks[0].w, c.stem_c, {}}});
    for (int i = 0; i < c.block_count; ++i)
      taps.push_back({i + 3, {n, p.blocks[i].oh, p.blocks[i].ow, c.blocks[i].out_c, {}}});
    taps.push_back({21, {n, last.oh, last.ow, c.head_c, {}}});
    taps.push_back({22, {n, 1, 1, c.head_c, {}}});
    for (tap& t : taps)
      t.map.data.resize(static_cast<std::size_t>(n) * static_cast<std::size_t>(t.map.h) *
                        static_cast<std::size_t>(t.map.w) * static_cast<std::size_t>(t.map.c));
    targets.stem = taps[0].map.data.data();
    for (int i = 0; i < c.block_count; ++i)
      targets.blocks[i] = taps[static_cast<std::size_t>(i) + 1].map.data.data();
    targets.head = taps[17].map.data.data();
    targets.pooled = taps[18].map.data.data();
    how.taps = &targets;
  }
  const std::vector<float> logits = forward(m, images, o.thread_count(), how);
  write_file(o.output, rexnet::write_npy({n, rexnet::output_c(c)}, {logits.data(), logits.size()}));
  for (const tap& t : taps)
    write_map(o.layers + "/features." + std::to_string(t.index) + ".npy", t.map, nchw);
}

void write_picture(const std::string& path, const rexnet::rgb_image& image) {
  const auto bytes = encode_png(image);
  if (!bytes) throw bytes.error().in(path);
  write_file(path, *bytes);
}

void preprocess(const options& o) {
  const rexnet::rgb_image picture = read_image(o.inputs[0], o.exif).value();
  const rexnet::rgb_image pixels = rexnet::preprocess_pixels(picture.view(), o.input_of({})).value();
  write_picture(o.output, pixels);
}

void bench(const options& o) {
  if (o.profile) return print_profile(o);
  const rexnet::model m = load_model(o);
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
  if (o.json) return print_json(json_text(j));
  char text[256];
  std::snprintf(
      text, sizeof(text),
      " at %d x %d, batch %d, %d thread(s): min %.2f ms, median %.2f ms, %.1f GMAC/s, %.0f %% of the "
      "FMA peak (",
      side, side, o.batch, threads, times[0], times[times.size() / 2], rate,
      100 * rate * 1e9 / (peak * threads));
  print(rexnet::detail::variant_text(net.shape()) + text + rexnet::printable(cpu_name()) + ", " +
        net.instruction_set() + ")\n");
}

}  // namespace rexnet_tools
