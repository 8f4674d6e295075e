// SPDX-License-Identifier: MIT
// The functions of <rexnet.h>: arguments checked, then handed to the C++ library.
#include "bindings/c/border.hpp"
#include "bindings/c/handles.hpp"

#include "rexnet/system/cpus.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// Programs have these sizes compiled in.
static_assert(sizeof(rexnet_error) == 512 && sizeof(rexnet_scored_class) == 8 &&
              sizeof(rexnet_options) == 12);
static_assert(sizeof(rexnet_picture) == (sizeof(void*) == 8 ? 32 : 20));
static_assert(sizeof(rexnet_detection) == 24 && sizeof(rexnet_detector_options) == 56 &&
              offsetof(rexnet_detector_options, score) == 24);
static_assert(REXNET_RGB == static_cast<int>(rexnet::pixel_format::rgb) &&
              REXNET_BGR == static_cast<int>(rexnet::pixel_format::bgr) &&
              REXNET_RGBA == static_cast<int>(rexnet::pixel_format::rgba) &&
              REXNET_BGRA == static_cast<int>(rexnet::pixel_format::bgra) &&
              REXNET_GREY == static_cast<int>(rexnet::pixel_format::grey));

namespace {

using rexnet_c::guarded;
using rexnet_c::in_use;
using rexnet_c::loaded;
using rexnet_c::outcome;
using rexnet_c::refused;

/// Runs tasks on threads that live as long as one call; a thread costs 20 us. OpenMP's threads would outlive
/// the call: a child of fork() would wait for them forever, dlclose() would unload the code that they run,
/// and a program with an OpenMP of its own (PyTorch) would have two.
void run_on_threads(void*, rexnet::task_function fn, void* context, int n) noexcept {
  std::array<std::thread, rexnet::max_threads> team;
  int started = 1;
  try {
    for (; started < n; ++started)
      team[static_cast<std::size_t>(started)] = std::thread(fn, context, started);
  } catch (...) {  // the system gives no more threads: those that were started do the work
  }
  fn(context, 0);
  for (int i = started; i < n; ++i) fn(context, i);
  for (std::thread& t : team)
    if (t.joinable()) t.join();
}

outcome give_model(rexnet::result<rexnet::model> m, rexnet_model** out) {
  if (!m) return m.error();
  auto handle = std::make_unique<rexnet_model>();
  handle->data = std::make_shared<const loaded>(*std::move(m));
  *out = handle.release();
  return {};
}

/// Whether `size` of the caller's options is a struct's that has at least the fields of this version.
template <class Options>
outcome check_size(const Options& from, const char* init) {
  if (from.size < sizeof(Options))
    return refused("options: size " + std::to_string(from.size) + ", must be at least " +
                   std::to_string(sizeof(Options)) + ": begin with " + init);
  if (from.size > 4096) return refused("options: size " + std::to_string(from.size) + " is no struct's");
  return {};
}

/// Copies the fields that this version has. A newer program may bring more, which must be zero.
/// @param from may be null: `o` stays as it is
/// @param init name of the macro that options begin with
template <class Options>
outcome read_options(const Options* from, const char* init, Options& o) {
  if (from == nullptr) return {};
  if (outcome size = check_size(*from, init); size.status != REXNET_OK) return size;
  const auto* bytes = reinterpret_cast<const unsigned char*>(from);
  if (std::any_of(bytes + sizeof(o), bytes + from->size, [](unsigned char b) { return b != 0; }))
    return {REXNET_UNSUPPORTED, "options: the program uses some that this library, version " +
                                    std::string(rexnet_version()) + ", does not know"};
  o = *from;
  return {};
}

rexnet::executor threads_of_a_call() {
  rexnet::executor pool;
  pool.pool = run_on_threads;
  return pool;
}

outcome read_picture(const rexnet_picture& p, rexnet::image_view& view) {
  if (p.format < REXNET_RGB || p.format > REXNET_GREY)
    return refused("picture: format " + std::to_string(p.format) + " is none of REXNET_RGB to REXNET_GREY");
  view = {p.pixels, p.width, p.height, static_cast<rexnet::pixel_format>(p.format)};
  if (p.stride != 0) view.stride = p.stride;
  return {};
}

/// What a call computes of its pictures.
enum class question : std::uint8_t { logits, features };

/// Floats of the answer for each picture.
std::size_t answer_floats(const rexnet_classifier& c, question q) {
  const rexnet::config& shape = c.session.shape();
  return static_cast<std::size_t>(q == question::features ? rexnet::feature_c(shape) : shape.classes);
}

/// Views of the pictures: one where `alone` is true, else a batch, whose errors name a picture by its index.
outcome read_pictures(const rexnet_picture* pictures, std::size_t count, bool alone,
                      std::vector<rexnet::image_view>& views) {
  views.resize(count);
  for (std::size_t i = 0; i < count; ++i)
    if (outcome o = read_picture(pictures[i], views[i]); o.status != REXNET_OK) {
      if (!alone) o.message.insert(0, "pictures[" + std::to_string(i) + "]: ");
      return o;
    }
  return {};
}

/// Runs the pictures, as read_pictures() takes them.
/// @param out count * answer_floats() floats
outcome run(rexnet_classifier& c, const rexnet_picture* pictures, std::size_t count, bool alone, question q,
            float* out) {
  std::vector<rexnet::image_view> views;
  if (outcome o = read_pictures(pictures, count, alone, views); o.status != REXNET_OK) return o;
  const auto floats = static_cast<std::size_t>(rexnet::output_c(c.session.shape()));
  rexnet::feature_taps taps;
  rexnet::forward_options how;
  how.taps = &taps;
  rexnet::span<float> logits(out, count * floats);
  if (q == question::features) {  // the network's logits come anyway: 0.3 % of the work
    taps.features = out;
    c.outputs.resize(count * floats);
    logits = c.outputs;
  }
  const auto status = alone ? c.session.run(views[0], logits, how) : c.session.run(views, logits, how);
  return status ? outcome() : outcome(status.error());
}

/// Checks the arguments that all calls share, then calls ask(), which makes the answer.
/// @param handle a classifier or a detector
/// @param what   which of the two, for messages
template <class Handle, class Ask>
rexnet_status with_handle(Handle* handle, const char* what, const rexnet_picture* pictures, std::size_t count,
                          const void* out, rexnet_error* error, Ask&& ask) noexcept {
  return guarded(error, [&]() -> outcome {
    if (handle == nullptr) return refused(std::string(what) + ": null pointer");
    if (pictures == nullptr && count > 0) return refused("picture: null pointer");
    if (out == nullptr && count > 0) return refused("no place for the answer (null pointer)");
    if (count > rexnet::max_batch_pictures)
      return {REXNET_UNSUPPORTED, std::to_string(count) + " pictures at once, at most " +
                                      std::to_string(rexnet::max_batch_pictures)};
    const in_use use(handle->busy);
    if (!use.mine)
      return {REXNET_BUSY,
              "another thread is using this " + std::string(what) + ": each needs one of its own"};
    return ask();
  });
}

outcome no_classes() {
  return {REXNET_UNSUPPORTED, "the model is a backbone without classifier: use rexnet_features()"};
}

/// The answer as floats, [count][answer_floats()].
rexnet_status give_floats(rexnet_classifier* c, const rexnet_picture* pictures, std::size_t count, bool alone,
                          question q, float* out, std::size_t capacity, rexnet_error* error) noexcept {
  return with_handle(c, "classifier", pictures, count, out, error, [=]() -> outcome {
    if (q == question::logits && c->session.shape().classes == 0) return no_classes();
    const std::size_t each = answer_floats(*c, q);
    if (capacity / each < count)
      return {REXNET_BUFFER_TOO_SMALL, "room for " + std::to_string(capacity) + " floats, the answer has " +
                                           (alone ? "" : std::to_string(count) + " times ") +
                                           std::to_string(each)};
    return run(*c, pictures, count, alone, q, out);
  });
}

/// The answer as classes, `capacity` places for each picture.
rexnet_status give_classes(rexnet_classifier* c, const rexnet_picture* pictures, std::size_t count,
                           bool alone, rexnet_scored_class* top, std::size_t capacity, std::size_t* written,
                           rexnet_error* error) noexcept {
  return with_handle(c, "classifier", pictures, count, top, error, [=]() -> outcome {
    if (capacity == 0) return refused("capacity: 0 classes");
    const std::size_t classes = answer_floats(*c, question::logits), k = (std::min)(capacity, classes);
    if (classes == 0) return no_classes();
    c->outputs.resize(count * classes);
    if (outcome o = run(*c, pictures, count, alone, question::logits, c->outputs.data());
        o.status != REXNET_OK)
      return o;
    for (std::size_t i = 0; i < count; ++i) {
      const auto scores = rexnet::span<float>(c->outputs).subspan(i * classes, classes);
      rexnet::softmax(scores);
      const auto best = rexnet::top_k(scores, static_cast<int>(k));
      if (!best) return best.error();
      std::transform(best->begin(), best->end(), top + i * capacity, [](const rexnet::scored_class& s) {
        return rexnet_scored_class{s.index, s.score};
      });
    }
    if (written != nullptr) *written = k;
    return {};
  });
}

outcome no_detector() {
  return {REXNET_UNSUPPORTED,
          "the model is not a detector: it has no heads that predict boxes; use rexnet_classifier_new()"};
}

/// The model's settings with what the options say. A score that no float holds stays one that is refused.
rexnet::detector_settings settings_of(rexnet::detector_settings s, const rexnet_detector_options& o) {
  constexpr double largest = (std::numeric_limits<float>::max)();
  if (o.input_width != 0) s.input_w = o.input_width;
  if (o.input_height != 0) s.input_h = o.input_height;
  if (o.candidates != 0) s.boxes.candidates = o.candidates;
  if (o.most != 0) s.boxes.most = o.most;
  if (o.score != 0) s.boxes.score = static_cast<float>(std::clamp(o.score, -largest, largest));
  if (o.overlap != 0) s.boxes.iou = o.overlap;
  if (o.least_anchor != 0) s.anchors.least = o.least_anchor;
  if (o.most_anchor != 0) s.anchors.most = o.most_anchor;
  return s;
}

void copy_boxes(rexnet::span<const rexnet::detection> from, rexnet_detection* to) {
  std::transform(from.begin(), from.end(), to, [](const rexnet::detection& d) {
    return rexnet_detection{d.at.x1, d.at.y1, d.at.x2, d.at.y2, d.score, d.label};
  });
}

/// The boxes, `capacity` places for each picture.
/// @param counts of the boxes of each picture
rexnet_status give_boxes(rexnet_detector* d, const rexnet_picture* pictures, std::size_t count, bool alone,
                         rexnet_detection* found, std::size_t capacity, std::size_t* counts,
                         rexnet_error* error) noexcept {
  return with_handle(d, "detector", pictures, count, found, error, [=]() -> outcome {
    if (counts == nullptr && count > 0) return refused("no place for the number of boxes (null pointer)");
    if (capacity < d->capacity && count > 0)
      return {REXNET_BUFFER_TOO_SMALL, "room for " + std::to_string(capacity) +
                                           " boxes, a picture may have " + std::to_string(d->capacity) +
                                           " (rexnet_detector_capacity())"};
    std::vector<rexnet::image_view> views;
    if (outcome o = read_pictures(pictures, count, alone, views); o.status != REXNET_OK) return o;
    if (alone) {
      const auto boxes = d->detector.detect(views[0]);
      if (!boxes) return boxes.error();
      copy_boxes(*boxes, found);
      *counts = boxes->size();
      return {};
    }
    const auto all = d->detector.detect({views.data(), views.size()});
    if (!all) return all.error();
    for (std::size_t i = 0; i < count; ++i) {
      copy_boxes((*all)[i], found + i * capacity);
      counts[i] = (*all)[i].size();
    }
    return {};
  });
}

}  // namespace

const char* rexnet_version(void) {
  return REXNET_VERSION_STRING;
}

const char* rexnet_status_text(rexnet_status status) {
  switch (status) {
    case REXNET_OK: return "ok";
    case REXNET_INVALID_ARGUMENT: return "invalid argument";
    case REXNET_BUFFER_TOO_SMALL: return "buffer too small";
    case REXNET_BUSY: return "classifier or detector in use by another thread";
    case REXNET_IO_ERROR: return "file cannot be read";
    case REXNET_BAD_FILE: return "not a model that can be used";
    case REXNET_OUT_OF_MEMORY: return "out of memory";
    case REXNET_UNSUPPORTED: return "not supported";
    case REXNET_INTERNAL: return "internal error";
    default: return "unknown status";
  }
}

const char* rexnet_instruction_set(void) {
  const char* name = "none";
  static_cast<void>(guarded(nullptr, [&name]() -> outcome {
    if (const auto set = rexnet::chosen_kernel_table()) name = (*set)->name;
    return {};
  }));
  return name;
}

int32_t rexnet_available_cpus(void) {
  return rexnet::available_cpus();
}

rexnet_status rexnet_model_load(const char* path, uint32_t flags, rexnet_model** model, rexnet_error* error) {
  return guarded(error, [=]() -> outcome {
    if (path == nullptr) return refused("path: null pointer");
    if (model == nullptr) return refused("model: null pointer");
    if ((flags & ~uint32_t{REXNET_LOAD_MAPPED | REXNET_LOAD_VERIFY}) != 0)
      return refused("flags: " + std::to_string(flags) + " has unknown bits");
    const auto depth = (flags & REXNET_LOAD_VERIFY) != 0 ? rexnet::check::full : rexnet::check::header;
    const std::string name(path);
    return give_model(
        (flags & REXNET_LOAD_MAPPED) != 0 ? rexnet::load(name, depth) : rexnet::load_copy(name, depth),
        model);
  });
}

rexnet_status rexnet_model_load_memory(const void* bytes, size_t size, uint32_t flags, rexnet_model** model,
                                       rexnet_error* error) {
  return guarded(error, [=]() -> outcome {
    if (bytes == nullptr) return refused("bytes: null pointer");
    if (model == nullptr) return refused("model: null pointer");
    if ((flags & ~uint32_t{REXNET_LOAD_VERIFY}) != 0)
      return refused("flags: " + std::to_string(flags) + " has bits that mean nothing for memory");
    const auto depth = flags != 0 ? rexnet::check::full : rexnet::check::header;
    return give_model(
        rexnet::load_copy(rexnet::byte_span(static_cast<const unsigned char*>(bytes), size), depth), model);
  });
}

void rexnet_model_free(rexnet_model* model) {
  delete model;
}

int32_t rexnet_model_is_detector(const rexnet_model* model) {
  return model != nullptr ? static_cast<int32_t>(model->data->model.is_detector()) : -1;
}

int32_t rexnet_model_class_count(const rexnet_model* model) {
  if (model == nullptr) return -1;
  const rexnet::model& m = model->data->model;
  return m.is_detector() ? m.detector_shape().classes : m.shape().classes;
}

int32_t rexnet_model_feature_count(const rexnet_model* model) {
  if (model == nullptr) return -1;
  const rexnet::model& m = model->data->model;
  return m.is_detector() ? 0 : rexnet::feature_c(m.shape());
}

int32_t rexnet_model_input_size(const rexnet_model* model) {
  if (model == nullptr) return -1;
  const rexnet::model& m = model->data->model;
  return m.is_detector() ? 0 : m.input().input_size;
}

const char* rexnet_model_variant(const rexnet_model* model) {
  return model != nullptr ? model->data->variant.c_str() : nullptr;
}

const char* rexnet_model_label(const rexnet_model* model, int32_t class_index) {
  if (model == nullptr) return nullptr;
  const auto& labels = model->data->model.labels();
  const int32_t first = model->data->model.is_detector() ? 1 : 0;  // a detector's background has no name
  if (class_index < first) return nullptr;
  const auto i = static_cast<std::size_t>(class_index - first);
  return i < labels.size() ? labels[i].c_str() : nullptr;
}

rexnet_status rexnet_model_detector_options(const rexnet_model* model, rexnet_detector_options* options,
                                            rexnet_error* error) {
  return guarded(error, [=]() -> outcome {
    if (model == nullptr) return refused("model: null pointer");
    if (options == nullptr) return refused("options: null pointer");
    if (outcome size = check_size(*options, "REXNET_DETECTOR_OPTIONS_INIT"); size.status != REXNET_OK)
      return size;
    if (!model->data->model.is_detector()) return no_detector();
    const rexnet::detector_settings& s = model->data->model.header().settings;
    *options = {options->size,
                1,
                s.input_w,
                s.input_h,
                s.boxes.candidates,
                s.boxes.most,
                static_cast<double>(s.boxes.score),
                s.boxes.iou,
                s.anchors.least,
                s.anchors.most};
    return {};
  });
}

rexnet_status rexnet_classifier_new(const rexnet_model* model, const rexnet_options* options,
                                    rexnet_classifier** classifier, rexnet_error* error) {
  return guarded(error, [=]() -> outcome {
    if (model == nullptr) return refused("model: null pointer");
    if (classifier == nullptr) return refused("classifier: null pointer");
    if (model->data->model.is_detector())
      return {REXNET_UNSUPPORTED, "the model is a detector: use rexnet_detector_new()"};
    rexnet_options o = REXNET_OPTIONS_INIT;
    if (outcome read = read_options(options, "REXNET_OPTIONS_INIT", o); read.status != REXNET_OK) return read;
    rexnet::preprocessing input = model->data->model.input();
    if (o.input_size != 0) input.input_size = o.input_size;
    auto session =
        rexnet::session::make(model->data->model, input, o.threads != 0 ? o.threads : 1, threads_of_a_call());
    if (!session) return session.error();
    if (const auto ready = session->prepare(); !ready) return ready.error();
    *classifier = std::make_unique<rexnet_classifier>(*std::move(session)).release();
    return {};
  });
}

void rexnet_classifier_free(rexnet_classifier* classifier) {
  delete classifier;
}

rexnet_status rexnet_classify(rexnet_classifier* classifier, const rexnet_picture* picture,
                              rexnet_scored_class* top, size_t capacity, size_t* count, rexnet_error* error) {
  return give_classes(classifier, picture, 1, true, top, capacity, count, error);
}

rexnet_status rexnet_logits(rexnet_classifier* classifier, const rexnet_picture* picture, float* logits,
                            size_t capacity, rexnet_error* error) {
  return give_floats(classifier, picture, 1, true, question::logits, logits, capacity, error);
}

rexnet_status rexnet_features(rexnet_classifier* classifier, const rexnet_picture* picture, float* features,
                              size_t capacity, rexnet_error* error) {
  return give_floats(classifier, picture, 1, true, question::features, features, capacity, error);
}

rexnet_status rexnet_classify_batch(rexnet_classifier* classifier, const rexnet_picture* pictures, size_t n,
                                    rexnet_scored_class* top, size_t capacity, size_t* count,
                                    rexnet_error* error) {
  return give_classes(classifier, pictures, n, false, top, capacity, count, error);
}

rexnet_status rexnet_logits_batch(rexnet_classifier* classifier, const rexnet_picture* pictures, size_t n,
                                  float* logits, size_t capacity, rexnet_error* error) {
  return give_floats(classifier, pictures, n, false, question::logits, logits, capacity, error);
}

rexnet_status rexnet_features_batch(rexnet_classifier* classifier, const rexnet_picture* pictures, size_t n,
                                    float* features, size_t capacity, rexnet_error* error) {
  return give_floats(classifier, pictures, n, false, question::features, features, capacity, error);
}

rexnet_status rexnet_detector_new(const rexnet_model* model, const rexnet_detector_options* options,
                                  rexnet_detector** detector, rexnet_error* error) {
  return guarded(error, [=]() -> outcome {
    if (model == nullptr) return refused("model: null pointer");
    if (detector == nullptr) return refused("detector: null pointer");
    const rexnet::model& m = model->data->model;
    if (!m.is_detector()) return no_detector();
    rexnet_detector_options o = REXNET_DETECTOR_OPTIONS_INIT;
    if (outcome read = read_options(options, "REXNET_DETECTOR_OPTIONS_INIT", o); read.status != REXNET_OK)
      return read;
    auto made = rexnet::detector::make(m, settings_of(m.header().settings, o), o.threads != 0 ? o.threads : 1,
                                       threads_of_a_call());
    if (!made) return made.error();
    *detector = std::make_unique<rexnet_detector>(*std::move(made)).release();
    return {};
  });
}

void rexnet_detector_free(rexnet_detector* detector) {
  delete detector;
}

int32_t rexnet_detector_capacity(const rexnet_detector* detector) {
  return detector != nullptr ? static_cast<int32_t>(detector->capacity) : -1;
}

rexnet_status rexnet_detect(rexnet_detector* detector, const rexnet_picture* picture, rexnet_detection* found,
                            size_t capacity, size_t* count, rexnet_error* error) {
  return give_boxes(detector, picture, 1, true, found, capacity, count, error);
}

rexnet_status rexnet_detect_batch(rexnet_detector* detector, const rexnet_picture* pictures, size_t n,
                                  rexnet_detection* found, size_t capacity, size_t* counts,
                                  rexnet_error* error) {
  return give_boxes(detector, pictures, n, false, found, capacity, counts, error);
}
