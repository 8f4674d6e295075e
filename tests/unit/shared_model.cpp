// SPDX-License-Identifier: MIT
// One model, many threads: the case for ThreadSanitizer (preset tsan), and for the bits everywhere.
#include "rexnet/rexnet.hpp"

#include "tests/support/must.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>
#if REXNET_OPENMP
#include <omp.h>
#endif

using rexnet_test::must;

namespace {

constexpr int users = 8;

/// Threads of a program's own that wait for work, as a game or a server has them.
class small_pool {
 public:
  explicit small_pool(int threads) {
    for (int i = 0; i < threads; ++i) team_.emplace_back([this] { serve(); });
  }
  ~small_pool() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& t : team_) t.join();
  }
  static void run(void* self, rexnet::task_function fn, void* context, int n) {
    static_cast<small_pool*>(self)->run_all(fn, context, n);
  }

 private:
  struct job {
    std::function<void(int)> task;
    int next, count, left;
  };
  void run_all(rexnet::task_function fn, void* context, int n) {
    job mine{[fn, context](int i) { fn(context, i); }, 0, n, n};
    std::unique_lock<std::mutex> lock(mutex_);
    jobs_.push_back(&mine);
    wake_.notify_all();
    finished_.wait(lock, [&mine] { return mine.left == 0; });
  }
  void serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job& j = *jobs_.front();
      const int index = j.next++;
      if (j.next == j.count) jobs_.erase(jobs_.begin());
      lock.unlock();
      j.task(index);
      lock.lock();
      if (--j.left == 0) finished_.notify_all();
    }
  }
  std::mutex mutex_;
  std::condition_variable wake_, finished_;
  std::vector<job*> jobs_;
  std::vector<std::thread> team_;
  bool stopping_ = false;
};

struct picture {
  std::vector<unsigned char> pixels;
  int w, h;
  explicit picture(int seed) : w(90 + 3 * seed), h(70 + 5 * seed) {
    pixels.resize(static_cast<std::size_t>(w * h * 3));
    for (std::size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = static_cast<unsigned char>((i * 2654435761u + static_cast<unsigned>(seed) * 97u) >> 11);
  }
  rexnet::image_view view() const { return {pixels.data(), w, h}; }
};

const rexnet::model& bundled() {
  static const rexnet::model m =
      must(rexnet::load_packed(rexnet_test::source_path("models/clothing_1.0x.rexnet")));
  return m;
}

std::vector<std::vector<float>> answers_alone() {
  std::vector<std::vector<float>> answers;
  for (int user = 0; user < users; ++user)
    answers.push_back(must(must(rexnet::classifier::make(bundled())).logits(picture(user).view())));
  return answers;
}

}  // namespace

TEST_CASE("shared model: eight threads with a classifier each get the bits of one thread alone") {
  const auto expected = answers_alone();
  std::vector<std::vector<float>> got(users);
  std::vector<std::thread> team;
  for (int user = 0; user < users; ++user)
    team.emplace_back([user, &got] {
      // Every other user asks OpenMP for a team of his own.
      auto mine = must(rexnet::classifier::make(bundled(), 1 + user % 2));
      const picture p(user);
      for (int repeat = 0; repeat < 2; ++repeat)
        got[static_cast<std::size_t>(user)] = must(mine.logits(p.view()));
    });
  for (std::thread& t : team) t.join();
  CHECK(got == expected);
}

TEST_CASE("shared model: eight threads share one network and one pool of the program's") {
  const auto expected = answers_alone();
  const auto net = bundled().net();
  const rexnet::preprocessing input = bundled().input();
  const rexnet::plan plan = must(net.make_plan(input.input_size, input.input_size, 3));
  const auto table = rexnet::normalise_table(input);
  small_pool pool(4);
  rexnet::forward_options options;
  options.threads = {&small_pool::run, &pool};
  std::vector<std::vector<float>> got(users);
  std::vector<std::thread> team;
  for (int user = 0; user < users; ++user)
    team.emplace_back([&, user] {
      rexnet::aligned_buffer workspace(plan.workspace_bytes());
      auto& logits = got[static_cast<std::size_t>(user)];
      logits.resize(expected[0].size());
      const auto pixels = must(rexnet::preprocess_pixels(picture(user).view(), input));
      if (net.forward_u8(plan, pixels.view(), table, logits, {workspace.data(), workspace.size()}, options) !=
          rexnet::errc::ok)
        logits.clear();
    });
  for (std::thread& t : team) t.join();
  CHECK(got == expected);
}

TEST_CASE("shared model: eight threads with a batch each, on one pool of the program's or OpenMP's") {
  const auto expected = answers_alone();
  std::vector<picture> pictures;
  std::vector<rexnet::image_view> views;
  std::vector<float> all;
  for (int i = 0; i < users; ++i) {
    pictures.emplace_back(i);
    const auto& logits = expected[static_cast<std::size_t>(i)];
    all.insert(all.end(), logits.begin(), logits.end());
  }
  for (const picture& p : pictures) views.push_back(p.view());
  small_pool pool(4);
  std::vector<std::vector<float>> got(users);
  std::vector<std::thread> team;
  for (int user = 0; user < users; ++user)
    team.emplace_back([&, user] {
      // A picture per thread, or more threads than pictures; every other user is OpenMP's.
      const rexnet::executor own =
          user % 2 == 0 ? rexnet::executor{&small_pool::run, &pool} : rexnet::executor{};
      auto mine = must(rexnet::classifier::make(bundled(), user < 4 ? 3 : users + 1, own));
      got[static_cast<std::size_t>(user)] = must(mine.logits(views));
    });
  for (std::thread& t : team) t.join();
  for (const auto& logits : got) CHECK(logits == all);
}

#if REXNET_OPENMP
TEST_CASE("shared model: inside a program's own parallel regions, nested or not, the bits stay") {
  const auto expected = answers_alone();
  const int levels = omp_get_max_active_levels();
  for (int allowed : {1, 2}) {  // with one level, a team asked for inside a region has one thread
    CAPTURE(allowed);
    omp_set_max_active_levels(allowed);
    std::vector<std::vector<float>> got(users);
#pragma omp parallel for num_threads(4) schedule(dynamic)
    for (int user = 0; user < users; ++user)
      got[static_cast<std::size_t>(user)] =
          must(must(rexnet::classifier::make(bundled(), 2)).logits(picture(user).view()));
    CHECK(got == expected);
  }
  omp_set_max_active_levels(levels);
}
#endif
