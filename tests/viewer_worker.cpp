// SPDX-License-Identifier: MIT
// The viewer's worker without a window: what is told, in which order, and what is not.
#include "examples/viewer/worker.hpp"

#include "tests/support/must.hpp"
#include "tests/support/packed_detector.hpp"
#include "tests/support/skip.hpp"
#include "tools/image_io.hpp"

#include <doctest/doctest.h>
#include <chrono>
#include <deque>
#include <future>
#include <new>

namespace {

/// What a worker told, for a test to wait for.
class inbox {
 public:
  std::function<void(viewer::news)> receiver() {
    return [this](viewer::news n) {
      const std::lock_guard<std::mutex> lock(mutex_);
      told_.push_back(std::move(n));
      wake_.notify_all();
    };
  }
  /// The next piece of news, which has to be a T.
  template <class T>
  T next() {
    std::unique_lock<std::mutex> lock(mutex_);
    REQUIRE(wake_.wait_for(lock, std::chrono::seconds(60), [this] { return !told_.empty(); }));
    REQUIRE(std::holds_alternative<T>(told_.front()));
    T n = std::get<T>(std::move(told_.front()));
    told_.pop_front();
    return n;
  }
  bool empty() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return told_.empty();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<viewer::news> told_;
};

viewer::load_function bundled() {
  return [] { return rexnet::load(rexnet_test::source_path("models/clothing_1.0x.rexnet")); };
}

viewer::read_function bundled_picture(const std::string& name) {
  return [name] { return rexnet_tools::read_image(rexnet_test::source_path("examples/pictures/" + name)); };
}

viewer::read_function grey(int width, int height) {
  return [=]() -> rexnet::result<rexnet::rgb_image> {
    return rexnet::rgb_image{width, height, std::vector<std::uint8_t>(std::size_t(width) * height * 3, 99)};
  };
}

}  // namespace

TEST_CASE("viewer worker: a model, then a picture") {
  inbox box;
  viewer::worker w(2, box.receiver());
  w.open_model("clothing", bundled());
  const auto facts = box.next<viewer::model_facts>();
  CHECK(facts.name == "clothing");
  CHECK(facts.variant == "v1 1.0x");
  CHECK(facts.classes == 10);
  CHECK(facts.input_width == 112);
  CHECK(facts.input_height == 112);
  CHECK(facts.threads == 2);
  w.open_picture("hat.png", bundled_picture("hat.png"));
  const auto a = box.next<viewer::answer>();
  CHECK(a.name == "hat.png");
  CHECK(a.width == 400);
  REQUIRE(a.top.size() == 5);
  CHECK(a.top[0].label == "hat");
  CHECK(a.top[0].probability == doctest::Approx(0.967714).epsilon(1e-3));
  CHECK(a.network_ms > 0);
}

TEST_CASE("viewer worker: a detector's boxes are parts of the picture, and a classifier takes over") {
  inbox box;
  viewer::worker w(2, box.receiver());
  const rexnet_test::packed_detector file;
  w.open_model("detector", [&file] { return rexnet::load_copy(file.span()); });
  const auto facts = box.next<viewer::model_facts>();
  CHECK(facts.name == "detector");
  CHECK(facts.variant == "SSDLite on v1 0.3x");
  CHECK(facts.classes == 3);
  CHECK(facts.input_width == 130);
  CHECK(facts.input_height == 96);
  CHECK(facts.threads == 2);
  w.open_picture("hat.png", bundled_picture("hat.png"));
  auto a = box.next<viewer::answer>();
  CHECK(a.is_detectors);
  CHECK(a.top.empty());
  CHECK(a.network_ms > 0);
  const rexnet::rgb_image picture = rexnet_test::must(bundled_picture("hat.png")());
  auto detector =
      rexnet_test::must(rexnet::detector::make(rexnet_test::must(rexnet::load_copy(file.span()))));
  const auto expected = rexnet_test::must(detector.detect(picture.view()));
  REQUIRE(a.boxes.size() == expected.size());
  CHECK(!a.boxes.empty());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const rexnet::detection& d = expected[i];
    CHECK(a.boxes[i].number == d.label);
    CHECK(a.boxes[i].label == (d.label == 1 ? "one" : d.label == 2 ? "class 2" : "three"));
    CHECK(a.boxes[i].score == static_cast<double>(d.score));
    CHECK(a.boxes[i].x1 * picture.width == doctest::Approx(static_cast<double>(d.at.x1)));
    CHECK(a.boxes[i].y1 * picture.height == doctest::Approx(static_cast<double>(d.at.y1)));
    CHECK(a.boxes[i].x2 * picture.width == doctest::Approx(static_cast<double>(d.at.x2)));
    CHECK(a.boxes[i].y2 * picture.height == doctest::Approx(static_cast<double>(d.at.y2)));
  }
  w.open_model("clothing", bundled());
  CHECK(box.next<viewer::model_facts>().variant == "v1 1.0x");
  a = box.next<viewer::answer>();
  CHECK_FALSE(a.is_detectors);
  CHECK(a.boxes.empty());
  CHECK(a.top.at(0).label == "hat");
}

TEST_CASE("viewer worker: torchvision's checkpoint without labels finds numbered classes") {
  REXNET_NEEDS("fixtures/detection/ssdlite_050_320.pth");
  inbox box;
  viewer::worker w(1, box.receiver());
  w.open_model("ssdlite", [] {
    return rexnet::load(rexnet_test::shared_path("fixtures/detection/ssdlite_050_320.pth"));
  });
  CHECK(box.next<viewer::model_facts>().input_width == 320);
  w.open_picture("hat.png", bundled_picture("hat.png"));
  const auto a = box.next<viewer::answer>();
  CHECK(a.boxes.size() > 100);
  CHECK(a.boxes.at(0).label == "class " + std::to_string(a.boxes.at(0).number));
}

TEST_CASE("viewer worker: a picture without a model is shown, and answered when one comes") {
  inbox box;
  viewer::worker w(1, box.receiver());
  w.open_picture("pants.png", bundled_picture("pants.png"));
  CHECK(box.next<viewer::answer>().top.empty());
  w.open_model("clothing", bundled());
  box.next<viewer::model_facts>();
  const auto a = box.next<viewer::answer>();
  CHECK(a.name == "pants.png");
  CHECK(a.top.at(0).label == "pants");
}

TEST_CASE("viewer worker: the newest picture wins, and nobody waits for the worker") {
  inbox box;
  viewer::worker w(1, box.receiver());
  std::promise<void> started, release;
  w.open_picture("slow", [&]() -> rexnet::result<rexnet::rgb_image> {
    started.set_value();
    release.get_future().wait();
    return rexnet::rgb_image{1, 1, {1, 2, 3}};
  });
  started.get_future().wait();
  bool read = false;
  w.open_picture("second", [&]() -> rexnet::result<rexnet::rgb_image> {
    read = true;
    return rexnet::rgb_image{1, 1, {1, 2, 3}};
  });
  w.open_picture("third", grey(3, 2));  // all this while the first one is being read
  CHECK(box.empty());
  release.set_value();
  CHECK(box.next<viewer::answer>().name == "third");
  CHECK(box.empty());
  CHECK_FALSE(read);
}

TEST_CASE("viewer worker: what cannot be used is named, and the worker goes on") {
  inbox box;
  viewer::worker w(1, box.receiver());
  w.open_model("no.rexnet", [] { return rexnet::load("no.rexnet"); });
  auto f = box.next<viewer::failure>();
  CHECK(f.is_model);
  CHECK(f.message.find("no.rexnet: cannot be opened") == 0);
  w.open_picture("no.png", [] { return rexnet_tools::read_image("no.png"); });
  f = box.next<viewer::failure>();
  CHECK_FALSE(f.is_model);
  CHECK(f.message.find("no.png: cannot be opened") == 0);
  w.open_picture("huge.png", []() -> rexnet::result<rexnet::rgb_image> { throw std::bad_alloc(); });
  CHECK(box.next<viewer::failure>().message.find("huge.png: ") == 0);
  w.open_model("clothing", bundled());
  box.next<viewer::model_facts>();
  // No answer for huge.png's predecessor: a picture that failed leaves none behind.
  w.open_picture("grey", grey(5, 4));
  CHECK(box.next<viewer::answer>().name == "grey");
  w.open_model("no.rexnet", [] { return rexnet::load("no.rexnet"); });
  CHECK(box.next<viewer::failure>().is_model);
  w.open_picture("hat.png", bundled_picture("hat.png"));
  CHECK(box.next<viewer::answer>().top.at(0).label == "hat");  // by the model that was there
}

TEST_CASE("viewer worker: a thread count that the network refuses is an error") {
  inbox box;
  viewer::worker w(0, box.receiver());
  w.open_model("clothing", bundled());
  CHECK(box.next<viewer::failure>().message.find("clothing: 0 threads") == 0);
  const rexnet_test::packed_detector file;
  w.open_model("detector", [&file] { return rexnet::load_copy(file.span()); });
  CHECK(box.next<viewer::failure>().message.find("detector: 0 threads") == 0);
}

TEST_CASE("viewer worker: what the screen gets") {
  inbox box;
  viewer::worker w(1, box.receiver());
  w.open_picture("small", grey(5, 4));
  CHECK(box.next<viewer::answer>().shown->width == 5);
  w.open_picture("camera", [] {
    rexnet::rgb_image p{6000, 4100, std::vector<std::uint8_t>(std::size_t(6000) * 4100 * 3)};
    for (std::size_t i = 0; i < p.data.size(); ++i) p.data[i] = i / 3 % 2 == 0 ? 100 : 102;
    return rexnet::result<rexnet::rgb_image>(std::move(p));
  });
  const auto a = box.next<viewer::answer>();
  CHECK(a.width == 6000);
  CHECK(a.shown->width == 3000);
  CHECK(a.shown->height == 2050);
  CHECK(a.shown->data.size() == std::size_t(3000) * 2050 * 3);
  CHECK(a.shown->data.front() == 101);
  CHECK(a.shown->data.back() == 101);
  w.open_picture("line", grey(9000, 1));
  CHECK(box.next<viewer::answer>().shown->width == 9000);
}

TEST_CASE("viewer worker: closing drops what waits") {
  bool read = false;
  std::promise<void> started, release;
  inbox box;
  std::future<void> waiter;
  {
    viewer::worker w(1, box.receiver());
    w.open_picture("slow", [&]() -> rexnet::result<rexnet::rgb_image> {
      started.set_value();
      release.get_future().wait();
      return rexnet::rgb_image{1, 1, {1, 2, 3}};
    });
    started.get_future().wait();
    w.open_picture("next", [&]() -> rexnet::result<rexnet::rgb_image> {
      read = true;
      return rexnet::rgb_image{1, 1, {1, 2, 3}};
    });
    waiter = std::async(std::launch::async, [&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the destructor waits by now
      release.set_value();
    });
  }
  CHECK_FALSE(read);
  CHECK(box.empty());
}
