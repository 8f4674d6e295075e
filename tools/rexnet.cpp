// SPDX-License-Identifier: MIT
// The command `rexnet`: its options. Exit codes: 0, 1 (bad input, message on stderr), 2 (usage).
#include "tools/commands.hpp"
#include "tools/image_io.hpp"
#include "tools/system.hpp"
#include "tools/terminal.hpp"

#include "rexnet/system/cpus.hpp"

#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <sstream>

namespace rexnet_tools {

namespace {

using action = void (*)(const options&);

/// Version, the instruction sets (built, running here, chosen), the formats of pictures that are read.
std::string version_text() {
  std::string text = "rexnet " REXNET_VERSION_STRING "\ninstruction sets:";
  const auto chosen = rexnet::chosen_kernel_table();
  for (const rexnet::kernel_table& set : rexnet::built_kernel_tables())
    text.append(" ").append(set.name).append(chosen && *chosen == &set ? " (in use)"
                                             : rexnet::runs(rexnet::this_cpu(), set.name)
                                                 ? ""
                                                 : " (not on this CPU)");
  if (!chosen) text.append("\n").append(chosen.error().what());
  text += "\npictures:";
  for (const std::string& name : picture_formats()) text.append(" ").append(name);
  return text;
}

/// A number, whole or not; false where the text is none. "nan" and "inf" are.
bool read_number(const std::string& text, double& v) {
  char* end = nullptr;
  v = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0';
}

/// In place of CLI11's own validators: NaN passes all of them, and Range writes 0.01 as 0.010000 and the
/// largest double in 309 digits.
CLI::Validator range(int low, int high) {
  const std::string words = std::to_string(low) + " to " + std::to_string(high);
  return {[=](std::string& text) {
            double v = 0;
            const bool good = read_number(text, v) && v >= low && v <= high;
            return good ? std::string() : text + ": must be " + words;
          },
          words};
}

/// The library's rule for a value of preprocessing, and its words.
CLI::Validator rule(void (*put)(rexnet::preprocessing&, double)) {
  return {[put](std::string& text) {
            double v = 0;
            if (!read_number(text, v)) return text + ": is not a number";
            rexnet::preprocessing p;
            p.input_size = 1;
            put(p, v);
            std::string why;
            static_cast<void>(rexnet::detail::check_preprocessing(p, rexnet::detail::report_text{why}));
            return why;
          },
          ""};
}
/// The same for a value of a detector's settings.
CLI::Validator rule(void (*put)(rexnet::detector_settings&, double)) {
  return {[put](std::string& text) {
            double v = 0;
            if (!read_number(text, v)) return text + ": is not a number";
            rexnet::detector_settings s;
            put(s, v);
            std::string why;
            static_cast<void>(rexnet::detail::check_settings(s, rexnet::detail::report_text{why}));
            return why;
          },
          ""};
}

/// "320", or "640x480": width first. False where the text is neither, or a side is not 1 to 16384.
bool read_sides(const std::string& text, int& w, int& h) {
  const std::size_t cross = text.find('x');
  const auto side = [](const std::string& digits, int& v) {
    v = 0;
    for (const char c : digits) {
      if (c < '0' || c > '9' || v > 16384) return false;
      v = v * 10 + (c - '0');
    }
    return v >= 1 && v <= 16384;
  };
  if (!side(text.substr(0, cross), w)) return false;
  if (cross == text.npos) return h = w, true;
  return side(text.substr(cross + 1), h);
}

/// Too large for a float is infinity.
float narrow(double v) {
  constexpr float most = (std::numeric_limits<float>::max)(),
                  infinity = std::numeric_limits<float>::infinity();
  return v > static_cast<double>(most)    ? infinity
         : v < -static_cast<double>(most) ? -infinity
                                          : static_cast<float>(v);
}

/// The subcommands and their options.
struct command_line {
  CLI::App& app;
  options& o;
  action chosen = nullptr;  ///< the subcommand that was given

  command_line(CLI::App& to, options& values) : app(to), o(values) {
    app.add_option("--isa", o.isa,
                   "instruction set instead of the best; before the subcommand (also: REXNET_ISA)");
    add_run();
    add_classify();
    add_detect();
    add_features();
    add_preprocess();
    add_inspect();
    add_bench();
    add_pack();
    add_eval();
    add_coco();
    command("verify", "checksums and self-test of a model", verify, true);
  }

 private:
  CLI::App* command(const char* name, const char* about, action function, bool model) {
    CLI::App* c = app.add_subcommand(name, about);
    c->callback([this, function] { chosen = function; });
    if (!model) return c;
    c->add_option("MODEL", o.model, "checkpoint or packed file")->required();
    c->add_flag("--copy", o.copy,
                "read the model's file into memory instead of mapping it: others may change it");
    c->add_option(
        "--key", o.key,
        "which network of a training file: a key (model_ema, model.state_dict) or a prefix (student.)");
    c->add_option(
        "--config", o.config,
        "config.json with a checkpoint's preprocessing and names; none; default: the one beside it");
    return c;
  }
  void lists(CLI::App* c) {
    c->add_flag("-0,--null", o.null_separated, "the list's lines end with NUL, as find -print0 writes them");
    c->add_flag("--left-out", o.left_out, "name each file that is no picture");
  }
  void threads(CLI::App* c) {
    c->add_option("--threads", o.threads, "default: the processors of this process, at most 8")
        ->check(range(1, rexnet::max_threads));
  }
  /// --input-size of commands that take detectors, too.
  void sides(CLI::App* c) {
    c->add_option_function<std::string>(
         "--input-size",
         [this](const std::string& text) {
           int w = 0, h = 0;
           static_cast<void>(read_sides(text, w, h));
           const bool one = text.find('x') == text.npos;
           o.input_size = one ? w : 0, o.input_w = one ? 0 : w, o.input_h = one ? 0 : h;
         },
         "side of the network's input; a detector's: also WIDTHxHEIGHT")
        ->check({[](const std::string& text) {
                   int w = 0, h = 0;
                   return read_sides(text, w, h)
                              ? std::string()
                              : text + ": must be 1 to 16384, of a detector also WIDTHxHEIGHT of such sides";
                 },
                 ""})
        ->type_name("N|WxH");
  }
  void images(CLI::App* c);
  void normalisation(CLI::App* c, const char* names);
  /// @param detectors the command takes them, too
  void pictures(CLI::App* c, bool detectors = false);
  /// Which boxes a detector keeps.
  void boxes(CLI::App* c);
  void add_run();
  void add_classify();
  void add_detect();
  void add_features();
  void add_preprocess();
  void add_inspect();
  void add_bench();
  void add_pack();
  void add_eval();
  void add_coco();
};

/// What commands that answer pictures one by one have in common.
void command_line::images(CLI::App* c) {
  c->add_option("IMAGE", o.inputs,
                "pictures, directories of pictures, - for standard input: a picture, or a list of paths")
      ->required();
  CLI::Option* json = c->add_flag("--json", o.json, "one array");
  c->add_flag("--jsonl", o.jsonl, "an object a line, as soon as its picture is done")->excludes(json);
  c->add_flag("--exif", o.exif, "turn pictures upright by their EXIF orientation");
  lists(c);
  threads(c);
}
/// @param names where names of classes come from without --labels
void command_line::normalisation(CLI::App* c, const char* names) {
  c->add_option("--mean", o.mean)
      ->expected(3)
      ->delimiter(',')
      ->check(rule([](rexnet::preprocessing& p, double v) { p.mean[0] = narrow(v); }));
  c->add_option("--std", o.deviation)
      ->expected(3)
      ->delimiter(',')
      ->check(rule([](rexnet::preprocessing& p, double v) { p.std[0] = narrow(v); }));
  c->add_option("--labels", o.labels,
                std::string("file of class names, one per line; none; default: ") + names);
}
void command_line::pictures(CLI::App* c, bool detectors) {
  if (detectors)
    sides(c);
  else
    c->add_option("--input-size", o.input_size, "side of the network's input")->check(range(1, 16384));
  c->add_option("--crop-pct", o.crop_pct, "part of the short side that the crop keeps")
      ->check(rule([](rexnet::preprocessing& p, double v) { p.crop_pct = v; }));
  c->add_option("--interpolation", o.interpolation)->check(CLI::IsMember({"bicubic", "bilinear"}));
  normalisation(c, "the model's, ImageNet's for 1000");
}
void command_line::boxes(CLI::App* c) {
  c->add_option("--min-score", o.least_score,
                "a detector's: a class whose probability is not above this is none; default of detect: 0.3")
      ->check(rule([](rexnet::detector_settings& s, double v) { s.boxes.score = narrow(v); }));
  c->add_option("--nms", o.overlap,
                "a detector's: a box that overlaps a better one of its class by more than this goes")
      ->check(rule([](rexnet::detector_settings& s, double v) { s.boxes.iou = v; }));
  c->add_option("--max", o.most, "a detector's: boxes of a picture")->check(range(1, rexnet::max_ssd_boxes));
  c->add_option("--candidates", o.candidates, "a detector's: candidates of a class")
      ->check(range(1, rexnet::max_ssd_candidates));
}
void command_line::add_run() {
  CLI::App* c = command("run", "logits of a .npy array; a detector's raw outputs", run, true);
  c->add_option("INPUT", o.inputs, "float32 .npy")->required()->expected(1);
  c->add_option("-o,--output", o.output,
                ".npy for the logits; of a detector: directory for cls_logits.npy, bbox_regression.npy")
      ->required();
  c->add_option("--layout", o.layout)->check(CLI::IsMember({"nchw", "nhwc"}));
  c->add_option("--layers", o.layers, "directory for features.N.npy");
  threads(c);
}
void command_line::add_classify() {
  CLI::App* c = command("classify", "most probable classes of pictures", classify, true);
  images(c);
  c->add_option("--top", o.top)->check(range(1, (std::numeric_limits<int>::max)()));
  c->add_option("--cam", o.cam, "what speaks for the class, over the picture: .png, .npy or a directory");
  c->add_option("--cam-class", o.cam_class, "class of --cam; default: the most probable")
      ->check(range(0, (std::numeric_limits<int>::max)()))
      ->needs("--cam");
  c->add_option("--embed", o.embed, ".npy for the features before the classifier, a row per picture");
  pictures(c);
}
void command_line::add_detect() {
  CLI::App* c = command("detect", "what is where in pictures: boxes, classes, scores", detect, true);
  images(c);
  boxes(c);
  sides(c);
  c->add_option("--draw", o.drawing, "the pictures with their boxes: .png, or a directory");
  normalisation(c, "the model's");
}
void command_line::add_features() {
  CLI::App* c = command("features", "maps of a backbone and features before the classifier", features, true);
  c->add_option("INPUT", o.inputs, "a picture, or float32 .npy")->required()->expected(1);
  c->add_option("-o,--output", o.output,
                "directory for stride2.npy to stride32.npy, head, pooled, features; of a detector also "
                "map0.npy to map5.npy, which its heads see")
      ->required();
  c->add_option("--layout", o.layout)->check(CLI::IsMember({"nchw", "nhwc"}));
  c->add_flag("--exif", o.exif);
  pictures(c, true);
  threads(c);
}
void command_line::add_preprocess() {
  CLI::App* c = command("preprocess", "the exact pixels that the network sees", preprocess, false);
  c->add_option("IMAGE", o.inputs)->required()->expected(1);
  c->add_option("-o,--output", o.output, "PNG")->required();
  c->add_flag("--exif", o.exif);
  pictures(c);
}
void command_line::add_inspect() {
  CLI::App* c = command("inspect", "what a file holds", inspect, true);
  c->add_flag("--json", o.json);
  sides(c);
}
void command_line::add_bench() {
  CLI::App* c =
      command("bench", "time of the forward pass; of a detector also from pictures to boxes", bench, true);
  CLI::Option* profile =
      c->add_flag("--profile", o.profile, "time of every phase against the machine's bound");
  c->add_option("--svg", o.svg, "the profile as a picture")->needs(profile);
  c->add_option("--batch", o.batch, "images of a pass; of a detector pictures of a call")
      ->check(range(1, 1024));
  sides(c);
  c->add_flag("--json", o.json);
  threads(c);
}
void command_line::add_pack() {
  CLI::App* c = command("pack", "checkpoint to packed file", pack, true);
  c->add_option("-o,--output", o.output)->required();
  c->add_flag("--fp16", o.half, "store weights as float16: half the size, expanded when loading");
  c->add_option("--selftest", o.selftest,
                "an input and PyTorch's logits for it, stored and checked; of a detector logits and codes")
      ->expected(2, 3)
      ->type_name("IN.npy LOGITS.npy [CODES.npy]");
  pictures(c, true);
  boxes(c);
  c->add_option("--anchor-scales", o.anchor_scales,
                "a detector's: scales of the first and the last map's anchors, as it was trained")
      ->expected(2)
      ->delimiter(',')
      ->type_name("MIN,MAX");
}
void command_line::add_eval() {
  CLI::App* c =
      command("eval", "accuracy on pictures whose classes, of a detector boxes, are known", eval, true);
  c->add_option("DATA", o.inputs,
                "folder with a folder for each class, or list of paths and classes; for a detector COCO's "
                "ground truth, .json")
      ->required()
      ->expected(1);
  c->add_option("--batch", o.pictures_at_a_time, "pictures that a thread takes at a time, default 8")
      ->check(range(1, 1024));
  c->add_option("--threads", o.threads, "each with pictures of its own; default: this process's processors")
      ->check(range(1, rexnet::max_threads));
  c->add_flag("--json", o.json);
  c->add_option("--csv", o.csv, "a row for each picture, written as they are finished");
  c->add_flag("--resume", o.resume, "go on where an interrupted run's --csv, or --detections, ends");
  c->add_option("--confusion", o.confusion, "the confusion matrix as a picture, .svg")
      ->check([](const std::string& path) {
        const bool svg = path.size() > 4 && rexnet::detail::ends_with(path, ".svg");
        return svg ? std::string() : path + ": the picture is an .svg";
      });
  c->add_flag("--exif", o.exif, "turn pictures upright by their EXIF orientation");
  lists(c);
  pictures(c, true);
  c->add_option("--images", o.images, "of a detector: folder of the pictures; default: the .json file's");
  c->add_option("--detections", o.detections,
                "of a detector: what it found, as COCO's list of results, .json");
  boxes(c);
  c->add_flag("--by-id", o.by_id, "of a detector: class k is the category with id k, whatever their names");
}

void command_line::add_coco() {
  CLI::App* c = command("coco", "COCO's numbers of detections, from two files", coco, false);
  c->add_option("FILES", o.inputs, "ground truth and detections, as COCO's .json files have them")
      ->required()
      ->expected(2)
      ->type_name("GT.json DETECTIONS.json");
  c->add_flag("--json", o.json);
  c->add_option("--arrays", o.arrays,
                "directory for precision.npy, recall.npy, scores.npy, as pycocotools has them");
}

/// The exit code. Throws output_lost.
int run_command(int argc, char** argv) {
  CLI::App app("ReXNet image classifiers on CPUs");
  app.set_version_flag("--version", [] { return version_text(); });
  app.require_subcommand(1);
  app.allow_windows_style_options(false);  // /x is a path on Windows, too
  app.failure_message([](const CLI::App*, const CLI::Error& e) {
    return rexnet::printable(e.what()) + "\nRun with --help for more information.\n";
  });
  options o;
  const command_line line(app, o);
  try {
    const std::vector<std::string> arguments = utf8_arguments(argc, argv);
    std::vector<const char*> pointers;
    pointers.reserve(arguments.size());
    for (const std::string& a : arguments) pointers.push_back(a.c_str());
    app.parse(static_cast<int>(pointers.size()), pointers.data());
  } catch (const CLI::ParseError& e) {
    std::ostringstream out, err;
    const int code = app.exit(e, out, err);
    print(out.str());
    draw(err.str());
    return code == 0 ? 0 : 2;
  }
  try {
    if (const auto set = rexnet::use_instruction_set(o.isa); !set) throw set.error();
    declare_files(o, line.chosen == features ? output_kind::features
                     : line.chosen == run    ? output_kind::file_or_raw_outputs
                                             : output_kind::file);
    line.chosen(o);
  } catch (const exit_with& e) {
    return e.code;
  } catch (const std::exception& e) {
    say(e.what());
    return 1;
  }
  return 0;
}

/// The exit code where standard output was closed by its reader: the one that shells show for SIGPIPE.
constexpr int broken_pipe = 128 + 13;

}  // namespace
}  // namespace rexnet_tools

// Options are set up outside of the try block of the commands: only lack of memory throws there.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  using namespace rexnet_tools;
  hold_standard_streams();
  try {
    const int code = run_command(argc, argv);
    finish_output();
    return code;
  } catch (const output_lost& lost) {
    if (lost.reason == EPIPE) return broken_pipe;
    say(std::string("standard output: cannot be written: ") + std::strerror(lost.reason));
    return 1;
  }
}
