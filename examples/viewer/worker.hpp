// SPDX-License-Identifier: MIT
// The thread that loads models and looks at pictures with them, so that the window never waits. It does not
// use GTK: a program with another toolkit can take it as it is.
#ifndef REXNET_EXAMPLES_VIEWER_WORKER_HPP
#define REXNET_EXAMPLES_VIEWER_WORKER_HPP

#include <rexnet/rexnet.hpp>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace viewer {

/// A model is ready.
struct model_facts {
  std::string name;             ///< of its file
  std::string variant;          ///< "v1 1.0x", "SSDLite on v1 1.0x"
  std::string instruction_set;  ///< of the kernels in use
  int classes = 0;              ///< of a detector without the background
  int input_width = 0, input_height = 0, threads = 0;
};

struct guess {
  std::string label;
  double probability = 0;
};

/// What a detector found, and where.
struct found_box {
  std::string label;
  int number = 0;  ///< of the class, 1 is the first
  double score = 0;
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;  ///< left, top, right, bottom: parts of the picture's sides, 0 to 1
};

/// A picture was read, and looked at where there is a model.
struct answer {
  std::string name;
  std::shared_ptr<const rexnet::rgb_image> shown;  ///< for the screen: sides of at most 2048 pixels or so
  int width = 0, height = 0;                       ///< of the picture itself
  std::vector<guess> top;                ///< of a classifier, the most probable first; empty without a model
  bool is_detectors = false;             ///< then `boxes` is the answer
  std::vector<found_box> boxes;          ///< the most probable first, above the model's own least score
  double resize_ms = 0, network_ms = 0;  ///< of a detector all is in network_ms
};

/// A file cannot be used; what was there before stays.
struct failure {
  std::string name;
  std::string message;  ///< names the file and what is wrong with it
  bool is_model = false;
};

using news = std::variant<model_facts, answer, failure>;
using load_function = std::function<rexnet::result<rexnet::model>()>;
using read_function = std::function<rexnet::result<rexnet::rgb_image>()>;

/// A model at work.
class engine;

class worker {
 public:
  /// @param threads of the forward pass
  /// @param tell    called on the worker's thread with each result
  worker(int threads, std::function<void(news)> tell);
  /// Waits for the job at hand; those that wait are dropped.
  ~worker();
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  /// Both return at once; the functions run on the worker's thread. A job that waits is replaced by a newer
  /// one of its kind, and a picture that was replaced gets no answer.
  void open_model(std::string name, load_function load);
  void open_picture(std::string name, read_function read);

 private:
  template <class Function>
  struct job {
    std::string name;
    Function function;  // empty: nothing to do
  };
  void run();
  void load(const job<load_function>& j);
  void look(const job<read_function>& j);
  void answer_picture();
  [[nodiscard]] bool superseded();

  const int threads_;
  const std::function<void(news)> tell_;
  // Of the worker's thread alone.
  std::unique_ptr<engine> engine_;
  std::string name_;
  rexnet::rgb_image picture_;
  std::shared_ptr<const rexnet::rgb_image> shown_;
  // Shared.
  std::mutex mutex_;
  std::condition_variable wake_;
  job<load_function> next_model_;
  job<read_function> next_picture_;
  bool stop_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace viewer

#endif  // REXNET_EXAMPLES_VIEWER_WORKER_HPP
