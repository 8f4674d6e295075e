// SPDX-License-Identifier: MIT
#include "tools/evaluation.hpp"
#include "tools/image_io.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <new>
#include <thread>

namespace rexnet_tools {
namespace {

using rexnet::errc;
using rexnet::error;

/// Deals batches out and brings their predictions into order.
class in_order {
 public:
  in_order(std::size_t first, std::size_t end, const evaluation_settings& how, const std::atomic<int>& stop,
           const finished_function& finished)
      : claimed_(first),
        delivered_(first),
        end_(end),
        batch_(static_cast<std::size_t>(how.batch)),
        window_(32 * batch_ * static_cast<std::size_t>(how.threads)),
        stop_(stop),
        finished_(finished) {}

  /// The next batch; false when there is none, or when the evaluation was stopped.
  bool claim(std::size_t& begin, std::size_t& end) {
    std::unique_lock<std::mutex> lock(mutex_);
    // One picture can take as long as thousands of others, whose predictions would pile up behind it.
    room_.wait(lock, [this] { return over() || claimed_ < delivered_ + window_; });
    if (over()) return false;
    begin = claimed_;
    end = claimed_ = (std::min)(end_, begin + batch_);
    return true;
  }
  void deliver(std::size_t begin, std::vector<prediction> predictions) {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting_.emplace(begin, std::move(predictions));
    try {
      for (auto it = waiting_.begin(); it != waiting_.end() && it->first == delivered_ && !failure_;
           it = waiting_.erase(it))
        for (const prediction& p : it->second) finished_(delivered_++, p);
    } catch (...) {
      failure_ = std::current_exception();
    }
    room_.notify_all();
  }
  /// Ends the evaluation with this exception.
  void fail(std::exception_ptr why) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!failure_) failure_ = std::move(why);
    room_.notify_all();
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  [[nodiscard]] bool over() const { return failure_ || stop_ != 0 || claimed_ >= end_; }

  std::mutex mutex_;
  std::condition_variable room_;
  std::size_t claimed_, delivered_;
  const std::size_t end_, batch_, window_;
  const std::atomic<int>& stop_;
  const finished_function& finished_;
  std::map<std::size_t, std::vector<prediction>> waiting_;
  std::exception_ptr failure_;
};

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

  void work(in_order& order) {
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
  in_order order(first, data.samples.size(), how, stop, finished);
  std::vector<worker> workers;
  workers.reserve(static_cast<std::size_t>(how.threads));
  for (int i = 0; i < how.threads; ++i) workers.emplace_back(m, data, how);
  const auto run = [&order](worker& w) {
    try {
      w.work(order);
    } catch (...) {
      order.fail(std::current_exception());
    }
  };
  std::vector<std::thread> threads;
  try {
    for (std::size_t i = 1; i < workers.size(); ++i) threads.emplace_back(run, std::ref(workers[i]));
  } catch (...) {  // the system gives no more threads
    order.fail(std::current_exception());
  }
  run(workers[0]);
  for (std::thread& t : threads) t.join();
  order.rethrow();
  picture_times sum;
  for (const worker& w : workers) {
    sum.decode += w.times().decode;
    sum.preprocess += w.times().preprocess;
    sum.network += w.times().network;
  }
  return sum;
}

}  // namespace rexnet_tools
