// SPDX-License-Identifier: MIT
// classify: the most probable classes of pictures, on request with class activation maps and features.
#include "tools/commands.hpp"
#include "tools/embedding_file.hpp"
#include "tools/heat_map.hpp"
#include "tools/measure.hpp"
#include "tools/picture_run.hpp"
#include "tools/terminal.hpp"

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rexnet_tools {

namespace {

using nlohmann::ordered_json;
using rexnet::errc;
using rexnet::error;
using rexnet::printable;

void write_cam(const std::string& path, const rexnet::rgb_image& picture, const rexnet::preprocessing& input,
               const rexnet::feature_map& head, const std::vector<float>& map) {
  if (std::filesystem::u8path(path).extension() == ".npy")
    return write_file(path, rexnet::write_npy({head.h, head.w}, map));
  write_picture(path, heat_map(picture, input, map, head.h, head.w));
}

/// The command's model. Throws where it finds boxes.
rexnet::model load_classifier(const options& o) {
  rexnet::model m = load_model(o);
  if (m.is_detector())
    throw error(errc::unsupported,
                o.model + ": the model is a detector: use rexnet detect, which finds boxes");
  return m;
}

/// A model at work, with what the options say.
struct working_classifier {
  rexnet::model model;
  std::vector<std::string> labels;
  rexnet::preprocessing input;
  rexnet::feature_extractor extractor;

  explicit working_classifier(const options& o)
      : model(load_classifier(o)),
        labels(o.labels_of(model.header())),
        input(o.input_of(model.input(), model.origin())),
        extractor(rexnet::feature_extractor::make(model, input, o.thread_count()).value()) {}
};

/// One classify command.
class classification : public picture_run {
 public:
  /// @param w made before the first bytes of standard input are waited for
  classification(const options& o, working_classifier w)
      : picture_run(o), w_(std::move(w)), cams_("--cam", o.cam, {".png", ".npy"}, several()) {
    const int classes = w_.model.shape().classes;
    if (classes == 0 && (o.embed.empty() || !o.cam.empty()))
      throw error(errc::unsupported, o.model +
                                         ": a backbone without classifier: --embed and the command features "
                                         "give what it computes");
    if (o.cam_class >= classes && o.cam_class >= 0)
      throw error(errc::invalid_argument, "--cam-class " + std::to_string(o.cam_class) + ": the model has " +
                                              std::to_string(classes) + " classes, from 0");
    if (!o.embed.empty() || !o.cam.empty()) declare_pictures();
    if (!o.embed.empty()) embedding_.emplace(o.embed, rexnet::feature_c(w_.model.shape()));
  }

 private:
  void answer(const request& r, const picture& p, picture_answer& a) override {
    rexnet::feature_choice choice;
    choice.stages = false;
    choice.head = !given().cam.empty();
    const double start = seconds();
    auto extracted = w_.extractor.extract(p.image.view(), choice);
    if (!extracted) throw extracted.error();
    maps_ = std::move(*extracted);
    rexnet::softmax(maps_.logits);
    const auto top = rexnet::top_k(maps_.logits, given().top).value();
    describe(r, p, top, (seconds() - start) * 1e3, a);
    if (!given().cam.empty()) add_cam(r, p.image, top, a);
  }

  void describe(const request& r, const picture& p, const std::vector<rexnet::scored_class>& top, double ms,
                picture_answer& a) const {
    a.text = head_line(r, p, ms) + '\n';
    a.entry = {{"image", r.path},
               {"kind", p.kind},
               {"orientation", p.orientation},
               {"ms", ms},
               {"top", ordered_json::array()}};
    for (const rexnet::scored_class& s : top) {
      a.entry["top"].push_back({{"class", s.index}, {"label", label(s.index)}, {"probability", s.score}});
      char line[32];
      std::snprintf(line, sizeof(line), "  %6.2f %%  ", 100.0 * static_cast<double>(s.score));
      a.text += line + printable(label(s.index)) + '\n';
    }
  }

  void add_cam(const request& r, const rexnet::rgb_image& image, const std::vector<rexnet::scored_class>& top,
               picture_answer& a) {
    const int of = given().cam_class >= 0 ? given().cam_class : top[0].index;
    const std::string path = cams_.path_for(r);
    write_cam(path, image, w_.input, maps_.head,
              rexnet::class_activation_map(w_.model, maps_.head.view(), of).value());
    a.entry["cam"] = {{"class", of}, {"file", path}};
    a.text += "  " + printable(path) + ": what speaks for " + printable(label(of)) + '\n';
  }

  void keep(picture_answer& a) override {
    if (!embedding_) return;
    a.entry["row"] = embedding_->rows();
    embedding_->add(maps_.features);
  }

  /// The rows of the pictures that were answered, in their order.
  void end() override {
    if (!embedding_) return;
    if (clash()) return say(embedding_->path() + ": not written: a picture of the list is an output");
    if (embedding_->rows() == 0) return say(embedding_->path() + ": not written: no picture has an answer");
    embedding_->commit();
    if (!in_words()) return;
    print(printable(embedding_->path()) + ": " + std::to_string(embedding_->rows()) + " rows of " +
          std::to_string(embedding_->columns()) + " features" +
          (all_answered() ? "\n" : ", none for the pictures without answer\n"));
  }

  [[nodiscard]] std::string label(int index) const {
    return w_.labels.empty() ? "class " + std::to_string(index) : w_.labels[static_cast<std::size_t>(index)];
  }

  working_classifier w_;
  drawn_files cams_;
  std::optional<embedding_file> embedding_;
  rexnet::feature_maps maps_;  ///< of the picture at hand
};

}  // namespace

void classify(const options& o) {
  classification(o, working_classifier(o)).run();
}

}  // namespace rexnet_tools
