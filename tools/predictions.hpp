// SPDX-License-Identifier: MIT
// The file of predictions: a row for each picture, in the data set's order, which grows while pictures are
// classified. A run that was stopped, even by SIGKILL, leaves the first rows, and another goes on from there.
#ifndef REXNET_TOOLS_PREDICTIONS_HPP
#define REXNET_TOOLS_PREDICTIONS_HPP

#include "tools/dataset.hpp"
#include "tools/growing_file.hpp"
#include "tools/tally.hpp"

#include "rexnet/model.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace rexnet_tools {

/// Three checksums, "weights-settings-data": of the network and its weights; of everything else that the rows
/// depend on; of the data set. Each row ends with it.
[[nodiscard]] std::string run_id(const rexnet::model& m, const std::string& settings,
                                 const std::string& data);
/// The same where settings are preprocessing, EXIF, class names and instruction set, and data is paths and
/// labels.
[[nodiscard]] std::string run_id(const rexnet::model& m, const rexnet::preprocessing& input, bool exif,
                                 const class_list& classes, const dataset& data);
/// What two ids of runs do not share. @param settings what the second checksum is of, in words
[[nodiscard]] std::string run_difference(const std::string& found, const std::string& expected,
                                         const char* settings);

class predictions_file {
 public:
  /// Makes a new file, by output_guard's rules. Throws io_error, also where there is one already: hours of
  /// work may be in it.
  /// @param path UTF-8
  static predictions_file create(const std::string& path, std::string run, const class_list& classes);

  /// Goes on with a file, or makes it where there is none. Calls seen(sample's index, prediction) for its
  /// rows (the probabilities of `top` are not read back) and cuts a row off that was not written to its end.
  /// Throws io_error, or invalid_argument where a row is none of this run: the message says what differs.
  static predictions_file resume(const std::string& path, std::string run, const class_list& classes,
                                 const dataset& data,
                                 const std::function<void(std::size_t, const prediction&)>& seen);

  /// Rows of the file.
  [[nodiscard]] std::size_t rows() const { return rows_; }
  void append(const sample& s, const prediction& p);
  /// Hands the rows to the system, which keeps them whatever becomes of this process. Throws io_error.
  void flush() { file_.flush(); }
  /// At the end: some file systems report only then that there was no room. Throws io_error.
  void close() { file_.close(); }

 private:
  predictions_file(const std::string& path, std::string run, const class_list& classes);
  [[nodiscard]] std::string name_of(int label) const;

  std::string run_;
  const class_list* classes_;
  growing_file file_;
  std::size_t rows_ = 0;
};

}  // namespace rexnet_tools

#endif  // REXNET_TOOLS_PREDICTIONS_HPP
