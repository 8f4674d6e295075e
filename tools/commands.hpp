// SPDX-License-Identifier: MIT
// The subcommands of `rexnet`, and the values of their options. Each throws rexnet::error on bad input.
#ifndef REXNET_TOOLS_COMMANDS_HPP
#define REXNET_TOOLS_COMMANDS_HPP

#include "rexnet/rexnet.hpp"
#include "rexnet/system/output_file.hpp"

#include <string>
#include <vector>

namespace rexnet_tools {

/// Options shared by the subcommands; what was not given keeps the model's own value.
struct options {
  std::string model, output, layers, labels, interpolation, layout = "nchw", isa;
  std::string key, config;
  std::string svg;
  std::string cam, embed;
  std::vector<std::string> inputs, selftest;
  std::vector<float> mean, deviation;
  int input_size = 0, threads = 0, top = 5, batch = 1, cam_class = -1;
  double crop_pct = 0;
  bool profile = false, json = false, exif = false, half = false, copy = false;
  // of classify, detect and eval
  bool jsonl = false, null_separated = false, left_out = false;
  // of detect
  std::string drawing;
  // of eval
  std::string csv, confusion;
  int pictures_at_a_time = 0;  ///< 0: not given
  bool resume = false;
  // of eval of a detector
  std::string images, detections;
  bool by_id = false;
  // of coco
  std::string arrays;
  // of detectors, in place of the model's settings
  int input_w = 0, input_h = 0;           ///< of --input-size WxH; an --input-size N is input_size
  double least_score = -1, overlap = -1;  ///< below 0: not given
  int candidates = 0, most = 0;
  std::vector<double> anchor_scales;

  /// --threads, or this process's processors up to eight: beyond, the small maps at the network's end have
  /// too few rows to share.
  [[nodiscard]] int thread_count() const;
  /// How the model is opened.
  [[nodiscard]] rexnet::load_options loading(rexnet::check depth = rexnet::check::header) const;
  /// The model's preprocessing with what was given in its place. @param origin of the same model: the size
  /// that it was measured with comes with a crop of its own, where --input-size asks for it and no --crop-pct
  [[nodiscard]] rexnet::preprocessing input_of(rexnet::preprocessing p,
                                               const rexnet::model_origin& origin = {}) const;
  /// A detector's settings, likewise.
  [[nodiscard]] rexnet::detector_settings settings_of(rexnet::detector_settings s) const;
  /// Throws rexnet::error (unsupported) where an option was given that a model of this kind does not have.
  void check_kind(const rexnet::packed_header& h) const;
  /// --labels, or the model's; throws when their number is not the classes' (a detector's without its
  /// background).
  [[nodiscard]] std::vector<std::string> labels_of(const rexnet::packed_header& h) const;
};

void run(const options& o);
void classify(const options& o);
void detect(const options& o);
void features(const options& o);
void preprocess(const options& o);
void bench(const options& o);
void print_profile(const options& o);
void inspect(const options& o);
void pack(const options& o);
void verify(const options& o);
void eval(const options& o);
void eval_detector(const options& o, const rexnet::model& m);
void coco(const options& o);

/// Thrown by a command that ends with this exit code and has printed all its messages.
struct exit_with {
  int code;
};

/// The command's model, mapped, or copied with --copy. In a function of its own, because the checkpoint
/// readers take seconds to compile.
[[nodiscard]] rexnet::model load_model(const options& o, rexnet::check depth = rexnet::check::header);
/// "ReXNet v1 1.0x, 10 classes", "SSDLite on ReXNet v1 1.0x, 3 classes and the background"
[[nodiscard]] std::string model_text(const rexnet::packed_header& h);
/// Lines, each ending in a line feed, that say which network of the file was taken, what it is fed with and
/// where that comes from. @param h with the options' values
[[nodiscard]] std::string origin_text(const options& o, const rexnet::model_origin& origin,
                                      const rexnet::packed_header& h);
/// The named tensors of the command's model, likewise.
[[nodiscard]] rexnet::checkpoint open_checkpoint(const options& o);

/// A float32 array in PyTorch's or the kernels' order, as [n][h][w][3].
struct image_batch {
  int n = 0, h = 0, w = 0;
  std::vector<float> data;
};
[[nodiscard]] image_batch read_images(const std::string& path, bool nchw);
/// [n][a][b] -> [n][b][a]
[[nodiscard]] std::vector<float> transposed(const std::vector<float>& in, std::int64_t n, std::int64_t a,
                                            std::int64_t b);
/// A map as .npy, [n][c][h][w] or [n][h][w][c].
void write_map(const std::string& path, const rexnet::feature_map& map, bool nchw);
/// The outputs of a batch.
[[nodiscard]] std::vector<float> forward(rexnet::session& session, const image_batch& images,
                                         const rexnet::forward_options& how = {});
/// A detector's raw outputs of a batch, in torchvision's order.
struct raw_outputs {
  std::int64_t rows = 0;      ///< of an image
  std::vector<float> logits;  ///< [n][rows][classes]
  std::vector<float> codes;   ///< [n][rows][4]
};
[[nodiscard]] raw_outputs raw_outputs_of(const rexnet::model& m, const image_batch& images, int threads);
/// run, features and bench of a detector: its raw outputs as files, its six maps as files, its times.
void write_raw_outputs(const options& o, const rexnet::model& m, const image_batch& images);
void write_level_maps(const options& o, const rexnet::model& m, const image_batch& images);
void bench_detector(const options& o, const rexnet::model& m);
/// A picture as a detector's network sees it.
[[nodiscard]] image_batch detector_input(const rexnet::image_view& picture,
                                         const rexnet::preprocessing& input,
                                         const rexnet::detector_settings& settings);
/// Throws when the command was not built with the set.
[[nodiscard]] const struct measure_loops& loops_for(const std::string& set);
/// What -o names. Of `run` it depends on the model, which is not open yet.
enum class output_kind { file, features, file_or_raw_outputs };
/// Declares every file that the options name to output_guard, before any work. Throws rexnet::error
/// (output_is_input) where an output would land on an input or on another output.
void declare_files(const options& o, output_kind what);

/// All files that the command writes are made by these functions, so that output_guard has every one. A file
/// is written under a temporary name first: an interrupted write leaves the old file or none.
[[nodiscard]] rexnet::output_file create_output(const std::string& path);
void commit_output(rexnet::output_file& file, const std::string& path);
void write_file(const std::string& path, const std::string& bytes);
void write_picture(const std::string& path, const rexnet::rgb_image& image);
/// Names below -o of features, below -o of run for a detector, below --layers (of a network with as many
/// blocks as any has), and below --arrays.
[[nodiscard]] std::vector<std::string> feature_files();
[[nodiscard]] std::vector<std::string> raw_output_files();
[[nodiscard]] std::vector<std::string> layer_files();
[[nodiscard]] std::vector<std::string> coco_files();
/// What grows beside --detections while eval looks at pictures, and is removed at its end.
[[nodiscard]] std::string rows_file(const std::string& detections);

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_COMMANDS_HPP
