// SPDX-License-Identifier: MIT
#include "worker.hpp"

#include <chrono>
#include <exception>
#include <utility>

namespace viewer {
namespace {

constexpr int top_count = 5;
constexpr int screen_side = 2048;

double milliseconds() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// A copy for the screen, averaged over f x f pixels, so that redrawing costs the same for every camera.
std::shared_ptr<const rexnet::rgb_image> for_screen(const rexnet::rgb_image& in) {
  const int longer = (std::max)(in.width, in.height);
  const int f = (std::max)(1, (std::min)(longer / screen_side, (std::min)(in.width, in.height)));
  auto out = std::make_shared<rexnet::rgb_image>();
  out->width = in.width / f;
  out->height = in.height / f;
  if (f == 1) {
    out->data = in.data;
    return out;
  }
  const auto row = static_cast<std::size_t>(in.width) * 3, step = static_cast<std::size_t>(f) * 3;
  out->data.reserve(static_cast<std::size_t>(out->width) * static_cast<std::size_t>(out->height) * 3);
  for (int y = 0; y < out->height; ++y)
    for (int x = 0; x < out->width; ++x) {
      const std::uint8_t* corner =
          &in.data[static_cast<std::size_t>(y * f) * row + static_cast<std::size_t>(x) * step];
      unsigned sum[3] = {};
      for (int dy = 0; dy < f; ++dy, corner += row)
        for (std::size_t i = 0; i < step; ++i) sum[i % 3] += corner[i];
      for (const unsigned s : sum) out->data.push_back(static_cast<std::uint8_t>(s / unsigned(f * f)));
    }
  return out;
}

}  // namespace

class engine {
 public:
  virtual ~engine() = default;
  /// Errors: those of session::make() and prepare(), or of detector::make(); unsupported for a backbone.
  static rexnet::result<std::unique_ptr<engine>> make(const rexnet::model& m, int threads);
  /// Fills the answer in, but for the picture.
  virtual rexnet::status look(const rexnet::image_view& picture, answer& a) = 0;
  [[nodiscard]] virtual model_facts facts() const = 0;

 protected:
  explicit engine(const rexnet::model& m) : model_(m) {}
  /// Name of class `index`, whose place in the model's labels is `place`.
  [[nodiscard]] std::string label(int index, int place) const {
    const auto i = static_cast<std::size_t>(place);
    const bool named = i < model_.labels().size() && !model_.labels()[i].empty();
    return named ? model_.labels()[i] : "class " + std::to_string(index);
  }
  rexnet::model model_;
};

namespace {

class classifying_engine : public engine {
 public:
  static rexnet::result<std::unique_ptr<engine>> make(const rexnet::model& m, int threads) {
    if (m.shape().classes == 0)
      return rexnet::error(rexnet::errc::unsupported, "a backbone without classifier has no answers to show");
    auto session = rexnet::session::make(m, threads);
    if (!session) return session.error();
    if (auto s = session->prepare(); !s) return s.error();
    return std::unique_ptr<engine>(new classifying_engine(m, *std::move(session)));
  }

  rexnet::status look(const rexnet::image_view& picture, answer& a) override {
    const double start = milliseconds();
    auto pixels = session_.pixels_of(picture);
    if (!pixels) return pixels.error();
    const double resized = milliseconds();
    std::vector<float> scores(static_cast<std::size_t>(model_.shape().classes));
    if (auto s = session_.run_pixels(pixels->view(), scores); !s) return s;
    a.network_ms = milliseconds() - resized;
    a.resize_ms = resized - start;
    rexnet::softmax(scores);
    const auto top = rexnet::top_k(scores, top_count);
    if (!top) return top.error();
    for (const rexnet::scored_class& s : *top)
      a.top.push_back({label(s.index, s.index), static_cast<double>(s.score)});
    return rexnet::done;
  }

  [[nodiscard]] model_facts facts() const override {
    model_facts f;
    f.variant = rexnet::detail::variant_text(model_.shape());
    f.instruction_set = session_.net().instruction_set();
    f.classes = model_.shape().classes;
    f.input_width = f.input_height = session_.input().input_size;
    f.threads = session_.threads();
    return f;
  }

 private:
  classifying_engine(const rexnet::model& m, rexnet::session s) : engine(m), session_(std::move(s)) {}
  rexnet::session session_;
};

class detecting_engine : public engine {
 public:
  static rexnet::result<std::unique_ptr<engine>> make(const rexnet::model& m, int threads) {
    auto detector = rexnet::detector::make(m, threads);
    if (!detector) return detector.error();
    return std::unique_ptr<engine>(new detecting_engine(m, *std::move(detector)));
  }

  rexnet::status look(const rexnet::image_view& picture, answer& a) override {
    a.is_detectors = true;
    const double start = milliseconds();
    const auto found = detector_.detect(picture);
    if (!found) return found.error();
    a.network_ms = milliseconds() - start;
    const double w = picture.width, h = picture.height;
    for (const rexnet::detection& d : *found)
      a.boxes.push_back({label(d.label, d.label - 1), d.label, static_cast<double>(d.score),
                         static_cast<double>(d.at.x1) / w, static_cast<double>(d.at.y1) / h,
                         static_cast<double>(d.at.x2) / w, static_cast<double>(d.at.y2) / h});
    return rexnet::done;
  }

  [[nodiscard]] model_facts facts() const override {
    model_facts f;
    f.variant = rexnet::detail::network_text(model_.header());
    f.instruction_set = detector_.instruction_set();
    f.classes = detector_.shape().classes - 1;
    f.input_width = detector_.settings().input_w;
    f.input_height = detector_.settings().input_h;
    f.threads = detector_.threads();
    return f;
  }

 private:
  detecting_engine(const rexnet::model& m, rexnet::detector d) : engine(m), detector_(std::move(d)) {}
  rexnet::detector detector_;
};

}  // namespace

rexnet::result<std::unique_ptr<engine>> engine::make(const rexnet::model& m, int threads) {
  auto made = m.is_detector() ? detecting_engine::make(m, threads) : classifying_engine::make(m, threads);
  if (!made) return made.error();
  // A first pass, whose answer is dropped: it wakes the threads and touches the memory, so that the time of
  // the first picture is that of all others.
  answer ignored;
  const model_facts f = (*made)->facts();
  const std::vector<std::uint8_t> grey(static_cast<std::size_t>(f.input_width) *
                                       static_cast<std::size_t>(f.input_height) * 3);
  if (auto s = (*made)->look({grey.data(), f.input_width, f.input_height}, ignored); !s) return s.error();
  return made;
}

worker::worker(int threads, std::function<void(news)> tell)
    : threads_(threads), tell_(std::move(tell)), thread_([this] { run(); }) {}

worker::~worker() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void worker::open_model(std::string name, load_function load) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    next_model_ = {std::move(name), std::move(load)};
  }
  wake_.notify_one();
}

void worker::open_picture(std::string name, read_function read) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    next_picture_ = {std::move(name), std::move(read)};
  }
  wake_.notify_one();
}

bool worker::superseded() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return stop_ || next_picture_.function;
}

void worker::run() {
  for (;;) {
    job<load_function> model;
    job<read_function> picture;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || next_model_.function || next_picture_.function; });
      if (stop_) return;
      if (next_model_.function)
        std::swap(model, next_model_);
      else
        std::swap(picture, next_picture_);
    }
    const std::string& name = model.function ? model.name : picture.name;
    try {
      if (model.function)
        load(model);
      else
        look(picture);
    } catch (const std::exception& e) {  // memory for a very large file
      tell_(failure{name, name + ": " + e.what(), static_cast<bool>(model.function)});
    }
  }
}

void worker::load(const job<load_function>& j) {
  auto m = j.function();
  if (!m) return tell_(failure{j.name, m.error().message(), true});
  auto e = engine::make(*m, threads_);
  if (!e) return tell_(failure{j.name, e.error().in(j.name).message(), true});
  engine_ = std::move(*e);
  model_facts f = engine_->facts();
  f.name = j.name;
  tell_(std::move(f));
  if (shown_ != nullptr) answer_picture();
}

void worker::look(const job<read_function>& j) {
  shown_ = nullptr;
  auto picture = j.function();
  if (superseded()) return;
  if (!picture) return tell_(failure{j.name, picture.error().message(), false});
  name_ = j.name;
  picture_ = std::move(*picture);
  shown_ = for_screen(picture_);
  answer_picture();
}

void worker::answer_picture() {
  answer a;
  a.name = name_;
  a.shown = shown_;
  a.width = picture_.width;
  a.height = picture_.height;
  if (engine_ != nullptr)
    if (auto s = engine_->look(picture_.view(), a); !s)
      return tell_(failure{name_, s.error().in(name_).message(), false});
  if (!superseded()) tell_(std::move(a));
}

}  // namespace viewer
