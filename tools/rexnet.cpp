// SPDX-License-Identifier: MIT
// The command `rexnet`. Exit codes: 0, 1 (bad input, message on stderr), 2 (usage).
#include "tools/commands.hpp"
#include "tools/image_io.hpp"
#include "tools/system.hpp"

#include "rexnet/core/cpus.hpp"
#include "rexnet/weights/file_bytes.hpp"
#include "rexnet/weights/output_file.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace rexnet_tools {

using rexnet::errc;
using rexnet::error;

int options::thread_count() const {
  return threads > 0 ? threads : (std::min)(rexnet::available_cpus(), 8);
}

namespace {

std::vector<std::string> read_labels(const std::string& path) {
  const auto bytes = rexnet::file_bytes::read(path).value();
  std::string_view text = rexnet::detail::text(bytes.bytes());
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);  // Windows' editors put a mark before UTF-8
  std::istringstream file{std::string(text)};
  std::vector<std::string> labels;
  for (std::string line; std::getline(file, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    labels.push_back(line);
  }
  while (!labels.empty() && labels.back().empty()) labels.pop_back();
  return labels;
}

}  // namespace

rexnet::preprocessing options::input_of(rexnet::preprocessing p) const {
  if (input_size != 0) p.input_size = input_size;
  if (crop_pct != 0) p.crop_pct = crop_pct;
  if (!interpolation.empty())
    p.interpolation =
        interpolation == "bilinear" ? rexnet::interpolation::bilinear : rexnet::interpolation::bicubic;
  for (std::size_t c = 0; c < 3 && mean.size() == 3; ++c) p.mean[c] = mean[c];
  for (std::size_t c = 0; c < 3 && std.size() == 3; ++c) p.std[c] = std[c];
  return p;
}

std::vector<std::string> options::labels_of(const rexnet::packed_header& h) const {
  if (labels == "none") return {};
  if (labels.empty()) return h.labels;
  std::vector<std::string> names = read_labels(labels);
  if (names.size() != static_cast<std::size_t>(h.shape.classes))
    throw error(errc::packed_labels, labels + ": " + std::to_string(names.size()) + " labels for " +
                                         std::to_string(h.shape.classes) + " classes");
  return names;
}

void write_file(const std::string& path, const std::string& bytes) {
  auto file = rexnet::output_file::create(path).value();
  if (auto s = file.write({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()}); !s)
    throw s.error();
  if (auto s = file.commit(); !s) throw s.error();
}

/// Version, the instruction sets (built, running here, chosen), the formats of pictures that are read.
static std::string version_text() {
  std::string text = "rexnet " REXNET_VERSION_STRING "\ninstruction sets:";
  const auto chosen = rexnet::chosen_kernel_set();
  for (const rexnet::kernel_set& set : rexnet::built_kernel_sets())
    text.append(" ").append(set.name).append(chosen && *chosen == &set ? " (in use)"
                                             : rexnet::runs(rexnet::this_cpu(), set.name)
                                                 ? ""
                                                 : " (not on this CPU)");
  if (!chosen) text.append("\n").append(chosen.error().what());
  text += "\npictures:";
  for (const std::string& name : picture_formats()) text.append(" ").append(name);
  return text;
}

}  // namespace rexnet_tools

// Options are set up outside of the try block: only lack of memory throws there.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  CLI::App app("ReXNet image classifiers on CPUs");
  app.set_version_flag("--version", [] { return rexnet_tools::version_text(); });
  app.require_subcommand(1);
  app.allow_windows_style_options(false);  // /x is a path on Windows, too
  rexnet_tools::options o;
  app.add_option("--isa", o.isa,
                 "instruction set instead of the best; before the subcommand (also: REXNET_ISA)");
  void (*action)(const rexnet_tools::options&) = nullptr;
  const auto command = [&](const char* name, const char* about,
                           void (*function)(const rexnet_tools::options&), bool model) {
    CLI::App* c = app.add_subcommand(name, about);
    c->callback([&action, function] { action = function; });
    if (!model) return c;
    c->add_option("MODEL", o.model, "checkpoint or packed file")->required();
    c->add_flag("--copy", o.copy,
                "read the model's file into memory instead of mapping it: others may change it");
    return c;
  };
  const auto pictures = [&o](CLI::App* c) {
    c->add_option("--input-size", o.input_size, "side of the network's input")->check(CLI::Range(1, 16384));
    c->add_option("--crop-pct", o.crop_pct, "part of the short side that the crop keeps")
        ->check(CLI::Range(0.01, 1.0));
    c->add_option("--interpolation", o.interpolation)->check(CLI::IsMember({"bicubic", "bilinear"}));
    c->add_option("--mean", o.mean)->expected(3)->delimiter(',');
    c->add_option("--std", o.std)->expected(3)->delimiter(',')->check(CLI::PositiveNumber);
    c->add_option("--labels", o.labels,
                  "file of class names, one per line; none; default: the model's, ImageNet's for 1000");
  };
  const auto threads = [&o](CLI::App* c) {
    c->add_option("--threads", o.threads, "default: the processors of this process, at most 8")
        ->check(CLI::Range(1, rexnet::max_threads));
  };

  CLI::App* c = command("run", "logits of a .npy array", rexnet_tools::run, true);
  c->add_option("INPUT", o.inputs, "float32 .npy")->required()->expected(1);
  c->add_option("-o,--output", o.output, ".npy for the logits")->required();
  c->add_option("--layout", o.layout)->check(CLI::IsMember({"nchw", "nhwc"}));
  c->add_option("--layers", o.layers, "directory for features.N.npy");
  threads(c);
  c = command("classify", "most probable classes of pictures", rexnet_tools::classify, true);
  c->add_option("IMAGE", o.inputs, "pictures, directories of pictures, - for a list on standard input")
      ->required();
  c->add_option("--top", o.top)->check(CLI::PositiveNumber);
  c->add_option("--cam", o.cam, "what speaks for the class, over the picture: .png, .npy or a directory");
  c->add_option("--cam-class", o.cam_class, "class of --cam; default: the most probable")
      ->check(CLI::NonNegativeNumber)
      ->needs("--cam");
  c->add_option("--embed", o.embed, ".npy for the features before the classifier, a row per picture");
  c->add_flag("--json", o.json);
  c->add_flag("--exif", o.exif, "turn pictures upright by their EXIF orientation");
  pictures(c);
  threads(c);
  c = command("features", "maps of a backbone and features before the classifier", rexnet_tools::features,
              true);
  c->add_option("INPUT", o.inputs, "a picture, or float32 .npy")->required()->expected(1);
  c->add_option("-o,--output", o.output, "directory for stride2.npy to stride32.npy, head, pooled, features")
      ->required();
  c->add_option("--layout", o.layout)->check(CLI::IsMember({"nchw", "nhwc"}));
  c->add_flag("--exif", o.exif);
  pictures(c);
  threads(c);
  c = command("preprocess", "the exact pixels that the network sees", rexnet_tools::preprocess, false);
  c->add_option("IMAGE", o.inputs)->required()->expected(1);
  c->add_option("-o,--output", o.output, "PNG")->required();
  c->add_flag("--exif", o.exif);
  pictures(c);
  c = command("inspect", "what a file holds", rexnet_tools::inspect, true);
  c->add_flag("--json", o.json);
  c->add_option("--input-size", o.input_size)->check(CLI::Range(1, 16384));
  c = command("bench", "time of the forward pass", rexnet_tools::bench, true);
  CLI::Option* profile =
      c->add_flag("--profile", o.profile, "time of every phase against the machine's bound");
  c->add_option("--svg", o.svg, "the profile as a picture")->needs(profile);
  c->add_option("--batch", o.batch)->check(CLI::Range(1, 1024));
  c->add_option("--input-size", o.input_size)->check(CLI::Range(1, 16384));
  c->add_flag("--json", o.json);
  threads(c);
  c = command("pack", "checkpoint to packed file", rexnet_tools::pack, true);
  c->add_option("-o,--output", o.output)->required();
  c->add_flag("--fp16", o.half, "store weights as float16: half the size, expanded when loading");
  c->add_option("--selftest", o.selftest, "an input and PyTorch's logits for it, stored and checked")
      ->expected(2)
      ->type_name("IN.npy LOGITS.npy");
  pictures(c);
  c = command("eval", "accuracy on pictures whose classes are known", rexnet_tools::eval, true);
  c->add_option("DATA", o.inputs, "folder with a folder for each class, or list of paths and classes")
      ->required()
      ->expected(1);
  c->add_option("--batch", o.pictures_at_a_time, "pictures that a thread takes at a time, default 8")
      ->check(CLI::Range(1, 1024));
  c->add_option("--threads", o.threads, "each with pictures of its own; default: this process's processors")
      ->check(CLI::Range(1, rexnet::max_threads));
  c->add_flag("--json", o.json);
  CLI::Option* csv = c->add_option("--csv", o.csv, "a row for each picture, written as they are finished");
  c->add_flag("--resume", o.resume, "go on where an interrupted run's --csv ends")->needs(csv);
  c->add_option("--confusion", o.confusion, "the confusion matrix as a picture, .svg")
      ->check([](const std::string& path) {
        const bool svg = path.size() > 4 && path.compare(path.size() - 4, 4, ".svg") == 0;
        return svg ? std::string() : path + ": the picture is an .svg";
      });
  c->add_flag("--exif", o.exif, "turn pictures upright by their EXIF orientation");
  pictures(c);
  command("verify", "checksums and self-test of a model", rexnet_tools::verify, true);

  try {
    const std::vector<std::string> arguments = rexnet_tools::utf8_arguments(argc, argv);
    std::vector<const char*> pointers;
    pointers.reserve(arguments.size());
    for (const std::string& a : arguments) pointers.push_back(a.c_str());
    app.parse(static_cast<int>(pointers.size()), pointers.data());
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  try {
    if (const auto chosen = rexnet::use_instruction_set(o.isa); !chosen) throw chosen.error();
    action(o);
  } catch (const rexnet_tools::exit_with& e) {
    return e.code;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "rexnet: %s\n", e.what());
    return 1;
  }
  return 0;
}
