// SPDX-License-Identifier: MIT
// detect: what is where in pictures, on request drawn over them.
#include "tools/commands.hpp"
#include "tools/drawn_boxes.hpp"
#include "tools/measure.hpp"
#include "tools/picture_run.hpp"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace rexnet_tools {

namespace {

/// The command's model. Throws where it finds no boxes.
rexnet::model load_detector(const options& o) {
  rexnet::model m = load_model(o);
  if (!m.is_detector())
    throw rexnet::error(
        rexnet::errc::unsupported,
        o.model +
            (m.shape().classes > 0
                 ? ": the model is not a detector: use rexnet classify, which names what is in a picture"
                 : ": the model is not a detector, but a backbone: use rexnet features"));
  return m;
}

/// A model at work, with what the options say.
struct working_detector {
  rexnet::model model;
  std::vector<std::string> labels;
  rexnet::detector detector;

  explicit working_detector(const options& o)
      : model(load_detector(o)),
        labels(o.labels_of(model.header())),
        detector(
            rexnet::detector::make(model, o.input_of(model.input()), settings(o, model), o.thread_count())
                .value()) {}

 private:
  /// For people: boxes above 0.3, where --min-score does not say otherwise.
  static rexnet::detector_settings settings(const options& o, const rexnet::model& m) {
    rexnet::detector_settings s = o.settings_of(m.header().settings);
    if (o.least_score < 0) s.boxes.score = 0.3f;
    return s;
  }
};

/// One detect command.
class detect_run : public picture_run {
 public:
  /// @param w made before the first bytes of standard input are waited for
  detect_run(const options& o, working_detector w)
      : picture_run(o), w_(std::move(w)), drawings_("--draw", o.drawing, {".png"}, several()) {
    if (!o.drawing.empty()) declare_pictures();
  }

 private:
  void answer(const request& r, const picture& p, picture_answer& a) override {
    const double start = seconds();
    const rexnet::span<const rexnet::detection> found = w_.detector.detect(p.image.view()).value();
    const double ms = (seconds() - start) * 1e3;
    a.text = head_line(r, p, ms) + (found.size() == 0 ? ": nothing found\n" : "\n");
    a.entry = {{"image", r.path},
               {"kind", p.kind},
               {"orientation", p.orientation},
               {"width", p.image.width},
               {"height", p.image.height},
               {"ms", ms},
               {"detections", nlohmann::ordered_json::array()}};
    for (const rexnet::detection& d : found) {
      const rexnet::box& b = d.at;
      a.entry["detections"].push_back({{"class", d.label},
                                       {"label", label(d.label)},
                                       {"score", d.score},
                                       {"box", {b.x1, b.y1, b.x2, b.y2}}});
      char line[32], corners[256];
      std::snprintf(line, sizeof(line), "  %6.2f %%  ", 100.0 * static_cast<double>(d.score));
      std::snprintf(corners, sizeof(corners), "  (%.1f, %.1f) to (%.1f, %.1f)\n", static_cast<double>(b.x1),
                    static_cast<double>(b.y1), static_cast<double>(b.x2), static_cast<double>(b.y2));
      a.text += line + rexnet::printable(label(d.label)) + corners;
    }
    if (!given().drawing.empty()) add_drawing(r, p.image, found, a);
  }

  void add_drawing(const request& r, const rexnet::rgb_image& image,
                   rexnet::span<const rexnet::detection> found, picture_answer& a) {
    std::vector<std::string> names;
    for (const rexnet::detection& d : found) names.push_back(label(d.label));
    const std::string path = drawings_.path_for(r);
    write_picture(path, with_boxes(image, found, names));
    a.entry["drawing"] = path;
    a.text += "  drawn: " + rexnet::printable(path) + '\n';
  }

  /// COCO's list has classes without a name.
  [[nodiscard]] std::string label(int number) const {
    const auto at = static_cast<std::size_t>(number - 1);
    return w_.labels.empty() || w_.labels[at].empty() ? "class " + std::to_string(number) : w_.labels[at];
  }

  working_detector w_;
  drawn_files drawings_;
};

}  // namespace

void detect(const options& o) {
  detect_run(o, working_detector(o)).run();
}

}  // namespace rexnet_tools
