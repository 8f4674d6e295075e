// SPDX-License-Identifier: MIT
// The values of options, and the files that they name.
#include "tools/commands.hpp"
#include "tools/label_file.hpp"
#include "tools/output_guard.hpp"

#include "rexnet/system/cpus.hpp"

#include <algorithm>
#include <filesystem>

namespace rexnet_tools {

using rexnet::errc;
using rexnet::error;

int options::thread_count() const {
  return threads > 0 ? threads : (std::min)(rexnet::available_cpus(), 8);
}

rexnet::load_options options::loading(rexnet::check depth) const {
  rexnet::load_options how = depth;
  how.key = key, how.config = config;
  return how;
}

rexnet::preprocessing options::input_of(rexnet::preprocessing p, const rexnet::model_origin& origin) const {
  if (input_size != 0) p.input_size = input_size;
  if (input_size != 0 && input_size == origin.test_size) p.crop_pct = origin.test_crop_pct;
  if (crop_pct != 0) p.crop_pct = crop_pct;
  if (!interpolation.empty())
    p.interpolation =
        interpolation == "bilinear" ? rexnet::interpolation::bilinear : rexnet::interpolation::bicubic;
  for (std::size_t c = 0; c < 3 && mean.size() == 3; ++c) p.mean[c] = mean[c];
  for (std::size_t c = 0; c < 3 && deviation.size() == 3; ++c) p.std[c] = deviation[c];
  // Each value was checked alone; a crop and an input size that do not go together are seen here.
  std::string why;
  if (const errc e = rexnet::detail::check_preprocessing(p, rexnet::detail::report_text{why}); e != errc::ok)
    throw error(e, why);
  return p;
}

rexnet::detector_settings options::settings_of(rexnet::detector_settings s) const {
  if (input_size != 0) s.input_w = s.input_h = input_size;
  if (input_w != 0) s.input_w = input_w, s.input_h = input_h;
  if (least_score >= 0) s.boxes.score = static_cast<float>(least_score);
  if (overlap >= 0) s.boxes.iou = overlap;
  if (candidates != 0) s.boxes.candidates = candidates;
  if (most != 0) s.boxes.most = most;
  if (anchor_scales.size() == 2) s.anchors = {anchor_scales[0], anchor_scales[1]};
  std::string why;
  if (const errc e = rexnet::detail::check_settings(s, rexnet::detail::report_text{why}); e != errc::ok)
    throw error(e, why);
  return s;
}

void options::check_kind(const rexnet::packed_header& h) const {
  const auto refuse = [](bool given, const char* option, const std::string& why) {
    if (given) throw error(errc::unsupported, std::string(option) + ": " + why);
  };
  if (h.ssd.classes > 0) {
    refuse(crop_pct != 0, "--crop-pct", "a detector sees the whole picture, nothing is cropped");
    refuse(!interpolation.empty(), "--interpolation", "a detector's pictures are resized bilinear");
    return;
  }
  refuse(input_w != 0, "--input-size",
         std::to_string(input_w) + "x" + std::to_string(input_h) +
             ": only a detector's input has two sides, this model is none");
  const std::string none = "only a detector has it, this model is none";
  refuse(least_score >= 0, "--min-score", none);
  refuse(overlap >= 0, "--nms", none);
  refuse(most != 0, "--max", none);
  refuse(candidates != 0, "--candidates", none);
  refuse(!anchor_scales.empty(), "--anchor-scales", none);
}

std::vector<std::string> options::labels_of(const rexnet::packed_header& h) const {
  if (labels == "none") return {};
  if (labels.empty()) return h.labels;
  std::vector<std::string> names = read_labels(labels);
  const int classes = rexnet::named_classes(h);
  if (names.size() != static_cast<std::size_t>(classes))
    throw error(errc::packed_labels, labels + ": " + std::to_string(names.size()) + " labels for " +
                                         std::to_string(classes) + " classes" +
                                         (h.ssd.classes > 0 ? " (the background has no name)" : ""));
  return names;
}

rexnet::output_file create_output(const std::string& path) {
  guard().writing(path);
  return rexnet::output_file::create(path).value();
}

void commit_output(rexnet::output_file& file, const std::string& path) {
  if (auto s = file.commit(); !s) throw s.error();
  guard().written(path);
}

void write_file(const std::string& path, const std::string& bytes) {
  auto file = create_output(path);
  if (auto s = file.write({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()}); !s)
    throw s.error();
  commit_output(file, path);
}

void declare_files(const options& o, output_kind what) {
  output_guard& files = guard();
  files.standard_streams();
  if (what == output_kind::features)
    for (const std::string& name : feature_files()) files.output(o.output + "/" + name, "-o");
  else
    files.output(o.output, "-o");
  if (what == output_kind::file_or_raw_outputs)
    for (const std::string& name : raw_output_files()) files.output(o.output + "/" + name, "-o");
  if (!o.layers.empty())
    for (const std::string& name : layer_files()) files.output(o.layers + "/" + name, "--layers");
  if (!o.arrays.empty())
    for (const std::string& name : coco_files()) files.output(o.arrays + "/" + name, "--arrays");
  files.output(o.svg, "--svg");
  files.output(o.embed, "--embed");
  files.output(o.csv, "--csv");
  files.output(o.detections, "--detections");
  if (!o.detections.empty()) files.output(rows_file(o.detections), "--detections");
  files.output(o.confusion, "--confusion");
  const auto one_or_folder = [&files](const std::string& path, const std::string& option) {
    const auto out = std::filesystem::u8path(path);
    std::error_code unknown;
    const bool file = out.extension() == ".png" || out.extension() == ".npy";
    if (file && !std::filesystem::is_directory(out, unknown))
      files.output(path, option);
    else
      files.output_folder(path);
  };
  one_or_folder(o.cam, "--cam");
  one_or_folder(o.drawing, "--draw");

  files.input(o.model, "MODEL");
  if (o.config.empty())
    files.input(rexnet::detail::beside(o.model, "config.json"), "config.json");
  else if (o.config != "none")
    files.input(o.config, "--config");
  for (const std::string& path : o.inputs) {
    files.input(path, "the input");
    if (path == "-") files.standard_input();
  }
  if (o.labels != "none") files.input(o.labels, "--labels");
  for (const std::string& path : o.selftest) files.input(path, "--selftest");
}

}  // namespace rexnet_tools
