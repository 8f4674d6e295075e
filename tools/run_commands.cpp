// SPDX-License-Identifier: MIT
// run, preprocess, bench. (Other commands have files of their own.)
#include "tools/commands.hpp"
#include "tools/image_codecs.hpp"
#include "tools/image_io.hpp"
#include "tools/json_text.hpp"
#include "tools/measure.hpp"
#include "tools/terminal.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>

namespace rexnet_tools {

using nlohmann::ordered_json;
using rexnet::errc;
using rexnet::error;

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

std::vector<float> forward(rexnet::session& session, const image_batch& images,
                           const rexnet::forward_options& how) {
  if (auto s = session.prepare(images.h, images.w); !s) throw s.error();
  std::vector<float> out(static_cast<std::size_t>(images.n) *
                         static_cast<std::size_t>(rexnet::output_c(session.shape())));
  if (auto s = session.run({images.data.data(), images.n, images.h, images.w, 3}, out, how); !s)
    throw s.error();
  return out;
}

std::vector<std::string> layer_files() {
  std::vector<std::string> names;
  for (int i = 2; i <= rexnet::max_blocks + 6; ++i) names.push_back("features." + std::to_string(i) + ".npy");
  return names;
}

namespace {

/// The maps of --layers, under the indices of PyTorch's modules.
struct layer_maps {
  struct layer {
    int index;
    rexnet::feature_map map;
  };
  std::vector<layer> layers;
  rexnet::feature_taps taps;  ///< into the maps

  /// For n images of the plan's size.
  layer_maps(const rexnet::config& c, const rexnet::plan& plan, int n) {
    const rexnet::block_plan& last = plan.blocks[c.block_count - 1];
    layers.reserve(static_cast<std::size_t>(c.block_count) + 3);
    taps.stem = add(2, n, plan.blocks[0].h, plan.blocks[0].w, c.stem_c);
    for (int i = 0; i < c.block_count; ++i)
      taps.blocks[i] = add(i + 3, n, plan.blocks[i].oh, plan.blocks[i].ow, c.blocks[i].out_c);
    taps.head = add(c.block_count + 5, n, last.oh, last.ow, c.head_c);  // behind convolution and BatchNorm
    taps.pooled = add(c.block_count + 6, n, 1, 1, c.head_c);
  }

 private:
  float* add(int index, int n, int h, int w, int c) {
    layers.push_back({index, {n, h, w, c, {}}});
    std::vector<float>& data = layers.back().map.data;
    data.resize(static_cast<std::size_t>(n) * static_cast<std::size_t>(h) * static_cast<std::size_t>(w) *
                static_cast<std::size_t>(c));
    return data.data();
  }
};

}  // namespace

void run(const options& o) {
  const rexnet::model m = load_model(o);
  const bool nchw = o.layout == "nchw";
  const image_batch images = read_images(o.inputs[0], nchw);
  if (m.is_detector()) {
    write_raw_outputs(o, m, images);
    if (o.layers.empty()) return;
  }
  auto session = rexnet::session::make(m, o.thread_count()).value();  // of a detector: its backbone
  std::optional<layer_maps> maps;
  rexnet::forward_options how;
  if (!o.layers.empty()) {
    std::filesystem::create_directories(std::filesystem::u8path(o.layers));
    maps.emplace(m.shape(), session.plan_for(images.h, images.w).value(), images.n);
    how.taps = &maps->taps;
  }
  const std::vector<float> logits = forward(session, images, how);
  if (!m.is_detector())
    write_file(o.output, rexnet::write_npy({images.n, rexnet::output_c(m.shape())}, logits));
  if (!maps) return;
  for (const auto& [index, map] : maps->layers)
    write_map(o.layers + "/features." + std::to_string(index) + ".npy", map, nchw);
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

namespace {

/// What bench measured.
struct bench_result {
  std::vector<double> times;  ///< of the passes, in milliseconds, the shortest first
  double peak = 0;            ///< multiply-adds per second of one core
};

/// Passes over a batch of grey images for two seconds, ten at least.
bench_result measure(rexnet::session& session, int side, int batch) {
  if (auto s = batch > 1 ? session.prepare_batch(side, side) : session.prepare(side, side); !s)
    throw s.error();
  const auto n = static_cast<std::size_t>(batch);
  const std::vector<float> images(n * static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3,
                                  0.5f);
  std::vector<float> logits(n * static_cast<std::size_t>(rexnet::output_c(session.shape())));
  const measure_loops& loops = loops_for(session.net().instruction_set());
  bench_result found;
  found.peak = fma_peak(loops);
  for (const double start = seconds(); found.times.size() < 10 || seconds() - start < 2.0;) {
    const double t = seconds();
    if (auto s = session.run({images.data(), batch, side, side, 3}, logits); !s) throw s.error();
    found.times.push_back((seconds() - t) * 1e3);
  }
  found.peak = (std::max)(found.peak, fma_peak(loops));
  std::sort(found.times.begin(), found.times.end());
  return found;
}

}  // namespace

void bench(const options& o) {
  if (o.profile) return print_profile(o);
  const rexnet::model m = load_model(o);
  o.check_kind(m.header());
  if (m.is_detector()) return bench_detector(o, m);
  const int threads = o.thread_count();
  const int side = o.input_size != 0 ? o.input_size : m.input().input_size;
  auto session = rexnet::session::make(m, threads).value();
  const auto [times, peak] = measure(session, side, o.batch);
  const rexnet::config& c = m.shape();
  const std::string set = session.net().instruction_set();
  const double macs = static_cast<double>(rexnet::multiply_adds(c, side, side)) * o.batch,
               rate = macs / times[0] / 1e6;
  const ordered_json j{{"variant", rexnet::detail::variant_text(c)},
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
                       {"instruction_set", set}};
  if (o.json) return print_json(json_text(j));
  char text[256];
  std::snprintf(
      text, sizeof(text),
      " at %d x %d, batch %d, %d thread(s): min %.2f ms, median %.2f ms, %.1f GMAC/s, %.0f %% of the "
      "FMA peak (",
      side, side, o.batch, threads, times[0], times[times.size() / 2], rate,
      100 * rate * 1e9 / (peak * threads));
  print(rexnet::detail::variant_text(c) + text + rexnet::printable(cpu_name()) + ", " + set + ")\n");
}

}  // namespace rexnet_tools
