// SPDX-License-Identifier: MIT
// What `classify` and `detect` do around the answers: the pictures that are asked for are read one by one,
// each is answered and printed, those without an answer are named and counted, and a signal ends the run in
// order.
#ifndef REXNET_TOOLS_PICTURE_RUN_HPP
#define REXNET_TOOLS_PICTURE_RUN_HPP

#include "tools/answers.hpp"
#include "tools/commands.hpp"
#include "tools/image_io.hpp"
#include "tools/image_list.hpp"
#include "tools/requests.hpp"

#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace rexnet_tools {

/// What is printed of a picture: one or the other.
// nlohmann's null value throws nothing.
// NOLINTNEXTLINE(bugprone-exception-escape)
struct picture_answer {
  nlohmann::ordered_json entry;
  std::string text;
};

/// The names of pictures that an option asks for, one for each picture that is read.
class drawn_files {
 public:
  /// Throws rexnet::error (invalid_argument).
  /// @param option  "--cam"
  /// @param out     its value: a file for one picture, else a directory; may be empty
  /// @param endings those that a file may have; the first is of the files in a directory
  /// @param several the call is about more than one picture
  drawn_files(const std::string& option, std::string out, const std::vector<std::string>& endings,
              bool several);
  /// OUT, or a path below it: the picture's name with the first ending, numbered where that was taken. Makes
  /// the folders that it lies in.
  [[nodiscard]] std::string path_for(const request& r);

 private:
  std::string out_, ending_;
  bool directory_ = false;
  std::set<std::string> used_;
};

/// One call of a command that answers pictures.
class picture_run {
 public:
  /// Reads the first bytes of standard input where it is asked for. Throws as request_source.
  explicit picture_run(const options& o);
  picture_run(const picture_run&) = delete;
  picture_run& operator=(const picture_run&) = delete;
  virtual ~picture_run() = default;

  /// Answers and prints all, in their order. Throws rexnet::error or exit_with where not every picture has an
  /// answer, output_lost, and what keep() and end() throw, after all of them.
  void run();

 protected:
  /// Puts the answer into `a`. rexnet::error, bad_alloc and other exceptions: there is none, and the others
  /// go on.
  virtual void answer(const request& r, const picture& p, picture_answer& a) = 0;
  /// What is to outlive an answered picture. What it throws ends the run.
  virtual void keep(picture_answer& /*a*/) {}
  /// After the last picture, and after an interruption.
  virtual void end() {}

  [[nodiscard]] const options& given() const { return o_; }
  /// More than one picture, or what may be more.
  [[nodiscard]] bool several() const { return requests_.several(); }
  [[nodiscard]] bool in_words() const { return out_.text(); }
  [[nodiscard]] bool all_answered() const { return failed_.empty(); }
  /// A list named a file that this call writes.
  [[nodiscard]] bool clash() const { return clash_; }
  /// Declares the pictures that are known before the work begins to the output guard. Throws output_is_input.
  void declare_pictures() const;
  /// "photo.jpg (640 x 480, 12.3 ms)", without line feed.
  [[nodiscard]] static std::string head_line(const request& r, const picture& p, double ms);

 private:
  void take(request& r);
  void leave_out(const request& r);
  [[nodiscard]] std::string try_answer(const request& r);
  void say_sums() const;

  const options& o_;
  request_source requests_;
  answers out_;
  // The requests themselves are not kept.
  std::size_t answered_ = 0;
  std::size_t on_their_side_ = 0;  ///< of them not turned upright
  kind_counts failed_, left_out_;
  std::string first_failure_;
  bool clash_ = false;
};

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_PICTURE_RUN_HPP
