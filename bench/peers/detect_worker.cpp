// SPDX-License-Identifier: MIT
// rexnet's side of the comparison of detectors.
// Usage: detect_worker network MODEL INPUT.npy THREADS             normalised input to raw outputs
//        detect_worker SCORE MODEL PICTURE.rgb THREADS             480 x 640 RGB bytes to boxes above SCORE
//        detect_worker random WIDTH_HUNDREDTHS CLASSES THREADS     the network of v1 with random weights, 320
//        x 320
// Beside worker.hpp's lines, for pictures: `split N`, seconds of pre-processing, network, decoding with
// suppression, the medians of N passes.
#include "bench/peers/worker.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

namespace {

using rexnet_bench::check;
using rexnet_bench::seconds;

constexpr int picture_h = 480, picture_w = 640, random_side = 320;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// A network, its input and its raw outputs.
template <class Network>
struct raw_runner {
  int h, w;
  Network net;
  std::vector<float> input;
  rexnet::detector_plan plan;
  rexnet::aligned_buffer workspace;
  std::vector<float> logits, codes;

  raw_runner(Network n, std::vector<float> image, int height, int width, int threads)
      : h(height),
        w(width),
        net(std::move(n)),
        input(std::move(image)),
        plan(net.make_plan(h, w, threads).value()),
        workspace(plan.workspace_bytes()) {
    const auto rows = static_cast<std::size_t>(plan.rows);
    logits.resize(rows * static_cast<std::size_t>(net.shape().classes));
    codes.resize(rows * 4);
  }

  void run() {
    check(net.forward(plan, {input.data(), 1, h, w, 3}, logits, codes, {workspace.data(), workspace.size()}),
          "forward");
  }
  [[nodiscard]] std::vector<float> outputs() const {
    std::vector<float> all = logits;
    all.insert(all.end(), codes.begin(), codes.end());
    return all;
  }
  static bool answer(const std::string& /*command*/, const std::string& /*argument*/) { return false; }
  [[nodiscard]] std::string facts() const {
    return ", \"parameters\": " + std::to_string(parameter_count(net.shape())) +
           ", \"multiply_adds\": " + std::to_string(multiply_adds(net.shape(), h, w));
  }
};

/// A picture to boxes.
struct picture_runner {
  rexnet::model model;
  rexnet::detector_settings settings;
  int threads;
  rexnet::detector detector;
  std::vector<unsigned char> bytes;
  rexnet::image_view picture;
  rexnet::span<const rexnet::detection> found;

  picture_runner(const std::string& path, const std::string& file, float score, int with_threads)
      : model(rexnet::load_copy(path).value()),
        settings(with_score(model.header().settings, score)),
        threads(with_threads),
        detector(rexnet::detector::make(model, settings, threads).value()) {
    std::ifstream in(file, std::ios::binary);
    bytes.resize(std::size_t{picture_h} * picture_w * 3);
    if (!in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())))
      throw std::runtime_error(file + ": expected 480 x 640 x 3 bytes");
    picture.data = bytes.data();
    picture.height = picture_h, picture.width = picture_w;
    picture.stride = std::ptrdiff_t{picture_w} * 3;
  }
  static rexnet::detector_settings with_score(rexnet::detector_settings s, float score) {
    s.boxes.score = score;
    return s;
  }

  void run() { found = detector.detect(picture).value(); }
  /// Boxes, scores, labels.
  [[nodiscard]] std::vector<float> outputs() const {
    std::vector<float> all;
    for (const rexnet::detection& d : found) all.insert(all.end(), {d.at.x1, d.at.y1, d.at.x2, d.at.y2});
    for (const rexnet::detection& d : found) all.push_back(d.score);
    for (const rexnet::detection& d : found) all.push_back(static_cast<float>(d.label));
    return all;
  }

  /// detect() in its three parts, which are public functions.
  bool answer(const std::string& command, const std::string& argument) {
    if (command != "split") return false;
    const int h = settings.input_h, w = settings.input_w;
    raw_runner<rexnet::model_detector_network> raw(
        model.detector_net(),
        std::vector<float>(3 * static_cast<std::size_t>(h) * static_cast<std::size_t>(w)), h, w, threads);
    const auto table = normalise_table(model.input());
    const auto rows = static_cast<std::size_t>(raw.plan.rows);
    const int classes = model.detector_shape().classes;
    std::vector<float> scratch(rexnet::resize_normalised_scratch(w));
    std::vector<rexnet::box> anchors(rows);
    check(rexnet::ssd_anchors(ssd_shape_of(model.detector_shape(), h, w), {anchors.data(), rows},
                              settings.anchors),
          "anchors");
    std::vector<rexnet::detection> candidates(ssd_candidates(rows, classes, settings.boxes));
    std::vector<int> counts(static_cast<std::size_t>(classes));
    const auto passes = std::stoul(argument);
    std::array<std::vector<double>, 3> times;
    for (std::size_t i = 0; i < passes + 1; ++i) {
      const double start = seconds();
      check(resize_normalised(picture, {table.data(), table.size()}, h, w, raw.input, scratch), "resize");
      const double resized = seconds();
      raw.run();
      const double computed = seconds();
      std::size_t n = 0;
      check(ssd_detections({raw.logits.data(), raw.codes.data(), rows, classes}, {anchors.data(), rows}, h, w,
                           settings.boxes, counts, {candidates.data(), candidates.size()}, n),
            "boxes");
      rexnet::scale_boxes({candidates.data(), n}, h, w, picture_h, picture_w);
      const double done = seconds();
      if (i == 0) continue;  // warms up
      times[0].push_back(resized - start), times[1].push_back(computed - resized);
      times[2].push_back(done - computed);
    }
    std::printf("%.9f %.9f %.9f\n", median(times[0]), median(times[1]), median(times[2]));
    return true;
  }
  [[nodiscard]] std::string facts() const { return ", \"boxes\": " + std::to_string(found.size()); }
};

template <class Runner>
int serve(Runner&& runner, int threads) {
  runner.run();
  rexnet_bench::serve(&runner, threads);
  return 0;
}

int serve_random(int width_hundredths, int classes, int threads) {
  const rexnet::detector_config shape = rexnet::detector_for(rexnet::family::v1, width_hundredths, classes);
  std::mt19937 random(7);
  const auto numbers = [&random](float from, float to) {
    return [&random, from, to] { return std::uniform_real_distribution<float>(from, to)(random); };
  };
  rexnet::aligned_buffer payload(static_cast<std::size_t>(layout_of(shape).bytes));
  if (payload.data() == nullptr) throw std::runtime_error("no memory for the weights");
  auto* const weights = reinterpret_cast<float*>(payload.data());
  std::generate(weights, weights + payload.size() / sizeof(float), numbers(-0.05f, 0.05f));
  std::vector<float> image(std::size_t{random_side} * random_side * 3);
  std::generate(image.begin(), image.end(), numbers(-2, 2));
  return serve(raw_runner<rexnet::model_detector_network>({shape, weights}, std::move(image), random_side,
                                                          random_side, threads),
               threads);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) throw std::runtime_error("usage: detect_worker network|SCORE|random MODEL INPUT THREADS");
  const std::string task = argv[1], path = argv[2], input = argv[3];
  const int threads = std::stoi(argv[4]);
  if (task == "random") return serve_random(std::stoi(path), std::stoi(input), threads);
  if (task != "network") return serve(picture_runner(path, input, std::stof(task), threads), threads);
  const rexnet::model model = rexnet::load_copy(path).value();
  int h = 0, w = 0;
  std::vector<float> image = rexnet_bench::read_images(input, 1, h, w);
  return serve(
      raw_runner<rexnet::model_detector_network>(model.detector_net(), std::move(image), h, w, threads),
      threads);
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
