// SPDX-License-Identifier: MIT
// Work on a long list by several threads, whose results come in the list's order.
#ifndef REXNET_TOOLS_IN_ORDER_HPP
#define REXNET_TOOLS_IN_ORDER_HPP

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace rexnet_tools {

/// Deals batches out and brings their results into order.
template <class Result>
class in_order {
 public:
  /// Called for each element in its order, never by two threads at once. What it throws ends the work.
  using finished_function = std::function<void(std::size_t index, const Result&)>;

  /// @param first, end elements that are to be done
  /// @param batch elements that a thread claims at a time
  /// @param stop  once it is not 0, no more are dealt out
  in_order(std::size_t first, std::size_t end, int batch, int threads, const std::atomic<int>& stop,
           const finished_function& finished)
      : claimed_(first),
        delivered_(first),
        end_(end),
        batch_(static_cast<std::size_t>(batch)),
        window_(32 * batch_ * static_cast<std::size_t>(threads)),
        stop_(stop),
        finished_(finished) {}

  /// The next batch; false when there is none, or when the work was stopped.
  bool claim(std::size_t& begin, std::size_t& end) {
    std::unique_lock<std::mutex> lock(mutex_);
    // One picture can take as long as thousands of others, whose results would pile up behind it.
    room_.wait(lock, [this] { return over() || claimed_ < delivered_ + window_; });
    if (over()) return false;
    begin = claimed_;
    end = claimed_ = (std::min)(end_, begin + batch_);
    return true;
  }
  /// The results of a batch.
  void deliver(std::size_t begin, std::vector<Result> results) {
    const std::lock_guard<std::mutex> lock(mutex_);
    waiting_.emplace(begin, std::move(results));
    try {
      for (auto it = waiting_.begin(); it != waiting_.end() && it->first == delivered_ && !failure_;
           it = waiting_.erase(it))
        for (const Result& r : it->second) finished_(delivered_++, r);
    } catch (...) {
      failure_ = std::current_exception();
    }
    room_.notify_all();
  }
  /// Ends the work with this exception.
  void fail(std::exception_ptr why) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!failure_) failure_ = std::move(why);
    room_.notify_all();
  }
  /// Throws what ended the work before its end.
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
  std::map<std::size_t, std::vector<Result>> waiting_;
  std::exception_ptr failure_;
};

/// Calls work(order) of each worker, in a thread for each. Throws what one of them threw.
template <class Worker, class Result>
void work_in_threads(std::vector<Worker>& workers, in_order<Result>& order) {
  const auto run = [&order](Worker& w) {
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
}

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_IN_ORDER_HPP
