// SPDX-License-Identifier: MIT
#include "tools/evaluation.hpp"
#include "tools/image_io.hpp"
#include "tools/in_order.hpp"

#include <chrono>
#include <new>

namespace rexnet_tools {
namespace {

using rexnet::errc;
using rexnet::error;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// A thread's part: its session and buffers, which every batch uses again.
class worker {
 public:
  worker(const rexnet::model& m, const dataset& data, const evaluation_settings& how)
      : session_(rexnet::session::make(m, how.input).value()),
        data_(data),
        how_(how),
        pixels_(static_cast<std::size_t>(how.batch)),
        scores_(static_cast<std::size_t>(rexnet::output_c(session_.shape()))) {
    const auto ready = session_.prepare();
    if (ready.code() == errc::out_of_memory)
      throw error(errc::out_of_memory, ready.error().message() + " for each thread");
    if (!ready) throw ready.error();
  }

  void work(in_order<prediction>& order) {
    for (std::size_t begin = 0, end = 0; order.claim(begin, end);) {
      std::vector<prediction> predictions(end - begin);
      for (std::size_t i = begin; i < end; ++i)
        predictions[i - begin].broken = prepare(data_.samples[i], pixels_[i - begin], predictions[i - begin]);
      const auto start = std::chrono::steady_clock::now();
      for (std::size_t i = 0; i < predictions.size(); ++i)
        if (predictions[i].broken.empty()) classify(pixels_[i], predictions[i]);
      times_.network += seconds_since(start);
      order.deliver(begin, std::move(predictions));
    }
  }
  [[nodiscard]] const picture_times& times() const { return times_; }

 private:
  /// The pixels that the network sees. @return why there are none, or ""
  std::string prepare(const sample& s, std::vector<std::uint8_t>& pixels, prediction& p) try {
    auto start = std::chrono::steady_clock::now();
    const std::string file = data_.file(s);
    const auto picture = read_picture(file, how_.exif);
    times_.decode += seconds_since(start);
    if (!picture) {
      if (const auto kind = kind_of(file)) p.kind = kind->name;
      const std::string& text = picture.error().message();
      return text.compare(0, file.size() + 2, file + ": ") == 0 ? text.substr(file.size() + 2) : text;
    }
    start = std::chrono::steady_clock::now();
    p.kind = picture->kind;
    p.orientation = picture->orientation;
    const rexnet::image_view view = picture->image.view();
    std::string what;
    if (rexnet::detail::check_picture(view, how_.input, rexnet::detail::report_text{what}) != errc::ok)
      return what;
    const std::size_t scratch =
        rexnet::preprocess_scratch_bytes(view.width, view.height, view.format, how_.input);
    if (scratch_.size() < scratch) scratch_.resize(scratch);
    pixels.resize(rexnet::preprocess_output_bytes(how_.input));
    const errc e =
        rexnet::preprocess_pixels_into(view, how_.input, pixels, scratch_, session_.net().resample());
    times_.preprocess += seconds_since(start);
    return e == errc::ok ? "" : std::string("preprocess: ") + to_string(e);
  } catch (const std::bad_alloc&) {
    return "no memory for the picture";
  }

  void classify(const std::vector<std::uint8_t>& pixels, prediction& p) {
    const int side = how_.input.input_size;
    if (auto s = session_.run_pixels({pixels.data(), side, side}, scores_); !s) throw s.error();
    rexnet::softmax(scores_);
    p.count = rexnet::top_k_into(scores_, p.top);
  }

  rexnet::session session_;
  const dataset& data_;
  const evaluation_settings& how_;
  std::vector<std::vector<std::uint8_t>> pixels_;
  std::vector<unsigned char> scratch_;
  std::vector<float> scores_;
  picture_times times_;
};

}  // namespace

picture_times evaluate(const rexnet::model& m, const dataset& data, const evaluation_settings& how,
                       std::size_t first, const std::atomic<int>& stop, const finished_function& finished) {
  in_order<prediction> order(first, data.samples.size(), how.batch, how.threads, stop, finished);
  std::vector<worker> workers;
  workers.reserve(static_cast<std::size_t>(how.threads));
  for (int i = 0; i < how.threads; ++i) workers.emplace_back(m, data, how);
  work_in_threads(workers, order);
  picture_times sum;
  for (const worker& w : workers) {
    sum.decode += w.times().decode;
    sum.preprocess += w.times().preprocess;
    sum.network += w.times().network;
  }
  return sum;
}

}  // namespace rexnet_tools
