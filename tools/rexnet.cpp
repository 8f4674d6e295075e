// SPDX-License-Identifier: MIT
// The command `rexnet`. Exit codes: 0, 1 (bad input, message on stderr), 2 (usage).
#include "rexnet/rexnet.hpp"
#include "tools/image_io.hpp"
#include "tools/measure.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace {

using nlohmann::ordered_json;
using rexnet::errc;
using rexnet::error;

/// Options shared by the subcommands; what was not given keeps the model's own value.
struct options {
  std::string model, output, layers, labels, interpolation, layout = "nchw";
  std::vector<std::string> inputs;
  std::vector<float> mean, std;
  int input_size = 0, threads = 1, top = 5, batch = 1;
  double crop_pct = 0;
  bool json = false, exif = false, half = false;
};

void write_file(const std::string& path, const std::string& bytes) {
  // A temporary name first: an interrupted write leaves the old file or none.
  const std::string temporary = path + ".part";
  {
    std::ofstream file(temporary, std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) {
      std::remove(temporary.c_str());
      throw error(errc::io_error, path + ": cannot be written");
    }
  }
  std::filesystem::rename(temporary, path);
}

std::vector<std::string> read_labels(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw error(errc::io_error, path + ": cannot be opened");
  std::vector<std::string> labels;
  for (std::string line; std::getline(file, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    labels.push_back(line);
  }
  while (!labels.empty() && labels.back().empty()) labels.pop_back();
  return labels;
}

rexnet::preprocessing input_of(const options& o, rexnet::preprocessing p) {
  if (o.input_size != 0) p.input_size = o.input_size;
  if (o.crop_pct != 0) p.crop_pct = o.crop_pct;
  if (!o.interpolation.empty())
    p.interpolation =
        o.interpolation == "bilinear" ? rexnet::interpolation::bilinear : rexnet::interpolation::bicubic;
  for (std::size_t c = 0; c < 3 && o.mean.size() == 3; ++c) p.mean[c] = o.mean[c];
  for (std::size_t c = 0; c < 3 && o.std.size() == 3; ++c) p.std[c] = o.std[c];
  return p;
}

std::vector<std::string> labels_of(const options& o, const rexnet::model& m) {
  if (o.labels.empty()) return m.labels();
  std::vector<std::string> labels = read_labels(o.labels);
  if (labels.size() != static_cast<std::size_t>(m.shape().classes))
    throw error(errc::packed_labels, o.labels + ": " + std::to_string(labels.size()) + " labels for " +
                                         std::to_string(m.shape().classes) + " classes");
  return labels;
}

void check_forward(errc e) {
  if (e != errc::ok) throw error(e, "forward failed with code " + std::to_string(static_cast<int>(e)));
}

/// [n][c][h][w] <-> [n][h][w][c]
std::vector<float> transposed(const std::vector<float>& in, std::int64_t n, std::int64_t a, std::int64_t b) {
  std::vector<float> out(in.size());
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t x = 0; x < a; ++x)
      for (std::int64_t y = 0; y < b; ++y)
        out[static_cast<std::size_t>((i * b + y) * a + x)] =
            in[static_cast<std::size_t>((i * a + x) * b + y)];
  return out;
}

void run(const options& o) {
  const rexnet::model m = rexnet::load(o.model).value();
  const auto file = rexnet::file_bytes::map(o.inputs[0]).value();
  auto read = rexnet::read_npy(file.bytes());
  if (!read) throw read.error().in(o.inputs[0]);
  rexnet::npy_array a = std::move(*read);
  const bool nchw = o.layout == "nchw";
  if (a.shape.size() != 4 || a.shape[nchw ? 1 : 3] != 3)
    throw error(errc::shape_mismatch, o.inputs[0] + ": shape " + rexnet::shape_text(a.shape) + ", expected " +
                                          (nchw ? "[n,3,h,w]" : "[n,h,w,3]"));
  const auto side = [](std::int64_t v) { return static_cast<int>((std::min)(v, std::int64_t{1} << 20)); };
  const int n = side(a.shape[0]), h = side(a.shape[nchw ? 2 : 1]), w = side(a.shape[nchw ? 3 : 2]);
  if (nchw) a.data = transposed(a.data, n, 3, std::int64_t{h} * w);

  const auto net = m.net();
  const rexnet::config& c = net.shape();
  const rexnet::plan p = net.make_plan(h, w, o.threads).value();
  rexnet::aligned_buffer workspace(p.workspace_bytes());
  std::vector<float> logits(static_cast<std::size_t>(n) * static_cast<std::size_t>(c.classes));
  struct tap {
    int index, h, w, c;
    std::vector<float> data;
  };
  std::vector<tap> taps;
  rexnet::feature_taps targets;
  rexnet::forward_options how;
  if (!o.layers.empty()) {
    std::filesystem::create_directories(o.layers);
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
  check_forward(
      net.forward(p, {a.data.data(), n, h, w, 3}, logits, {workspace.data(), workspace.size()}, how));
  write_file(o.output, rexnet::write_npy({n, c.classes}, {logits.data(), logits.size()}));
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
  const std::vector<std::string> labels = labels_of(o, m);
  auto classifier = rexnet::classifier::make(m, input_of(o, m.input()), o.threads).value();
  ordered_json all = ordered_json::array();
  for (const std::string& path : o.inputs) {
    const rexnet::rgb_image picture = rexnet_tools::read_image(path, o.exif).value();
    const double start = rexnet_tools::seconds();
    auto top = classifier.classify(picture.view(), o.top);
    if (!top) throw top.error().in(path);
    const double ms = (rexnet_tools::seconds() - start) * 1e3;
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
  const rexnet::rgb_image picture = rexnet_tools::read_image(o.inputs[0], o.exif).value();
  const rexnet::rgb_image pixels = rexnet::preprocess_pixels(picture.view(), input_of(o, {})).value();
  if (auto s = rexnet_tools::write_png(o.output, pixels); !s) throw s.error();
}

void inspect(const options& o) {
  const rexnet::model m = rexnet::load(o.model).value();
  const rexnet::config& c = m.shape();
  const int side = o.input_size != 0 ? o.input_size : m.input().input_size;
  const rexnet::plan p = m.net().make_plan(side, side, 1).value();
  int layers = 0;
  rexnet::weights_layout layout;
  rexnet::for_each_layer(c, layout,
                         [&layers](rexnet::layer_layout&, int, int out_c) { layers += out_c > 0; });
  ordered_json j{{"variant", rexnet::detail::variant_text(c)},
                 {"family", rexnet::family_name(c.family)},
                 {"width", c.width_hundredths / 100.0},
                 {"classes", c.classes},
                 {"container", m.container()},
                 {"layers", layers},
                 {"parameters", rexnet::parameter_count(c)},
                 {"multiply_adds", rexnet::multiply_adds(c, side, side)},
                 {"input_size", side},
                 {"packed_bytes", m.payload().size() * 4},
                 {"workspace_bytes", p.workspace_bytes()},
                 {"labels", m.labels()}};
  if (m.container() != "packed") {
    const auto file = rexnet::open_checkpoint(o.model).value();
    j["state_key"] = file.state_key();
    j["tensors"] = ordered_json::array();
    for (const rexnet::tensor& t : file.tensors())
      j["tensors"].push_back({{"name", t.name}, {"dtype", rexnet::dtype_name(t.type)}, {"shape", t.shape}});
  }
  if (o.json) {
    std::cout << j.dump(2) << '\n';
    return;
  }
  std::printf(
      "%s: ReXNet %s, %d classes (%s)\n%.2f M parameters, %.1f M multiply-adds at %d x %d, workspace %.2f "
      "MB, packed %.1f MB\n",
      o.model.c_str(), rexnet::detail::variant_text(c).c_str(), c.classes, m.container().c_str(),
      static_cast<double>(rexnet::parameter_count(c)) / 1e6,
      static_cast<double>(rexnet::multiply_adds(c, side, side)) / 1e6, side, side,
      static_cast<double>(p.workspace_bytes()) / 1e6, static_cast<double>(m.payload().size()) * 4 / 1e6);
  if (j.contains("tensors"))
    for (const auto& t : j["tensors"])
      std::printf("  %-50s %-8s %s\n", t["name"].get<std::string>().c_str(),
                  t["dtype"].get<std::string>().c_str(), t["shape"].dump().c_str());
}

void bench(const options& o) {
  const rexnet::model m = rexnet::load(o.model).value();
  const auto net = m.net();
  const int side = o.input_size != 0 ? o.input_size : m.input().input_size;
  const rexnet::plan p = net.make_plan(side, side, o.threads).value();
  rexnet::aligned_buffer workspace(
      (std::max)(p.workspace_bytes(), o.batch > 1 ? net.batch_workspace_bytes(p) : 0));
  std::vector<float> image(
      static_cast<std::size_t>(o.batch) * static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3,
      0.5f),
      logits(static_cast<std::size_t>(o.batch) * static_cast<std::size_t>(net.shape().classes));
  std::vector<double> times;
  double peak = rexnet_tools::fma_peak();
  for (const double start = rexnet_tools::seconds();
       times.size() < 10 || rexnet_tools::seconds() - start < 2.0;) {
    const double t = rexnet_tools::seconds();
    check_forward(
        net.forward(p, {image.data(), o.batch, side, side, 3}, logits, {workspace.data(), workspace.size()}));
    times.push_back((rexnet_tools::seconds() - t) * 1e3);
  }
  peak = (std::max)(peak, rexnet_tools::fma_peak());
  std::sort(times.begin(), times.end());
  const double macs = static_cast<double>(rexnet::multiply_adds(net.shape(), side, side)) * o.batch,
               rate = macs / times[0] / 1e6;
  const ordered_json j{{"variant", rexnet::detail::variant_text(net.shape())},
                       {"input_size", side},
                       {"batch", o.batch},
                       {"threads", o.threads},
                       {"runs", times.size()},
                       {"min_ms", times[0]},
                       {"median_ms", times[times.size() / 2]},
                       {"gmac_per_s", rate},
                       {"peak_gmac_per_s_per_core", peak / 1e9},
                       {"share_of_peak", rate * 1e9 / (peak * o.threads)},
                       {"cpu", rexnet_tools::cpu_name()},
                       {"instruction_set", rexnet::simd::name<rexnet::simd::default_arch>()}};
  if (o.json)
    std::cout << j.dump(2) << '\n';
  else
    std::printf(
        "%s at %d x %d, batch %d, %d thread(s): min %.2f ms, median %.2f ms, %.1f GMAC/s, %.0f %% of the FMA "
        "peak (%s, %s)\n",
        j["variant"].get<std::string>().c_str(), side, side, o.batch, o.threads, times[0],
        times[times.size() / 2], rate, 100 * j["share_of_peak"].get<double>(),
        j["cpu"].get<std::string>().c_str(), j["instruction_set"].get<std::string>().c_str());
}

void pack(const options& o) {
  const rexnet::model m = rexnet::load(o.model).value();
  rexnet::packed_header h = m.header();
  h.input = input_of(o, h.input);
  h.labels = labels_of(o, m);
  h.half = o.half;
  write_file(o.output, rexnet::write_packed(h, m.payload()));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("ReXNet image classifiers on CPUs");
  app.set_version_flag("--version", REXNET_VERSION_STRING);
  app.require_subcommand(1);
  options o;
  void (*action)(const options&) = nullptr;
  const auto command = [&](const char* name, const char* about, void (*function)(const options&),
                           bool model) {
    CLI::App* c = app.add_subcommand(name, about);
    c->callback([&action, function] { action = function; });
    if (model) c->add_option("MODEL", o.model, "checkpoint or packed file")->required();
    return c;
  };
  const auto pictures = [&o](CLI::App* c) {
    c->add_option("--input-size", o.input_size, "side of the network's input")->check(CLI::Range(1, 16384));
    c->add_option("--crop-pct", o.crop_pct, "part of the short side that the crop keeps")
        ->check(CLI::Range(0.01, 1.0));
    c->add_option("--interpolation", o.interpolation)->check(CLI::IsMember({"bicubic", "bilinear"}));
    c->add_option("--mean", o.mean)->expected(3)->delimiter(',');
    c->add_option("--std", o.std)->expected(3)->delimiter(',')->check(CLI::PositiveNumber);
    c->add_option("--labels", o.labels, "class names, one per line");
  };
  const auto threads = [&o](CLI::App* c) {
    c->add_option("--threads", o.threads)->check(CLI::Range(1, rexnet::max_threads));
  };

  CLI::App* c = command("run", "logits of a .npy array", run, true);
  c->add_option("INPUT", o.inputs, "float32 .npy")->required()->expected(1);
  c->add_option("-o,--output", o.output, ".npy for the logits")->required();
  c->add_option("--layout", o.layout)->check(CLI::IsMember({"nchw", "nhwc"}));
  c->add_option("--layers", o.layers, "directory for features.N.npy");
  threads(c);
  c = command("classify", "most probable classes of pictures", classify, true);
  c->add_option("IMAGE", o.inputs)->required();
  c->add_option("--top", o.top)->check(CLI::PositiveNumber);
  c->add_flag("--json", o.json);
  c->add_flag("--exif", o.exif, "turn pictures upright by their EXIF orientation");
  pictures(c);
  threads(c);
  c = command("preprocess", "the exact pixels that the network sees", preprocess, false);
  c->add_option("IMAGE", o.inputs)->required()->expected(1);
  c->add_option("-o,--output", o.output, "PNG")->required();
  c->add_flag("--exif", o.exif);
  pictures(c);
  c = command("inspect", "what a file holds", inspect, true);
  c->add_flag("--json", o.json);
  c->add_option("--input-size", o.input_size)->check(CLI::Range(1, 16384));
  c = command("bench", "time of the forward pass", bench, true);
  c->add_option("--batch", o.batch)->check(CLI::Range(1, 1024));
  c->add_option("--input-size", o.input_size)->check(CLI::Range(1, 16384));
  c->add_flag("--json", o.json);
  threads(c);
  c = command("pack", "checkpoint to packed file", pack, true);
  c->add_option("-o,--output", o.output)->required();
  c->add_flag("--fp16", o.half, "store weights as float16: half the size, expanded when loading");
  pictures(c);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  try {
    action(o);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "rexnet: %s\n", e.what());
    return 1;
  }
  return 0;
}
