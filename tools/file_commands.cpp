// SPDX-License-Identifier: MIT
// pack, verify: the commands about model files, and how every command opens one.
#include "tools/commands.hpp"
#include "tools/label_file.hpp"
#include "tools/terminal.hpp"

#include "rexnet/engine/reference.hpp"
#include "rexnet/payload/file/write.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace rexnet_tools {

using rexnet::errc;
using rexnet::error;

namespace {

/// The side of a self-test's input: every layer works on it, and the double reference takes a second at most.
constexpr int self_test_side = 64;

/// Largest difference of an output, and the largest output, of outputs of one kind.
struct deviation {
  double worst = 0, largest = 0;
  /// float32: 5e-5 of the largest output, as in docs/packed-format.md. float16 weights are off by up to 2^-11
  /// each, and the logits that are given to pack come from PyTorch's float32 weights: 2^-8.
  [[nodiscard]] bool good(bool half) const { return worst <= (half ? 1.0 / 256 : 5e-5) * largest; }
  [[nodiscard]] std::string text() const {
    char s[64];
    std::snprintf(s, sizeof(s), "%.2g of the largest, %.4g", worst / (largest > 0 ? largest : 1), largest);
    return s;
  }
};
deviation compare(rexnet::span<const float> found, rexnet::span<const float> expected) {
  deviation d;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double e = static_cast<double>(expected[i]), diff = std::fabs(static_cast<double>(found[i]) - e);
    d.worst = std::isnan(diff) ? INFINITY : (std::max)(d.worst, diff);
    d.largest = (std::max)(d.largest, std::fabs(e));
  }
  return d;
}

}  // namespace

rexnet::model load_model(const options& o, rexnet::check depth) {
  const rexnet::load_options how = o.loading(depth);
  return (o.copy ? rexnet::load_copy(o.model, how) : rexnet::load(o.model, how)).value();
}

rexnet::checkpoint open_checkpoint(const options& o) {
  return (o.copy ? rexnet::open_checkpoint_copy(o.model, o.key) : rexnet::open_checkpoint(o.model, o.key))
      .value();
}

namespace {

/// What pack reads: a checkpoint, or a packed file again.
struct source {
  rexnet::model packed;
  rexnet::checkpoint checkpoint;
  rexnet::network_tensors tensors;
  rexnet::packed_header header;
  rexnet::model_origin origin;

  explicit source(const options& o) {
    // A checkpoint is not load()ed: its layers are folded one at a time, as they are written.
    const auto file = (o.copy ? rexnet::file_bytes::read(o.model) : rexnet::file_bytes::map(o.model)).value();
    if (rexnet::is_packed(file.bytes())) {
      packed = load_model(o, rexnet::check::full);
      header = packed.header();
      origin = packed.origin();
      return;
    }
    checkpoint = open_checkpoint(o);
    auto t = rexnet::identify_network(checkpoint);
    if (!t) throw t.error().in(o.model);
    if (auto s = rexnet::detail::check_blow_up(*t, file.bytes().size()); !s) throw s.error().in(o.model);
    tensors = std::move(*t);
    auto d = rexnet::describe(checkpoint, tensors, o.model, o.loading());
    if (!d) throw d.error().in(o.model);
    header = std::move(d->header);
    origin = std::move(d->origin);
  }
  template <class Emit>
  rexnet::status operator()(Emit&& emit) const {
    return packed.payload().empty() ? rexnet::pack_layers(tensors, emit) : emit(packed.payload());
  }
};

/// Compares the outputs that a model must give with those that it gives on this machine; throws, naming
/// `path`, where they are too far apart. A detector's logits and codes have scales of their own.
/// @return how far they are apart, in words
std::string run_self_test(const std::string& path, const rexnet::model& m, const rexnet::self_test& test) {
  image_batch image;
  image.n = 1, image.h = test.h, image.w = test.w;
  image.data = test.input.empty() ? rexnet::self_test_input(test.h, test.w, test.seed) : test.input;
  const rexnet::span<const float> expected = {test.outputs.data(), test.outputs.size()};
  std::string text;
  bool good = true;
  const auto part = [&](const char* name, const std::vector<float>& found, std::size_t first) {
    const deviation d = compare({found.data(), found.size()}, expected.subspan(first, found.size()));
    text += (text.empty() ? "" : ", ") + (name + d.text());
    good = good && d.good(m.header().type == rexnet::element_type::f16);
  };
  if (m.is_detector()) {
    const raw_outputs found = raw_outputs_of(m, image, 1);
    part("logits ", found.logits, 0);
    part("codes ", found.codes, found.logits.size());
  } else {
    auto session = rexnet::session::make(m).value();
    part("", forward(session, image), 0);
  }
  if (!good)
    throw error(errc::packed_self_test, path + ": the outputs differ from the expected ones by " + text);
  return text;
}

/// The double reference's outputs for the self-test's input.
std::vector<float> reference_outputs(const rexnet::model& m, const rexnet::self_test& test) {
  const std::vector<float> image = rexnet::self_test_input(test.h, test.w, test.seed);
  const float* payload = m.payload().data();
  std::vector<float> out;
  const auto add = [&out](const rexnet::reference::matrix& v) {
    for (Eigen::Index i = 0; i < v.size(); ++i) out.push_back(static_cast<float>(v.data()[i]));
  };
  if (m.is_detector()) {
    const auto answer = rexnet::reference::run(m.detector_shape(), payload, image.data(), test.h, test.w);
    add(answer.logits), add(answer.codes);
  } else {
    add(rexnet::reference::run(m.shape(), payload, image.data(), test.h, test.w).outputs);
  }
  return out;
}

/// The input that --selftest names becomes the self-test's.
void take_given_input(const options& o, rexnet::packed_header& h) {
  const std::size_t files = h.ssd.classes > 0 ? 3 : 2;
  if (o.selftest.size() != files)
    throw error(
        errc::invalid_argument,
        "--selftest: " + std::to_string(o.selftest.size()) + " files, expected " +
            (files == 3 ? "3: a detector's input, cls_logits and bbox_regression" : "2: input and outputs"));
  image_batch image = read_images(o.selftest[0], true);
  if (image.n != 1)
    throw error(errc::shape_mismatch, o.selftest[0] + ": " + std::to_string(image.n) + " images, expected 1");
  h.test.h = image.h, h.test.w = image.w;
  h.test.input = std::move(image.data);
}

/// The outputs that --selftest names, for a header with its input. A dimension of 1 in front may be missing.
std::vector<float> given_outputs(const options& o, const rexnet::packed_header& h) {
  using shape = std::vector<std::int64_t>;
  std::vector<shape> expected = {{1, rexnet::output_c(h.shape)}};
  if (h.ssd.classes > 0) {
    const std::int64_t rows = rexnet::detector_rows(join(h.shape, h.ssd), h.test.h, h.test.w);
    expected = {{1, rows, h.ssd.classes}, {1, rows, 4}};
  }
  std::vector<float> all;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::string& path = o.selftest[i + 1];
    const auto npy = rexnet::file_bytes::map(path).value();
    auto values = rexnet::read_npy(npy.bytes());
    if (!values) throw values.error().in(path);
    const shape alone(expected[i].begin() + 1, expected[i].end());
    std::size_t numbers = 1;
    for (const std::int64_t side : expected[i]) numbers *= static_cast<std::size_t>(side);
    const bool good = h.ssd.classes > 0 ? values->shape == expected[i] || values->shape == alone
                                        : values->data.size() == numbers;
    if (!good)
      throw error(errc::shape_mismatch, path + ": shape " + rexnet::shape_text(values->shape) +
                                            ", expected " + rexnet::shape_text(expected[i]));
    all.insert(all.end(), values->data.begin(), values->data.end());
  }
  return all;
}

}  // namespace

void pack(const options& o) {
  rexnet::packed_header h;
  rexnet::model_origin origin;
  auto file = create_output(o.output);
  std::uint32_t crc = 0;
  {
    const source in(o);
    h = in.header;
    o.check_kind(h);
    h.input = o.input_of(h.input, in.origin);
    if (h.ssd.classes > 0) h.settings = o.settings_of(h.settings);
    h.labels = o.labels_of(h);
    origin = in.origin;
    if (const std::string note = repeated_labels(h.labels); !note.empty() && !o.labels.empty())
      say(o.labels + ": " + note);
    h.type = o.half ? rexnet::element_type::f16 : rexnet::element_type::f32;
    h.test = {};
    h.test.h = h.test.w = self_test_side;
    if (!o.selftest.empty()) {
      take_given_input(o, h);
      h.test.outputs = given_outputs(o, h);
    }
    h.test.outputs.resize(static_cast<std::size_t>(self_test_outputs(h)));
    auto written = rexnet::write_packed(h, in, [&file](rexnet::byte_span b) { return file.write(b); });
    if (!written) throw written.error().in(o.model);
    crc = *written;
  }
  // The outputs are those of the weights in the file, after rounding to float16.
  if (auto s = file.flush(); !s) throw s.error();
  const rexnet::model packed = rexnet::load_packed(file.part(), rexnet::check::full).value();
  if (o.selftest.empty()) h.test.outputs = reference_outputs(packed, h.test);
  static_cast<void>(run_self_test(o.model, packed, h.test));
  const std::string head = rexnet::packed_head(h, crc);
  if (auto s = file.rewrite_start({reinterpret_cast<const unsigned char*>(head.data()), head.size()}); !s)
    throw s.error();
  commit_output(file, o.output);
  print(rexnet::printable(o.output) + ": " + model_text(h) + "\n" + origin_text(o, origin, h));
}

void verify(const options& o) {
  const rexnet::model m = load_model(o, rexnet::check::full);
  rexnet::self_test test = m.header().test;
  const bool own = test.h > 0;
  if (!own) {
    test.h = test.w = self_test_side;
    test.outputs = reference_outputs(m, test);
  }
  const std::string apart = run_self_test(o.model, m, test);
  print(rexnet::printable(o.model) + (m.container() == "packed" ? ": checksums right, " : ": well-formed, ") +
        (own ? "the file's" : "a generated") + " self-test passed, outputs differ by " + apart + " (" +
        m.net().instruction_set() + ")\n");
}

}  // namespace rexnet_tools
